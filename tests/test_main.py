"""The one command: help, version, dispatch, completion, missing packages, Ctrl-C."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import REPO
from scenes import CAMERA, box, render

import antipodal.__main__ as entry
from antipodal import resources
from antipodal.errors import interrupts_end, interrupts_wait, missing_package, run_command

RUN = [sys.executable, "-m", "antipodal"]
HEAVY = ("torch", "numba", "scipy", "trimesh", "tqdm", "matplotlib", "mujoco", "cv2")


def run(*arguments, **more):
    return subprocess.run([*RUN, *arguments], capture_output=True, text=True, timeout=300, **more)


def test_help_lists_every_command_and_imports_nothing_heavy():
    code = f"""
import sys
from antipodal.__main__ import main
try:
    main(["--help"])
except SystemExit as e:
    assert e.code == 0
assert not set({HEAVY}) & set(sys.modules), set({HEAVY}) & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name in entry.COMMANDS:
        assert re.search(rf"^  {name} +\w", done.stdout, re.M), name
    assert "examples:" in done.stdout and "exit codes:" in done.stdout


def test_version_is_the_packages():
    assert run("--version").stdout == f"antipodal {resources.version()}\n"


@pytest.mark.parametrize("arguments", [[], ["nope"], ["plan"], ["completion", "fish"]])
def test_bad_usage_exits_with_2(arguments):
    done = run(*arguments)
    assert done.returncode == 2 and "usage: antipodal" in done.stderr


@pytest.mark.parametrize("name", [n for n in entry.COMMANDS if n != "view"])
def test_every_command_explains_itself_with_examples(name, capsys):
    with pytest.raises(SystemExit) as ended:
        entry.main([name, "--help"])
    text = capsys.readouterr().out
    assert ended.value.code == 0
    assert text.startswith(f"usage: antipodal {name}") and f"  antipodal {name} " in text
    assert not re.search(" $", text, re.M)


@pytest.mark.parametrize("name", ["generate", "plan", "train", "evaluate", "compare", "bag", "doctor"])
def test_every_option_is_explained(name):
    actions = entry._load(name)._parser()._actions
    assert [a.dest for a in actions if not a.help] == []


@pytest.mark.parametrize("name", [*(n for n in entry.COMMANDS if n not in ("view", "import")), "import weights"])
def test_every_command_that_ends_writes_json(name, capsys):
    with pytest.raises(SystemExit):
        entry.main([*name.split(), "--help"])
    assert "--json" in capsys.readouterr().out


def test_the_script_plans_as_the_module_does(tmp_path):
    np.save(tmp_path / "depth.npy", render([box((0.03, 0.02), (0.10, 0.03, 0.04), 0.4)])[0])
    (tmp_path / "camera.yaml").write_text("".join(f"{k}: {v}\n" for k, v in CAMERA.to_dict().items()))
    arguments = ["plan", "depth.npy", "--camera", "camera.yaml", "--gripper", "franka_hand", "--json", "plan.json"]
    for command in (RUN, [sys.executable, str(REPO / "scripts" / "antipodal")]):
        done = subprocess.run([*command, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "plan.json").stat().st_size > 500
        (tmp_path / "plan.json").unlink()


def test_a_module_that_is_not_installed_is_one_sentence_with_its_command(monkeypatch, capsys):
    lines = ["numpy>=1", 'trimesh>=4; extra == "synth"', 'tqdm>=4.40; extra == "synth"', 'viser>=1; extra == "view"']
    monkeypatch.setattr("antipodal.errors.metadata.requires", lambda name: lines)

    def main(arguments):
        raise ModuleNotFoundError("No module named 'trimesh'", name="trimesh.path")

    assert run_command(main, [], ("synth",)) == 2
    assert capsys.readouterr().err == (
        "error: this needs trimesh, which is not installed: pip install 'trimesh>=4' 'tqdm>=4.40'\n"
    )
    assert missing_package("cv2", ("synth",)).endswith("pip install opencv-python-headless")
    assert missing_package("viser").endswith("pip install viser")


def test_a_module_of_ours_that_is_missing_is_a_fault_not_a_hint():
    def main(arguments):
        raise ModuleNotFoundError("No module named 'antipodal.gone'", name="antipodal.gone")

    with pytest.raises(ModuleNotFoundError):
        run_command(main, [])


HIDE = """
import importlib.machinery, io, json, sys
from contextlib import redirect_stderr, redirect_stdout
found = importlib.machinery.PathFinder.find_spec
def find_spec(name, *others):
    return None if name.split(".")[0] in {hidden} else found(name, *others)
importlib.machinery.PathFinder.find_spec = find_spec
from antipodal.__main__ import start
ended = []
for arguments in json.loads(sys.argv[1]):
    sys.argv, out, err = ["antipodal", *arguments], io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = start()
        except SystemExit as e:
            code = e.code
    ended.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(ended))
"""
EXTRAS = (
    "trimesh",
    "tqdm",
    "mujoco",
    "viser",
    "matplotlib",
    "defusedxml",
    "coacd",
    "rosbags",
    "openvino",
    "tensorboard",
)


def run_without(hidden, lines, folder):
    """Commands one after the other in one Python that lacks some libraries: their exit codes and what they printed, on
    standard output and on standard error."""
    command = [sys.executable, "-c", HIDE.format(hidden=tuple(hidden)), json.dumps([line.split() for line in lines])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=folder)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return dict(zip(lines, json.loads(done.stdout)))


@pytest.fixture(scope="module")
def helps(tmp_path_factory):
    return run_without(EXTRAS, [f"{name} --help" for name in entry.COMMANDS], tmp_path_factory.mktemp("helps"))


@pytest.mark.parametrize("name", entry.COMMANDS)
def test_help_needs_none_of_the_extras(name, helps):
    code, printed, complained = helps[f"{name} --help"]
    assert code == 0 and printed.startswith(f"usage: antipodal {name}"), complained
    assert complained == ""


LACKING = {
    "generate --meshes procedural:2 --gripper yumi --camera primesense --samples 1 --out out": "trimesh",
    "evaluate --objects procedural:2 -n 1 --json out.json": "mujoco",
    "gripper none.stl --out out.yaml": "trimesh",
    "train --data none --out out.pt": "tqdm",
}


def test_without_an_extra_the_command_says_how_to_install_it(tmp_path):
    for line, (code, _, complained) in run_without(EXTRAS, list(LACKING), tmp_path).items():
        said = re.fullmatch(r"error: this needs (\w+), .* pip install .*\n", complained)
        assert code == 2 and said and said.group(1) == LACKING[line], f"{line}: {complained}"
    assert not list(tmp_path.iterdir())


MODULES = ["antipodal", "antipodal.sim.follow", "antipodal.synth.meshes", *(c.module for c in entry.COMMANDS.values())]


@pytest.mark.parametrize("module", MODULES)
def test_an_interrupt_while_modules_load_is_one_line(module):
    words = [module, *(["evaluate"] if module == "antipodal" else [])]
    command = [sys.executable, "-m", *words, "--help"]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        while child.poll() is None and "multiarray" not in Path(f"/proc/{child.pid}/maps").read_text():  # numpy's
            time.sleep(0.005)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=60)
    finally:
        child.kill()
    assert child.returncode == 130 and re.fullmatch(r"interrupted(: .+)?\n", said)  # generate says that it resumes


def test_signals_mean_afterwards_what_they_meant_before():
    before = signal.getsignal(signal.SIGINT)
    with interrupts_end():
        assert signal.getsignal(signal.SIGINT) not in (before, signal.SIG_DFL)
    assert signal.getsignal(signal.SIGINT) == before


def test_what_must_not_be_half_made_is_made_before_an_interrupt():
    made, before = False, signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), interrupts_wait():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)  # another thread may take it
        made = True
    assert made and signal.getsignal(signal.SIGINT) == before


@pytest.mark.parametrize(
    "words, expected",
    [
        (["antipodal", "gen"], {"generate"}),
        (["antipodal", "plan", "--cam"], {"--camera"}),
        (["antipodal", "plan", "--gripper", "fr"], {"franka_hand"}),
        (["antipodal", "train", "--out", ""], set()),  # then bash offers files
    ],
)
def test_completion_offers_commands_options_and_names(words, expected, monkeypatch):
    monkeypatch.setattr(entry, "_options", lambda name: ["--camera", "--json"])
    line = " ".join(f"'{w}'" for w in words)
    script = f"{entry.completion('bash')}\nCOMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _antipodal\n"
    done = subprocess.run(["bash", "-c", script + 'echo "${COMPREPLY[@]}"'], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == expected


def test_completion_knows_the_options_of_a_command():
    assert {"--camera", "--gripper", "--help", "--json", "--png"} <= set(entry._options("plan"))


SAME = [
    ("inspect run --json run/manifest.json", "json and the manifest are one file"),
    ("inspect run --png x.html --report x.html", "report and png are one file"),
    ("generate --meshes procedural:1 --gripper yumi --camera primesense --samples 1 --out run --json run/manifest.json",
     "json and the manifest are one file"),
    ("generate --meshes run --gripper yumi --camera primesense --samples 1 --out run", "out and meshes are one file"),
    ("train --data run --out run/manifest.json", "out and the manifest of run are one file"),
    ("train --data run --out m.pt --json m.ckpt", "json and the .ckpt beside out are one file"),
    ("train --data run --out m.pt --report m.pt", "report and out are one file"),
    ("evaluate --objects run -n 1 --json x.jsonl", "json and the log are one file"),
    ("evaluate --objects run -n 1 --json x.json --report x.png", "report and the pictures are one file"),
    ("evaluate --objects run -n 1 --objects-list names --json names", "json and objects_list are one file"),
    ("calibrate m.pt --objects run --logs l --json m.pt", "json and model are one file"),
    ("calibrate m.pt --objects run --logs l --out x.md", "out and the .md beside out are one file"),
    ("compare m.pt --out l --json x --report x", "report and json are one file"),
    ("compare m.pt --out names", "out must be a folder, names is a file"),
    ("import weights run run", "out must be a file, run is a folder"),
    ("gripper names --out names", "out and mesh are one file"),
    ("bag names --out l --json l/grasps.csv", "json and the table are one file"),
    ("bag run --out run", "out and bag are one file"),
    ("doctor --gripper names --json names", "json and gripper are one file"),
    ("plan names --json names", "json and depth are one file"),
]  # fmt: skip


@pytest.mark.parametrize("line, complaint", SAME, ids=[line for line, _ in SAME])
def test_no_command_replaces_its_inputs(line, complaint, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    for name in ("run/manifest.json", "m.pt", "names"):
        (tmp_path / name).write_text("kept")
    assert run_command(entry.main, line.split()) == 2
    assert complaint in capsys.readouterr().err
    assert all((tmp_path / name).read_text() == "kept" for name in ("run/manifest.json", "m.pt", "names"))
    assert len(list(tmp_path.rglob("*"))) == 4


GENERATE = "generate --meshes procedural:1 --gripper yumi --camera primesense --samples 1 --out o "
EVALUATE = "evaluate --objects procedural:1 -n 1 --policies centroid "
CALIBRATE = "calibrate default --objects procedural:4 --logs l "
NONSENSE = [
    ("view x.npy --stride 0", "--stride: must be at least 1, got 0"),
    ("view x.npy --stride -1", "--stride: must be at least 1, got -1"),
    ("view x.npy --max-grasps 0", "--max-grasps: must be at least 1"),
    ("view x.npy --seed -1", "--seed: must be at least 0"),
    ("view x.npy --topic /depth", "topic is of a recording"),
    ("view x.bag --mask x.npy --depth-scale 1", "mask and depth_scale is of depth images in files"),
    ("view x.npy --dataset d", "one is shown at a time, got depth and dataset"),
    ("view --hand h.stl --evaluation x.json", "one is shown at a time, got evaluation and hand"),
    ("bag x.bag --stride 0", "--stride: must be at least 1, got 0"),
    ("doctor --seconds nan", "--seconds: must be at least"),
    ("doctor --seconds 0", "--seconds: must be at least"),
    (GENERATE + "--scale nan", "--scale: must be at least"),
    (GENERATE + "--scale inf", "--scale: must be at most"),
    (GENERATE + "--seed -1", "--seed: must be at least 0"),
    (GENERATE + "--samples 1e3", "--samples: must be a whole number, got '1e3'"),
    (GENERATE + f"--samples {10**20}", "--samples: must be at most 1e+10"),
    (GENERATE + "--clutter 1000", "--clutter: must be at most 100"),
    (GENERATE + f"--meshes procedural:{10**20}", "1 to a million"),
    (GENERATE + "--set grasps=0", "option grasps must be 1 or more"),
    (GENERATE + "--set labels.draws=0", "option labels.draws must be 1 or more"),
    (GENERATE + "--set cameras.radius=[0.5,0.4]", "radius must be above 0, and a range its lower end first"),
    (GENERATE + "--set pixel_window=1", "pixel crops cannot be"),
    (GENERATE + "--set pixel_size=100000", "pixel crops cannot be"),
    (GENERATE + "--set cameras.polar=[3,4]", "cameras.polar must end at pi/2 or before"),
    (GENERATE + "--set candidates.antipodal=0.9", "are shares that add up to 1"),
    (GENERATE + "--set x=[", "cannot read the value of 'x=['"),
    (EVALUATE + "--seed -1", "seed must be a whole number from 0"),
    (EVALUATE + "--tilt 90", "a tilt of 0 to 75 degrees, got 0.7 m and 90 degrees"),
    (EVALUATE + "--height inf", "a height of 0 to 10 m"),
    (EVALUATE + "--clutter 1-", "a number or a range such as 5-8 is needed, got '1-'"),
    (EVALUATE + "--clutter 99999", "clutter must be 1 to 100 objects"),
    (EVALUATE + "--approach front:", "--approach is table, camera, any, front or front:DEG"),
    (EVALUATE + "--policies random,random", "each policy counts once"),
    (CALIBRATE + "--singles -1", "--singles: must be at least 0"),
    (CALIBRATE + "--singles 0 --heaps 0", "no scene to pick in"),
    (CALIBRATE + "--singles 1 --single-picks 0", "--single-picks: must be at least 1"),
    (CALIBRATE + "--exclude names", "exclude names none of the 4 objects in procedural:4"),
    ("compare default --out o --scenes -1", "--scenes: must be at least 0"),
    ("plan x.npy --camera primesense --device cpu:7", "unknown device 'cpu:7'; possible: auto, cpu, cuda, cuda:N"),
    ("plan x.pcd", "data type '<q4' not understood"),
    ("plan lacks.pcd", "its header lacks or misnames 'TYPE'"),
]  # fmt: skip


@pytest.mark.parametrize("line, complaint", NONSENSE, ids=[line for line, _ in NONSENSE])
def test_nonsense_is_one_line(line, complaint, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.ones((480, 640), np.float32))
    Path("x.bag").write_bytes(b"")
    Path("x.pcd").write_text("FIELDS x y z\nSIZE 4 4 4\nTYPE Q Q Q\nWIDTH 1\nHEIGHT 1\nDATA binary\n")
    Path("lacks.pcd").write_text("DATA ascii\n")
    Path("names").write_text("nothing of this name\n")
    try:
        code = run_command(entry.main, line.split())
    except SystemExit as ended:  # argparse's
        code = ended.code
    said = capsys.readouterr().err
    assert code == 2 and complaint in said
    assert len([one for one in said.splitlines() if "error: " in one]) == 1
