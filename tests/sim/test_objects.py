"""Bodies: mass, centre, parts, cache."""

import numpy as np
import pytest
import trimesh

from antipodal.errors import InputError
from antipodal.sim import objects
from antipodal.sim.objects import BodyOptions, body_from_mesh, body_from_parts, box, convex_parts


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def l_shape():
    """Two boxes of 40 x 20 x 20 mm and 20 x 20 x 60 mm that make an L, as one closed mesh."""
    outline = 1e-3 * np.array([[0, 0], [60, 0], [60, 20], [20, 20], [20, 80], [0, 80]])
    front = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 4, 5]])
    vertices = np.vstack([np.c_[outline, np.zeros(6)], np.c_[outline, np.full(6, 0.02)]])
    sides = [[[i, (i + 1) % 6, i + 6], [(i + 1) % 6, (i + 1) % 6 + 6, i + 6]] for i in range(6)]
    mesh = trimesh.Trimesh(vertices, np.vstack([front[:, ::-1], front + 6, *sides]))
    assert mesh.is_watertight and mesh.volume == pytest.approx(0.02 * (0.06 * 0.02 + 0.02 * 0.06))
    return mesh


def test_mass_is_density_times_volume_within_its_limits():
    assert box("a", (0.1, 0.05, 0.04), BodyOptions(density=500.0)).mass == pytest.approx(0.1)
    assert box("a", (0.01, 0.01, 0.01)).mass == 0.02
    assert box("a", (0.3, 0.3, 0.3)).mass == 1.0
    heavy = box("a", (0.3, 0.3, 0.3))
    assert heavy.density * 0.027 == pytest.approx(heavy.mass)


def test_the_origin_is_the_centre_of_mass():
    corners = trimesh.creation.box((0.02, 0.02, 0.02)).vertices
    far = trimesh.creation.box((0.02, 0.04, 0.02)).vertices + np.array([0.3, 0, 0])  # twice the volume
    body = body_from_parts("two", [corners, far])
    centers = [part.vertices.mean(axis=0)[0] for part in body.parts]
    assert centers == pytest.approx([-0.2, 0.1])


def test_an_l_is_decomposed_without_filling_its_inner_corner():
    mesh = l_shape()
    parts = convex_parts(mesh)
    assert len(parts) >= 2
    assert sum(trimesh.convex.convex_hull(p).volume for p in parts) == pytest.approx(mesh.volume, rel=0.05)
    assert mesh.convex_hull.volume > 1.3 * mesh.volume


def test_a_convex_mesh_is_one_part():
    assert len(convex_parts(trimesh.creation.icosphere(subdivisions=2, radius=0.03))) == 1


def test_parts_that_a_mesh_brings_are_taken():
    mesh = l_shape()
    mesh.metadata["parts"] = [trimesh.creation.box((0.01, 0.01, 0.01))] * 3
    assert len(body_from_mesh("known", mesh).parts) == 3


def test_the_cache_answers_the_second_time(monkeypatch):
    first = convex_parts(l_shape())
    monkeypatch.setattr(objects, "_decompose", lambda *args: pytest.fail("decomposed again"))
    for a, b in zip(first, convex_parts(l_shape())):
        np.testing.assert_array_equal(a, b)
    assert not list(objects.cache_folder().glob("*.tmp"))


def test_flat_parts_are_dropped_and_a_body_of_them_alone_is_refused():
    flat = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0.0]])
    solid = trimesh.creation.box((0.02, 0.02, 0.02)).vertices
    assert len(body_from_parts("mixed", [flat, solid]).parts) == 1
    with pytest.raises(InputError, match="paper has no volume"):
        body_from_parts("paper", [flat])
