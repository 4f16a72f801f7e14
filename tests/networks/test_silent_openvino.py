"""Loading a planner and planning asks for no name outside, and writes nothing into the user's home."""

import os
import subprocess
import sys

import pytest
from conftest import REPO

PROGRAM = """
import socket, sys, time
sys.path.insert(0, "tests")
def refuse(host, *_, **__):
    print("ASKED FOR", host, flush=True)
    raise socket.gaierror(f"refused: {host}")
def refuse_connection(self, address):
    print("CONNECTED TO", address, flush=True)
    raise OSError(f"refused: {address}")
socket.getaddrinfo = socket.gethostbyname = refuse
socket.socket.connect = refuse_connection
%s
import scenes
from antipodal.planner import GraspPlanner
planner = GraspPlanner.load("models/default.pt", device="cpu")
depth, mask = scenes.render([scenes.box((0.03, 0.02), (0.10, 0.03, 0.04), 0.4)])
print("P", planner.plan(depth, scenes.CAMERA)[0].quality)
print("TYPE", type(planner.score.network).__name__)
time.sleep(1)
"""


def run(home, before=""):
    environment = {**os.environ, "HOME": str(home), "PYTHONPATH": os.pathsep.join([str(REPO / "src"), *sys.path])}
    environment.pop("CI", None)
    return subprocess.run(
        [sys.executable, "-c", PROGRAM % before],
        cwd=REPO,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout


def test_nothing_leaves_the_machine_and_nothing_is_written_into_the_home(tmp_path):
    pytest.importorskip("openvino")
    output = run(tmp_path)
    assert "P 0." in output
    assert "ASKED FOR" not in output and "CONNECTED TO" not in output
    assert [p for p in tmp_path.rglob("*") if "intel" in str(p).lower() or "openvino" in str(p).lower()] == []


def test_conversion_reports_nothing_for_a_program_that_imported_openvino_itself(tmp_path):
    pytest.importorskip("openvino")
    before = "import openvino\ntime.sleep(1)\nprint('IMPORTED', flush=True)"
    output = run(tmp_path, before)
    assert "ASKED FOR" not in output.partition("IMPORTED")[2]


def test_loading_imports_nothing_that_only_checks_of_a_trace_need():
    """A planner's start took a second longer for them."""
    pytest.importorskip("openvino")
    program = """
import sys
from antipodal.planner import GraspPlanner
GraspPlanner.load("models/default.pt", device="cpu")
print([name for name in ("sympy", "torch.distributed.tensor") if name in sys.modules])
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(REPO / "src"), *sys.path])}
    command = [sys.executable, "-c", program]
    run = subprocess.run(command, cwd=REPO, env=environment, capture_output=True, text=True, check=True, timeout=120)
    assert run.stdout.splitlines()[-1] == "[]"
