"""Questions to solids whose answers are known from their boxes."""

import numpy as np
import pytest

from antipodal import transforms
from antipodal.sim.objects import body_from_parts, box
from antipodal.sim.solids import outside, sample_surface, solid, through


def box_at(size, x):
    return box("b", size).parts[0].vertices + np.array([x, 0, 0])


def test_a_line_goes_through_a_box():
    cube = solid(box("cube", (0.04, 0.06, 0.02)), np.eye(4))
    start = np.array([[-0.02, 0, 0], [0, -0.03, 0.005]])
    length, normal = through(cube, start, np.array([[1.0, 0, 0], [0, 1.0, 0]]))
    assert length == pytest.approx([0.04, 0.06])
    np.testing.assert_allclose(normal, [[1, 0, 0], [0, 1, 0]], atol=1e-9)


def test_a_line_goes_on_through_parts_that_touch_and_stops_at_a_gap():
    row = [box_at((0.02, 0.02, 0.02), x) for x in (0.0, 0.02, 0.035, 0.08)]  # touching, overlapping, apart
    body = body_from_parts("row", row)
    lying = solid(body, np.eye(4))
    left = min(part.vertices[:, 0].min() for part in body.parts)
    length, _ = through(lying, np.array([[left, 0, 0]]), np.array([[1.0, 0, 0]]))
    assert length == pytest.approx([0.055])


def test_a_line_that_leaves_has_no_length():
    cube = solid(box("cube", (0.04, 0.06, 0.02)), np.eye(4))
    length, normal = through(cube, np.array([[-0.02, 0, 0]]), np.array([[-1.0, 0, 0]]))
    assert length == 0 and not normal.any()


def test_a_solid_lies_where_its_pose_says():
    T = transforms.compose(transforms.about_z(np.pi / 2), [1.0, 2.0, 3.0])
    lying = solid(box("b", (0.04, 0.1, 0.02)), T)
    points = np.array([[1.0, 2, 3], [1.049, 2, 3], [1.051, 2, 3], [1.0, 2.019, 3], [1.0, 2.021, 3]])
    assert outside(lying, points).tolist() == [False, False, True, False, True]


def test_surface_points_lie_on_the_surface():
    brick = solid(box("b", (0.04, 0.1, 0.02)), np.eye(4))  # 13600 mm2
    points, normals = sample_surface(brick, 0.004, np.random.default_rng(0))
    assert len(points) == 850
    on_face = np.isclose(np.abs(points), [0.02, 0.05, 0.01])
    assert on_face.any(axis=1).all()
    assert ((normals * points).sum(axis=1) > 0).all()
    assert 0.3 < (np.abs(normals[:, 2]) > 0.5).mean() < 0.7  # top and bottom hold 8 of 13.6 parts of the area
