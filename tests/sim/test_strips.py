"""Strips of failures show and name the object that the grasp was aimed at, also in heaps."""

import numpy as np
import pytest
import trimesh

pytest.importorskip("mujoco")

from antipodal import report, transforms
from antipodal.grasp import Gripper
from antipodal.grasping.view_grasps import grasps_at
from antipodal.sim import report_page
from antipodal.sim.baselines import downwards
from antipodal.sim.cell import Cell
from antipodal.sim.objects import box
from antipodal.sim.picture import OBJECTS, THUMBNAIL
from antipodal.sim.report import summarise
from antipodal.sim.trials import Job, Runner, TrialOptions

JOB = Job(0, "random")
NAMES = ["block", "cube", "cup", "bar"]
PLACES = [[-0.2, 0.1], [0.1, 0.05], [0.0, 0.15], [0.0, 0.0]]


def heap():
    """A bar beside whose end stands a cube, nearer to that end than the bar's own middle, and two more things."""
    cell = Cell(Gripper())
    sizes = [(0.03, 0.03, 0.03)] * 3 + [(0.24, 0.03, 0.03)]
    cell.drop([box(name, size) for name, size in zip(NAMES, sizes)], np.random.default_rng(0))
    for i, place in enumerate(PLACES):
        cell._put(i, transforms.compose(np.eye(3), [*place, 0.015]))
    return cell


def aimed(cell, place, width):
    """A grasp from above at a place [m], closing along y."""
    T = transforms.invert(cell.T_world_cam) @ downwards(place, np.pi / 2)
    return grasps_at(T[None], [width], [0.83], camera=cell.camera)[0]


def replayed(monkeypatch, place, width=0.06):
    """A runner whose only trial is a grasp at a place of the heap, the jaws opened to `width`."""
    runner = Runner(TrialOptions("procedural:2"))
    monkeypatch.setattr(runner, "make_cell", lambda scene: heap())
    monkeypatch.setattr(runner, "_plan", lambda cell, *_: aimed(cell, place, width))
    return runner


def caption_of(runner):
    """Of the strip of that trial, as a failure."""
    pick = {"kind": "slipped", "end": "slipped", "quality": 0.83, "plan_ms": 1.0}
    rows = [{"scene": 0, "policy": "random", "objects": NAMES, "reachable": 4, "left": 4, "picks": [pick]}]
    page = report.Report("", "")
    report_page.add_picks(
        page,
        summarise(rows),
        rows,
        lambda row, attempt: runner.replay(JOB, attempt),
        lambda name: trimesh.creation.box(),
    )
    return "".join(page.parts).partition('class="strip">')[2].partition("<div>")[0]


@pytest.mark.parametrize("place, name", [([0.1, 0.0, 0.02], "bar"), ([0.1, 0.05, 0.02], "cube")])
def test_the_caption_names_the_object_at_the_grasp(monkeypatch, place, name):
    caption = caption_of(replayed(monkeypatch, place))
    assert caption.startswith(f"slipped, P = 0.83: {name}, ")
    assert not any(other in caption for other in NAMES if other != name)


def test_the_caption_of_a_grasp_at_nothing_says_what_is_there(monkeypatch):
    assert caption_of(replayed(monkeypatch, [-0.1, -0.1, 0.02])).startswith("slipped, P = 0.83: table, ")


def test_a_grasp_into_a_gap_is_aimed_at_the_nearest_object_between_the_jaws(monkeypatch):
    assert replayed(monkeypatch, [0.1, 0.023, 0.02]).replay(JOB, 0).aimed_at == "bar"
    assert replayed(monkeypatch, [0.1, 0.028, 0.02]).replay(JOB, 0).aimed_at == "cube"


def middle_of(found):
    """Middle (2,) of pixels (THUMBNAIL, THUMBNAIL) bool that were found, from the frame's middle."""
    v, u = np.nonzero(found)
    return np.array([u.mean(), v.mean()]) - (THUMBNAIL - 1) / 2


def test_the_frames_are_centred_on_the_grasp_and_show_its_object(monkeypatch):
    too_narrow = 0.02  # the jaws come down on the bar, which stays
    seen, hand, after = replayed(monkeypatch, [0.1, 0.0, 0.02], too_narrow).replay(JOB, 0).frames
    drawn = np.ptp(seen.astype(int), axis=2) > 60  # the grasp is all that has a colour
    assert drawn.any() and np.abs(middle_of(drawn)).max() < 8
    for frame in (hand, after):
        bar = of_hue(frame, OBJECTS[NAMES.index("bar")])
        assert bar[THUMBNAIL // 3 : -THUMBNAIL // 3, THUMBNAIL // 3 : -THUMBNAIL // 3].sum() > 200


def of_hue(image, colour):
    """Pixels (H, W) bool of a colour, however it is lit."""
    way = image / np.maximum(np.linalg.norm(image.astype(float), axis=2, keepdims=True), 1)
    return way @ (np.array(colour) / np.linalg.norm(colour)) > 0.995
