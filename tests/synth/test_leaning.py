"""Scenes that an approach leans in: the table is a slope there, for collision, candidates, labels and views."""

import dataclasses

import numpy as np
import pytest
import trimesh
from scipy.spatial import cKDTree

from antipodal import transforms
from antipodal.errors import InputError
from antipodal.grasp import load_hand
from antipodal.synth.generate import generate
from antipodal.synth.grasps.candidates import sample_grasps
from antipodal.synth.images import noise
from antipodal.synth.images.cameras import CameraOptions
from antipodal.synth.images.leaning_view import observe_leaning
from antipodal.synth.images.scene_view import crop
from antipodal.synth.labels.collision import collides, table_under
from antipodal.synth.labels.labels import LabelOptions, label_grasps
from antipodal.synth.objects.meshes import MeshOptions
from antipodal.synth.options import GenerateOptions
from antipodal.synth.sample import lean
from antipodal.synth.scene import TableScene, build_scene
from antipodal.synth.shards import column
from antipodal.synth.table_grasps import place
from tests.synth_runs import CAMERA, GRIPPER, SMALL, on_table, run, standing

STILL = CameraOptions(focal_jitter=0.0, center_jitter=0.0, normal_error=0.0, offset=0.02, polar=(0.1, 0.6))
LOST = dataclasses.replace(noise.NONE, speckle_loss=1.0)  # of every pixel


def leaning(mesh: trimesh.Trimesh, angle: float, seed: int = 0) -> TableScene:
    """A mesh that stands on the table, as an approach meets it that leans by `angle` [rad]."""
    rng = np.random.default_rng(seed)
    vertices, center, T_scene_table = lean(mesh.vertices, mesh.center_mass[None], (angle, angle), rng)
    return build_scene(vertices, mesh.faces, centers=center, T_scene_table=T_scene_table)


def test_an_approach_leans_by_an_angle_of_the_range_to_every_side():
    points, center = np.random.default_rng(1).uniform(-0.05, 0.05, (40, 3)), np.zeros((1, 3))
    sides = []
    for seed in range(400):
        turned, moved, T = lean(points, center, (0.2, 0.9), np.random.default_rng(seed))
        assert 0.2 <= np.arccos(T[2, 2]) <= 0.9 and turned[:, 2].min() == pytest.approx(0, abs=1e-12)
        np.testing.assert_allclose(transforms.apply(transforms.invert(T), turned), points, atol=1e-12)
        np.testing.assert_allclose(moved, transforms.apply(T, center), atol=1e-12)
        sides.append(np.arctan2(T[1, 2], T[0, 2]))
    assert np.histogram(sides, 4, (-np.pi, np.pi))[0].min() > 70


def test_without_a_lean_nothing_is_drawn_or_moved():
    points, rng = np.zeros((3, 3)), np.random.default_rng(0)
    same, still, T = lean(points, points, (0.0, 0.0), rng)
    assert same is points and still is points and np.array_equal(T, np.eye(4))
    assert rng.random() == np.random.default_rng(0).random()


@pytest.mark.parametrize("angle", [0.0, 0.4, 1.2])
def test_the_table_under_a_rectangle_is_its_highest_corner(angle):
    scene, rng = leaning(standing(2), angle), np.random.default_rng(3)
    T_table_scene = transforms.invert(scene.T_scene_table)
    for _ in range(50):
        (x, y), turn, (along, across) = rng.uniform(-0.1, 0.1, 2), rng.uniform(0, np.pi), rng.uniform(0.01, 0.1, 2)
        c, s = np.cos(turn), np.sin(turn)
        height = table_under(scene.ground, x, y, c, s, along, across)
        signs = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]]) / 2
        corners = [x, y] + signs[:, :1] * along * [c, s] + signs[:, 1:] * across * [s, -c]
        above = transforms.apply(T_table_scene, np.column_stack([corners, np.full(4, height)]))[:, 2]
        assert above.min() == pytest.approx(0, abs=1e-9) and above.max() >= 0


@pytest.mark.parametrize("seed", range(3))
def test_a_hand_that_leans_hits_the_table_where_a_corner_of_it_would_be_below(seed):
    """A tiny object, so that the table alone decides."""
    scene = leaning(on_table(trimesh.creation.box([0.001, 0.001, 0.001])), 0.7, seed)
    rng, T_table_scene = np.random.default_rng(seed), transforms.invert(scene.T_scene_table)
    tips = np.column_stack([rng.uniform(0.02, 0.1, (300, 2)), rng.uniform(-0.1, 0.15, 300)])
    angle, width = rng.uniform(0, np.pi, 300), rng.uniform(0.02, GRIPPER.max_width, 300)
    lowest = [_lowest_corner(T_table_scene, *one) for one in zip(tips, angle, width)]
    np.testing.assert_array_equal(collides(scene, GRIPPER, tips, angle, width), np.array(lowest) < 0)
    assert 50 < (np.array(lowest) < 0).sum() < 250


def _lowest_corner(T_table_scene, tips, angle, width):
    """Height over the table of the lowest corner of the jaws and of the palm [m]."""
    g, corners = GRIPPER, []
    for half_along, half_across, z in (
        (width / 2 + g.jaw_thickness, g.jaw_width / 2, 0.0),
        (g.palm_size[1] / 2, g.palm_size[0] / 2, g.jaw_length),
    ):
        for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
            along, across = a * half_along, b * half_across
            x, y = along * np.cos(angle) + across * np.sin(angle), along * np.sin(angle) - across * np.cos(angle)
            corners.append(tips + np.array([x, y, z]))
    return transforms.apply(T_table_scene, np.array(corners))[:, 2].min()


@pytest.mark.parametrize("angle", [0.3, 1.0])
def test_candidates_reach_down_to_a_leaning_table_and_many_fit(angle):
    scene, rng = leaning(standing(1), angle), np.random.default_rng(0)
    view = observe_leaning(scene, GRIPPER, CAMERA, rng, STILL, noise.NONE)
    grasps = sample_grasps(scene, GRIPPER, 300, rng, view=view)
    assert len(grasps) == 300
    free = ~collides(scene, GRIPPER, grasps.tips, grasps.angle, grasps.width)
    labels = label_grasps(scene, GRIPPER, grasps, rng)
    assert free.sum() > 40 and (labels.label > 0.5).sum() > 20
    np.testing.assert_array_equal(labels.collision, ~free)


def test_a_table_far_below_changes_no_label():
    """A sphere high over the table: an approach that leans meets what one from above meets."""
    sphere = trimesh.creation.icosphere(subdivisions=4, radius=0.02)
    sphere.apply_translation([0, 0, 0.02])
    below = transforms.compose(np.eye(3), [0, 0, -10.0])
    T = leaning(sphere, 0.6).T_scene_table
    T_far = transforms.compose(T[:3, :3], transforms.apply(T, below[:3, 3][None])[0])
    level, far = (
        build_scene(sphere.vertices, sphere.faces),
        build_scene(sphere.vertices, sphere.faces, T_scene_table=T_far),
    )
    grasps = sample_grasps(level, GRIPPER, 200, np.random.default_rng(0))
    grasps.tips[:, 2] += 0.002  # no draw of an error reaches the level table
    one, other = (label_grasps(s, GRIPPER, grasps, np.random.default_rng(1), LabelOptions()) for s in (level, far))
    for a, b in zip(one, other):
        np.testing.assert_array_equal(a, b)
    assert 0.2 < one.label.mean() < 0.9


@pytest.mark.parametrize("seed", range(3))
def test_a_leaning_view_shows_the_table_s_slope_and_the_object_where_it_is(seed):
    scene = leaning(standing(2), 0.6, seed)
    view = observe_leaning(scene, GRIPPER, CAMERA, np.random.default_rng(seed), STILL, noise.NONE)
    rows, columns = np.indices(view.depth.shape)
    x, y = view.origin[0] + columns * view.cell, view.origin[1] + rows * view.cell
    points = np.stack([x, y, view.depth], axis=-1).reshape(-1, 3)
    points = transforms.apply(transforms.invert(view.T_view_scene), points)
    above = (points[:, 2] - scene.table_at(points)).reshape(view.depth.shape) * scene.T_scene_table[2, 2]
    np.testing.assert_allclose(above[view.bare], 0, atol=1e-4)
    assert 0.2 < view.bare.mean() < 0.95 and above[view.graspable].min() > 0.002
    mesh = trimesh.Trimesh(scene.vertices, scene.faces, process=False)
    seen = points[view.graspable.ravel()]
    surface = trimesh.sample.sample_surface(mesh, 100_000, seed=0)[0]
    away = cKDTree(surface).query(seen)[0]
    assert np.percentile(away, 95) < 1.5 * view.cell


def test_grasps_come_back_from_a_leaning_view():
    scene = leaning(standing(2), 0.8)
    rng = np.random.default_rng(0)
    view = observe_leaning(scene, GRIPPER, CAMERA, rng, STILL, noise.NONE)
    grasps = sample_grasps(scene, GRIPPER, 40, rng)
    placed = place(grasps, view.T_view_scene, GRIPPER)
    back = transforms.apply(transforms.invert(view.T_view_scene), placed.center)
    np.testing.assert_allclose(back, grasps.tips + np.array([0, 0, GRIPPER.tip]), atol=1e-9)
    np.testing.assert_allclose(view.T_view_scene[:3, 2], [0, 0, -1], atol=1e-7)  # the view looks down the approach
    assert crop(view, placed, GRIPPER).std() > 0.05


def test_leaning_approaches_make_other_samples(tmp_path):
    options = dataclasses.replace(SMALL, lean=(0.3, 1.0))
    generate(tmp_path / "level", run(), MeshOptions(), workers=1)
    generate(tmp_path / "lean", run(options=options), MeshOptions(), workers=1)
    level, leaned = column(tmp_path / "level", "labels"), column(tmp_path / "lean", "labels")
    assert len(level) == len(leaned) and not np.array_equal(level, leaned) and 0.02 < leaned.mean() < 1


def test_cameras_that_see_nothing_are_drawn_again_and_none_at_all_is_said():
    scene = leaning(standing(2), 0.6)
    far = dataclasses.replace(STILL, offset=0.6, radius=(0.3, 0.4))
    view = observe_leaning(scene, GRIPPER, CAMERA, np.random.default_rng(0), far, noise.NONE)
    assert view.graspable.any()
    with pytest.raises(InputError, match=r"none of 100 cameras drawn sees the objects: look at cameras\.radius"):
        observe_leaning(scene, GRIPPER, CAMERA, np.random.default_rng(0), far, LOST)


@pytest.mark.parametrize("wrong", [(-0.1, 0.2), (0.3, 0.2), (0.0, 1.6)])
def test_impossible_leans_are_refused(wrong):
    with pytest.raises(InputError, match=r"range of angles from 0 to 1\.4 rad"):
        GenerateOptions(lean=wrong)


def test_pixel_crops_have_no_lean():
    with pytest.raises(InputError, match="along the camera's axis: lean must be 0"):
        GenerateOptions(lean=(0.1, 0.3), pixel_window=96)


def test_suction_cups_have_no_lean(tmp_path):
    asked = run(gripper=load_hand("piab_b30"), options=dataclasses.replace(SMALL, lean=(0.3, 1.0)))
    with pytest.raises(InputError, match="lean is for parallel jaws; piab_b30 is a suction cup"):
        generate(tmp_path / "cup", asked, MeshOptions())
