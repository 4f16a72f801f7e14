"""Ferrari and Canny's epsilon in closed form: against Qhull on random contacts, and where the answer is known."""

import numpy as np
import pytest
import trimesh
from scipy.spatial import ConvexHull

from antipodal.errors import InputError
from antipodal.synth.grasps.candidates import sample_grasps
from antipodal.synth.labels.epsilon import epsilon_quality, torsion, wrenches
from antipodal.synth.labels.labels import LabelOptions, label_grasps
from antipodal.synth.scene import build_scene
from antipodal.synth.table_grasps import TableGrasps
from tests.synth_runs import GRIPPER, on_table, standing, wedge

SIZE = 0.03


def by_hull(points, normals, friction, size):
    """The radius of the ball by the distances of all facets of the wrenches' hull."""
    return max(0.0, -ConvexHull(wrenches(points, normals, friction, size)).equations[:, -1].max())


def random_contacts(count, seed, mirrored):
    """Contacts whose normals lean against the line between them; mirrored ones lean alike, as a wedge's do."""
    rng = np.random.default_rng(seed)
    points = rng.normal(scale=0.03, size=(count, 2, 3))
    axis = points[:, 1] - points[:, 0]
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    lean = rng.normal(scale=0.3, size=(count, 2, 3))
    if mirrored:
        lean[:, 1] = lean[:, 0] = lean[:, 0] - np.sum(lean[:, 0] * axis, axis=1, keepdims=True) * axis
    normals = np.stack([axis, -axis], axis=1) + lean
    return points, normals / np.linalg.norm(normals, axis=2, keepdims=True), rng.uniform(0.2, 1.2, count)


@pytest.mark.parametrize("size", [SIZE, 0.0005])  # torsions that bind in a few ways, and in many
@pytest.mark.parametrize("mirrored", [False, True])
def test_equals_the_hulls_ball_wherever_the_contacts_close(mirrored, size):
    points, normals, friction = random_contacts(150, 1, mirrored)
    points *= size / SIZE
    fast = epsilon_quality(points, normals, friction, size)
    slow = np.array([by_hull(*contacts, size) for contacts in zip(points, normals, friction)])
    closed = fast > 0
    assert 50 < closed.sum() < 148
    np.testing.assert_allclose(fast[closed], slow[closed], rtol=1e-9)
    assert (slow[~closed] < 0.2 * torsion(friction[~closed], size)).all()  # only pure torsions hold the origin there


def test_labels_agree_with_the_hulls():
    points, normals, friction = random_contacts(300, 2, False)
    points /= 3
    fast = epsilon_quality(points, normals, friction, SIZE / 3) > 0.002
    slow = [by_hull(*contacts, SIZE / 3) > 0.002 for contacts in zip(points, normals, friction)]
    assert np.mean(fast == slow) >= 0.99 and 0.2 < np.mean(fast) < 0.8


@pytest.mark.parametrize("offset", [0.0, 0.01, 0.05])
def test_opposite_contacts_are_weakest_against_a_turn_about_the_line_between_them(offset):
    points = np.array([[[-0.02, 0, offset], [0.02, 0, offset]]])
    normals = np.array([[[1.0, 0, 0], [-1.0, 0, 0]]])
    got = epsilon_quality(points, normals, np.array([0.5]), SIZE)[0]
    assert got == pytest.approx(torsion(0.5, SIZE) / np.hypot(1, offset / SIZE), rel=2e-3)


def test_needs_the_line_between_the_contacts_inside_both_cones():
    normals = np.array([[[1.0, 0, 0], [-1.0, 0, 0]]] * 2)
    shift = 0.04 * 0.5 * np.array([0.9, 1.1]) * np.cos(np.pi / 8)  # of the second contact, near the pyramid's face
    points = np.array([[[0, 0, 0], [0.04, s * np.cos(np.pi / 8), s * np.sin(np.pi / 8)]] for s in shift])
    got = epsilon_quality(points, normals, np.full(2, 0.5), SIZE)
    assert got[0] > 0 == got[1]


def test_no_friction_or_one_point_is_no_grasp():
    normals = np.array([[[1.0, 0, 0], [-1.0, 0, 0]]] * 2)
    points = np.array([[[-0.02, 0, 0], [0.02, 0, 0]], [[0.01, 0, 0], [0.01, 0, 0]]])
    np.testing.assert_array_equal(epsilon_quality(points, normals, np.array([0.0, 0.5]), SIZE), 0)


def judge(mesh, tips, quality, angle=0.0, friction=0.5):
    options = LabelOptions(quality, draws=50, friction=friction, position_sd=0, height_sd=0, yaw_sd=0, friction_sd=0.1)
    grasps = TableGrasps(np.atleast_2d(np.asarray(tips, float)), np.array([angle]), np.array([0.085]))
    return label_grasps(build_scene(mesh.vertices, mesh.faces), GRIPPER, grasps, np.random.default_rng(0), options)


@pytest.mark.parametrize("angle", [0.0, 0.2])
def test_a_box_held_at_its_middle_has_all_that_its_contacts_twist(angle):
    box = on_table(trimesh.creation.box([0.04, 0.06, 0.05]))
    for offset in (0.0, 0.01):
        expected = torsion(0.5, 0.025) / np.hypot(1, offset / 0.025)
        got = judge(box, [0, offset, 0.01], "epsilon", angle).epsilon[0]
        assert got == pytest.approx(expected, rel=0.1 if angle else 0.03)


def test_an_upright_cylinder_is_held_like_a_box():
    cylinder = on_table(trimesh.creation.cylinder(0.02, 0.05, sections=64))
    assert judge(cylinder, [0, 0, 0.01], "epsilon", 0.3).epsilon[0] == pytest.approx(torsion(0.5, 0.02), rel=0.05)


def test_a_sphere_held_above_its_middle_is_lost():
    sphere = on_table(trimesh.creation.icosphere(4, 0.03))
    middle, above = (judge(sphere, [0, 0, z], "epsilon").epsilon[0] for z in (0.015, 0.05))
    assert middle > 0.7 * torsion(0.5, 0.03) and above == 0


def test_a_wedge_is_held_up_to_the_friction_angle():
    for quality in ("epsilon", "force_closure"):
        labels = [judge(wedge(np.arctan(f)), [0, 0, 0.02], quality, np.pi / 2) for f in (0.4, 0.52)]
        held = [r.epsilon[0] > 0 if quality == "epsilon" else r.label[0] == 1 for r in labels]
        assert held == [True, False]


def test_each_quality_is_what_its_name_says():
    half = judge(wedge(np.arctan(0.5)), [0, 0, 0.02], "robust_force_closure", np.pi / 2)
    assert 0.3 < half.label[0] < 0.7 and not len(half.epsilon)
    box = on_table(trimesh.creation.box([0.03, 0.03, 0.03]))  # small enough to be above the threshold
    robust = judge(box, [0, 0, 0.002], "robust_epsilon")
    assert robust.epsilon[0] == pytest.approx(torsion(0.5, 0.015), rel=0.1) and robust.label[0] == 1
    assert judge(box, [0, 0, -0.001], "robust_epsilon").label[0] == 0  # into the table
    with pytest.raises(InputError, match="robust_epsilon"):
        LabelOptions(quality="canny")


def test_epsilon_is_positive_only_where_the_grasp_holds():
    mesh = on_table(trimesh.creation.capsule(0.05, 0.015))
    scene, rng = build_scene(mesh.vertices, mesh.faces), np.random.default_rng(0)
    grasps = sample_grasps(scene, GRIPPER, 300, rng)
    options = (LabelOptions("epsilon"), LabelOptions("force_closure"))
    epsilon, holds = (label_grasps(scene, GRIPPER, grasps, rng, o) for o in options)
    assert not (epsilon.epsilon[holds.label == 0] > 0).any()
    assert np.mean((epsilon.epsilon > 0) == (holds.label > 0)) > 0.97  # a pyramid lies inside its cone
    assert 0.1 < holds.label.mean() < 0.95


def turned(mesh, grasps, degrees):
    """The scene of a mesh turned about the vertical, and its grasps turned with it."""
    T = trimesh.transformations.rotation_matrix(np.deg2rad(degrees), [0, 0, 1])
    moved = mesh.copy().apply_transform(T)
    tips = trimesh.transform_points(grasps.tips, T)
    return build_scene(moved.vertices, moved.faces), TableGrasps(tips, grasps.angle + np.deg2rad(degrees), grasps.width)


@pytest.mark.parametrize("index", [0, 1, 3, 4, 6, 9])
def test_epsilon_does_not_change_when_object_and_grasp_turn_together(index):
    mesh, rng = standing(index), np.random.default_rng(index)
    grasps = sample_grasps(build_scene(mesh.vertices, mesh.faces), GRIPPER, 100, rng)
    options = LabelOptions("epsilon")
    labels = [
        label_grasps(*reorder(*turned(mesh, grasps, degrees)), rng=np.random.default_rng(1), options=options)
        for degrees in (0, *rng.uniform(5, 175, 3))
    ]
    for other in labels[1:]:
        free = ~(labels[0].collision | other.collision)  # cells of the height map lie differently
        assert np.mean(labels[0].collision == other.collision) > 0.95
        np.testing.assert_allclose(other.epsilon[free], labels[0].epsilon[free], rtol=0.02, atol=1e-6)


def reorder(scene, grasps):
    return scene, GRIPPER, grasps


def test_a_bar_has_the_same_share_of_positives_however_it_lies():
    bar = on_table(trimesh.creation.box([0.1, 0.03, 0.02]))
    grasps = sample_grasps(build_scene(bar.vertices, bar.faces), GRIPPER, 300, np.random.default_rng(0))
    grasps.width[:] = GRIPPER.max_width
    shares = []
    for degrees in (0, 17, 45):
        scene, moved = turned(bar, grasps, degrees)
        labels = label_grasps(scene, GRIPPER, moved, np.random.default_rng(1), LabelOptions("robust_epsilon"))
        shares.append(float(labels.label.mean()))
    assert min(shares) > 0.1 and max(shares) - min(shares) < 0.02
