"""Every command ends alike: its errors in one line, quietly when its reader leaves."""

import argparse
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import antipodal
from antipodal.errors import InputError, ModelError, NoGraspFound, check_outputs, command_parser, require, run_command

COMMAND = """
import sys
from antipodal.errors import run_command

def main(arguments):
    print("line\\n" * {lines}, end="")
    return 3

sys.exit(run_command(main))
"""

PACKAGE = Path(antipodal.__file__).parent
ENTRY = PACKAGE / "__main__.py"  # tests/test_main.py
COMMANDS = [p for p in sorted(PACKAGE.rglob("*.py")) if p != ENTRY and '__name__ == "__main__"' in p.read_text()]
UNUSABLE = {  # arguments, of which NOTHING is no file
    "compare": "NOTHING --out OUT",
    "dexnet.__main__": "weights NOTHING OUT",
    "plan": "NOTHING --camera NOTHING",
    "ros.bag": "NOTHING.mcap",
    "sim.calibrate": "NOTHING --objects NOTHING --logs OUT",
    "sim.evaluate": "--objects NOTHING -n 1 --json OUT",
    "sim.follow": "--objects NOTHING -n 1 --json OUT",
    "synth.generate": "--meshes NOTHING --gripper NOTHING --camera NOTHING --samples 1 --out OUT",
    "synth.grippers": "NOTHING --out OUT",
    "synth.inspect": "NOTHING",
    "synth.meshes": "NOTHING --points 10 --out OUT",
    "train": "--data NOTHING --out OUT",
    "viewer.__main__": "NOTHING --camera NOTHING",
}


def module_of(path):
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


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


@pytest.mark.parametrize(
    "error, code, said",
    [
        (NoGraspFound("0 of 3 pairs", {}), 1, "no grasp found: 0 of 3 pairs"),
        (InputError("mask is empty"), 2, "error: mask is empty"),
        (ModelError("no model file"), 2, "error: no model file"),
        (FileNotFoundError(2, "No such file", "a.npy"), 2, "error: [Errno 2] No such file: 'a.npy'"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_errors_end_in_one_line_and_a_code(error, code, said, capsys):
    def main(arguments):
        raise error

    assert run_command(main) == code
    assert capsys.readouterr().err == said + "\n"


def test_what_is_required_is_looked_for_before_the_work(capsys):
    assert run_command(lambda _: require("json", "no_such_module") or 0) == 2
    assert capsys.readouterr().err.startswith("error: this needs no_such_module, which is not installed: pip install")
    require("json", "numpy")


def test_a_misspelt_option_is_guessed(capsys):
    parser = command_parser("plan", "x")
    parser.add_argument("--gripper")
    for given, said in (
        ("--griper", "unrecognized arguments: --griper yumi; did you mean --gripper?"),
        ("--q", "--q yumi\n"),
    ):
        with pytest.raises(SystemExit):
            parser.parse_args([given, "yumi"])
        assert capsys.readouterr().err.endswith(said if said.endswith("\n") else said + "\n")


def test_what_is_no_error_of_ours_is_not_hidden():
    def main(arguments):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_command(main)


@pytest.mark.parametrize("path", COMMANDS, ids=module_of)
def test_every_command_ends_by_run_command(path):
    assert path.read_text().endswith('if __name__ == "__main__":\n    sys.exit(run_command(main))\n')


DOCTOR = PACKAGE / "ros" / "doctor.py"  # a file that cannot be used is its result, tests/ros/test_doctor.py


@pytest.mark.parametrize("path", [p for p in COMMANDS if p != DOCTOR], ids=module_of)
def test_every_command_refuses_files_that_are_not_there(path, tmp_path, capsys):
    words = UNUSABLE[module_of(path)].replace("NOTHING", str(tmp_path / "none")).replace("OUT", str(tmp_path / "out"))
    command = importlib.import_module(f"antipodal.{module_of(path)}")
    assert run_command(command.main, words.split()) == 2
    assert "none" in capsys.readouterr().err


def test_a_pipe_takes_several_outputs(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    args = argparse.Namespace(json=str(tmp_path / "pipe"), png=tmp_path / "pipe", out=tmp_path / "pipe")
    check_outputs(args, ("json", "png"))
    with pytest.raises(InputError, match=r"out must be a folder, .*pipe is a file"):
        check_outputs(args, ("json", "png"), ("out",))
