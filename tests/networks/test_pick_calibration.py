"""What the planner reports is the calibrated score: in the same order, the same for every path and after pickling."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from scenes import CAMERA, box, render

from antipodal import networks
from antipodal.errors import ModelError, NoGraspFound
from antipodal.grasp import Gripper
from antipodal.networks.model import GraspNetwork
from antipodal.networks.pick_calibration import PickCalibration
from antipodal.planner import GraspPlanner, PlannerOptions
from antipodal.planning.trace import Trace

DEPTH, _ = render([box((0.03, 0.02), (0.10, 0.03, 0.04), 0.4)])
PICKS = {"scale": 1.7, "shift": 0.6}
ALL = PlannerOptions(min_quality=0.0)


@pytest.fixture(scope="module")
def planners(tmp_path_factory):
    """One network from two files: without and with a calibration."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    network = GraspNetwork("patch")
    networks.save(folder / "plain.pt", network, {})
    networks.save(folder / "picks.pt", network, {"picks": {Gripper().name: PICKS}})
    return [GraspPlanner.load(folder / f"{name}.pt", device="cpu", options=ALL) for name in ("plain", "picks")]


def test_the_map_is_a_line_in_log_odds_and_rises():
    by = PickCalibration(**PICKS)
    quality = torch.linspace(0.001, 0.999, 500, dtype=torch.float64)
    after = by(quality)
    torch.testing.assert_close(torch.logit(after), 1.7 * torch.logit(quality) + 0.6, rtol=1e-4, atol=1e-4)
    assert bool((after.diff() > 0).all())
    ends = by(torch.tensor([0.0, 1.0, -torch.inf]))
    assert 0 <= ends[0] < 1e-6 and 1 - 1e-6 < ends[1] <= 1 and ends[2] == -torch.inf
    torch.testing.assert_close(PickCalibration()(quality), quality, rtol=0, atol=0)


@pytest.mark.parametrize("lift", [0.1, 1.0, 30.0])
def test_the_lift_leaves_the_best_and_the_order_and_raises_what_is_worse(lift):
    quality = torch.linspace(0.001, 0.9, 500, dtype=torch.float64)
    by = PickCalibration(**PICKS, lift=lift).beside(quality)
    plain, lifted = PickCalibration(**PICKS)(quality), by(quality)
    assert lifted[-1] == pytest.approx(float(plain[-1]), abs=1e-12) and (lifted >= plain).all()
    assert (lifted.diff() > 0).all() and (lifted[:-1] < lifted[-1]).all()
    torch.testing.assert_close(torch.logit(lifted), torch.logit(plain) + by.lifted(torch.logit(plain)))


def test_grasps_and_candidates_have_calibrated_scores_in_the_same_order(planners):
    plain, picks = (p.plan(DEPTH, CAMERA, seed=1) for p in planners)
    for a, b in ((plain.grasps, picks.grasps), (plain.candidates, picks.candidates)):
        np.testing.assert_array_equal([g.T_cam_grasp for g in a], [g.T_cam_grasp for g in b])
        expected = PickCalibration(**PICKS)(torch.tensor([g.quality for g in a]))
        np.testing.assert_allclose([g.quality for g in b], expected.numpy(), rtol=1e-5)


def test_plans_over_a_cone_are_calibrated_too(planners):
    plain, picks = (p.plan(DEPTH, CAMERA, seed=1, approach="any") for p in planners)
    expected = PickCalibration(**PICKS)(torch.tensor([g.quality for g in plain]))
    np.testing.assert_allclose([g.quality for g in picks], expected.numpy(), rtol=1e-5)


def test_min_quality_is_compared_with_the_calibrated_probability(planners):
    plain, picks = planners
    best = [p.plan(DEPTH, CAMERA, seed=1)[0].quality for p in planners]
    assert best[1] > best[0] + 0.01
    between = replace(ALL, min_quality=sum(best) / 2)
    try:
        plain.tune(between), picks.tune(between)
        assert picks.plan(DEPTH, CAMERA, seed=1)[0].quality == pytest.approx(best[1])
        with pytest.raises(NoGraspFound, match="below min_quality"):
            plain.plan(DEPTH, CAMERA, seed=1)
    finally:
        plain.tune(ALL), picks.tune(ALL)


def test_a_trace_is_calibrated_throughout(planners):
    traces = [Trace(), Trace()]
    for planner, trace in zip(planners, traces):
        planner.plan(DEPTH, CAMERA, seed=1, trace=trace)
    by = PickCalibration(**PICKS)
    assert traces[1].calibration.numbers() == by.numbers()
    for a, b in zip([*traces[0].batches, traces[0].ranked], [*traces[1].batches, traces[1].ranked]):
        torch.testing.assert_close(b.quality, by(a.quality), rtol=1e-5, atol=1e-6)


def test_a_pickled_planner_keeps_its_calibration(planners):
    again = pickle.loads(pickle.dumps(planners[1]))
    assert again.calibration == PickCalibration(**PICKS)
    assert [g.quality for g in again.plan(DEPTH, CAMERA)] == [g.quality for g in planners[1].plan(DEPTH, CAMERA)]


def test_another_hand_has_none_of_it_and_the_first_has_its_own_again(planners):
    picks = planners[1]
    try:
        picks.tune(ALL, Gripper.load("franka_hand"))
        assert picks.calibration == PickCalibration()
    finally:
        picks.tune(ALL, Gripper())
    assert picks.calibration == PickCalibration(**PICKS)


@pytest.mark.parametrize(
    "picks, message",
    [
        ({"hand": {"scale": 0.0, "shift": 1.0}}, "scale above 0"),
        ({"hand": {"scale": 1.0, "shift": float("inf")}}, "finite shift"),
        ({"hand": {"scale": "much"}}, "numbers a hand"),
        ({"hand": {"lift": -1.0}}, "lift of at least 0"),
        ({"hand": 3}, "numbers a hand"),
        (7, "numbers a hand"),
    ],
)
def test_a_damaged_calibration_is_refused(picks, message):
    with pytest.raises(ModelError, match=message):
        PickCalibration.of_model({"picks": picks}, "hand")
