"""Stable poses against known solids and trimesh's own."""

import numpy as np
import pytest
import trimesh

from antipodal.errors import InputError
from antipodal.synth.objects.own_box import thickness
from antipodal.synth.objects.prepared import prepare
from antipodal.synth.objects.procedural import procedural
from antipodal.synth.objects.stable_poses import PoseOptions, stable_poses
from antipodal.synth.scene import SceneOptions


def test_a_box_rests_on_its_faces_by_their_solid_angles():
    half = np.array([0.01, 0.02, 0.04])
    poses, probability = stable_poses(trimesh.creation.box(2 * half).vertices, np.zeros(3))
    a, b = half[[1, 0, 0]], half[[2, 2, 1]]
    expected = 4 * np.arctan(a * b / (half * np.sqrt(half**2 + a**2 + b**2))) / (4 * np.pi)
    np.testing.assert_allclose(probability, np.sort(np.repeat(expected, 2))[::-1], atol=1e-9)
    heights = poses[:, 2, 3]  # the centre of mass is the object's origin
    np.testing.assert_allclose(heights, np.repeat(half, 2), atol=1e-9)


@pytest.mark.parametrize("index", [0, 2, 3, 5, 8, 9])
def test_procedural_meshes_rest_where_trimesh_says(index):
    mesh = procedural(index)
    com = mesh.center_mass
    everything = PoseOptions(flat=1e-6, min_probability=0.0, max_poses=10_000)
    _, probability = stable_poses(mesh.vertices, com, everything)
    _, expected = trimesh.poses.compute_stable_poses(mesh, center_mass=com, sigma=0, n_samples=1, threshold=0)
    expected = np.sort(expected)[::-1]
    assert abs(probability[0] - expected[0]) < 0.02
    assert abs(probability[:5].sum() - expected[:5].sum()) < 0.05


@pytest.mark.parametrize("index", range(11))
def test_every_pose_stands_on_the_table_with_its_weight_above_its_base(index):
    mesh = procedural(index)
    com = mesh.center_mass
    poses, probability = stable_poses(mesh.vertices, com)
    assert probability.sum() == pytest.approx(1)
    assert np.all(np.diff(probability) <= 0)
    for T in poses:
        points = trimesh.transform_points(mesh.vertices, T)
        assert abs(points[:, 2].min()) < 1e-9
        np.testing.assert_allclose((T @ np.append(com, 1))[:2], 0, atol=1e-9)
        np.testing.assert_allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3), atol=1e-9)
        base = points[points[:, 2] < 1e-3, :2]
        angles = np.sort(np.arctan2(base[:, 1], base[:, 0]))
        gaps = np.diff(np.append(angles, angles[0] + 2 * np.pi))
        assert gaps.max() <= np.pi + 1e-6  # the origin, under the weight, lies within the base


def test_flat_points_are_refused():
    with pytest.raises(InputError, match="span no volume"):
        stable_poses(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0.0]]), np.zeros(3))


def test_thickness_is_the_narrowest_gap_however_the_object_is_turned():
    box = trimesh.creation.box([0.08, 0.03, 0.05])
    turned = box.copy().apply_transform(trimesh.transformations.random_rotation_matrix(np.array([0.2, 0.7, 0.4])))
    assert thickness(box.vertices) == pytest.approx(0.03) and thickness(turned.vertices) == pytest.approx(0.03)


@pytest.mark.parametrize("thick", [0.01, 0.02])
def test_prepared_objects_are_as_thick_as_asked(thick):
    mesh = trimesh.creation.box([0.08, 0.03, 0.05])
    mesh.metadata["center_of_mass"] = np.array([0.01, 0.0, 0.0])
    same, fitted = (prepare(mesh, PoseOptions(), SceneOptions(), t) for t in (0.0, thick))
    assert thickness(same.vertices) == pytest.approx(0.03) and thickness(fitted.vertices) == pytest.approx(thick)
    np.testing.assert_allclose(fitted.center_of_mass, same.center_of_mass * thick / 0.03)
    np.testing.assert_allclose(fitted.probability, same.probability, atol=1e-6)
