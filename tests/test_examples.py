"""The examples run as they are, from another folder, and what they say is so."""

import csv
import json
import re
import runpy
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from conftest import REPO

from antipodal.camera import Camera
from antipodal.perception.depth_files import read_depth, read_mask

FOLDER = REPO / "examples"
SCRIPTS = sorted(FOLDER.glob("*.py"))
LABELS = read_mask(FOLDER / "data" / "labels.png")


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs an example in an empty folder; its exit code and what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(name, *arguments):
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        code = 0
        try:
            runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
        except SystemExit as e:
            code = e.code
        return code, capsys.readouterr().out

    return run


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.stem)
def test_each_is_a_screenful_that_says_how_to_run_it_and_is_listed(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 80
    assert f"python examples/{path.name}" in text.split('"""')[1]
    assert f"[{path.name}]({path.name})" in (FOLDER / "README.md").read_text()


def test_one_image(run, tmp_path):
    code, said = run("one_image")
    assert code == 0 and (tmp_path / "out" / "one_image.png").stat().st_size > 10_000
    pose = np.array(re.findall(r"-?\d+\.\d*", said[said.index("[[") :]), float).reshape(4, 4)
    camera = Camera.load(FOLDER / "data" / "camera.json")
    assert near_label(camera.project(pose[:3, 3]), LABELS > 0)


def near_label(pixel, mask, reach=12):
    """Whether a pixel (u, v) lies within `reach` of a mask."""
    u, v = np.round(np.asarray(pixel, float)).astype(int)
    return mask[max(0, v - reach) : v + reach, max(0, u - reach) : u + reach].any()


def test_folder(run, tmp_path):
    assert "3 of 3 images have a grasp" in run("folder")[1]
    (tmp_path / "mine").mkdir()
    np.save(tmp_path / "mine" / "empty.npy", np.full((480, 640), 0.6, np.float32))
    (tmp_path / "mine" / "notes.txt").write_text("no image")
    assert "0 of 2" in run("folder", "mine", str(FOLDER / "data" / "camera.json"))[1]
    with open(tmp_path / "out" / "folder.csv") as file:
        reasons = {row["image"]: row["reason"] for row in csv.DictReader(file)}
    assert "nothing stands above the table" in reasons["empty.npy"] and "cannot read" in reasons["notes.txt"]


def test_a_cloud_gives_a_grasp_on_what_its_image_shows(run):
    place = np.array([*numbers(re.search(r"\[(.+)\]", run("cloud")[1]).group(1)), 1.0])
    T_table_cam = np.array(json.loads((FOLDER / "data" / "views.json").read_text())["top.png"])
    camera = Camera.load(FOLDER / "data" / "camera.json")
    assert near_label(camera.project((np.linalg.inv(T_table_cam) @ place)[:3]), LABELS > 0)


def numbers(text):
    return [float(word) for word in text.split()]


def test_own_gripper(run, tmp_path):
    said = run("own_gripper")[1]
    assert "my_gripper: 10 grasps" in said and (tmp_path / "out" / "my_gripper.yaml").is_file()
    assert "with the jaws 60 mm open" in said


def test_own_camera_places_the_grasp_alike_in_both_resolutions(run):
    places = [numbers(found) for found in re.findall(r"at \[(.+)\] m", run("own_camera")[1])]
    assert len(places) == 2 and np.abs(np.subtract(*places)).max() < 0.05


def test_several_views_see_more_of_the_heap_than_one(run):
    said = run("several_views")[1]
    one, three = (int(n) for n in re.findall(r"views: (\d+) graspable", said))
    places = np.array([numbers(found) for found in re.findall(r"at \[(.+)\] m in the table", said)])
    assert three > one and (np.abs(places[:, :2]) < 0.12).all() and ((0 < places[:, 2]) & (places[:, 2] < 0.12)).all()


def test_one_object_out_of_many(run):
    said = run("one_object")[1]
    found = re.findall(r"object (\d): P = \S+ at pixel \((\d+), (\d+)\)", said)
    assert len(found) == LABELS.max() == 5
    for label, u, v in found:
        assert near_label((u, v), LABELS == int(label), 30)
    u, v = map(int, re.search(r"window .* at pixel \((\d+), (\d+)\)", said).groups())
    assert 300 <= u <= 380 and 140 <= v <= 240


def test_evaluation(run, tmp_path):
    pytest.importorskip("mujoco")
    assert "antipodal" in run("evaluation", "1")[1]
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text())["scenes"] == 1
    assert "<html" in (tmp_path / "out" / "evaluation.html").read_text()


@pytest.mark.parametrize("name, module", [("realsense", "pyrealsense2"), ("ray_cluster", "ray")])
def test_what_is_not_installed_is_one_line(name, module, run, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    code, said = run(name)
    assert code == 2 and re.fullmatch(r"this needs .*: pip install .*\n", said)


def test_a_realsense_by_a_stand_in(run, monkeypatch):
    """The calls are those of pyrealsense2; the image is that of the heap."""
    stand_in = fake_realsense(
        np.round(1000 * read_depth(FOLDER / "data" / "heap" / "top.png", 0.001)).astype(np.uint16)
    )
    monkeypatch.setitem(sys.modules, "pyrealsense2", stand_in)
    code, said = run("realsense")
    assert code == 0 and "P = " in said and stand_in.calls == ["start", "stop"]


def fake_realsense(pixels):
    module = ModuleType("pyrealsense2")
    module.calls = []
    lens = SimpleNamespace(fx=460.0, fy=460.0, ppx=319.5, ppy=239.5, width=640, height=480)
    stream = SimpleNamespace(as_video_stream_profile=lambda: SimpleNamespace(get_intrinsics=lambda: lens))
    frame = SimpleNamespace(get_data=lambda: pixels, profile=stream)
    sensor = SimpleNamespace(get_depth_scale=lambda: 0.001)
    profile = SimpleNamespace(get_device=lambda: SimpleNamespace(first_depth_sensor=lambda: sensor))

    class Pipeline:
        def start(self, config):
            module.calls.append("start")
            return profile

        def wait_for_frames(self):
            return SimpleNamespace(get_depth_frame=lambda: frame)

        def stop(self):
            module.calls.append("stop")

    module.pipeline = Pipeline
    module.config = lambda: SimpleNamespace(enable_stream=lambda *wanted: None)
    module.stream, module.format = SimpleNamespace(depth=1), SimpleNamespace(z16=1)
    return module
