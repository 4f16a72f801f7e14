"""The commands and the Python on the pages run as they stand there, of fewer samples and scenes; those that take long
are marked `slow`. tests/test_doc_lines.py parses all of them."""

import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import REPO
from test_doc_lines import lines_of, variants

import antipodal.__main__ as entry
from antipodal.camera import Camera
from antipodal.errors import run_command
from antipodal.perception.depth_files import read_depth, read_mask

DATA = REPO / "examples" / "data"
QUICK = [  # pages, and how those of their commands begin that take seconds
    ("README.md", "antipodal"),
    ("docs/start.md", ""),
    ("docs/objects.md", ""),
    ("docs/troubleshooting.md", ""),
    ("docs/gripper.md", ""),
    ("docs/suction.md", "antipodal plan"),
    ("docs/data.md", "python -m antipodal.synth.meshes"),
]
LONG = ("cuda", "data", "dexnet2", "how_it_works", "performance", "results", "suction", "training")
LONG = [(f"docs/{name}.md", "") for name in LONG]
SLOW = (pytest.mark.slow, pytest.mark.timeout(1800))
NOT_RUN = {  # what a command needs that no test has
    "antipodal view": "serves until Ctrl-C, tests/viewer/test_page.py",
    "antipodal doctor --depth": "a camera, tests/ros/test_doctor.py",
    "roslaunch antipodal": "a camera, tests/ros/test_launch.py",
    "make setup": "installs and builds what tests need",
    "make demo": "a workspace of ROS, tests/ros/rostest_cell.py",
    "make test": "runs this",
}
EXTRAS = {"benchmarks/plan.py": "sklearn", "benchmarks/epsilon.py": "rtree", "benchmarks/generate.py": "rtree"}
MADE = "antipodal generate --meshes procedural:40 --gripper yumi --camera primesense --samples 20000 --out data/made"
FEWER = [  # the same command, of less, and of what the folder has
    (r"--samples \d+", "--samples 20000"),
    (r"(antipodal train .*|torchrun .*)", r"\1 --samples 2000 --evaluate-every 1000"),
    (r"generate --preset dexnet2 .*", r"\g<0> --samples 40000"),
    (r"(--arch gqcnn2 .*)", r"\1 --samples 256 --evaluate-every 128"),
    (r"(antipodal calibrate .*)", r"\1 --singles 45 --heaps 6"),
    (r"make model .*", r"\g<0> SAMPLES=16000 STEPS=2000 SCENES=2"),
    (r"make model .*leaning.*", r"\g<0> AGAINST=none"),
    (r"make bench-gpu", r"\g<0> ARGS=--dry-run"),
    (r'GRIPPER="(\w+) [^"]*"', r"GRIPPER=\1"),
    (r"(python benchmarks/.*--samples) \d+", r"\1 2000"),
    (r"benchmarks/(sampling|averaging)\.py", r"\g<0> --seeds 1"),
    (r"benchmarks/architectures\.py", r"\g<0> --only patch resnet --train 500 --validate 200 --test 200 --samples 500"),
    (r"benchmarks/anywhere\.py", r"\g<0> --grippers --openings 0.085"),
    (r"benchmarks/empty_tables\.py", r"\g<0> -n 9"),
    (r"benchmarks/plan\.py", r"\g<0> --repeats 2"),
    (r"benchmarks/generate\.py", r"\g<0> --shards 1"),
    (r"benchmarks/reading\.py", r"\g<0> --seconds 0.1"),
    (r"benchmarks/labels\.py.*", r"\g<0> --objects 4"),
    (r"--objects \d+", "--objects 4"),
    (r"--(repeats|scenes|epochs|reference) \d+", r"--\1 2"),
    (r"--probe \d+", "--probe 50"),
    (r"--every \d+", "--every 1000"),
    (r"evaluate \.\.\.", "evaluate --objects MESHES"),
    (r"-n \d+", "-n 1"),
    (r"procedural:\d+", "procedural:40"),
    (r"--workers \d+", "--workers 1"),
    (r"--data (DIR\.\.\.|data/dense.*clutter)", "--data data/made"),
    (r"(--meshes|--objects) DIR", r"\1 MESHES"),
    (r'(MESHES="?)(DIR|path/to/meshes)', r"\1MESHES"),
    (r"calibrate MODEL", "calibrate models/default.pt"),
    (r"gripper MESH ", "gripper hand.stl "),
    (r"FILES\.\.\.", "hand.stl"),
    (r"depth.npy --camera realsense_d435", "wide.npy --camera realsense_d435"),
]
WRITTEN = ("--json", "--out", "--png", "--report", "--sheets")  # options that name what a command writes


def commands(page):
    """The whole command lines of a page."""
    return list(dict.fromkeys(line for line, whole in lines_of(REPO / page) if whole))


def fewer(line):
    """A command line of a page with less to do."""
    for long, short in FEWER:
        line = re.sub(long, short, line)
    return line


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with what a clone has, images, meshes and a hand."""
    for name in ("config", "models"):
        shutil.copytree(REPO / name, tmp_path / name)
    for name in ("benchmarks", "scripts", "Makefile"):
        (tmp_path / name).symlink_to(REPO / name)
    (tmp_path / "env.sh").touch()
    for name, source in {"depth.png": DATA / "heap" / "top.png", "camera.json": DATA / "camera.json"}.items():
        shutil.copy(source, tmp_path / name)
    shutil.copy(DATA / "labels.png", tmp_path / "labels.png")
    write_views(tmp_path)
    write_known(tmp_path / "FOLDER")
    write_meshes(tmp_path)
    write_hand(tmp_path / "hand.stl")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_views(folder):
    """depth.npy, and wide.npy of a wider camera; the views a and b with their poses; cloud.pcd in a frame in which the
    sensor is at (0.4, 0, 0.9)."""
    camera = Camera.load(DATA / "camera.json")
    for name, (image, pose) in zip(("a", "b"), json.loads((DATA / "views.json").read_text()).items()):
        np.save(folder / f"{name}.npy", read_depth(DATA / "heap" / image, 0.001))
        np.savetxt(folder / f"{name}.txt", pose)
    depth = np.load(folder / "a.npy")
    np.save(folder / "depth.npy", depth)
    np.save(folder / "wide.npy", np.pad(depth, ((0, 0), (104, 104))))
    v, u = np.nonzero(depth)
    points = camera.deproject(np.stack([u, v], axis=-1), depth[v, u]) * [1, -1, -1] + [0.4, 0.0, 0.9]
    head = f"FIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nWIDTH {len(points)}\nHEIGHT 1\nDATA binary\n"
    (folder / "cloud.pcd").write_bytes(head.encode() + points.astype("<f4").tobytes())


def write_known(folder):
    """An image whose objects are known, as benchmarks/real.py and benchmarks/plan.py read it."""
    cv2 = pytest.importorskip("cv2")
    folder.mkdir()
    shutil.copy(DATA / "heap" / "top.png", folder / "heap__top.depth.png")
    cv2.imwrite(str(folder / "heap__top.mask.png"), np.uint8(255 * (read_mask(DATA / "labels.png") > 0)))
    facts = {**Camera.load(DATA / "camera.json").to_dict(), "depth_scale": 0.001}
    (folder / "heap__top.json").write_text(json.dumps(facts))
    np.save(folder / "heap__top.npy", read_depth(DATA / "heap" / "top.png", 0.001))


def write_meshes(folder):
    """Blocks in metres in MESHES, some of which are kept, and in millimetres in parts."""
    trimesh = pytest.importorskip("trimesh")
    for name, unit in (("MESHES", 0.001), ("parts", 1)):
        (folder / name).mkdir()
        for i in range(36):
            trimesh.creation.box(np.array((20 + i, 40, 60)) * unit).export(folder / name / f"block_{i}.stl")
    for name in ("KEPT", "models/heldout.txt"):
        (folder / name).write_text("".join(f"block_{i}.stl\n" for i in range(0, 36, 6)))


def write_hand(path):
    """Two open jaws on a palm, as a mesh."""
    trimesh = pytest.importorskip("trimesh")
    parts = [((0.02, 0.01, 0.04), (0, side * 0.05, -0.02)) for side in (-1, 1)] + [((0.06, 0.14, 0.03), (0, 0, -0.055))]
    boxes = [trimesh.creation.box(size).apply_translation(place) for size, place in parts]
    trimesh.util.concatenate(boxes).export(path)


def run(words):
    """The exit code of a command; `make` without its setup."""
    if words[0] == "antipodal":
        return run_command(entry.main, words[1:])
    programs = {"python": [sys.executable], "torchrun": [sys.executable, "-m", "torch.distributed.run", "--standalone"]}
    programs["make"] = ["make", "-o", "setup", "-o", "setup-test"]
    places = {"PYTHONPATH": REPO / "src", "PATH": Path(sys.executable).parent}
    environment = {k: os.pathsep.join([str(place), os.environ.get(k, "")]) for k, place in places.items()}
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    return subprocess.run([*programs[words[0]], *words[1:]], env=environment).returncode


def remove(paths):
    """Removes what an earlier command wrote, and the logs beside, from which it would go on."""
    for path in [*paths, *(path.with_suffix(".jsonl") for path in paths)]:
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()


def check_runs(words, capfd):
    """Fails where a command does, or does not write what it names; `doctor` may find something lacking."""
    written = [Path(name) for option, name in zip(words, words[1:]) if option in WRITTEN]
    remove(written)
    code = run(words)
    place = f"{shlex.join(words)}\n{capfd.readouterr().err}"
    assert code == 0 or (code == 1 and "doctor" in words), place
    assert [path for path in written if not path.exists()] == [], place


@pytest.mark.parametrize("page, start", [*QUICK, *(pytest.param(*one, marks=SLOW) for one in LONG)])
def test_commands_of_a_page_run_one_after_the_other(page, start, folder, capfd):
    lines = [line for line in commands(page) if line.startswith(start) and not line.startswith(tuple(NOT_RUN))]
    lacking = {line: EXTRAS[name] for line in lines for name in EXTRAS if name in line}
    lacking = {line: name for line, name in lacking.items() if importlib.util.find_spec(name) is None}
    if any("data/made" in fewer(line) for line in lines):
        run(shlex.split(MADE))
    for line in lines:
        for words in variants(fewer(line)) if line not in lacking else ():
            check_runs(words, capfd)
    assert lines
    if lacking:
        pytest.skip(f"all ran but what needs {', '.join(sorted(set(lacking.values())))}: pip install '.[benchmarks]'")


def test_every_command_of_the_pages_runs_or_is_said_not_to():
    runs = {line for page, start in [*QUICK, *LONG] for line in commands(page) if line.startswith(start)}
    assert [line for line in every_command() if line not in runs and not line.startswith(tuple(NOT_RUN))] == []


@pytest.mark.parametrize("start", NOT_RUN)
def test_what_is_not_run_is_on_a_page(start):
    assert any(line.startswith(start) for line in every_command())


def every_command():
    """The commands of all pages for users."""
    pages = ["README.md", *(f"docs/{path.name}" for path in REPO.glob("docs/*.md") if path.name != "log.md")]
    return [line for page in pages for line in commands(page)]


def test_python_of_the_readme_plans(capsys):
    depth = read_depth(DATA / "heap" / "top.png", 0.001)
    names = {**Camera.load(DATA / "camera.json").to_dict(), "depth": depth}
    code = blocks("README.md")[-1]
    exec(compile(code, "README.md", "exec"), names)  # our own page
    assert len(names["grasps"]) > 0


def test_python_of_the_page_on_suction_plans():
    names = {"camera": Camera.load(DATA / "camera.json"), "depth": read_depth(DATA / "heap" / "top.png", 0.001)}
    (code,) = blocks("docs/suction.md")
    exec(compile(code, "docs/suction.md", "exec"), names)  # our own page
    assert {grasp.kind for grasp in names["plan"]} == {"suction"}


def test_python_of_the_page_on_a_franka_gives_the_goal_that_it_names(capsys):
    names = {}
    for code in blocks("docs/franka.md"):
        exec(compile(code, "docs/franka.md", "exec"), names)  # our own page
    assert names["T_base_hand"][2, 3] == pytest.approx(0.02 + 0.1034)
    assert names["before"][2, 3] == pytest.approx(0.02 + 0.1034 + 0.10)
    assert np.linalg.det(names["other"][:3, :3]) == pytest.approx(1.0)


def blocks(page):
    return re.findall(r"```python\n(.*?)```", (REPO / page).read_text(), re.S)
