"""The z-buffer against a ray caster written plainly in numpy."""

import numpy as np
import pytest
import trimesh

from antipodal.camera import Camera
from antipodal.errors import InputError
from antipodal.synth.images import render

CAMERA = Camera(fx=60.0, fy=64.0, cx=31.3, cy=23.6, width=64, height=48)


def cast(vertices, faces, camera):
    """Depth and face index of every pixel by testing its ray against every face (Moeller and Trumbore)."""
    v, u = np.mgrid[: camera.height, : camera.width]
    rays = camera.deproject(np.stack([u, v], axis=-1).astype(float), 1.0).reshape(-1, 1, 3)
    a, b, c = (vertices[faces[:, k]][None] for k in range(3))
    p = np.cross(rays, c - a)
    det = np.sum(p * (b - a), axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        s = np.sum(p * -a, axis=-1) / det
        q = np.cross(-a, b - a)
        t = np.sum(rays * q, axis=-1) / det
        z = np.sum((c - a) * q, axis=-1) / det
    z[~((s >= -1e-9) & (t >= -1e-9) & (s + t <= 1 + 1e-9) & (z >= render.NEAR))] = np.inf
    nearest, face = z.min(axis=1), z.argmin(axis=1)
    shape = (camera.height, camera.width)
    return np.where(np.isinf(nearest), 0, nearest).reshape(shape), np.where(np.isinf(nearest), -1, face).reshape(shape)


@pytest.mark.parametrize("seed", range(10))
def test_random_triangles_match_ray_casting_also_across_the_near_plane(seed):
    rng = np.random.default_rng(seed)
    vertices = rng.uniform([-1, -1, -0.5 if seed % 2 else 0.1], [1, 1, 2], (60, 3))
    faces = rng.permutation(60).reshape(20, 3)
    depth, face = render.render_faces(vertices, faces, CAMERA)
    expected, expected_face = cast(vertices, faces, CAMERA)
    same = np.isclose(depth, expected, rtol=1e-4)
    assert same.mean() > 0.998  # a pixel centre within rounding of an edge may fall either way
    assert (face == expected_face)[same].mean() > 0.998
    np.testing.assert_array_equal(depth, render.render_depth(vertices, faces, CAMERA))


def test_sphere_has_its_analytic_depth_and_no_cracks():
    sphere = trimesh.creation.icosphere(5, 0.3)
    depth = render.render_depth(sphere.vertices + np.array([0.05, -0.02, 1.0]), sphere.faces, CAMERA)
    v, u = np.mgrid[: CAMERA.height, : CAMERA.width]
    ray = CAMERA.deproject(np.stack([u, v], -1).astype(float), 1.0)
    center = np.array([0.05, -0.02, 1.0])
    b, n = ray @ center, (ray**2).sum(-1)
    root = b**2 - n * (center @ center - 0.09)
    expected = np.where(root > 0, (b - np.sqrt(np.maximum(root, 0))) / n, 0)
    inner = root > 0.002
    assert inner.sum() > 500
    np.testing.assert_allclose(depth[inner], expected[inner], atol=2e-3)
    assert not depth[root < -0.002].any()


def test_a_window_is_a_camera_with_a_shifted_centre():
    box = trimesh.creation.box([0.3, 0.2, 0.4])
    vertices = box.vertices + np.array([0.1, 0, 1.2])
    whole = render.render_depth(vertices, box.faces, CAMERA)
    window = Camera(CAMERA.fx, CAMERA.fy, CAMERA.cx - 20, CAMERA.cy - 10, 30, 25)
    np.testing.assert_allclose(render.render_depth(vertices, box.faces, window), whole[10:35, 20:50], rtol=1e-6)


def test_plane_agrees_with_two_triangles_of_it():
    normal = np.array([0.1, -0.2, -0.97]) / np.linalg.norm([0.1, -0.2, -0.97])
    plane = np.append(normal, normal @ [0, 0, 1.5])
    x, y = 50 * np.array([-1, 1, 1, -1]), 50 * np.array([-1, -1, 1, 1])
    corners = np.stack([x, y, (plane[3] - normal[0] * x - normal[1] * y) / normal[2]], axis=1)
    drawn = render.render_depth(corners, np.array([[0, 1, 2], [0, 2, 3]]), CAMERA)
    np.testing.assert_allclose(render.plane_depth(plane, CAMERA), drawn, rtol=1e-4)


def test_nearest_ignores_nothing():
    a, b = np.float32([[0, 1, 2, 0]]), np.float32([[3, 2, 1, 0]])
    np.testing.assert_array_equal(render.nearer(a, b), [[3, 1, 1, 0]])


def test_a_face_beyond_the_vertices_is_refused():
    with pytest.raises(InputError, match="there are 3 vertices"):
        render.render_depth(np.eye(3), np.array([[0, 1, 3]]), CAMERA)
