"""Slices, heights and collisions against trimesh and against points on the surface."""

import numpy as np
import pytest
import trimesh

from antipodal.errors import InputError
from antipodal.synth.labels.collision import collides
from antipodal.synth.scene import SceneOptions, _draw_top, build_scene
from tests.synth_runs import GRIPPER, standing


@pytest.mark.parametrize("index", [1, 2, 4, 7, 10])
def test_slices_are_the_sections_of_the_mesh(index):
    mesh = standing(index)
    scene = build_scene(mesh.vertices, mesh.faces)
    for k in range(1, len(scene.heights), 7):
        segments = scene.segments[scene.start[k] : scene.start[k + 1]]
        section = trimesh.intersections.mesh_plane(mesh, [0, 0, 1], [0, 0, scene.heights[k]])
        length = np.linalg.norm(section[:, 1] - section[:, 0], axis=1).sum()
        assert np.hypot(*(segments[:, 2:] - segments[:, :2]).T).sum() == pytest.approx(length, rel=1e-6)
        along = np.column_stack([segments[:, 2:] - segments[:, :2], np.zeros(len(segments))])
        normals = scene.normals[scene.start[k] : scene.start[k + 1]]
        np.testing.assert_allclose(np.sum(along * normals, axis=1), 0, atol=1e-9)  # segments lie in their faces


@pytest.mark.parametrize("short", [5e-10, 0.0, -5e-10])
def test_a_corner_beside_a_grid_line_is_drawn_within_the_map(short):
    """On the line's row such a triangle has no columns, or they begin at the corner."""
    memory = np.zeros(6 * 5, dtype=np.float32)
    points = np.array([[1.0, 1.0, 0.5], [3.0, 1.0, 0.5], [2.0, 4.0 - short, 0.5]])
    _draw_top(points, np.array([[0, 1, 2]], dtype=np.int32), memory[:25].reshape(5, 5))
    drawn = {(1, 1), (1, 2), (1, 3), (2, 2), (3, 2), (4, 2)} - ({(4, 2)} if short > 0 else set())
    assert {divmod(int(i), 5) for i in np.flatnonzero(memory)} == drawn


@pytest.mark.parametrize("index", [0, 2, 8])
def test_the_map_of_heights_is_what_rays_from_above_meet(index):
    mesh = standing(index)
    scene = build_scene(mesh.vertices, mesh.faces)
    rng = np.random.default_rng(index)
    row, column = (rng.integers(0, n, 60) for n in scene.top.shape)
    xy = np.column_stack([column, row]) * scene.cell + scene.origin
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    for p, height in zip(xy, scene.top[row, column]):
        d = lambda p, q, r: (q[:, 0] - p[0]) * (r[:, 1] - p[1]) - (q[:, 1] - p[1]) * (r[:, 0] - p[0])  # noqa: E731
        weights = np.stack([d(p, b, c), d(p, c, a), d(p, a, b)])
        area = weights.sum(axis=0)
        hit = (np.abs(area) > 1e-12) & ((weights >= 0).all(axis=0) | (weights <= 0).all(axis=0))
        z = (weights[:, hit] * np.stack([a, b, c])[:, hit, 2]).sum(axis=0) / area[hit]
        assert height == pytest.approx(z.max() if hit.any() else 0.0, abs=1e-5)


def inside(points, tips, angle, center, half, lowest):
    """Whether any point lies in a box about (along, across) the closing axis, higher than `lowest` above the tips."""
    c, s = np.cos(angle), np.sin(angle)
    p = points - tips
    along, across = p[:, 0] * c + p[:, 1] * s, p[:, 0] * s - p[:, 1] * c
    return np.any((np.abs(along - center) < half[0]) & (np.abs(across) < half[1]) & (p[:, 2] > lowest))


def touched(points, tips, angle, width, grow):
    """Whether the gripper's boxes, grown by `grow`, contain a point on their way down."""
    g = GRIPPER
    jaw = (g.jaw_thickness / 2 + grow, g.jaw_width / 2 + grow)
    reach = (width + g.jaw_thickness) / 2
    palm = (g.palm_size[1] / 2 + grow, g.palm_size[0] / 2 + grow)
    return (
        any(inside(points, tips, angle, side * reach, jaw, -grow) for side in (-1, 1))
        or inside(points, tips, angle, 0.0, palm, g.jaw_length - grow)
        or tips[2] < 0
    )


@pytest.mark.parametrize("index", [1, 2, 3, 7, 8])
def test_collision_is_that_of_points_on_the_surface_with_boxes(index):
    mesh = standing(index)
    scene = build_scene(mesh.vertices, mesh.faces)
    points = trimesh.sample.sample_surface(mesh, 60_000, seed=index)[0]
    rng = np.random.default_rng(index)
    low, high = mesh.bounds
    tips = rng.uniform([*low[:2], 0], [*high[:2], high[2]], (300, 3))
    angle, width = rng.uniform(0, np.pi, 300), rng.uniform(0.02, GRIPPER.max_width, 300)
    found = collides(scene, GRIPPER, tips, angle, width)
    surely = np.array([touched(points, t, a, w, -0.001) for t, a, w in zip(tips, angle, width)])
    perhaps = np.array([touched(points, t, a, w, 0.0015) for t, a, w in zip(tips, angle, width)])
    assert found[surely].all() and not found[~perhaps].any()
    assert 20 < found.sum() < 300


def test_the_palm_hits_what_is_taller_than_the_jaws_are_long():
    tower = trimesh.creation.box([0.02, 0.02, 0.1])
    tower.apply_translation([0, 0, 0.05])
    scene = build_scene(tower.vertices, tower.faces)
    tips = np.array([[0, 0, 0.1 - GRIPPER.jaw_length + dz] for dz in (-0.003, 0.003)])
    np.testing.assert_array_equal(collides(scene, GRIPPER, tips, np.zeros(2), np.full(2, 0.085)), [True, False])


def test_huge_objects_are_refused():
    box = trimesh.creation.box([2.0, 1, 1])
    with pytest.raises(InputError, match="2 m long"):
        build_scene(box.vertices, box.faces, SceneOptions())
