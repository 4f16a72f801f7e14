import numpy as np
import pytest
from scenes import CAMERA, box, overhead, render

from antipodal.perception import surface_normals, surface_normals_numba
from antipodal.perception.surface_normals import local_planes, local_planes_numpy

REACH = 0.015


def plane_image(normal, offset):
    x, y = CAMERA.rays(np.float64)
    return (offset / (normal[0] * x[None] + normal[1] * y[:, None] + normal[2])).astype(np.float32)


def pixels(count, seed=0, border=30):
    rng = np.random.default_rng(seed)
    return rng.uniform(border, [CAMERA.width - border, CAMERA.height - border], (count, 2))


@pytest.mark.parametrize("way", [(0, 0, 1), (0.5, 0, 1), (-0.6, 0.8, 1)])
def test_the_plane_itself_is_found(way):
    normal = np.array(way) / np.linalg.norm(way)
    px = pixels(50)
    found = local_planes(plane_image(normal, 0.5), CAMERA, px, REACH)
    np.testing.assert_allclose(found.normal, np.tile(-normal, (50, 1)), atol=1e-4)
    np.testing.assert_allclose(found.point @ normal, 0.5, atol=1e-5)
    np.testing.assert_allclose(CAMERA.project(found.point), px, atol=1e-3)
    assert found.residual.max() < 1e-5 and found.coverage.min() > 0.85


def test_a_depth_edge_does_not_turn_the_normal():
    """On a box, 4 mm from its rim: the plane is the top's, and less of the disc shows it."""
    depth, _ = render([box((0, 0), (0.08, 0.08, 0.05))])
    edge = CAMERA.project(np.array([[0.036, 0.0, 0.65], [0.0, 0.0, 0.65]]))
    found = local_planes(depth, CAMERA, edge, REACH)
    np.testing.assert_allclose(found.normal, [[0, 0, -1]] * 2, atol=1e-3)
    assert 0.4 < found.coverage[0] < 0.8 < found.coverage[1]


def test_a_low_step_shows_in_the_residual():
    depth, _ = render([box((0, 0), (0.08, 0.08, 0.004))])
    found = local_planes(depth, CAMERA, CAMERA.project(np.array([[0.037, 0.0, 0.696], [0.0, 0.0, 0.696]])), REACH)
    np.testing.assert_allclose(found.normal[1], [0, 0, -1], atol=1e-3)
    assert found.residual[0] > 0.0005 > 10 * found.residual[1]


def test_noise_turns_normals_by_a_degree_at_most():
    normal = np.array([0.3, 0.2, 1.0]) / np.linalg.norm([0.3, 0.2, 1.0])
    depth = plane_image(normal, 0.6)
    depth += np.random.default_rng(0).normal(0, 0.001, depth.shape).astype(np.float32)
    found = local_planes(depth, CAMERA, pixels(200), REACH)
    lean = np.degrees(np.arccos(np.clip(-found.normal @ normal, -1, 1)))
    assert np.median(lean) < 1.5 and np.percentile(lean, 95) < 4
    assert 0.0005 < np.median(found.residual) < 0.002


def test_where_nothing_is_seen_there_is_no_plane():
    depth = np.zeros((CAMERA.height, CAMERA.width), np.float32)
    depth[100:103, 100:103] = 0.5  # too few
    found = local_planes(depth, CAMERA, [[10, 10], [101, 101], [-50, 5], [1e4, 3]], REACH)
    assert np.isinf(found.residual).all() and not found.coverage.any() and not found.normal.any()


def test_another_label_counts_as_missing():
    depth = np.full((CAMERA.height, CAMERA.width), 0.5, np.float32)
    labels = np.ones(depth.shape, np.int32)
    labels[:, 163:] = 2
    found = local_planes(depth, CAMERA, [[160, 120], [80, 120]], REACH, labels)
    assert found.coverage[0] < 0.75 < found.coverage[1]


@pytest.mark.parametrize("labelled", [False, True])
def test_the_compiled_kernel_equals_its_twin(labelled):
    rng = np.random.default_rng(1)
    boxes = [box(rng.uniform(-0.08, 0.08, 2), rng.uniform(0.02, 0.08, 3), rng.uniform(0, 3)) for _ in range(6)]
    depth, mask = render(boxes, T_cam_table=overhead(0.3))
    depth += rng.normal(0, 0.001, depth.shape).astype(np.float32)
    depth[rng.random(depth.shape) < 0.05] = 0
    labels = mask.astype(np.int32) if labelled else None
    px = rng.uniform(-5, [CAMERA.width + 5, CAMERA.height + 5], (400, 2))
    ours = local_planes(depth, CAMERA, px, REACH, labels)
    plain = local_planes_numpy(depth, CAMERA, px, REACH, labels)
    alike = np.isclose(ours.coverage, plain.coverage, atol=1e-9)  # a point on the border of being near may differ
    assert alike.mean() > 0.98 and 0.3 < (ours.coverage > 0).mean() < 1
    for name in ("point", "normal", "residual"):
        np.testing.assert_allclose(getattr(ours, name)[alike], getattr(plain, name)[alike], atol=1e-6)


def test_the_twins_share_their_numbers():
    theirs = surface_normals_numba
    ours = surface_normals.GRID, surface_normals.GRID // 2, surface_normals.FITS, surface_normals.LEAST
    assert (theirs.SIDE_POINTS, theirs.HALF, theirs.ROUNDS, theirs.FEWEST) == ours
