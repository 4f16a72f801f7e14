import cv2
import numpy as np
import pytest
from scenes import CAMERA, HEIGHT, box, overhead, render

from antipodal.camera import Camera
from antipodal.perception.hints import SceneHints
from antipodal.perception.planes_numba import moments
from antipodal.perception.table import find_table

CLUTTER = [box((x, y), (0.06, 0.04, 0.05), yaw=x * 9) for x in (-0.1, 0.0, 0.1) for y in (-0.06, 0.06)]


@pytest.mark.parametrize("tilt", [0.0, 0.2, -0.4])
def test_plane_under_clutter_is_found_exactly_without_noise(tilt):
    T_cam_table = overhead(tilt)
    depth, _ = render(CLUTTER, T_cam_table=T_cam_table)
    table = find_table(depth, CAMERA, np.random.default_rng(0))
    np.testing.assert_allclose(table.normal, -T_cam_table[:3, 2], atol=1e-4)
    assert table.offset == pytest.approx(HEIGHT * np.cos(tilt), abs=1e-4)


def test_plane_and_noise_are_found_in_noise_and_holes():
    rng = np.random.default_rng(1)
    depth, _ = render(CLUTTER)
    depth = (depth + rng.normal(scale=0.002, size=depth.shape) * (rng.random(depth.shape) > 0.3)).astype(np.float32)
    depth[rng.random(depth.shape) < 0.3] = 0
    table = find_table(depth, CAMERA, np.random.default_rng(0))
    assert np.degrees(np.arccos(table.normal[2])) < 0.5
    assert table.offset == pytest.approx(HEIGHT, abs=1e-3)
    assert 0.0005 < table.noise < 0.003


def test_top_of_a_crate_is_no_table_where_the_floor_is_seen():
    depth, _ = render([box((0, 0), (0.3, 0.2, 0.1))])
    table = find_table(depth, CAMERA, np.random.default_rng(0))
    assert table.offset == pytest.approx(HEIGHT, abs=1e-3)


def test_height_is_measured_upwards_from_the_table():
    depth, mask = render([box((0, 0), (0.1, 0.1, 0.05))])
    table = find_table(depth, CAMERA, np.random.default_rng(0))
    v, u = np.nonzero(mask)
    heights = table.height(CAMERA.deproject(np.stack([u, v], -1), depth[mask]))
    assert heights.max() == pytest.approx(0.05, abs=1e-3)


def test_no_plane_in_scattered_points():
    rng = np.random.default_rng(0)
    depth = rng.uniform(0.4, 1.5, (240, 320)).astype(np.float32)
    assert find_table(depth, CAMERA, rng) is None


def test_no_plane_in_three_points():
    depth = np.zeros((240, 320), np.float32)
    depth[0, :3] = 0.7
    assert find_table(depth, CAMERA, np.random.default_rng(0)) is None


def test_moments_are_those_of_the_points_near_the_plane():
    rng = np.random.default_rng(0)
    points, normal = rng.normal(size=(500, 3)), np.array([0.6, 0.0, 0.8])
    weights = rng.integers(1, 5, 500)
    near = np.abs(points @ normal - 0.1) < 0.5
    arguments = np.ascontiguousarray(points.T), weights, np.full(500, 0.5)
    total, mean, products = moments(*arguments, np.append(normal, 0.1))
    assert total == weights[near].sum() and 100 < near.sum() < 400
    np.testing.assert_allclose(mean, np.average(points[near], axis=0, weights=weights[near]), atol=1e-12)
    expected = np.cov(points[near].T, fweights=weights[near], ddof=0)
    np.testing.assert_allclose(products / total, expected, atol=1e-12)
    assert moments(*arguments, np.append(normal, 50.0))[0] == 0


@pytest.mark.parametrize("tilt", [0.0, 0.3, -0.5])
def test_the_outline_holds_all_of_the_table_that_is_seen(tilt):
    rng = np.random.default_rng(2)
    depth, mask = render(CLUTTER, T_cam_table=overhead(tilt))
    depth = (depth + rng.normal(scale=0.001, size=depth.shape)).astype(np.float32)
    depth[:, :70] = 0
    depth[180:, 200:] = 0
    table = find_table(depth, CAMERA, np.random.default_rng(0))
    v, u = np.nonzero(~mask & (depth > 0))
    places = CAMERA.deproject(np.stack([u, v], -1), depth[v, u]) @ table.surface.axes.T
    outside = [cv2.pointPolygonTest(table.outline, (float(x), float(y)), True) for x, y in places[::7]]
    assert min(outside) > -0.012  # a cell of the coarse grid


def test_images_of_few_pixels_make_no_table_through_the_camera():
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(400):
        height, width = rng.integers(1, 40, 2)
        focal = rng.uniform(5, 80)
        camera = Camera(focal, focal, width / 2, height / 2, int(width), int(height))
        depth = np.full((height, width), rng.uniform(0.3, 2), np.float32)
        for _ in range(rng.integers(0, 4)):
            v, u = rng.integers(0, height), rng.integers(0, width)
            depth[v : v + rng.integers(1, 20), u : u + rng.integers(1, 20)] -= rng.uniform(0, 0.29)
        depth[rng.random(depth.shape) < rng.choice([0, 0.1, 0.6])] = 0
        table = find_table(depth, camera, rng, None, SceneHints(up=(0.0, -0.5, -0.8)) if depth.any() else None)
        found += table is not None
        assert table is None or (table.offset > 0.04 and table.pixel(focal) > 0)
    assert found > 50
