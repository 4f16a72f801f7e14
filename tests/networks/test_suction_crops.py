import numpy as np
import pytest
from scenes import CAMERA, box, overhead, render

from antipodal.camera import Camera
from antipodal.networks import suction_crops
from antipodal.networks.suction_crops import (
    MISSING,
    SUCTION_SIZE,
    UNIT,
    crop_suction,
    crop_suction_numpy,
    offsets,
    suction_axes,
    suction_conditions,
)
from antipodal.suction_cup import SuctionCup

CUP = SuctionCup("cup", 0.015, 0.03, 0.008, 300.0, 12.0, 0.5, (0.05, 0.05, 0.1))


def plane_image(normal, offset, camera=CAMERA):
    """Depth of the plane {p : normal . p = offset}."""
    x, y = camera.rays(np.float64)
    return (offset / (normal[0] * x[None] + normal[1] * y[:, None] + normal[2])).astype(np.float32)


def on_plane(normal, offset, count, seed=0, camera=CAMERA):
    """Contacts (N, 3) on the plane that appear away from the image's border."""
    rng = np.random.default_rng(seed)
    px = rng.uniform([80, 60], [camera.width - 80, camera.height - 60], (count, 2))
    ray = camera.deproject(px, np.ones(count))
    return ray * (offset / (ray @ normal))[:, None]


def unit(*v):
    return np.array(v, float) / np.linalg.norm(v)


@pytest.mark.parametrize("normal", [unit(0, 0, 1), unit(0.5, 0, 1), unit(-0.4, 0.7, 1), unit(0.02, -1, 0.9)])
def test_a_plane_gives_zeros_from_wherever_the_camera_looks(normal):
    contact = on_plane(normal, 0.5, 20)
    made = crop_suction(plane_image(normal, 0.5), CAMERA, contact, np.tile(normal, (20, 1)), CUP)
    assert np.abs(made).max() < 1e-4


def test_a_step_gives_its_height_on_its_side():
    """A box's rim through the contact: level inside, and its height below outside."""
    depth, _ = render([box((0, 0), (0.10, 0.10, 0.006))])
    contact, down = np.array([[0.05, 0.0, 0.7 - 0.006]]), np.array([[0.0, 0.0, 1.0]])
    made = crop_suction(depth, CAMERA, contact, down, CUP)[0]
    middle = SUCTION_SIZE // 2
    np.testing.assert_allclose(made[:, : middle - 1], 0, atol=1e-4)
    np.testing.assert_allclose(made[:, middle + 1 :], -0.006 / (UNIT * CUP.radius), atol=1e-3)


def test_what_stands_higher_is_positive_and_clipped():
    depth, _ = render([box((0.03, 0), (0.03, 0.2, 0.05))])
    made = crop_suction(depth, CAMERA, [[0.0, 0.0, 0.7]], [[0.0, 0.0, 1.0]], CUP)[0]
    assert (made[:, -2:] == 1).all() and np.abs(made[:, :16]).max() < 1e-4 and made.min() > -1e-4


def test_seen_at_a_slant_a_step_has_the_same_height():
    """Where the box hides the table, the shadow's border lies between the two heights."""
    T, step = overhead(0.8), -0.006 / (UNIT * CUP.radius)
    depth, _ = render([box((0, 0), (0.10, 0.10, 0.006))], T_cam_table=T)
    below = []
    for side in (-1, 1):
        contact = (T @ [0, side * 0.05, 0.006, 1])[:3]
        made = crop_suction(depth, CAMERA, contact[None], -T[None, :3, 2], CUP)[0]
        along = offsets(CUP) * (suction_axes(-T[:3, 2])[0, :, 1] @ T[:3, 1]) * side  # of the rows, out of the box
        assert np.abs(made[along < -0.002]).max() < 1e-3
        below.append(made[along > 0.002])
    hidden, seen = sorted(below, key=np.mean, reverse=True)
    np.testing.assert_allclose(seen, step, atol=1e-3)
    assert step - 1e-3 < hidden.min() and hidden.max() < 0.1 and np.abs(hidden - step).max() > 0.1


def test_scene_and_grasp_move_together():
    """The same box nearer, aside, and under a turned camera."""
    crops = []
    for tilt, place in [(0.0, (0.0, 0.0)), (0.0, (0.04, -0.03)), (0.25, (0.02, 0.03)), (-0.25, (-0.03, 0.0))]:
        T = overhead(tilt)
        depth, _ = render([box(place, (0.08, 0.08, 0.004))], T_cam_table=T)
        contact = (T @ [place[0] + 0.032, place[1] + 0.030, 0.004, 1])[:3]
        crops.append(crop_suction(depth, CAMERA, contact[None], -T[None, :3, 2], CUP)[0])
    for other in crops[1:]:
        differs = np.abs(other - crops[0]) > 0.05
        assert differs.mean() < 0.06  # the rim moves by a pixel, at most a few rows of shadow
    assert (crops[0] < -0.3).mean() > 0.2


def test_a_cup_of_twice_the_size_sees_a_scene_of_twice_the_size_alike():
    depth, _ = render([box((0, 0), (0.03, 0.2, 0.006))])
    twice = SuctionCup("twice", 0.03, 0.06, 0.016, 300.0, 12.0, 0.5, (0.05, 0.05, 0.1))
    contact, down = np.array([[0.012, 0.0, 0.694]]), np.array([[0.0, 0.0, 1.0]])
    small = crop_suction(depth, CAMERA, contact, down, CUP)
    large = crop_suction(2 * depth, CAMERA, 2 * contact, down, twice)
    np.testing.assert_allclose(small, large, atol=1e-5)


def test_missing_and_outside_have_their_value():
    depth = np.full((240, 320), 0.5, np.float32)
    depth[:, :160] = 0
    made = crop_suction(depth, CAMERA, [[0.0, 0.0, 0.5], [0.15, 0.0, 0.5]], [[0, 0, 1.0], [0, 0, 1.0]], CUP)
    assert (made[0, :, :15] == MISSING).all() and np.abs(made[0, :, 17:]).max() < 1e-4
    assert (made[1, :, -4:] == MISSING).all() and np.abs(made[1, :, :16]).max() < 1e-4


def test_the_compiled_kernel_equals_its_twin():
    rng = np.random.default_rng(0)
    boxes = [box(rng.uniform(-0.08, 0.08, 2), rng.uniform(0.02, 0.08, 3), rng.uniform(0, 3)) for _ in range(6)]
    depth, _ = render(boxes, T_cam_table=overhead(0.4))
    depth += rng.normal(0, 0.001, depth.shape).astype(np.float32)
    depth[rng.random(depth.shape) < 0.02] = 0
    px = rng.uniform(0, [319, 239], (60, 2))
    contact = CAMERA.deproject(px, np.maximum(depth[px[:, 1].astype(int), px[:, 0].astype(int)], 0.3))
    approach = rng.normal(size=(60, 3)) + np.array([0, 0, 1.5])
    approach /= np.linalg.norm(approach, axis=1, keepdims=True)
    ours = crop_suction(depth, CAMERA, contact, approach, CUP)
    plain = crop_suction_numpy(depth, CAMERA, contact, approach, CUP)
    assert (ours == MISSING).any() and (ours == 1).any() and ours.std() > 0.2
    assert (np.abs(ours - plain) > 1e-4).mean() < 1e-3  # single precision rounds a few points to the next pixel


def test_the_number_of_looks_matters_where_the_view_is_slanted(monkeypatch):
    T = overhead(0.6)
    depth, _ = render([box((0, 0), (0.10, 0.10, 0.006))], T_cam_table=T)
    contact = (T @ [0, 0.05, 0.006, 1])[:3]
    four = crop_suction(depth, CAMERA, contact[None], -T[None, :3, 2], CUP)
    monkeypatch.setattr(suction_crops, "LOOKS", 1)
    assert np.abs(four - crop_suction(depth, CAMERA, contact[None], -T[None, :3, 2], CUP)).max() > 0.05


def test_axes_are_right_handed_with_the_approach_as_z():
    rng = np.random.default_rng(1)
    approach = np.concatenate([rng.normal(size=(50, 3)), [[1.0, 0, 0], [-1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]]])
    approach /= np.linalg.norm(approach, axis=1, keepdims=True)
    R = suction_axes(approach)
    np.testing.assert_allclose(np.swapaxes(R, 1, 2) @ R, np.tile(np.eye(3), (len(R), 1, 1)), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(R), 1)
    np.testing.assert_allclose(R[..., 2], approach)
    np.testing.assert_allclose(R[-1], np.eye(3), atol=1e-12)


def test_a_crops_side_is_four_radii():
    at = offsets(CUP)
    assert at[-1] - at[0] == pytest.approx(4 * CUP.radius * 31 / 32) and at.sum() == pytest.approx(0)


def test_conditions_say_how_the_surface_is_seen_and_which_way_is_down():
    down = unit(0, 0.2, 1)
    made = suction_conditions([[0.0, 0.0, 0.5], [0.3, 0.0, 0.3]], [down, [0, 0, 1.0]], down, CUP)
    np.testing.assert_allclose(made[:, 0], 0.3)
    np.testing.assert_allclose(made[:, 1], 0.008 / 0.015)
    np.testing.assert_allclose(made[:, 2], [down[2], np.sqrt(0.5)], rtol=1e-6)
    np.testing.assert_allclose(made[:, 3], [1, down[2]], rtol=1e-6)


def test_no_grasps_give_no_crops():
    depth = np.full((240, 320), 0.5, np.float32)
    assert crop_suction(depth, CAMERA, np.empty((0, 3)), np.empty((0, 3)), CUP).shape == (0, 32, 32)
    other = Camera(525.0, 525.0, 31.5, 23.5, 64, 48)
    made = crop_suction(np.ones((48, 64), np.float32), other, [[0, 0, 1.0]], [[0, 0, 1.0]], CUP)
    assert np.abs(made[:, 16, 16]).max() < 1e-4
