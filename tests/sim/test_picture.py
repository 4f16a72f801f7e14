"""Pictures of picks show the object: in the middle of a failure's, in the hand at the end of a pick."""

import numpy as np
import pytest
import trimesh

pytest.importorskip("mujoco")

from antipodal import transforms
from antipodal.grasp import Grasp, Gripper
from antipodal.sim.cell import Cell
from antipodal.sim.objects import body_from_mesh
from antipodal.sim.picture import OBJECTS, THUMBNAIL, failure_picture, place_shown, view_of_hand

BLOCK = trimesh.creation.box((0.03, 0.08, 0.05))


@pytest.fixture(scope="module")
def cell():
    cell = Cell(Gripper())
    cell.drop([body_from_mesh("block", BLOCK)], np.random.default_rng(4))
    return cell


def grasp_on(cell):
    """Upright on the block, across its narrowest side that lies level."""
    pose = cell.pose(0)
    up = int(np.abs(pose[2, :3]).argmax())
    thin = min((axis for axis in range(3) if axis != up), key=lambda axis: BLOCK.extents[axis])
    R = transforms.rotation_to(np.array([0.0, 0.0, -1.0]), np.cross(pose[:3, thin], [0.0, 0.0, -1.0]))
    T = transforms.invert(cell.T_world_cam) @ transforms.compose(R, pose[:3, 3])
    return Grasp(T, 0.06, 0.87, tuple(cell.camera.project(T[:3, 3])), 0.0, T[2, 3])


def test_a_failures_picture_is_centred_on_the_object_with_and_without_a_grasp(cell):
    depth, middle = cell.render(), place_shown(cell, None)
    np.testing.assert_allclose(middle, place_shown(cell, grasp_on(cell)))
    image = failure_picture(depth, cell.camera, None, cell.gripper, middle)
    v, u = np.nonzero(image[..., 0] > 150)  # the block is near, which is bright
    assert np.abs([u.mean(), v.mean()] - np.full(2, THUMBNAIL / 2)).max() < 12
    told = failure_picture(depth, cell.camera, None, cell.gripper, middle, "no_grasp", "0 graspable pixels, and so on")
    changed = (told != image).any(axis=2)
    assert changed[:14].any() and changed[-16:].any() and not changed[20:-20].any()


def colour_share(image, colour):
    """Share of the middle third that has a colour's hue."""
    height, width = image.shape[0] // 3, image.shape[1] // 3
    part = image[height:-height, width:-width].astype(float)
    way = part / np.maximum(np.linalg.norm(part, axis=2, keepdims=True), 1)
    return float((way @ (np.array(colour) / np.linalg.norm(colour)) > 0.995).mean())


def test_the_picture_at_the_end_of_a_pick_shows_the_object_in_the_hand(cell):
    pictures, heights = [], []

    def look(outcome):
        pictures.append(view_of_hand(cell, "jaws", outcome.picked, (120, 160)))
        heights.append(cell.pose(0)[2, 3])

    state, grasp = cell.state(), grasp_on(cell)
    assert cell.execute(grasp.T_cam_grasp, grasp.width, ended=look).held
    assert heights[0] > 0.2 and colour_share(pictures[0], OBJECTS[0]) > 0.1
    cell.restore(state)
    beside = Grasp(grasp.T_cam_grasp @ transforms.compose(np.eye(3), [0.15, 0, 0]), 0.06, 0.5, (0, 0), 0.0, 0.7)
    assert not cell.execute(beside.T_cam_grasp, beside.width, ended=look).held
    assert heights[1] < 0.1 and colour_share(pictures[1], OBJECTS[0]) < 0.02
