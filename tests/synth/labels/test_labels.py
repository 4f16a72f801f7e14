"""Labels on shapes whose answer is known, and the pieces that they are made of."""

import numpy as np
import pytest
import scipy.special
import trimesh

from antipodal.synth.grasps.candidates import CandidateOptions, sample_grasps
from antipodal.synth.labels import contacts
from antipodal.synth.labels.collision import collides
from antipodal.synth.labels.labels import LabelOptions, draw_errors, label_grasps
from antipodal.synth.scene import build_scene
from antipodal.synth.table_grasps import TableGrasps
from tests.synth_runs import EXACT, GRIPPER, on_table, standing, wedge


def judge(mesh, tips, angle, width=0.085, options=EXACT):
    scene = build_scene(mesh.vertices, mesh.faces)
    grasps = TableGrasps(np.atleast_2d(np.asarray(tips, float)), np.atleast_1d(angle), np.atleast_1d(width))
    return label_grasps(scene, GRIPPER, grasps, np.random.default_rng(0), options)


@pytest.mark.parametrize("angle", np.deg2rad([0, 10, 25, 80, 90, 115]))
def test_a_box_turns_until_it_lies_flat_between_the_jaws(angle):
    box = on_table(trimesh.creation.box([0.06, 0.04, 0.05]))
    result = judge(box, [0, 0, 0.02], angle)
    assert not result.collision[0] and result.friction[0] < 0.03 and result.label[0] == 1


@pytest.mark.parametrize("height", [0.6, 0.9, 1.0, 1.15, 1.3, 1.5])
def test_a_sphere_needs_the_tangent_of_the_latitude_at_which_the_tips_touch(height):
    sphere = on_table(trimesh.creation.icosphere(5, 0.03))
    needed = judge(sphere, [0, 0, height * 0.03], 0.4).friction[0]
    rows = build_scene(sphere.vertices, sphere.faces).heights
    touch = max(1.0, rows[np.searchsorted(rows, height * 0.03)] / 0.03)  # the lowest slice that the pads reach
    assert needed == pytest.approx(np.tan(np.arcsin(touch - 1)), abs=0.03)


@pytest.mark.parametrize("slope", [0.05, 0.2, 0.4, 0.6])
def test_a_wedge_needs_the_tangent_of_its_slope(slope):
    assert judge(wedge(slope), [0, 0, 0.02], np.pi / 2).friction[0] == pytest.approx(np.tan(slope), rel=0.02)


def test_a_wedge_at_the_friction_angle_holds_in_half_of_the_draws():
    options = LabelOptions(draws=2000, position_sd=0.0, height_sd=0.0, yaw_sd=0.0)
    assert judge(wedge(np.arctan(0.5)), [0, 0, 0.02], np.pi / 2, options=options).label[0] == pytest.approx(
        0.5, abs=0.05
    )
    assert judge(wedge(np.arctan(0.6)), [0, 0, 0.02], np.pi / 2, options=options).label[0] == pytest.approx(
        0.14, abs=0.04
    )


def test_standing_and_lying_cylinders_hold_at_their_middle():
    upright = on_table(trimesh.creation.cylinder(0.02, 0.06, sections=64))
    assert judge(upright, [0, 0, 0.01], 0.3).friction[0] < 0.03
    lying = trimesh.creation.cylinder(0.02, 0.1, sections=64)
    lying.apply_transform(trimesh.transformations.rotation_matrix(np.pi / 2, [0, 1, 0]))
    assert judge(on_table(lying), [0, 0, 0.01], np.pi / 2).friction[0] < 0.03
    assert judge(on_table(lying), [0, 0, 0.0395], np.pi / 2).label[0] == 0  # over the top


def test_nothing_between_the_jaws_is_nothing_held():
    box = on_table(trimesh.creation.box([0.03, 0.03, 0.03]))
    result = judge(box, [[0.2, 0, 0.01], [0, 0, 0.031]], [0.0, 0.0], [0.085, 0.085])
    np.testing.assert_array_equal(result.label, 0)
    np.testing.assert_array_equal(result.friction, np.float32(contacts.NEVER))


def test_what_only_the_fingers_above_the_pads_touch_is_not_held():
    table_top = trimesh.util.concatenate(
        [trimesh.creation.box([0.01, 0.01, 0.05]), trimesh.creation.box([0.06, 0.06, 0.01])]
    )
    table_top.vertices[8:, 2] += 0.03
    mesh = on_table(table_top)
    assert judge(mesh, [0, 0, 0.002], 0.0).friction[0] == contacts.NEVER  # its top is 48 mm above the tips
    assert judge(mesh, [0, 0, 0.04], 0.0).friction[0] < 0.03


def test_the_table_and_the_jaws_way_down_count():
    box = on_table(trimesh.creation.box([0.04, 0.04, 0.05]))
    result = judge(box, [[0, 0, -0.0001], [0, 0, 0.02], [0.02, 0, 0.02]], np.zeros(3), [0.085, 0.03, 0.03])
    np.testing.assert_array_equal(result.collision, True)
    np.testing.assert_array_equal(result.label, 0)


def test_labels_do_not_depend_on_where_and_how_the_object_lies():
    mesh = standing(2)
    rng = np.random.default_rng(3)
    grasps = sample_grasps(build_scene(mesh.vertices, mesh.faces), GRIPPER, 200, rng)
    before = judge(mesh, grasps.tips, grasps.angle, grasps.width, LabelOptions())
    T = trimesh.transformations.rotation_matrix(1.1, [0, 0, 1])
    T[:2, 3] = [0.3, -0.2]
    moved = trimesh.transform_points(grasps.tips, T)
    after = judge(mesh.copy().apply_transform(T), moved, grasps.angle + 1.1 - np.pi, grasps.width, LabelOptions())
    assert np.corrcoef(before.label, after.label)[0, 1] > 0.97
    assert np.mean(before.collision == after.collision) > 0.97  # the map's cells lie differently


def test_a_profile_is_where_rays_from_the_jaws_first_hit():
    mesh = standing(2)
    scene = build_scene(mesh.vertices, mesh.faces)
    angle, (x, y) = 0.7, mesh.bounds.mean(axis=0)[:2]
    shape = (len(scene.heights), 15)
    left, right, ids = np.empty(shape), np.empty(shape), np.empty((2, *shape), dtype=np.int64)
    contacts.profile(scene.slices, 0, shape[0], x, y, angle, 0.05, left, right, ids[0], ids[1])
    closing, across = np.array([np.cos(angle), np.sin(angle), 0]), np.array([np.sin(angle), -np.cos(angle), 0])
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    checked = 0
    for k in range(2, shape[0], 5):
        for i in range(0, 15, 3):
            start = np.array([x, y, scene.heights[k]]) + (i - 7) * contacts.SPACING * across
            p = np.cross(closing, c - a)
            det = np.sum(p * (b - a), axis=1)
            with np.errstate(divide="ignore", invalid="ignore"):
                s = np.sum(p * (start - a), axis=1) / det
                q = np.cross(start - a, b - a)
                t, v = q @ closing / det, np.sum((c - a) * q, axis=1) / det
            v = v[(s >= 0) & (t >= 0) & (s + t <= 1) & (np.abs(v) <= 0.05)]
            if len(v):
                assert left[k, i] == pytest.approx(v.min(), abs=1e-6)
                assert right[k, i] == pytest.approx(v.max(), abs=1e-6)
                checked += 1
            else:
                assert np.isinf(left[k, i]) and np.isinf(right[k, i])
    assert checked > 10


def test_errors_are_truncated_and_start_with_the_nominal():
    options = LabelOptions(draws=5000)
    errors = draw_errors(np.random.default_rng(0), options)
    np.testing.assert_array_equal(errors[0], [0, 0, 0, 0, 0.5])
    sd = np.array([options.position_sd, options.position_sd, options.height_sd, options.yaw_sd, options.friction_sd])
    assert (np.abs(errors - errors[0]) <= 2 * sd).all()
    np.testing.assert_allclose(errors[1:].std(axis=0), 0.88 * sd, rtol=0.05)  # of a normal cut at 2 standard deviations


def test_errors_of_few_draws_cover_their_range_evenly():
    options = LabelOptions(draws=16)
    errors = draw_errors(np.random.default_rng(0), options)[1:, 3] / options.yaw_sd
    share = (scipy.special.ndtr(errors) - scipy.special.ndtr(-2)) / (1 - 2 * scipy.special.ndtr(-2))
    np.testing.assert_array_equal(np.sort((share * 16).astype(int)), np.arange(16))


def test_labels_of_few_draws_scatter_less_than_of_independent_ones():
    mesh, rng = standing(2), np.random.default_rng(0)
    scene = build_scene(mesh.vertices, mesh.faces)
    grasps = sample_grasps(scene, GRIPPER, 150, rng, CandidateOptions(0.5, 0.5, 0.0))
    several = np.array([label_grasps(scene, GRIPPER, grasps, np.random.default_rng(i)).label for i in range(12)])
    mean = several.mean(axis=0)
    independent = mean * (1 - mean) / LabelOptions().draws  # variance of a share of independent draws
    assert several.var(axis=0, ddof=1).mean() < 0.6 * independent.mean()


@pytest.mark.parametrize("index", [1, 2, 5, 7])
def test_antipodal_candidates_hold_where_chance_ones_seldom_do(index):
    mesh = standing(index)
    scene, rng = build_scene(mesh.vertices, mesh.faces), np.random.default_rng(index)
    share = {}
    for kind, options in (("pairs", CandidateOptions(1.0, 0.0, 0.0)), ("chance", CandidateOptions(0.0, 0.0, 0.0))):
        grasps = sample_grasps(scene, GRIPPER, 300, rng, options)
        assert len(grasps) == 300
        assert (grasps.width <= GRIPPER.max_width + 1e-9).all() and (grasps.tips[:, 2] > 0).all()
        free = ~collides(scene, GRIPPER, grasps.tips, grasps.angle, grasps.width)
        share[kind] = label_grasps(scene, GRIPPER, grasps, rng).label[free].mean() if free.any() else 0.0
    assert share["pairs"] > share["chance"] + 0.1


@pytest.mark.parametrize("seed", range(20))
def test_first_touch_is_the_first_extreme_of_the_sheared_window(seed):
    rng = np.random.default_rng(seed)
    left = np.where(rng.random((9, 17)) < 0.3, np.inf, rng.integers(0, 5, (9, 17)) * 0.01)  # many ties
    right, heights = np.where(np.isinf(left), -np.inf, 0.05 - left), np.sort(rng.random(9))
    tilt = (0.0, 0.0) if seed % 2 else tuple(rng.normal(scale=0.2, size=2))
    rows, columns = sorted(rng.choice(10, 2, replace=False)), sorted(rng.choice(18, 2, replace=False))
    shift = tilt[0] * contacts.SPACING * np.arange(17)[None] + tilt[1] * heights[:, None]
    window = np.ix_(range(*rows), range(*columns))
    place = left, right, heights, tuple(rows), tuple(columns), tilt
    l, li, lj, r, ri, rj = contacts.first_touch(*place, contacts.first_contacts(*place))  # noqa: E741
    for value, i, j, surface, best in ((l, li, lj, left, np.argmin), (r, ri, rj, right, np.argmax)):
        cells = (surface + shift)[window]
        k = np.unravel_index(best(cells), cells.shape)
        assert value == cells[k]
        assert (i, j) == ((rows[0] + k[0], columns[0] + k[1]) if np.isfinite(value) else (-1, -1))
