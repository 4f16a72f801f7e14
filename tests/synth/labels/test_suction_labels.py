"""Robust labels of suction grasps: known cases, their parts put together slowly, and what they must not depend on."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from antipodal import transforms
from antipodal.synth.labels.contacts import NEVER
from antipodal.synth.labels.near_surface import BEYOND
from antipodal.synth.labels.seal import STRETCH, stretches
from antipodal.synth.labels.suction_collision import cup_collides
from antipodal.synth.labels.suction_labels import (
    POSITIVE,
    Load,
    SuctionLabelOptions,
    draw_suction_errors,
    label_suction,
    load_on_table,
)
from antipodal.synth.labels.suction_wrench import elastic_moment, friction_needed
from tests.suction_shapes import CUP, ball, box, down, grasps_at_random, meshes_at_random, moved, surface


def labels(meshes, centers, masses, T, options=SuctionLabelOptions(), seed=0):
    load = load_on_table(np.asarray(centers), np.asarray(masses))
    return label_suction(surface(*meshes), load, CUP, np.asarray(T), np.random.default_rng(seed), options)


def test_the_middle_of_a_box_is_held_and_its_edge_is_not():
    found = labels([box()], [[0, 0, 0.015]], [0.1], [down(), down(x=0.05), down(x=0.045), down(y=0.06)])
    np.testing.assert_array_equal(found.label, [1, 0, 0, 0])
    assert not found.collision[0] and found.friction[0] == 0 and found.stretch[0] == pytest.approx(0, abs=1e-9)
    assert np.isinf(found.stretch[1:]).all() and (found.friction[1:] == NEVER).all()


def test_a_label_falls_towards_an_edge():
    x = 0.05 - CUP.radius + np.array([-0.006, -0.002, 0.0, 0.002, 0.006])
    found = labels([box()], [[0, 0, 0.015]], [0.02], [down(x=v) for v in x], SuctionLabelOptions(draws=64))
    assert found.label[0] == 1 and found.label[-1] == 0
    assert (np.diff(found.label) <= 0).all() and found.label[2] == pytest.approx(POSITIVE, abs=0.15)


def test_a_heavy_object_is_held_near_its_centre_only():
    mass = 1.0
    reach = elastic_moment(CUP) / (mass * 9.81)
    slab = box((0.2, 0.2, 0.03))
    found = labels([slab], [[0, 0, 0.015]], [mass], [down(), down(x=2.5 * reach + 0.01)])
    assert found.label[0] > found.label[1] == 0
    assert labels([slab], [[0, 0, 0.015]], [0.02], [down(x=2.5 * reach + 0.01)]).label[0] == 1


def test_balls_are_held_from_some_radius_on():
    found = [labels([ball(r)], [[0, 0, r]], [0.05], [down(z=2 * r)]).label[0] for r in (0.02, 0.04, 0.06, 0.1)]
    assert found[0] == 0 and found[-1] == 1 and found == sorted(found)


def test_what_no_cup_reaches_has_no_label():
    found = labels([box()], [[0, 0, 0.015]], [0.1], [down(x=0.2), down(z=0.08)])
    assert (found.label == 0).all() and found.collision.all() and (found.free == 0).all()


def slow_outcomes(meshes, load, T, errors):
    """One draw after the other by the functions for many grasps: free, stretch and friction, (N, D)."""
    whole = surface(*meshes)
    rows = []
    for t in T:
        row = []
        for e in errors:
            spin = Rotation.from_euler("XYZ", [e[2], e[3], 0]).as_matrix()
            place = transforms.compose(t[:3, :3] @ spin, t[:3, 3] + t[:3, :2] @ e[:2])
            contact, body = on_surface(whole, place)
            if contact is None:
                row.append((False, np.inf, NEVER))
                continue
            center = load.centers[body] + place[:3, :3] @ e[4:7]
            needed = friction_needed(contact[None], center[None], load.weights[body][None], CUP)[0]
            hit = cup_collides(whole, CUP, contact[None], load.table)[0]
            row.append((not hit, stretches(whole, place[None], CUP)[0], needed))
        rows.append(row)
    return np.array(rows, dtype=float)


def on_surface(whole, T):
    """The pose moved along its approach until its middle touches, and what it touches."""
    a, b, c = np.moveaxis((whole.corners - T[:3, 3]) @ T[:3, :3], 1, 0)
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
    with np.errstate(divide="ignore", invalid="ignore"):
        v = (-a[:, 0] * (c[:, 1] - a[:, 1]) + (c[:, 0] - a[:, 0]) * a[:, 1]) / area
        w = (-(b[:, 0] - a[:, 0]) * a[:, 1] + a[:, 0] * (b[:, 1] - a[:, 1])) / area
        z = np.where((v >= 0) & (w >= 0) & (v + w <= 1), a[:, 2] + v * (b - a)[:, 2] + w * (c - a)[:, 2], np.inf)
    if z.min() > BEYOND:
        return None, -1
    return transforms.compose(T[:3, :3], T[:3, 3] + T[:3, 2] * z.min()), whole.owner[z.argmin()]


def test_it_is_its_parts_put_together_draw_by_draw():
    options = SuctionLabelOptions(draws=6)
    meshes = [*meshes_at_random(2), box((0.12, 0.1, 0.02), (0.14, 0.0))]
    T = np.concatenate([grasps_at_random(meshes, 2, 40), [down(0.14, 0, 0.02), down(0.11, 0.03, 0.02)]])
    load = load_on_table(np.array([m.center_mass for m in meshes]), np.array([0.1, 0.4, 0.2, 0.5]))
    found = label_suction(surface(*meshes), load, CUP, T, np.random.default_rng(4), options)
    errors = draw_suction_errors(np.random.default_rng(4), CUP, options)
    slow = slow_outcomes(meshes, load, T, errors)
    holds = (slow[..., 0] > 0) & (slow[..., 1] <= STRETCH) & (slow[..., 2] <= errors[:, 7])
    np.testing.assert_allclose(found.label, holds[:, 1:].mean(axis=1), atol=1e-6)
    np.testing.assert_allclose(found.free, slow[:, 1:, 0].mean(axis=1), atol=1e-6)
    np.testing.assert_array_equal(found.collision, slow[:, 0, 0] == 0)
    assert 0 < found.label.mean() < 1


def test_labels_do_not_change_when_object_gravity_table_and_grasp_turn_together():
    meshes, motion = [*meshes_at_random(5), box((0.12, 0.1, 0.02), (0.14, 0.0))], moved(9)
    T = np.concatenate([grasps_at_random(meshes, 5, 60), [down(0.14, 0, 0.02), down(0.11, 0.03, 0.02)]])
    load = load_on_table(np.array([m.center_mass for m in meshes]), np.full(4, 0.2))
    normal = motion[:3, :3] @ load.table[:3]
    turned = Load(
        transforms.apply(motion, load.centers),
        load.weights @ motion[:3, :3].T,
        np.append(normal, load.table[3] + normal @ motion[:3, 3]),
    )
    moved_meshes = [m.copy().apply_transform(motion) for m in meshes]
    before = label_suction(surface(*meshes), load, CUP, T, np.random.default_rng(1))
    after = label_suction(surface(*moved_meshes), turned, CUP, motion @ T, np.random.default_rng(1))
    for one, other in zip(before, after):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert 0 < before.label.mean() < 1


def test_the_same_seed_makes_the_same_labels():
    meshes = meshes_at_random(6)
    T, centers = grasps_at_random(meshes, 6, 30), [m.center_mass for m in meshes]
    one, same, other = (labels(meshes, centers, np.full(3, 0.2), T, seed=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(one.label, same.label)
    np.testing.assert_array_equal(one.friction, other.friction)  # of the nominal pose


def test_the_first_draw_is_the_nominal_and_the_others_stay_within_two_deviations():
    options = SuctionLabelOptions(draws=50)
    errors = draw_suction_errors(np.random.default_rng(0), CUP, options)
    np.testing.assert_array_equal(errors[0], [*np.zeros(7), CUP.friction])
    sd = np.array([0.002, 0.002, 0.03, 0.03, 0.004, 0.004, 0.004, 0.1])
    assert errors.shape == (51, 8) and (np.abs(errors[1:] - errors[0]) <= 2 * sd).all()
    np.testing.assert_allclose(errors[1:].std(axis=0), 0.88 * sd, rtol=0.05)  # of a normal variable within 2 deviations
