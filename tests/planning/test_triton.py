"""Triton kernels on the CPU, in Triton's interpreter, or on a GPU where there is one."""

import contextlib
import importlib.metadata
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from antipodal import backends

HERE = Path(__file__).parents[1]


def run(script, *arguments, **environment):
    """In a process of its own: Triton reads TRITON_INTERPRET when it is imported."""
    pytest.importorskip("triton", reason="needs triton: pip install antipodal[cuda]")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    ran = subprocess.run(
        [sys.executable, str(HERE / script), *arguments], env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    return ran


def _interpreter_hands_constants_on():
    """From Triton 3.1 on; Python 3.8 has 3.0 at the newest."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return tuple(map(int, importlib.metadata.version("triton").split(".")[:2])) >= (3, 1)
    return True


@pytest.mark.parametrize("version, hands_on", [("3.0.0", False), ("2.1.0", False), ("3.1.0", True), ("4.0", True)])
def test_old_interpreters_are_known(monkeypatch, version, hands_on):
    monkeypatch.setattr(importlib.metadata, "version", lambda name: version)
    assert _interpreter_hands_constants_on() == hands_on


NETWORK = ["network_input_equals_its_twin", "stem_equals_its_twin", "score_equals_the_planners"]
REST = ["mixture_equals_its_twin", "widest_opening_equals_its_twin", "plan_equals_its_twin"]


@pytest.fixture(scope="module")
def twins():
    """What all checks printed, in one process."""
    if not torch.cuda.is_available() and not _interpreter_hands_constants_on():
        pytest.skip("Triton 3.0's interpreter hands no tl.constexpr to functions that a kernel calls")
    interpreter = {} if torch.cuda.is_available() else {"TRITON_INTERPRET": "1"}
    return run("triton_equality.py", *NETWORK, *REST, **interpreter)


@pytest.mark.parametrize("check", [*NETWORK, *REST])
def test_equals_its_twin(twins, check):
    assert f"{check}: equal\n" in twins.stdout, twins.stderr


def test_compiles_for_a_gpu_that_is_not_there():
    """What the interpreter lets pass: types, tile shapes, shared memory, and the assembler."""
    compiler = pytest.importorskip("triton.compiler", reason="needs triton: pip install antipodal[cuda]")
    if "constexprs" not in inspect.signature(getattr(compiler, "ASTSource", compiler.compile)).parameters:
        pytest.skip("this Triton takes a kernel's constants in another form")
    run("triton_compile.py", TRITON_INTERPRET="0")


def test_without_triton_a_gpu_runs_plain_torch_and_says_so(monkeypatch):
    monkeypatch.setattr(backends.importlib.util, "find_spec", lambda name: None)
    backends._installed.cache_clear()
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    with pytest.warns(UserWarning, match="triton, which is not installed: pip install triton"):
        assert not backends.uses_triton(torch.zeros(1))
    backends._installed.cache_clear()


def test_main_memory_is_no_business_of_theirs(monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    assert not backends.uses_triton(torch.zeros(1))


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a CUDA device")
@pytest.mark.parametrize("benchmark", ["kernels.py", "plan_gpu.py"])
def test_benchmarks_say_what_they_need(benchmark):
    pytest.importorskip("trimesh")
    path = HERE.parent / "benchmarks" / benchmark
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run([sys.executable, str(path)], env=environment, capture_output=True, text=True)
    assert ran.returncode == 2 and "no CUDA device is seen by torch" in ran.stderr and "--dry-run" in ran.stderr
