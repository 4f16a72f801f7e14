"""What a sealed cup holds: known cases, the paper's boxes, and a linear programme over the contact's wrenches."""

import dataclasses

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.spatial.transform import Rotation

from antipodal import transforms
from antipodal.synth.labels.contacts import NEVER
from antipodal.synth.labels.suction_wrench import elastic_moment, friction_needed
from tests.suction_shapes import CUP, approach_at, moved

G = 9.81


def needed(T, center, mass, cup=CUP):
    weight = np.array([0, 0, -mass * G])
    return friction_needed(np.asarray(T)[None], np.asarray(center, float)[None], weight[None], cup)[0]


def at_random(count, seed=0):
    rng = np.random.default_rng(seed)
    T = np.tile(np.eye(4), (count, 1, 1))
    T[:, :3, :3] = Rotation.random(count, random_state=rng).as_matrix()
    T[:, :3, 3] = rng.uniform(-0.02, 0.02, (count, 3))
    weights = (
        np.stack([0.02 + rng.random(count)] * 3, 1) * 8 * Rotation.random(count, random_state=rng).apply([0, 0, 1])
    )
    return T, T[:, :3, 3] + rng.normal(0, 0.008, (count, 3)), weights


def test_from_above_the_vacuum_carries_up_to_its_force():
    top = approach_at([0, 0, 0.1], [0, 0, -1])
    assert needed(top, [0, 0, 0.05], 0.99 * CUP.force / G) == 0
    assert needed(top, [0, 0, 0.05], 1.01 * CUP.force / G) == NEVER


def test_from_the_side_friction_carries_and_the_centre_must_be_near():
    side, mass = approach_at([0, 0, 0], [1, 0, 0]), 0.1
    assert needed(side, [0, 0, 0], mass) == pytest.approx(mass * G / CUP.force)
    far = 1.01 * elastic_moment(CUP) / (mass * G)
    assert needed(side, [far, 0, 0], mass) == NEVER  # its weight bends the cup
    assert needed(side, [0.98 * far, 0, 0], mass) < NEVER


def test_a_heavy_object_far_from_its_centre_bends_the_cup():
    top, mass = approach_at([0, 0, 0.1], [0, 0, -1]), 0.5
    limit = elastic_moment(CUP) / (mass * G)
    for share, holds in ((0.99, True), (1.01, False)):
        for way in ([1, 0], [0, -1], [0.6, 0.8]):
            assert (needed(top, [*(share * limit * np.array(way)), 0.0], mass) < NEVER) == holds


def test_a_weight_beside_the_axis_of_a_level_cup_twists_it():
    side, mass, arm = approach_at([0, 0, 0], [1, 0, 0]), 0.1, 0.01
    expected = mass * G * np.hypot(1, arm / CUP.radius) / CUP.force
    assert needed(side, [0, arm, 0], mass) == pytest.approx(expected)


def test_object_gravity_and_grasp_turn_together():
    T, centers, weights = at_random(200)
    motion = moved(3)
    turned = friction_needed(motion @ T, transforms.apply(motion, centers), weights @ motion[:3, :3].T, CUP)
    np.testing.assert_allclose(turned, friction_needed(T, centers, weights, CUP), atol=1e-9)


def test_the_turn_about_the_approach_does_not_matter():
    T, centers, weights = at_random(200, 1)
    spun = T @ transforms.compose(Rotation.from_euler("z", 1.1).as_matrix(), np.zeros(3))
    np.testing.assert_allclose(
        friction_needed(spun, centers, weights, CUP), friction_needed(T, centers, weights, CUP), atol=1e-9
    )


def gravity_in_contact(T, center, weight):
    """The wrench (6,) that the contact must exert, about its frame's axes."""
    R = T[:3, :3]
    return np.concatenate([-R.T @ weight, -R.T @ np.cross(center - T[:3, 3], weight)])


def test_what_the_papers_boxes_allow_is_held():
    """sqrt(3) |f_x|, sqrt(3) |f_y|, sqrt(3) |t_z| / r <= mu f_N and sqrt(2) |t_x|, sqrt(2) |t_y| <= pi r kappa."""
    T, centers, weights = at_random(3000, 2)
    ours = friction_needed(T, centers, weights, CUP)
    held = 0
    for t, c, w, friction in zip(T, centers, weights, ours):
        fx, fy, fz, tx, ty, tz = gravity_in_contact(t, c, w)
        normal = fz + CUP.force
        elastic = np.sqrt(2) * max(abs(tx), abs(ty)) <= elastic_moment(CUP)
        sliding = np.sqrt(3) * max(abs(fx), abs(fy), abs(tz) / CUP.radius) <= CUP.friction * normal
        if normal > 0 and elastic and sliding:
            assert friction <= CUP.friction + 1e-12
            held += 1
    assert 100 < held < 2900


def programme(T, center, weight, cup, sides=40):
    """The least friction by a linear programme: (f_x, f_y, t_z / r) / f_N as the lightest sum of points of the unit
    ball. None where the lip is not pressed on, or a side of the polygon about the elastic moments is crossed."""
    wanted, turn = gravity_in_contact(T, center, weight), 2 * np.pi * np.arange(sides) / sides
    normal = wanted[2] + cup.force
    if normal <= 0 or (np.cos(turn) * wanted[3] + np.sin(turn) * wanted[4]).max() > elastic_moment(cup):
        return None
    ball = [
        [np.sqrt(1 - h * h) * np.cos(a), np.sqrt(1 - h * h) * np.sin(a), h] for h in np.cos(turn[:21]) for a in turn
    ]
    goal = np.array([wanted[0], wanted[1], wanted[5] / cup.radius]) / normal
    return linprog(np.ones(len(ball)), A_eq=np.array(ball).T, b_eq=goal, bounds=(0, None), method="highs").fun


def test_it_is_what_a_linear_programme_over_wrenches_finds():
    T, centers, weights = at_random(60, 5)
    slow = [programme(t, c, w, CUP) for t, c, w in zip(T, centers, weights)]
    fast = friction_needed(T, centers, weights, CUP)
    assert 10 < sum(s is None for s in slow) < 50
    for friction, found in zip(fast, slow):
        if found is None:
            assert friction == NEVER
        elif friction < NEVER:  # the polygon lies about the circle
            assert friction == pytest.approx(found, rel=0.02, abs=1e-9)
    assert np.mean([(f == NEVER) == (s is None) for f, s in zip(fast, slow)]) > 0.95


def test_a_stiffer_or_wider_cup_carries_more_moment():
    assert elastic_moment(dataclasses.replace(CUP, stiffness=2 * CUP.stiffness)) == 2 * elastic_moment(CUP)
    assert elastic_moment(dataclasses.replace(CUP, radius=0.032)) == 2 * elastic_moment(CUP)


def test_the_moment_is_that_of_a_leaning_ring_of_springs():
    """Pushed back by half of the travel, and leant until one side is pushed back by all of it."""
    turn = 2 * np.pi * np.arange(1000) / 1000
    pushed = CUP.travel / 2 * (1 + np.cos(turn))
    moment = (CUP.stiffness / 1000 * pushed * CUP.radius * np.cos(turn)).sum()
    assert elastic_moment(CUP) == pytest.approx(moment)
