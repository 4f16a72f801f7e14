import numpy as np
import pytest
import rooms
from scenes import CAMERA, box, overhead, render

from antipodal.perception.scene import perceive
from antipodal.perception.surroundings import find_surroundings

SUPPORT = np.array([[20, 20], [80, 20], [80, 60], [20, 60]], np.float32)  # 36 x 24 cm


def plan_of(*blocks):
    """Heights in cells (rows, columns) of blocks: rows, columns, height [m]."""
    top = np.zeros((80, 100), np.float32)
    for rows, columns, height in blocks:
        top[rows, columns] = height
    return top


def test_a_wall_along_the_edge_stands_round_the_support_and_a_thing_that_overhangs_it_does_not():
    wall, thing = (slice(10, 20), slice(20, 80), 0.1), (slice(30, 40), slice(72, 90), 0.05)
    top = plan_of(wall, thing)
    found = find_surroundings(top, SUPPORT)
    assert found[:20].sum() == np.count_nonzero(top[:20])
    assert not found[21:].any()


def test_what_stands_over_no_part_of_the_support_stands_round_it():
    assert find_surroundings(plan_of((slice(30, 35), slice(88, 94), 0.05)), SUPPORT).sum() == 30


def test_the_foot_of_a_wall_goes_with_it_and_a_thing_beside_it_stays():
    wall, foot = (slice(10, 20), slice(20, 80), 0.1), (slice(20, 25), slice(20, 80), 0.01)
    thing = (slice(23, 34), slice(40, 50), 0.06)
    found = find_surroundings(plan_of(wall, foot, thing), SUPPORT)
    assert found[20:23].all(axis=0)[20:80].all()
    assert not found[23:34, 40:50].any()


@pytest.mark.parametrize("tilt", [0.0, 0.6])
def test_a_thing_that_the_image_cuts_is_no_wall(tilt):
    depth, truth = render([box((0.0, -0.14), (0.10, 0.09, 0.05))], T_cam_table=overhead(tilt))
    seen = truth & (depth > 0)
    assert perceive(depth, CAMERA).graspable[seen].mean() > 0.9


def test_what_a_nearer_thing_hides_the_table_beside_is_kept():
    """The table behind the near box is hidden; a tall thing stands there."""
    room = rooms.room(3, tilt=1.0, furniture=("endless",), noise=0.0)
    parts = [p for p in room.parts if p[0] != rooms.OBJECT]
    parts[1] = (rooms.TABLE, (0.5, 0.5, 0.03), (0, 0, -0.015), 0.0)
    parts.append((rooms.OBJECT, (0.12, 0.1, 0.2), (-0.1, -0.15, 0.1), 0.0))
    parts.append((rooms.OBJECT, (0.06, 0.06, 0.28), (-0.12, 0.1, 0.14), 0.0))
    T = rooms.look_at((0, -0.7, 0.5), (0, 0, 0.05), 0.0)
    depth, part = rooms.trace(T, room.camera, parts)
    tall = part == len(parts) - 1
    scene = perceive(depth.astype(np.float32), room.camera)
    assert tall.sum() > 200 and scene.graspable[tall].mean() > 0.9
