"""tracking: a stable answer, and where it will be."""

from dataclasses import replace

import numpy as np
import pytest

from antipodal import transforms
from antipodal.errors import InputError
from antipodal.grasp import Grasp
from antipodal.planner import Plan
from antipodal.tracking import GraspTracker, TrackingOptions, turned

RATE = 30.0
STEP = np.array([0.05, 0.0, 0.0]) / RATE  # of something that moves at 5 cm/s


def grasp(x=0.0, y=0.0, angle=0.0, quality=0.9):
    T = transforms.compose(transforms.about_z(angle), np.array([x, y, 0.6]))
    return Grasp(T, 0.08, quality, (0.0, 0.0), angle, 0.6)


def plan(*grasps, candidates=()):
    return Plan(sorted(grasps, key=lambda g: -g.quality), list(candidates), {}, {})


def place(found):
    return found.T_cam_grasp[:3, 3]


def test_the_first_answer_is_the_best_grasp():
    tracker = GraspTracker()
    assert tracker.expected(0.0) == []
    best = grasp(quality=0.9)
    assert tracker.choose(plan(grasp(0.1, quality=0.5), best), 0.0)[0] is best


def test_stays_with_its_grasp_until_another_is_better_by_the_margin():
    tracker = GraspTracker(TrackingOptions(margin=0.1))
    tracker.choose(plan(grasp(0.0, quality=0.90), grasp(0.1, quality=0.80)), 0.0)
    stays = tracker.choose(plan(grasp(0.0, quality=0.80), grasp(0.1, quality=0.89)), 1 / RATE)
    assert place(stays[0])[0] == 0.0 and [g.quality for g in stays] == [0.80, 0.89]
    goes = tracker.choose(plan(grasp(0.0, quality=0.80), grasp(0.1, quality=0.91)), 2 / RATE)
    assert place(goes[0])[0] == 0.1


def test_without_a_margin_it_is_always_the_best():
    tracker, rng = GraspTracker(TrackingOptions(margin=0.0)), np.random.default_rng(0)
    for i in range(20):
        made = plan(*[grasp(*rng.uniform(-0.1, 0.1, 2), quality=q) for q in rng.random(5)])
        assert tracker.choose(made, i / RATE)[0].quality == max(g.quality for g in made)


def test_switches_less_often_than_the_best_grasp_does():
    """Two grasps whose P(success) flickers: the best changes in every other image, the answer stays."""
    rng, tracker = np.random.default_rng(1), GraspTracker()
    answers, best = [], []
    for i in range(60):
        made = plan(*[grasp(x, quality=0.8 + 0.1 * rng.random()) for x in (0.0, 0.1)])
        answers.append(place(tracker.choose(made, i / RATE)[0])[0])
        best.append(place(made[0])[0])
    assert np.count_nonzero(np.diff(best)) > 20 and np.count_nonzero(np.diff(answers)) == 0


def test_a_candidate_near_the_followed_grasp_beats_a_listed_one_far_from_it():
    tracker = GraspTracker()
    tracker.choose(plan(grasp(0.0)), 0.0)
    near = grasp(0.001, quality=0.85)
    chosen = tracker.choose(plan(grasp(0.1, quality=0.9), candidates=[near]), 1 / RATE)
    assert chosen[0] is near and len(chosen) == 1


def test_half_a_turn_is_the_same_grasp():
    assert turned(grasp().T_cam_grasp, grasp(angle=np.pi).T_cam_grasp) == pytest.approx(0, abs=1e-6)
    assert turned(grasp().T_cam_grasp, grasp(angle=0.3).T_cam_grasp) == pytest.approx(0.3)
    assert turned(grasp().T_cam_grasp, grasp(angle=np.pi - 0.3).T_cam_grasp) == pytest.approx(0.3)
    assert turned(grasp().T_cam_grasp, grasp(angle=np.pi / 2).T_cam_grasp) == pytest.approx(np.pi / 2)


def follow(tracker, count, noise=0.0, rng=None):
    """The last time at which a grasp that moves by STEP was seen."""
    for i in range(count):
        x, y = i * STEP[:2] + (rng.normal(0, noise, 2) if noise else 0)
        tracker.choose(plan(grasp(x, y)), i / RATE)
    return (count - 1) / RATE


def test_what_moves_evenly_is_expected_where_it_will_be():
    tracker = GraspTracker()
    last = follow(tracker, 45)
    np.testing.assert_allclose(tracker.velocity(), STEP * RATE, atol=1e-9)
    (expected,) = tracker.expected(last + 0.4)
    np.testing.assert_allclose(place(expected), [0.05 * (last + 0.4), 0, 0.6], atol=1e-9)


def test_velocity_comes_through_noise():
    """2 mm of noise in 30 places over 1 s leave 1.3 mm/s of standard deviation by least squares."""
    errors = []
    for seed in range(30):
        tracker = GraspTracker()
        follow(tracker, 31, 0.002, np.random.default_rng(seed))
        errors.append(tracker.velocity()[:2] - STEP[:2] * RATE)
    assert 0.0005 < np.std(errors) < 0.0025


def test_a_grasp_elsewhere_starts_anew():
    tracker = GraspTracker()
    last = follow(tracker, 30)
    tracker.choose(plan(grasp(0.0, 0.2)), last + 1 / RATE)
    assert not tracker.velocity().any()


@pytest.mark.parametrize("stamp", [-1.0, 10.0], ids=["the clock jumps back", "a long pause"])
def test_what_is_old_is_forgotten(stamp):
    tracker = GraspTracker()
    follow(tracker, 10)
    assert tracker.expected(stamp) == []
    best = grasp(0.3, quality=0.2)
    assert tracker.choose(plan(best), stamp)[0] is best


@pytest.mark.parametrize("values", [{"margin": -0.1}, {"distance": 0.0}, {"window": float("nan")}])
def test_options_that_cannot_be_are_refused(values):
    with pytest.raises(InputError, match=next(iter(values))):
        replace(TrackingOptions(), **values)
