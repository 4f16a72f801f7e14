"""Compiled kernels give what their torch twins define."""

import numpy as np
import pytest
import torch

from antipodal import transforms
from antipodal.camera import Camera
from antipodal.grasp import Gripper
from antipodal.grasping.view_grasps import ViewGrasps
from antipodal.networks import crops
from antipodal.networks.crops_numba import surface_crops_numba
from antipodal.perception import view
from antipodal.perception.view_numba import rectify_numba

CAMERA = Camera(fx=150.0, fy=152.0, cx=79.2, cy=61.1, width=160, height=120)


def scene(rng):
    """A tilted plane with blocks on it, and a share of missing pixels."""
    v = np.mgrid[: CAMERA.height, : CAMERA.width][0]
    depth = 0.7 + 0.0005 * v + rng.normal(scale=0.001, size=v.shape)
    for _ in range(6):
        r, c = rng.integers(0, 100), rng.integers(0, 140)
        depth[r : r + 20, c : c + 15] -= rng.uniform(0.02, 0.1)
    depth[rng.random(depth.shape) < rng.uniform(0, 0.9)] = 0
    return depth.astype(np.float32)


@pytest.mark.parametrize("seed", range(8))
def test_rectify_equals_its_twin(seed):
    rng = np.random.default_rng(seed)
    depth = scene(rng)
    T = view.look_along(np.array([*rng.normal(scale=0.3, size=2), 1.0]))
    bounds = (-0.21, -0.17, 0.2, 0.19) if seed % 2 else (-0.6, -0.6, 0.7, 0.65)  # within, and far beyond, the image
    for cell in (0.002, 0.0053):
        twin = view.rectify(torch.from_numpy(depth), CAMERA, T, bounds, cell)
        filled, observed = rectify_numba(depth, CAMERA, T, bounds, cell)
        np.testing.assert_array_equal(observed, twin[1].numpy())
        np.testing.assert_array_equal(filled, twin[0].numpy())


def test_rectify_of_an_empty_image_is_zero_and_unobserved():
    filled, observed = rectify_numba(np.zeros((120, 160), np.float32), CAMERA, np.eye(4), (-0.1, -0.1, 0.1, 0.1), 0.004)
    assert filled.shape == (51, 51) and not filled.any() and not observed.any()


@pytest.mark.parametrize("seed", range(4))
def test_crops_equal_their_twin(seed):
    rng = np.random.default_rng(seed)
    depth = rng.uniform(0.5, 0.7, (70, 90)).astype(np.float32)
    center = rng.uniform([-0.15, -0.15, 0.5], [0.15, 0.15, 0.7], (50, 3))  # some lie beyond the border
    angle = rng.uniform(-np.pi, np.pi, 50)
    gripper = Gripper(max_width=0.06)
    grasps = ViewGrasps(*(torch.tensor(a, dtype=torch.float32) for a in (center, angle, np.full(50, 0.06))))
    twin = crops.surface_crops_torch(torch.from_numpy(depth), (-0.09, -0.07), 0.002, grasps, gripper).numpy()
    side = crops.EXTENT * gripper.max_width
    ours = surface_crops_numba(depth, (-0.09, -0.07), 0.002, center, angle, side, crops.SIZE)
    np.testing.assert_allclose(ours, twin, atol=2e-5)  # the twin's positions are single precision
    relative = crops.relative_crops(torch.from_numpy(depth), (-0.09, -0.07), 0.002, grasps, gripper)
    plain = crops.normalise(torch.from_numpy(twin), grasps.center[:, 2], gripper)
    torch.testing.assert_close(relative, plain, atol=5e-4, rtol=0)


def test_a_crop_looks_along_the_closing_axis():
    x = np.arange(100) * 0.002
    depth = np.broadcast_to(0.5 + x, (100, 100)).astype(np.float32)  # deepens along the view's x
    T = transforms.about_z(np.array(0.3))
    crop = surface_crops_numba(depth, (0.0, 0.0), 0.002, np.array([[0.1, 0.1]]), np.array([0.3]), 0.06, 32)[0]
    offset = ((np.arange(32) + 0.5) / 32 - 0.5) * 0.06
    expected = 0.6 + T[0, 0] * offset[None, :] + T[0, 1] * offset[:, None]
    np.testing.assert_allclose(crop, expected, atol=1e-6)
