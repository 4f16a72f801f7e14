"""The page: its server is on loopback alone, and what it draws and states in a real browser is the plan."""

import io
import socket
import sys
import threading
import warnings
from dataclasses import replace

import cv2
import numpy as np
import pytest
from chromium import chromium, wait_for
from scenes import CAMERA, box, render

from antipodal import resources
from antipodal.camera import Camera
from antipodal.errors import InputError
from antipodal.files import write_array, write_json
from antipodal.perception.pixel_kinds import kinds_of
from antipodal.planner import GraspPlanner

pytest.importorskip("viser", reason="needs viser: pip install 'antipodal[viewer]'")

from antipodal.viewer.__main__ import _frames, _parser, serve
from antipodal.viewer.frames import FileFrames, Frame, open_frames
from antipodal.viewer.plan_tab import PlanTab
from antipodal.viewer.replan import Replanner
from antipodal.viewer.server import INSTALL, Worker, address, make_server
from antipodal.viewer.shapes import hand_solids, placed_at

DEPTH, _ = render([box((-0.06, 0.0), (0.10, 0.03, 0.05), 0.4), box((0.08, 0.03), (0.03, 0.04, 0.03))])
EMPTY = np.full_like(DEPTH, 0.7)


@pytest.fixture(scope="module")
def tab():
    server = make_server(0, "antipodal")
    planner = GraspPlanner.load(resources.find("models/default.pt"), device="cpu")
    frames = [Frame("boxes", DEPTH, CAMERA), Frame("empty table", EMPTY, CAMERA)]
    tab = PlanTab(server, Replanner(planner), frames)
    assert tab.worker.wait()
    yield tab
    tab.worker.end()
    server.stop()


@pytest.fixture
def at_start(tab):
    yield tab
    tab.slider.value = 0
    tab.controls.reset()
    tab.step.value = "result"
    tab.worker.ask()
    assert tab.worker.wait()


def test_the_server_listens_on_loopback_alone(tab):
    assert address(tab.server).startswith("http://127.0.0.1:")
    host = socket.gethostbyname(socket.gethostname())
    if not host.startswith("127."):
        with pytest.raises(OSError):
            socket.create_connection((host, tab.server.get_port()), timeout=2)
    assert tab.server.request_share_url() is None  # no tunnel either


def test_a_taken_port_is_refused(tab):
    with pytest.raises(InputError, match="is taken"):
        make_server(tab.server.get_port(), "another")


def test_without_viser_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "viser", None)
    with pytest.raises(InputError, match="pip install"):
        make_server(0, "x")
    assert "antipodal[viewer]" in INSTALL


def test_what_a_setting_does_not_change_is_not_sent_again(at_start):
    tab = at_start
    nodes, scene = dict(tab.stage.nodes), tab.look.trace.scene
    tab.controls.handles["friction"].value = 0.3
    assert tab.worker.wait() and tab.look.settings.friction == 0.3
    assert tab.look.trace.scene is scene
    for name in ("cloud", "sheet", "camera"):
        assert tab.stage.nodes[name] is nodes[name]
    assert tab.stage.nodes["returned"] is not nodes["returned"]


def test_the_scene_holds_the_plan(at_start):
    tab = at_start
    nodes = tab.stage.nodes
    assert {"cloud", "sheet", "returned", "candidates", "jaw_left", "jaw_right", "palm", "label"} <= set(nodes)
    best = tab.look.plan[0]
    middle = (nodes["jaw_left"].position + nodes["jaw_right"].position) / 2
    assert np.allclose(middle + 0.03 * best.T_cam_grasp[:3, 2], best.T_cam_grasp[:3, 3], atol=1e-6)
    assert len(nodes["returned"].points) == 3 * len(tab.look.plan)
    assert len(tab.choice.options) == min(40, len(tab.grasps))


def test_cloud_and_picture_tell_pixels_apart_by_the_planners_options(at_start):
    tab = at_start
    (hand, options), before = tab.replanner.tuned[0], tab.image.image.astype(int)
    low = replace(options, segmentation=replace(options.segmentation, min_height=0.035))  # the box of 30 mm is support
    tab.replanner.tuned[0] = hand, low
    try:
        tab.controls.handles["seed"].value = 1
        assert tab.worker.wait()
        kinds, scene = tab.look.kinds, tab.look.trace.scene
        assert (kinds == kinds_of(scene, CAMERA, low.segmentation)).all()
        assert (tab.stage.cloud.kinds == kinds.ravel()).all()
        other = kinds != kinds_of(scene, CAMERA)
        assert other.sum() > 100
        other = cv2.resize(other.astype(np.uint8), before.shape[1::-1], interpolation=cv2.INTER_NEAREST) > 0
        assert np.abs(tab.image.image - before)[other].mean() > 20
    finally:
        tab.replanner.tuned[0] = hand, options


def test_an_empty_table_says_why_and_shows_no_hand(at_start):
    tab = at_start
    tab.slider.value = 1
    assert tab.worker.wait()
    assert "No grasp" in tab.verdict.content and "nothing stands above the table" in tab.verdict.content
    assert "palm" not in tab.stage.nodes and "cloud" in tab.stage.nodes
    assert tab.choice.options == ("none",)


def test_choosing_moves_the_hand_and_the_explanation(at_start):
    tab = at_start
    palm, why = tab.stage.nodes["palm"], tab.why.content
    before = palm.position.copy()
    tab.choice.value = tab.choice.options[1]
    assert tab.worker.wait()
    assert tab.stage.nodes["palm"] is palm and not np.allclose(palm.position, before)  # moved, not drawn anew
    for solid in hand_solids(tab.grasps[1], tab.replanner.hands[0]):
        node, place = tab.stage.nodes[solid.name], placed_at(solid.T)
        assert np.allclose(node.position, place["position"]) and np.allclose(node.wxyz, place["wxyz"], atol=1e-6)
    assert tab.why.content != why and "as number 2" in tab.why.content


def test_steps_of_the_search_are_drawn(at_start):
    tab = at_start
    for step in ("pairs", "start", "iteration 2"):
        tab.step.value = step
        assert tab.worker.wait()
        assert "returned" not in tab.stage.nodes
        assert len(tab.stage.nodes["candidates"].points) == len(tab.look.shown(step))


def test_a_cone_of_approaches_is_asked_for_and_drawn(at_start):
    tab, handles = at_start, at_start.controls.handles
    assert not handles["axis"].visible and "behind_palm" not in tab.stage.nodes
    handles["axis"].value, handles["angle"].value, handles["approach"].value = (0.0, 1.0, 1.0), 30.0, "cone"
    assert tab.worker.wait()
    assert handles["axis"].visible and handles["angle"].visible
    assert all(g.T_cam_grasp[:3, 2] @ [0, 1, 1] > 2**0.5 * 0.866 for g in tab.look.plan)
    assert "behind_palm" in tab.stage.nodes  # the 2F-85 names its hand_box, which cones keep clear
    tab.step.value = "iteration 1"
    assert tab.worker.wait() and len(tab.grasps) > 10 and "degrees off the support" in tab.why.content
    handles["approach"].value = "table"
    assert tab.worker.wait() and "behind_palm" not in tab.stage.nodes


def test_what_a_file_is_called_is_no_html(at_start):
    tab = at_start
    tab.frames[0] = Frame("<img src=x onerror=alert(1)>", DEPTH, CAMERA)
    tab.slider.value = 1
    assert tab.worker.wait()
    tab.slider.value = 0
    assert tab.worker.wait()
    assert "<img src=x" not in tab.verdict.content and "&lt;img" in tab.verdict.content


def test_many_asks_are_one_run():
    ran = []
    worker = Worker(lambda: ran.append(1))
    for _ in range(200):
        worker.ask()
    assert worker.wait()
    assert 1 <= len(ran) < 200
    worker.end()


def test_a_server_stops_when_its_workers_are_done():
    """Or they write to a page that is gone."""
    server, began, release, wrote = make_server(0, "antipodal"), threading.Event(), threading.Event(), []

    def work():
        began.set()
        assert release.wait(10)
        server.gui.add_html("written")
        wrote.append(1)

    worker = server.worker(work)
    worker.ask()
    assert began.wait(10)
    threading.Timer(0.2, release.set).start()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # viser warns of what it cannot deliver
        server.stop()
        assert wrote == [1] and worker.ended


def test_files_and_folders_are_frames(tmp_path):
    for name in ("b", "a"):
        write_array(tmp_path / f"{name}.npy", DEPTH)
        write_json(tmp_path / f"{name}.json", CAMERA.to_dict())
    frames = open_frames(tmp_path)
    assert [f.name for f in frames] == ["a.npy", "b.npy"] and frames[1].camera == CAMERA
    (tmp_path / "b.json").unlink()
    with pytest.raises(InputError, match="no camera for"):
        FileFrames([tmp_path / "b.npy"])
    with pytest.raises(InputError, match="no such file"):
        open_frames(tmp_path / "missing.npy")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no depth image"):
        open_frames(tmp_path / "empty")


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_is_none_is_refused(port):
    with pytest.raises(InputError, match="from 0 to 65535"):
        make_server(port, "antipodal")


def test_a_camera_of_another_size_is_refused():
    with pytest.raises(InputError, match="boxes: depth is 320 x 240 pixels but the camera's image is 640 x 480"):
        Frame("boxes", DEPTH, replace(CAMERA, width=640, height=480))


def test_a_camera_of_numbers_is_made_for_the_images_size(tmp_path):
    write_array(tmp_path / "a.npy", 1000 * DEPTH)
    arguments = ["--fov", "60", "--depth-scale", "0.001", "--port", "0"]
    args = _parser().parse_args([str(tmp_path / "a.npy"), *arguments])
    frame = _frames(args)[0]
    assert frame.camera == Camera.from_field_of_view(60, *DEPTH.shape[::-1])
    np.testing.assert_allclose(frame.depth, DEPTH, rtol=1e-6)
    twice = _parser().parse_args([str(tmp_path / "a.npy"), *arguments, "--camera", "realsense_d435"])
    with pytest.raises(InputError, match="give one of"):
        _frames(twice)


def test_the_command_serves_a_folder(tmp_path):
    write_array(tmp_path / "a.npy", DEPTH)
    write_json(tmp_path / "camera.json", CAMERA.to_dict())
    arguments = [str(tmp_path), "--camera", str(tmp_path / "camera.json"), "--port", "0", "--up", "0", "0", "-1"]
    server = serve(_parser().parse_args([*arguments, "--cone", "0", "1", "1", "40"]))
    with socket.create_connection(("127.0.0.1", server.get_port()), timeout=5):
        pass
    server.stop()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile"), 900, 600) as browser:
        yield browser


def screenshot(browser):
    from matplotlib.image import imread

    return (255 * imread(io.BytesIO(browser.get_screenshot_as_png()))[..., :3]).astype(int)


def share(image, colour, tolerance=26):
    """Share of the canvas, left of the panel, that has a colour."""
    canvas = image[120:, :460]
    return float((np.abs(canvas - colour).max(axis=2) < tolerance).mean())


def panel(browser):
    return browser.find_element("tag name", "body").text


def test_in_a_browser_the_page_shows_the_plan_and_a_slider_changes_it(at_start, browser):
    tab = at_start
    browser.get(address(tab.server))
    wait_for(browser, lambda: "P > 0.99" in panel(browser) or "P = " in panel(browser))
    blue, grey = (64, 132, 204), (206, 201, 192)
    wait_for(browser, lambda: share(screenshot(browser), grey) > 0.1)
    seen = screenshot(browser)
    assert share(seen, blue, 70) > 0.003, "no graspable points on the canvas"
    jaws = dark(seen)
    tab.stage.choose(tab.look, None)
    wait_for(browser, lambda: dark(screenshot(browser)) < 0.5 * jaws)  # the hand was drawn, and is gone
    before = tab.look.plan[0].width
    move_slider(browser, "Opening [mm]", 50)
    wait_for(browser, lambda: tab.look.gripper.max_width == 0.05)
    assert tab.worker.wait() and tab.look.plan[0].width < before
    wait_for(browser, lambda: f"{1e3 * tab.look.plan[0].width:.0f} mm open" in panel(browser))
    assert not [e for e in browser.get_log("browser") if "WebSocket" in e["message"]]


def dark(image):
    """Pixels of the jaws' colours on the canvas."""
    canvas = image[120:, :460]
    return int(((canvas.max(axis=2) < 115) & (np.ptp(canvas, axis=2) < 40)).sum())


def move_slider(browser, label, value):
    """Type a value beside a slider, as a person would."""
    browser.find_element("xpath", "//*[normalize-space(text())='Settings']").click()
    named = f"//*[normalize-space(text())='{label}']/following::input"
    shown = lambda: [f for f in browser.find_elements("xpath", named) if f.is_displayed()]  # noqa: E731
    field = wait_for(browser, shown)[0]
    field.click()
    field.send_keys("\ue009a\ue000")  # control and a: all of it
    field.send_keys(f"{value}\ue007")
