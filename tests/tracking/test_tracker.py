"""tracking and motion: a stable answer, and where it will be."""

from dataclasses import replace

import numpy as np
import pytest
import scenes

from antipodal import transforms
from antipodal.errors import InputError, NoGraspFound
from antipodal.grasp import Grasp
from antipodal.planner import Plan
from antipodal.tracking.patch import CELL, HALF_SIZE, Patch
from antipodal.tracking.tracker import GraspTracker, TrackingOptions, angle_between, choose, difference

RATE = 30.0
SPEED = np.array([0.05, 0.02])  # of the moving box on the table [m/s]


def grasp(x=0.0, y=0.0, angle=0.0, quality=0.9, depth=0.69):
    T = transforms.compose(transforms.about_z(angle), np.array([x, y, depth]))
    return Grasp(T, 0.08, quality, (0.0, 0.0), angle, depth)


def plan(*grasps, candidates=()):
    return Plan(sorted(grasps, key=lambda g: -g.quality), lambda: list(candidates), {}, {})


def place(found):
    return found.T_cam_grasp[:3, 3]


def picture(t, yaw=0.0):
    """A box that moves, and a table, at time t [s]."""
    return scenes.render([scenes.box(SPEED * t, (0.07, 0.03, 0.03), 0.4 + yaw)])[0]


class Planner:
    """Answers with grasps that are given, and keeps what it was asked to start from."""

    def __init__(self):
        self.answer, self.started = None, []

    def plan(self, depth, camera, *arguments, start=()):
        self.started.append(list(start))
        if self.answer is None:
            raise NoGraspFound("nothing", {})
        return self.answer


# -- which grasp


def test_the_best_is_first_where_nothing_is_expected():
    made = plan(grasp(0.1, quality=0.5), grasp(quality=0.9))
    assert choose(made, [], TrackingOptions()) is made


@pytest.mark.parametrize("better, stays", [(0.09, True), (0.11, False)])
def test_stays_until_another_is_better_by_the_margin(better, stays):
    options = TrackingOptions(margin=0.1)
    made = choose(plan(grasp(0.0, quality=0.8), grasp(0.1, quality=0.8 + better)), [grasp(0.0)], options)
    assert (place(made[0])[0] == 0.0) == stays and len(made) == 2
    assert sorted(g.quality for g in made) == [0.8, 0.8 + better], "P(success) stays as planned"


def test_without_a_margin_it_is_always_the_best():
    rng, options = np.random.default_rng(0), TrackingOptions(margin=0.0)
    for _ in range(20):
        made = plan(*[grasp(*rng.uniform(-0.1, 0.1, 2), quality=q) for q in rng.random(5)])
        assert choose(made, [grasp()], options)[0].quality == max(g.quality for g in made)


def test_a_candidate_near_the_expected_grasp_beats_a_listed_one_far_from_it():
    near = grasp(0.001, quality=0.85)
    chosen = choose(plan(grasp(0.1, quality=0.9), candidates=[near]), [grasp()], TrackingOptions())
    assert chosen[0] is near and len(chosen) == 1


def test_half_a_turn_is_the_same_grasp():
    T = grasp().T_cam_grasp
    assert angle_between(T, grasp(angle=np.pi).T_cam_grasp) == pytest.approx(0, abs=1e-6)
    for angle, expected in [(0.3, 0.3), (np.pi - 0.3, 0.3), (np.pi / 2, np.pi / 2)]:
        assert angle_between(T, grasp(angle=angle).T_cam_grasp) == pytest.approx(expected)
    assert difference(grasp(), grasp(), TrackingOptions()) == pytest.approx(0, abs=1e-6)
    assert difference(grasp(), grasp(0.2), TrackingOptions()) == 1


@pytest.mark.parametrize("values", [{"margin": -0.1}, {"distance": 0.0}, {"window": float("nan")}])
def test_options_that_cannot_be_are_refused(values):
    with pytest.raises(InputError, match=next(iter(values))):
        replace(TrackingOptions(), **values)


# -- how it moves


@pytest.mark.parametrize("way", [(0.0, 0.0), (0.004, -0.003), (0.0101, 0.0049), (-0.012, 0.002)])
def test_a_patch_is_found_where_it_has_moved(way):
    still = scenes.render([scenes.box((0, 0), (0.07, 0.03, 0.03), 0.4)])[0]
    gone = scenes.render([scenes.box(way, (0.07, 0.03, 0.03), 0.4)])[0]
    patch = Patch(still, scenes.CAMERA, grasp().T_cam_grasp)
    found = patch.along(patch.find(gone, scenes.CAMERA, np.zeros(2)))
    np.testing.assert_allclose(found, [way[0], -way[1], 0], atol=CELL / 3)  # the table's y is the camera's -y


def test_a_patch_is_not_found_where_it_has_gone_or_the_image_is_empty():
    patch = Patch(picture(0), scenes.CAMERA, grasp().T_cam_grasp)
    empty = np.full_like(picture(0), 0.7)
    for depth in (empty, np.zeros_like(empty), np.full_like(empty, np.nan)):
        assert patch.find(depth, scenes.CAMERA, np.zeros(2)) is None
    assert patch.find(picture(0), scenes.CAMERA, np.array([1.0, 1.0])) is None


def test_a_patch_covers_what_lies_in_it():
    patch = Patch(picture(0), scenes.CAMERA, grasp().T_cam_grasp)
    assert patch.covers(grasp(0.05).T_cam_grasp, np.zeros(2)) and not patch.covers(grasp(0.07).T_cam_grasp, np.zeros(2))
    assert patch.covers(grasp(0.07).T_cam_grasp, np.array([0.02, 0.0])) and HALF_SIZE * CELL == pytest.approx(0.06)


def follow(tracker, planner, stamps, noise=0.0):
    """Plans in pictures of the moving box; grasps somewhere along it, so that their own places tell little."""
    rng = np.random.default_rng(3)
    for t in stamps:
        slide = rng.uniform(-0.008, 0.008)
        x, y = SPEED * t + slide * np.array([np.cos(0.4), np.sin(0.4)])
        planner.answer = plan(grasp(x, -y))
        depth = picture(t)
        tracker.plan(depth + rng.normal(0, noise, depth.shape).astype(np.float32), scenes.CAMERA, t)


@pytest.mark.parametrize("noise", [0.0, 0.002])
def test_velocity_is_that_of_the_object_though_the_grasp_slides_along_it(noise):
    planner = Planner()
    tracker = GraspTracker(planner)
    follow(tracker, planner, np.arange(20) / RATE, noise)
    np.testing.assert_allclose(tracker.velocity(), [*(SPEED * [1, -1]), 0], atol=0.002)


def test_the_last_grasp_is_where_the_next_plan_starts_moved_with_the_object():
    planner = Planner()
    tracker = GraspTracker(planner)
    follow(tracker, planner, [0.0, 0.1])
    last = place(planner.answer[0])
    planner.answer = plan(grasp())
    tracker.plan(picture(0.2), scenes.CAMERA, 0.2)
    assert planner.started[0] == [] and len(planner.started[2]) == 1
    np.testing.assert_allclose(place(planner.started[2][0]), np.add(last, [0.005, -0.002, 0]), atol=CELL / 3)


@pytest.mark.parametrize("stamp", [-1.0, 10.0], ids=["the clock jumps back", "a long pause"])
def test_what_is_old_is_forgotten(stamp):
    planner = Planner()
    tracker = GraspTracker(planner)
    follow(tracker, planner, np.arange(10) / RATE)
    planner.answer = plan(grasp(0.2, quality=0.3), grasp(0.0, quality=0.2))
    assert tracker.plan(picture(0), scenes.CAMERA, stamp)[0].quality == 0.3
    assert planner.started[-1] == [] and not tracker.velocity().any()


def test_an_image_without_a_grasp_changes_nothing_but_time():
    planner = Planner()
    tracker = GraspTracker(planner)
    follow(tracker, planner, np.arange(10) / RATE)
    planner.answer = None
    with pytest.raises(NoGraspFound):
        tracker.plan(picture(10 / RATE), scenes.CAMERA, 10 / RATE)
    follow(tracker, planner, [11 / RATE])
    assert len(planner.started[-1]) == 1


def test_a_grasp_on_another_object_starts_anew():
    planner = Planner()
    tracker = GraspTracker(planner)
    follow(tracker, planner, np.arange(10) / RATE)
    planner.answer = plan(grasp(0.15, 0.1, quality=1.0), grasp(quality=0.1))
    tracker.plan(picture(10 / RATE), scenes.CAMERA, 10 / RATE)
    assert not tracker.velocity().any()
