"""Where nothing stands nothing is taken for graspable: what sensors make of bare tables, their edges and arms."""

import cv2
import numpy as np
import pytest
import rooms
from scenes import CAMERA, box, render

from antipodal.perception.planes import Plane
from antipodal.perception.scene import perceive
from antipodal.perception.table import choose

ROOMS = [(), ("endless",), ("wall",), ("arm",), ("tray",)]


@pytest.mark.parametrize("furniture", ROOMS)
def test_in_an_empty_room_nothing_is_taken(furniture):
    taken = []
    for seed in range(100, 112):
        room = rooms.emptied(rooms.room(seed, furniture=furniture), np.random.default_rng(seed))
        if room.share_shown(rooms.TABLE) > 0.08 and room.depth[room.depth > 0].min() > 0.2:
            taken.append(perceive(room.depth, room.camera).graspable.any())
    assert len(taken) > 5 and sum(taken) <= 1


def table_that_ends(*things):
    """Depth (H, W) of a table with things on it over a floor, and its edge (H, W) bool, six pixels wide."""
    depth, shown = render(things)
    table = np.zeros(depth.shape, bool)
    table[25:215, 30:290] = True
    edge = table & ~(cv2.erode(table.astype(np.uint8), np.ones((13, 13), np.uint8)) > 0)
    return np.where(table | shown, depth, depth + 0.3).astype(np.float32), edge


def test_the_edge_of_a_table_that_seems_to_rise_is_no_thing():
    depth, edge = table_that_ends()
    rng = np.random.default_rng(0)
    patches = edge & (cv2.resize(rng.random((15, 20)), depth.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0.5)
    risen = depth - np.float32(0.008) * patches
    assert not perceive(risen, CAMERA).graspable.any()


def test_a_thing_at_the_edge_of_a_table_is_kept():
    thing = box((0.15, 0), (0.05, 0.04, 0.04))
    depth, _ = table_that_ends(thing)
    assert perceive(depth, CAMERA).graspable[render([thing])[1]].mean() > 0.9


@pytest.mark.parametrize("seed", range(6))
def test_chance_makes_no_thing_of_a_bare_table(seed):
    """Errors that lean on their neighbours', in an image of many pixels."""
    grain = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=(480, 640)), (0, 0), 1.5)
    depth = (1.0 + 0.0025 * grain / grain.std()).astype(np.float32)
    assert not perceive(depth, rooms.CAMERAS[2]).graspable.any()


def test_the_rim_of_an_arm_in_smoothed_depth_is_no_thing():
    arm, finger = box((-0.2, 0), (0.24, 0.06, 0.16)), box((-0.07, 0), (0.03, 0.02, 0.06))
    thing = box((0.08, 0.05), (0.05, 0.04, 0.03))
    depth, _ = render([arm, finger, thing])
    graspable = perceive(cv2.GaussianBlur(depth, (0, 0), 2.5), CAMERA).graspable
    shown = cv2.dilate(render([thing])[1].astype(np.uint8), np.ones((15, 15), np.uint8)) > 0
    assert graspable[shown].sum() > 0.9 * render([thing])[1].sum()
    assert not graspable[~shown].any()


def plane(on, standing, depth, offset, normal=(0, 0, 1)):
    surface = type("Surface", (), {"area": 0.6 * on + 0.05})()
    return Plane(np.array(normal, float), offset, on, standing, 0.0, 0.0, depth, surface)


@pytest.mark.parametrize("on, wins", [(0.75, True), (0.3, False)])
def test_an_empty_table_that_fills_the_image_is_the_support_not_a_strip_of_floor_on_which_little_stands(on, wins):
    table, strip = plane(on, 0.0, 0.86, 0.72), plane(0.06, 0.009, 0.9, 0.87)
    assert (choose([table, strip]) is table) == wins
