"""Commands end quietly when their reader leaves."""

import subprocess
import sys

import pytest

COMMAND = """
import sys
from antipodal.errors import run_command

def main():
    print("line\\n" * {lines}, end="")
    return 3

sys.exit(run_command(main))
"""


@pytest.mark.parametrize("lines", [1, 100_000])  # less and more than a buffer
def test_a_reader_that_leaves_is_no_error(lines):
    reader = subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.PIPE)
    reader.wait()  # nobody reads the pipe any more
    command = [sys.executable, "-c", COMMAND.format(lines=lines)]
    ended = subprocess.run(command, stdout=reader.stdin, stderr=subprocess.PIPE)
    assert ended.stderr == b"" and ended.returncode == 0


def test_the_exit_code_is_the_commands_own():
    ended = subprocess.run([sys.executable, "-c", COMMAND.format(lines=2)], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (3, "line\nline\n", "")
