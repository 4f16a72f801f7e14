"""perception.box_numba agrees with the same box in numpy."""

import numpy as np
import pytest

from antipodal import transforms
from antipodal.camera import Camera
from antipodal.perception.box_numba import pixels_in_box

CAMERA = Camera(60.0, 55.0, 20.0, 13.0, 40, 30)


@pytest.mark.parametrize("seed", range(20))
def test_it_holds_the_points_in_the_box(seed):
    rng = np.random.default_rng(seed)
    depth = np.where(rng.random((30, 40)) < 0.1, 0, rng.uniform(0.2, 1.5, (30, 40))).astype(np.float32)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    T_box_cam = transforms.compose(rotation * np.sign(np.linalg.det(rotation)), rng.normal(size=3) * 0.2)
    v, u = np.mgrid[:30, :40]
    points = transforms.apply(T_box_cam, CAMERA.deproject(np.stack([u, v], -1), depth).reshape(-1, 3))
    low, high = np.quantile(points, rng.uniform(0, 0.2), axis=0), np.quantile(points, rng.uniform(0.8, 1), axis=0)
    points = points.reshape(30, 40, 3)
    expected = ((points >= low) & (points <= high)).all(-1) & (depth > 0)
    margin = np.minimum(np.abs(points - low), np.abs(points - high)).min(-1) > 1e-6  # rounding at the box's faces
    found = pixels_in_box(depth, CAMERA, T_box_cam, low, high)
    assert found.dtype == bool and found.any() and not found.all()
    np.testing.assert_array_equal(found[margin], expected[margin])
