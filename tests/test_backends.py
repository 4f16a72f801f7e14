"""Compiling, which takes a minute after an installation, is said once, and not when it was done before."""

import os
import subprocess
import sys

KERNEL = """
import numba

@numba.njit(cache=True)
def double(x):
    return 2 * x

@numba.njit(cache=True)
def triple(x):
    return 3 * x
"""
USE = """
import os
from antipodal.backends import say_when_compiling
say_when_compiling()
from kernel import double, triple
pid = os.fork()
assert double(2) == 4
if pid:
    os.waitpid(pid, 0)
assert triple(2) == 6
"""


def test_the_first_process_says_that_it_compiles_and_later_ones_do_not(tmp_path):
    (tmp_path / "kernel.py").write_text(KERNEL)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])}
    command = [sys.executable, "-c", USE]
    said = [subprocess.run(command, env=env, capture_output=True, text=True, check=True).stderr for _ in range(2)]
    assert said == ["compiling, once after an installation; up to two minutes\n", ""]
