"""Compiling is said once, not when it was done before; and what one plan frees the next may use."""

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

BAR = """
import sys
from tqdm import tqdm
from antipodal.backends import tell_beside_bars
with tqdm(total=2) as bar:
    tell_beside_bars("a line of its own")
"""


def test_a_line_beside_a_bar_stands_alone():
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    said = subprocess.run([sys.executable, "-c", BAR], env=env, capture_output=True, text=True, check=True).stderr
    assert "a line of its own" in said.replace("\r", "\n").split("\n")


def test_the_first_process_says_that_it_compiles_and_later_ones_do_not(tmp_path):
    (tmp_path / "kernel.py").write_text(KERNEL)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])}
    command = [sys.executable, "-c", USE]
    said = [subprocess.run(command, env=env, capture_output=True, text=True, check=True).stderr for _ in range(2)]
    assert said == ["compiling, once after an installation; up to two minutes\n", ""]


MEMORY = """
import resource
import numpy as np
from antipodal.backends import keep_freed_memory
keep_freed_memory()

def page_faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    [np.ones(4 << 20, np.uint8) for _ in range(8)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print(page_faults(), page_faults())
"""


def test_what_a_plan_frees_is_there_for_the_next():
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", MEMORY], env=env, capture_output=True, text=True, check=True)
    first, again = map(int, done.stdout.split())
    assert first > 4000 and again < 400  # pages of 4 kB
