"""The commands and the Python on the pages for users run as they stand there, with fewer samples and scenes; of other
pages those that take seconds. tests/test_doc_lines.py parses the rest."""

import json
import re
import shlex
import shutil
from importlib import import_module

import numpy as np
import pytest
from conftest import REPO

import antipodal.__main__ as entry
from antipodal.camera import Camera
from antipodal.errors import run_command
from antipodal.perception.depth_files import read_depth

DATA = REPO / "examples" / "data"
MESHES = "python -m antipodal.synth.meshes"
PAGES = ("README.md", "docs/start.md", "docs/objects.md", "docs/troubleshooting.md")
QUICK = {"docs/suction.md": "antipodal plan", "docs/gripper.md": "antipodal gripper", "docs/data.md": MESHES}
FEWER = [  # the same command, of less
    (r"--samples \d+", "--samples 20000"),
    (r"(antipodal train .*)", r"\1 --samples 2000 --evaluate-every 1000"),
    (r"-n \d+", "-n 1"),
    (r"procedural:\d+", "procedural:40"),
    (r"--meshes DIR", "--meshes procedural:40"),
    (r"--workers \d+", "--workers 1"),
]
NOT_RUN = {  # what a command needs that no test has
    "antipodal view": "serves until Ctrl-C, tests/viewer/test_page.py",
    "antipodal doctor --depth": "a camera, tests/ros/test_doctor.py",
    "antipodal evaluate --model models/default.pt --objects MESHES": "the held-out meshes",
}


def commands(page):
    """The `antipodal ...` lines of a page, without comments and redirections."""
    text = (REPO / page).read_text().replace("\\\n", " ")
    lines = re.findall(rf"^ {{4}}((?:antipodal|{MESHES}) .*)$", text, re.M)
    return [re.split(r" # | > ", re.sub(r" +", " ", line))[0].strip() for line in lines]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with an image, its camera, models, and meshes in millimetres, which is the working one."""
    for name, source in {"depth.png": DATA / "heap" / "top.png", "camera.json": DATA / "camera.json"}.items():
        shutil.copy(source, tmp_path / name)
    shutil.copy(DATA / "labels.png", tmp_path / "labels.png")
    write_views(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_views(folder):
    """depth.npy; the views a and b with their poses; cloud.pcd in a frame in which the sensor is at (0.4, 0, 0.9)."""
    camera = Camera.load(DATA / "camera.json")
    for name, (image, pose) in zip(("a", "b"), json.loads((DATA / "views.json").read_text()).items()):
        np.save(folder / f"{name}.npy", read_depth(DATA / "heap" / image, 0.001))
        np.savetxt(folder / f"{name}.txt", pose)
    depth = np.load(folder / "a.npy")
    np.save(folder / "depth.npy", depth)
    v, u = np.nonzero(depth)
    points = camera.deproject(np.stack([u, v], axis=-1), depth[v, u]) * [1, -1, -1] + [0.4, 0.0, 0.9]
    head = f"FIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nWIDTH {len(points)}\nHEIGHT 1\nDATA binary\n"
    (folder / "cloud.pcd").write_bytes(head.encode() + points.astype("<f4").tobytes())


def write_meshes(folder):
    trimesh = pytest.importorskip("trimesh")
    folder.mkdir()
    for i in range(12):
        trimesh.creation.box((20 + i, 40, 60)).export(folder / f"block_{i}.stl")


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_a_page_run_one_after_the_other(page, folder, capsys):
    if any(" parts/" in line for line in commands(page)):
        write_meshes(folder / "parts")
    ran = 0
    for line in commands(page):
        if any(line.startswith(start) for start in NOT_RUN):
            continue
        for long, short in FEWER:
            line = re.sub(long, short, line)
        code = run_command(entry.main, shlex.split(line)[1:])
        said = capsys.readouterr()
        assert code == 0 or (code == 1 and "doctor" in line), f"{line}\n{said.err}"
        ran += 1
    assert ran >= 1


@pytest.mark.parametrize("page, start", QUICK.items())
def test_quick_commands_of_other_pages_run(page, start, folder, capsys):
    np.save("depth.npy", np.pad(np.load("depth.npy"), ((0, 0), (104, 104))))  # of the size of the camera that they name
    write_hand(folder / "hand.stl")
    lines = [line for line in commands(page) if line.startswith(start)]
    for line in lines:
        words = shlex.split(line.replace("MESH ", "hand.stl ").replace("FILES...", "hand.stl"))
        main, words = (entry.main, words[1:]) if words[0] == "antipodal" else (import_module(words[2]).main, words[3:])
        assert run_command(main, words) == 0, f"{line}\n{capsys.readouterr().err}"
    assert lines


def write_hand(path):
    """Two open jaws on a palm, as a mesh."""
    trimesh = pytest.importorskip("trimesh")
    parts = [((0.02, 0.01, 0.04), (0, side * 0.05, -0.02)) for side in (-1, 1)] + [((0.06, 0.14, 0.03), (0, 0, -0.055))]
    boxes = [trimesh.creation.box(size).apply_translation(place) for size, place in parts]
    trimesh.util.concatenate(boxes).export(path)


@pytest.mark.parametrize("start", NOT_RUN)
def test_what_is_not_run_is_on_a_page(start):
    assert any(line.startswith(start) for page in REPO.glob("docs/*.md") for line in commands(page)) or any(
        line.startswith(start) for line in commands("README.md")
    )


def test_python_of_the_readme_plans(capsys):
    depth = read_depth(DATA / "heap" / "top.png", 0.001)
    names = {**Camera.load(DATA / "camera.json").to_dict(), "depth": depth}
    code = blocks("README.md")[-1]
    exec(compile(code, "README.md", "exec"), names)  # our own page
    assert len(names["grasps"]) > 0


def test_python_of_the_page_on_a_franka_gives_the_goal_that_it_names(capsys):
    names = {}
    for code in blocks("docs/franka.md"):
        exec(compile(code, "docs/franka.md", "exec"), names)  # our own page
    assert names["T_base_hand"][2, 3] == pytest.approx(0.02 + 0.1034)
    assert names["before"][2, 3] == pytest.approx(0.02 + 0.1034 + 0.10)
    assert np.linalg.det(names["other"][:3, :3]) == pytest.approx(1.0)


def blocks(page):
    return re.findall(r"```python\n(.*?)```", (REPO / page).read_text(), re.S)
