"""One object is one object in any format, unit, order of vertices and way of lying."""

import io

import numpy as np
import pytest
import trimesh
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from antipodal import transforms
from antipodal.synth.objects.procedural import procedural
from antipodal.synth.objects.shape import SAME, first_alike, same_object, shape_of


def shape(mesh):
    return shape_of(mesh.vertices, mesh.faces)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 200), st.floats(0.001, 1000), st.integers(0, 2**31))
@example(0, 1.001, 0)
@example(0, 1.0001, 0)
@example(19, 1.0, 0)  # its hull has flat facets, which fall into other triangles when it is turned
def test_size_pose_and_order_of_vertices_do_not_matter(index, scale, seed):
    difference = abs(scale - 1)
    assume(abs(difference - 2 * SAME) > 1e-6)  # at the limit itself, rounding decides
    rng = np.random.default_rng(seed)
    mesh = procedural(index, 0)
    order = rng.permutation(len(mesh.vertices))
    place = np.argsort(order)
    rotation = trimesh.transformations.random_rotation_matrix(rng.random(3))[:3, :3]
    turned = transforms.apply(transforms.compose(rotation, rng.normal(size=3)), mesh.vertices)
    other = shape_of(scale * turned[order], place[mesh.faces])
    numbers = np.stack([shape(mesh).numbers, other.numbers])
    assert list(first_alike(numbers)) == [0, 0]
    assert same_object(shape(mesh), other) == (difference < 2 * SAME)


@pytest.mark.parametrize("kind", ["obj", "stl", "ply", "off"])
def test_formats_hold_the_same_object(kind):
    mesh = procedural(3, 0)
    data = mesh.export(file_type=kind)
    file = io.BytesIO(data.encode() if isinstance(data, str) else data)
    assert same_object(shape(mesh), shape(trimesh.load(file, file_type=kind, force="mesh")))


def test_a_coarser_mesh_is_alike_but_another_file():
    fine, coarse = (trimesh.creation.icosphere(n, 0.03) for n in (4, 3))
    assert list(first_alike(np.stack([shape(fine).numbers, shape(coarse).numbers]))) == [0, 0]
    assert not same_object(shape(fine), shape(coarse))


def test_the_moments_of_a_box_are_known():
    """Mean squared distances from the middle planes, over the surface of a cube of side 1."""
    numbers = shape(trimesh.creation.box((0.1, 0.1, 0.1))).numbers
    np.testing.assert_allclose(numbers[2:5], np.sqrt((2 * 0.25 + 4 / 12) / 6 / 6), rtol=1e-9)


def test_different_objects_differ():
    shapes = [shape(trimesh.creation.box((0.03 + 0.003 * i, 0.05, 0.08))) for i in range(10)]
    assert list(first_alike(np.stack([s.numbers for s in shapes]))) == list(range(10))
    solid, hollow = trimesh.creation.box((0.05, 0.05, 0.05)), trimesh.creation.annulus(0.01, 0.03, 0.05)
    assert not same_object(shape(solid), shape(hollow))


def test_one_hull_with_another_surface_is_not_the_same_object():
    rod = trimesh.creation.cylinder(0.03, 0.05, sections=64)
    pipe = trimesh.creation.annulus(0.02, 0.03, 0.05, sections=64)
    assert not same_object(shape(rod), shape(pipe))
