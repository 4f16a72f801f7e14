"""Rooms: what stands around the objects is seen, is hit, and leaves the objects where they are without it."""

import numpy as np
import pytest

from antipodal import transforms
from antipodal.errors import InputError
from antipodal.grasp import Gripper
from antipodal.sim.cell import Cell, overhead
from antipodal.sim.objects import box
from antipodal.sim.room import CLEAR, Part, lose_depth, random_room
from antipodal.sim.trials import Runner, TrialOptions


def room(seed, tilt=0.5):
    T_world_cam = overhead(0.7, tilt, 0.3 * seed)
    return random_room(np.random.default_rng(seed), T_world_cam), T_world_cam


@pytest.mark.parametrize("seed", range(20))
def test_the_objects_place_is_on_the_table_and_free(seed):
    parts, _ = room(seed)
    assert parts[0].kind == "table" and parts[1].kind == "floor"
    corners = np.array([[x, y, 0.05] for x in (-0.1, 0.1) for y in (-0.1, 0.1)])
    for part in parts:
        inside = np.abs(transforms.apply(transforms.invert(part.T_world_part), corners)) <= part.size / 2
        assert not inside.all(axis=1).any(), part.kind
    T, size = parts[0].T_world_part, parts[0].size
    on_table = np.abs(transforms.apply(transforms.invert(T), corners * [1, 1, 0]))[:, :2] <= size[:2] / 2
    assert on_table.all() and T[2, 3] + size[2] / 2 == pytest.approx(0)


def test_every_kind_of_part_is_seen_in_some_image():
    seen = set()
    for seed in range(12):
        parts, T_world_cam = room(seed, tilt=0.9)
        cell = Cell(Gripper(), T_world_cam=T_world_cam, room=parts)
        depth = cell.render()
        for part in parts:
            without = Cell(Gripper(), T_world_cam=T_world_cam, room=[p for p in parts if p is not part] or parts)
            if part.kind == "table" or (without.render() != depth).sum() > 50:
                seen.add(part.kind)
    assert seen == {"table", "floor", "wall", "crate", "tray", "arm"}


def test_without_a_room_the_table_is_endless():
    depth = Cell(Gripper(), T_world_cam=overhead(0.7)).render()
    np.testing.assert_allclose(depth, 0.7, rtol=1e-6)


def test_running_into_a_part_of_the_room_is_an_outcome_of_its_own():
    cell = Cell(Gripper(), room=random_room(np.random.default_rng(0), overhead())[:2])
    wall = Part("crate", transforms.compose(np.eye(3), np.array([0.0, 0.05, 0.05])), np.array([0.3, 0.03, 0.1]))
    cell.room.append(wall)
    cell.drop([box("b", (0.03, 0.04, 0.03))], np.random.default_rng(0))
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    pose[:3, 3] = [0.0, 0.02, 0.02]
    outcome = cell.execute(transforms.invert(cell.T_world_cam) @ pose, 0.08)
    assert outcome.kind == "room_collision"


def test_objects_and_camera_are_those_of_the_scene_without_a_room():
    options = dict(objects="procedural:4", mask=False, tilt=0.9, seed=3)
    for scene in range(3):
        plain, roomy = (Runner(TrialOptions(**options, room=r)).make_cell(scene) for r in (False, True))
        assert [b.name for b in plain.bodies] == [b.name for b in roomy.bodies]
        np.testing.assert_array_equal(plain.T_world_cam, roomy.T_world_cam)
        np.testing.assert_allclose(plain.pose(0)[:2, 3], roomy.pose(0)[:2, 3], atol=1e-9)
        assert np.abs(transforms.apply(plain.pose(0), np.zeros(3))[:2]).max() < CLEAR


def test_a_mask_would_tell_what_the_room_asks():
    with pytest.raises(InputError, match="--no-mask"):
        TrialOptions("procedural:4", room=True)


def test_depth_that_is_lost_is_missing_and_nothing_else_changes():
    depth = np.full((120, 160), 0.7, np.float32)
    for seed in range(10):
        lost = lose_depth(np.random.default_rng(seed), depth)
        assert set(np.unique(lost)) <= {0, np.float32(0.7)} and (lost > 0).mean() > 0.5


def test_what_stands_at_a_pixel_is_named():
    parts = [*random_room(np.random.default_rng(0), overhead())[:2]]
    parts.append(Part("tray", transforms.compose(np.eye(3), np.array([0.15, 0.0, 0.03])), np.array([0.005, 0.4, 0.06])))
    cell = Cell(Gripper(), room=parts)
    cell.drop([box("cube", (0.04, 0.04, 0.04))], np.random.default_rng(0))
    T_cam_world = transforms.invert(cell.T_world_cam)
    places = {"object": cell.pose(0)[:3, 3], "tray": np.array([0.15, 0.1, 0.06]), "table": np.array([-0.12, 0.1, 0.0])}
    for kind, place in places.items():
        assert cell.kind_at(cell.camera.project(transforms.apply(T_cam_world, place[None]))[0]) == kind
    assert Cell(Gripper()).kind_at((300, 200)) == "table"
