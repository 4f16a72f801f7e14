"""The command line, run as a user runs it."""

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest
import yaml
from inputs import TWO, labels_of, points_of, turned, view_of_boxes, write_pcd
from scenes import CAMERA, box, render

from antipodal import networks, transforms
from antipodal.errors import run_command
from antipodal.files import write_text
from antipodal.grasp import Gripper
from antipodal.plan import main
from antipodal.synth.objects.point_clouds import write_cloud


def gripper(**changes):
    """A gripper file's content."""
    plain = {**Gripper().to_dict(), "name": "mine", **changes}
    return {**plain, "palm_size": list(plain["palm_size"])}


@pytest.fixture
def folder(tmp_path):
    """A depth image, its camera, a mask, a gripper and a model with random weights."""
    depth, mask = render([box((0.03, 0.02), (0.10, 0.03, 0.04), 0.4)])
    np.save(tmp_path / "depth.npy", depth)
    cv2.imwrite(str(tmp_path / "mask.png"), mask.astype(np.uint8) * 255)
    (tmp_path / "camera.json").write_text(json.dumps(CAMERA.to_dict()))
    (tmp_path / "gripper.yaml").write_text(yaml.safe_dump(gripper(max_width=0.07)))
    networks.save(tmp_path / "model.pt", networks.GraspNetwork("patch"), {})
    return tmp_path


def run(folder, *more, depth="depth.npy"):
    arguments = [folder / depth, "--camera", folder / "camera.json", "--model", folder / "model.pt", *more]
    return run_command(main, [str(a) for a in arguments])


def test_json_holds_every_field_of_every_grasp(folder):
    assert run(folder, "--mask", folder / "mask.png", "--max-grasps", 3, "--json", folder / "plan.json") == 0
    plan = json.loads((folder / "plan.json").read_text())
    assert 1 <= len(plan["grasps"]) <= 3
    for grasp in plan["grasps"]:
        T = np.array(grasp["T_cam_grasp"])
        assert T.shape == (4, 4)
        np.testing.assert_allclose(grasp["center_cam"], T[:3, 3])
        np.testing.assert_allclose(grasp["closing_axis_cam"], T[:3, 1])
        np.testing.assert_allclose(grasp["approach_cam"], T[:3, 2])
        assert 0 < grasp["width"] <= 0.085 and 0 <= grasp["quality"] <= 1 and len(grasp["center_px"]) == 2
        assert grasp["depth"] == pytest.approx(T[2, 3]) and abs(grasp["angle"]) <= np.pi / 2
    assert plan["counts"]["pairs"] > 0 and plan["times_ms"]["sampling"] > 0


def test_without_json_the_plan_is_printed_and_the_gripper_counts(folder, capsys):
    assert run(folder, "--gripper", folder / "gripper.yaml") == 0
    plan = json.loads(capsys.readouterr().out)
    assert all(g["width"] <= 0.07 for g in plan["grasps"])


def test_png_shows_the_image_with_the_grasps_drawn(folder):
    assert run(folder, "--png", folder / "plan.png", "--json", folder / "plan.json") == 0
    image = cv2.imread(str(folder / "plan.png"))
    assert image.shape == (CAMERA.height, CAMERA.width, 3)
    assert (image.max(axis=2) - image.min(axis=2) > 60).sum() > 50  # colours, on a grey image


def test_same_seed_same_file(folder):
    for name in ("a", "b"):
        run(folder, "--json", folder / name, "--seed", 3)
    a, b = (json.loads((folder / name).read_text())["grasps"] for name in ("a", "b"))
    assert a == b


def test_an_empty_table_exits_with_1_and_the_reason(folder, capsys):
    np.save(folder / "bare.npy", render([])[0])
    assert run(folder, depth="bare.npy") == 1
    assert "0 graspable pixels" in capsys.readouterr().err


@pytest.mark.parametrize(
    "option, content, complaint",
    [
        ("depth", None, "cannot read depth image"),
        ("depth", b"not an array", "cannot read depth image"),
        ("--camera", b"{}", "lacks fx"),
        ("--mask", None, "cannot read mask"),
        ("--gripper", yaml.safe_dump(gripper(max_width=7)).encode(), "between 0 and 1 metre"),
        ("--gripper", b"max_width: 0.07", "lacks name, min_width"),
        ("--model", None, "model"),
        ("--model", b"junk", "model"),
    ],
)
def test_bad_files_exit_with_2_and_say_why(folder, capsys, option, content, complaint):
    bad = folder / "bad"
    if content is not None:
        bad.write_bytes(content)
    assert (run(folder, depth="bad") if option == "depth" else run(folder, option, bad)) == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("array", [np.full((240, 320, 3), 0.7), np.zeros((240, 320)), np.ones((3, 3))])
def test_bad_images_exit_with_2(folder, capsys, array):
    np.save(folder / "odd.npy", array)
    assert run(folder, depth="odd.npy") == 2
    assert "error: depth" in capsys.readouterr().err


def test_an_array_of_objects_is_never_unpickled(folder, capsys):
    np.save(folder / "evil.npy", np.array([print], dtype=object), allow_pickle=True)
    assert run(folder, depth="evil.npy") == 2
    assert "cannot read depth image" in capsys.readouterr().err


def test_a_mask_may_be_what_is_not_transparent(folder):
    opaque = cv2.imread(str(folder / "mask.png"), cv2.IMREAD_UNCHANGED)
    cv2.imwrite(str(folder / "cut.png"), np.dstack([np.full_like(opaque, 255)] * 3 + [opaque]))
    for name in ("mask", "cut"):
        assert run(folder, "--mask", folder / f"{name}.png", "--json", folder / f"{name}.json") == 0
    a, b = (json.loads((folder / f"{name}.json").read_text())["grasps"] for name in ("mask", "cut"))
    assert a == b


def test_depth_of_one_channel_and_a_camera_of_autolab_are_read(folder):
    np.save(folder / "channel.npy", np.load(folder / "depth.npy")[..., None])
    (folder / "camera.json").rename(folder / "camera.json.before")
    own = {f"_{k}": v for k, v in CAMERA.to_dict().items()}
    (folder / "camera.intr").write_text(json.dumps({**own, "_skew": 0.0, "_frame": "primesense"}))
    files = ["--camera", folder / "camera.intr", "--png", folder / "plan.png", "--json", folder / "plan.json"]
    assert run(folder, *files, depth="channel.npy") == 0
    assert (folder / "plan.png").exists() and json.loads((folder / "plan.json").read_text())["grasps"]


def test_a_plan_is_written_though_its_picture_cannot_be(folder, capsys, monkeypatch):
    """Before the picture is drawn, and whatever goes wrong there."""

    def broken(*args):
        assert (folder / "plan.json").exists()
        raise ZeroDivisionError("no such font")

    monkeypatch.setattr("antipodal.grasping.draw.overlay", broken)
    assert run(folder, "--json", folder / "plan.json", "--png", folder / "plan.png") == 0
    assert json.loads((folder / "plan.json").read_text())["grasps"]
    assert "warning: the picture" in capsys.readouterr().err
    monkeypatch.undo()
    monkeypatch.setattr("antipodal.grasping.draw.write_png", lambda path, _: write_text(path / "x", ""))
    (folder / "plan.png").write_text("a file, so that nothing can be written below it")
    assert run(folder, "--png", folder / "plan.png") == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["grasps"] and "could not be drawn" in said.err


def test_without_a_grasp_the_picture_shows_what_was_seen(folder, capsys):
    np.save(folder / "empty.npy", np.full((CAMERA.height, CAMERA.width), 0.7, np.float32))
    code = run(folder, "--json", folder / "plan.json", "--png", folder / "seen.png", depth="empty.npy")
    assert code == 1 and "nothing stands above the table" in capsys.readouterr().err
    image = cv2.imread(str(folder / "seen.png"))
    assert image.shape == (CAMERA.height, CAMERA.width, 3) and not (folder / "plan.json").exists()
    assert (np.ptp(image[-20:].reshape(-1, 3), axis=1) < 20).all()  # all of it support


def grasps_of(folder, *arguments):
    """Those of the command with these arguments, and what it said on standard error."""
    assert run_command(main, [str(a) for a in (*arguments, "--model", folder / "model.pt")]) == 0
    return json.loads((folder / "plan.json").read_text())["grasps"]


def test_every_kind_of_file_gives_the_same_plan(folder, capsys):
    depth, to_json = np.load(folder / "depth.npy"), ("--json", folder / "plan.json")
    units = np.rint(depth * 10000).astype(np.uint16)
    cv2.imwrite(str(folder / "depth.png"), units)
    np.savez(folder / "depth.npz", depth=units / np.float32(10000))
    v, u = np.nonzero(units)
    points = CAMERA.deproject(np.stack([u, v], axis=1), units[v, u] / 10000).astype(np.float32)
    write_cloud(folder / "depth.ply", points)
    camera = ("--camera", folder / "camera.json", *to_json)
    numbers = ("--fx", CAMERA.fx, "--fy", CAMERA.fy, "--cx", CAMERA.cx, "--cy", CAMERA.cy, *to_json)
    first = grasps_of(folder, folder / "depth.npz", *camera)
    assert "unit" not in capsys.readouterr().err
    for name in ("depth.png", "depth.ply"):
        for got, expected in zip(grasps_of(folder, folder / name, *camera), first):
            np.testing.assert_allclose(got["T_cam_grasp"], expected["T_cam_grasp"], atol=1e-4)
    assert "one unit is taken for 0.0001 m, a median of 0.7 m" in capsys.readouterr().err
    assert grasps_of(folder, folder / "depth.npz", *numbers) == first
    view = 2 * np.rad2deg(np.arctan(CAMERA.width / 2 / CAMERA.fx))
    assert grasps_of(folder, folder / "depth.npz", "--fov", view, *to_json)


def test_the_cameras_file_may_state_the_unit_of_whole_numbers(folder, capsys):
    units = np.rint(np.load(folder / "depth.npy") * 5000).astype(np.uint16)  # 0.7 m would be taken for 3.5 m
    cv2.imwrite(str(folder / "depth.png"), units)
    (folder / "camera.json").write_text(json.dumps({**CAMERA.to_dict(), "depth_scale": 0.0002}))
    assert run(folder, "--json", folder / "plan.json", depth="depth.png") == 0
    assert json.loads((folder / "plan.json").read_text())["support"]["offset"] == pytest.approx(0.7, abs=0.001)
    assert capsys.readouterr().err == ""
    assert run(folder, "--json", folder / "plan.json", depth="depth.npy") == 0  # floats are metres
    assert run(folder, "--depth-scale", -1, depth="depth.png") == 2


@pytest.mark.parametrize(
    "words, complaint",
    [
        ([], "the camera is needed: --camera, or --fx"),
        (["--fov", "60", "--fx", "500"], "give one of --camera, --fov"),
        (["--cx", "100"], "need --fx"),
        (["--fov", "190"], "between 0 and 180 degrees"),
        (["--fx", "0"], "focal lengths must be positive"),
    ],
)
def test_a_camera_that_is_described_badly_exits_with_2(folder, capsys, words, complaint):
    assert run_command(main, [str(folder / "depth.npy"), *words]) == 2
    assert complaint in capsys.readouterr().err


def test_what_is_known_of_the_scene_is_used(folder, capsys):
    hints = ["--up", 0, 0, -1, "--table", 0, 0, 2, 1.4, "--near", 0.2, "--far", 1.5]
    box_around_the_bar = ["--workspace", -0.05, -0.1, 0.3, 0.15, 0.1, 0.8]
    assert run(folder, *hints, *box_around_the_bar, "--json", folder / "plan.json") == 0
    support = json.loads((folder / "plan.json").read_text())["support"]
    assert support == {"normal": [0, 0, 1], "offset": pytest.approx(0.7)}
    assert run(folder, *hints, "--workspace", 0.1, 0.1, 0.3, 0.2, 0.2, 0.8) == 1
    assert run(folder, "--near", 2, "--far", 1) == 2
    assert "0 <= nearest < farthest" in capsys.readouterr().err
    assert run(folder, "--robot", folder / "mask.png") == 1


def loose(folder, *words):
    arguments = [folder / words[0], "--model", folder / "model.pt", *words[1:]]
    return run_command(main, [str(a) for a in arguments])


def test_a_cloud_needs_no_camera_and_its_frame_is_that_of_the_grasps(folder, capsys):
    points = points_of(np.load(folder / "depth.npy"))
    T = turned(5)
    moved = transforms.apply(T, points.reshape(-1, 3).astype(float)).reshape(points.shape)
    np.save(folder / "cloud.npy", points)
    np.savez(folder / "moved.npz", points=moved, viewpoint=T[:3, 3])
    write_pcd(folder / "moved.pcd", moved, T[:3, 3])
    write_pcd(folder / "text.pcd", moved, T[:3, 3], "ascii")
    write_pcd(folder / "loose.pcd", moved.reshape(1, -1, 3), T[:3, 3])
    assert run(folder) == 0
    plan = json.loads(capsys.readouterr().out)
    assert loose(folder, "cloud.npy") == 0
    cloud = json.loads(capsys.readouterr().out)
    assert cloud["grasps"] == plan["grasps"] and cloud["camera"] == plan["camera"] == CAMERA.to_dict()
    for name in ("moved.npz", "moved.pcd", "text.pcd", "loose.pcd"):
        assert loose(folder, name, "--png", folder / "cloud.png", "--up", *-T[:3, 2]) == 0
        found = json.loads(capsys.readouterr().out)
        np.testing.assert_allclose(np.array(found["T_frame_cam"])[:3, 3], T[:3, 3], atol=1e-4)
        np.testing.assert_allclose(found["support"]["normal"], T[:3, 2], atol=2e-3)
        assert found["support"]["offset"] == pytest.approx(0.7 + T[:3, 2] @ T[:3, 3], abs=5e-3)
        if name != "loose.pcd":
            np.testing.assert_allclose(np.array(found["T_frame_cam"]), T, atol=1e-4)
        assert cv2.imread(str(folder / "cloud.png")) is not None


def test_a_clouds_viewpoint_may_be_told(folder, capsys):
    points = points_of(render([box((0.03, 0.02), (0.10, 0.03, 0.20), 0.4)])[0]) + np.float32([0, 0, 0.2])
    np.save(folder / "cloud.npy", points)
    assert loose(folder, "cloud.npy") == 2
    assert "not the pixels of a camera at (0, 0, 0)" in capsys.readouterr().err
    assert loose(folder, "cloud.npy", "--viewpoint", 0, 0, 0.2) == 0
    assert loose(folder, "cloud.npy", "--viewpoint", 0, 0, 0.2, "--fov", 60) == 2
    assert "give one of the two" in capsys.readouterr().err


def test_labels_and_targets_of_the_command_line(folder, capsys):
    labels = labels_of([box((0.03, 0.02), (0.10, 0.03, 0.04), 0.4)]) * 7
    np.save(folder / "labels.npy", labels)
    cv2.imwrite(str(folder / "labels.png"), labels.astype(np.uint16))
    for name in ("labels.npy", "labels.png"):
        assert run(folder, "--labels", folder / name, "--targets", 7, "--per-object", 2) == 0
        assert [g["label"] for g in json.loads(capsys.readouterr().out)["grasps"]] == [7, 7]
    assert run(folder, "--labels", folder / "labels.png", "--targets", 8) == 2
    assert "no pixel has the label 8; possible targets: 7" in capsys.readouterr().err
    assert run(folder, "--labels", folder / "none.png") == 2
    assert run(folder, "--targets", 7) == 2
    assert "no label image was given" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words, complaint",
    [
        (["--png", "depth.npy"], "png and depth are one file"),
        (["--json", "link.npy"], "json and depth are one file"),
        (["--json", "./sub/../camera.json"], "json and camera are one file"),
        (["--mask", "mask.png", "--png", "mask.png"], "png and mask are one file"),
        (["--view", "b.npy", "b.json", "b.txt", "--json", "b.txt"], "json and view are one file"),
        (["--json", "plan", "--png", "plan"], "png and json are one file"),
        (["--png", "sub"], "png must be a file, sub is a folder"),
        (["--png", "-"], "png cannot be standard output"),
        (["--json", "mask.png/plan.json"], "mask.png is no folder"),
        (["--json", ""], "an empty argument after --json"),
        (["--png="], "an empty argument after --png"),
        (["--per-object", "2"], "no label image was given"),
    ],
)
def test_no_output_replaces_an_input_or_another_output(folder, capsys, monkeypatch, words, complaint):
    monkeypatch.chdir(folder)
    (folder / "sub").mkdir()
    (folder / "link.npy").symlink_to("depth.npy")
    (folder / "b.txt").write_text("pose")
    before = {p: p.read_bytes() for p in folder.iterdir() if p.is_file()}
    try:
        code = run(folder, *words)
    except SystemExit as ended:  # argparse's
        code = ended.code
    assert code == 2 and complaint in capsys.readouterr().err
    assert {p: p.read_bytes() for p in folder.iterdir() if p.is_file()} == before


@pytest.mark.parametrize("scale", [0, -1, "nan", "inf"])
def test_a_clouds_scale_is_positive(folder, capsys, scale):
    write_pcd(folder / "cloud.pcd", points_of(np.load(folder / "depth.npy")))
    assert loose(folder, "cloud.pcd", "--depth-scale", scale) == 2
    assert run(folder, "--depth-scale", scale, depth="cloud.pcd") == 2
    assert capsys.readouterr().err.count("the depth scale must be a positive number") == 2


def test_several_views_of_the_command_line(folder, capsys):
    names = []
    for i, tilt in enumerate((0.0, 0.4)):
        depth, _, pose = view_of_boxes(TWO, tilt)
        np.save(folder / f"{i}.npy", depth)
        np.savetxt(folder / f"{i}.txt", pose)
        names += [folder / f"{i}.npy", folder / "camera.json", folder / f"{i}.txt"]
    view = ["--pose", names[2], "--view", *names[3:]]
    assert run(folder, *view, "--table", 0, 0, 1, 0, depth="0.npy") == 0
    plan = json.loads(capsys.readouterr().out)
    assert all(0 < g["center_cam"][2] < 0.07 and g["approach_cam"][2] < -0.99 for g in plan["grasps"])
    for i in range(2):
        cv2.imwrite(str(folder / f"{i}.png"), np.rint(np.load(folder / f"{i}.npy") / 0.002).astype(np.uint16))
    pngs = ["--pose", names[2], "--view", folder / "1.png", *names[4:], "--depth-scale", 0.002]  # of every view
    assert run(folder, *pngs, "--table", 0, 0, 1, 0, depth="0.png") == 0
    capsys.readouterr()
    pose[2, 3] += 0.02
    np.save(folder / "wrong.npy", pose)
    assert run(folder, *view[:-1], folder / "wrong.npy", depth="0.npy") == 2
    assert "view 2 disagrees with view 1 by " in capsys.readouterr().err
    assert run(folder, *view[:-1], folder / "camera.json", depth="0.npy") == 2
    assert "4 x 4 numbers are needed" in capsys.readouterr().err
    assert run(folder, "--pose", names[2]) == 2
    assert run(folder, *view, "--mask", folder / "mask.png", depth="0.npy") == 2


def test_the_hand_comes_within_the_cone_that_was_asked_for(folder, capsys):
    assert run(folder, "--cone", 0.3, 0, 1, 10, "--json", folder / "plan.json") == 0
    axis = np.array([0.3, 0, 1]) / np.hypot(0.3, 1)
    ways = [g["approach_cam"] for g in json.loads((folder / "plan.json").read_text())["grasps"]]
    assert len(ways) and np.degrees(np.arccos(np.clip(np.array(ways) @ axis, -1, 1))).max() < 10.001
    assert run(folder, "--approach", "any", "--json", folder / "plan.json") == 0
    for words, complaint in [
        ((0, 0, 0, 10), "no direction"),
        ((0, 0, 1, 100), "90 degrees"),
        ((0, 0, -1, 10), "comes from below the support"),
    ]:
        assert run(folder, "--cone", *words) == 2
        assert complaint in capsys.readouterr().err


def test_as_a_program_without_arguments_it_explains_itself():
    done = subprocess.run([sys.executable, "-m", "antipodal.plan"], capture_output=True, text=True)
    assert done.returncode == 2 and "--camera" in done.stderr
