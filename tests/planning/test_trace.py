"""A trace holds what the plan itself looked at, and asking for one changes nothing."""

import numpy as np
import pytest
import torch
from scenes import CAMERA, box, render

from antipodal import resources
from antipodal.both_hands import BothHands
from antipodal.errors import NoGraspFound
from antipodal.grasp import Gripper
from antipodal.grasping.object_width import oblique_penalty
from antipodal.networks.flatness import Flatness
from antipodal.planner import GraspPlanner, PlannerOptions
from antipodal.planning.trace import Trace
from antipodal.suction_cup import SuctionCup
from antipodal.suction_planner import SuctionPlanner

DEPTH, _ = render([box((0.0, 0.0), (0.10, 0.03, 0.05), 0.4), box((0.1, 0.06), (0.03, 0.04, 0.03))])


@pytest.fixture(scope="module")
def planner():
    return GraspPlanner.load(resources.find("models/default.pt"), device="cpu")


def test_a_trace_changes_no_plan(planner):
    plain, traced = planner.plan(DEPTH, CAMERA), planner.plan(DEPTH, CAMERA, trace=Trace())
    assert [g.to_dict() for g in plain] == [g.to_dict() for g in traced]
    assert plain.counts == traced.counts


def test_the_batches_are_the_search(planner):
    trace = Trace()
    plan = planner.plan(DEPTH, CAMERA, trace=trace)
    start, *iterations = trace.batches
    assert [len(b) for b in iterations] == [planner.options.cem.samples] * planner.options.cem.iterations
    assert len(start) == planner.options.depths * min(planner.options.candidates, plan.counts["fitting"])
    fitting = [trace.fitting(k) for k in range(len(trace.batches))]
    assert sum(map(len, fitting)) == plan.counts["scored"]
    best = max(float(b.quality.max()) for b in fitting)
    assert best == pytest.approx(plan[0].quality, abs=1e-6)


def test_ranked_and_chosen_are_what_was_returned(planner):
    trace = Trace()
    plan = planner.plan(DEPTH, CAMERA, trace=trace)
    qualities = trace.ranked[trace.chosen].quality
    assert np.allclose(qualities, [g.quality for g in plan])
    assert trace.scene is plan.scene


def test_the_crop_is_what_the_network_scored(planner):
    """The network on the trace's crop, less balance and slant, gives the quality that the plan states."""
    trace = Trace()
    planner.plan(DEPTH, CAMERA, trace=trace)
    fitting, view = trace.fitting(0), trace.stages.view
    penalty = (view.lookup(trace.stages.distance, fitting.center[:, :2]) / planner.options.balance) ** 2
    penalty = penalty + oblique_penalty(view, fitting, planner.gripper, planner.options.oblique)
    quality = trace.calibration(torch.sigmoid(trace.score(view, fitting) - penalty))
    assert torch.allclose(quality, fitting.quality, atol=1e-5)
    assert trace.score.crops(view, fitting).shape == (len(fitting), 1, 32, 32)


def test_over_a_cone_each_searched_direction_has_a_trace(planner):
    trace = Trace()
    plain, plan = planner.plan(DEPTH, CAMERA, approach="any"), planner.plan(DEPTH, CAMERA, approach="any", trace=trace)
    assert [g.to_dict() for g in plain] == [g.to_dict() for g in plan]
    frames = np.stack([t.stages.view.T_cam_view for t in trace.leaning])
    assert len(frames) == int(trace.ranked.view.max()) + 1 and trace.stages is None
    first = trace.ranked[trace.chosen[:1]]
    assert np.allclose(plan[0].T_cam_grasp[:3, 2], frames[int(first.view)][:3, 2])
    scored = sum(len(t.fitting(k)) for t in trace.leaning for k in range(len(t.batches)))
    assert scored == plan.counts["scored"]


def test_without_a_grasp_the_trace_holds_how_far_the_plan_came(planner):
    trace, empty = Trace(), np.full_like(DEPTH, 0.7)
    with pytest.raises(NoGraspFound):
        planner.plan(empty, CAMERA, trace=trace)
    assert trace.scene is not None and trace.stages is None and not trace.batches


def test_a_planner_is_tuned_to_another_gripper(planner):
    narrow = Gripper(name="narrow", max_width=0.05)
    tuned = GraspPlanner.load(resources.find("models/default.pt"), device="cpu")
    tuned.tune(PlannerOptions(depths=3), narrow)
    made = GraspPlanner.load(resources.find("models/default.pt"), narrow, "cpu", PlannerOptions(depths=3))
    assert [g.to_dict() for g in tuned.plan(DEPTH, CAMERA)] == [g.to_dict() for g in made.plan(DEPTH, CAMERA)]


@pytest.fixture(scope="module")
def suction():
    return SuctionPlanner(Flatness(), SuctionCup.load("schmalz_fsga20"))


def test_a_cups_plan_is_kept_and_not_changed(suction):
    trace = Trace()
    plain, traced = suction.plan(DEPTH, CAMERA), suction.plan(DEPTH, CAMERA, trace=trace)
    assert [g.to_dict() for g in plain] == [g.to_dict() for g in traced]
    (search,) = trace.suction
    assert len(search.drawn) == plain.counts["points"] and search.free.sum() == plain.counts["fitting"]
    assert sum(int(torch.isfinite(b.quality).sum()) for b in search.batches) == plain.counts["scored"]
    kept = trace.frames[trace.ranked[trace.chosen].view.numpy()]
    assert np.array_equal(kept, np.stack([g.T_cam_grasp for g in plain]))
    crops = search.score.crops(kept[:, :3, 3], kept[:, :3, 2])
    assert crops.shape == (len(kept), 1, 32, 32) and search.score.side == pytest.approx(4 * suction.cup.radius)


def test_of_several_hands_each_has_its_own(planner, suction):
    trace, both = Trace(), BothHands(planner, suction)
    plan = both.plan(DEPTH, CAMERA, trace=trace)
    assert set(trace.hands) == {"jaws", "suction"} and trace.ranked is None
    assert trace.scene is trace.hands["jaws"].scene is trace.hands["suction"].scene
    best = max(float(own.ranked.quality[0]) for own in trace.hands.values())
    assert plan[0].quality == pytest.approx(best)


def test_a_hand_that_finds_nothing_beside_another_says_why(planner):
    wide, trace = SuctionCup("wide", 0.12, 0.05, 0.01, 300.0, 12.0, 0.5, (0.05, 0.05, 0.1)), Trace()
    BothHands(planner, SuctionPlanner(Flatness(), wide)).plan(DEPTH, CAMERA, trace=trace)
    assert trace.hands["jaws"].refusal == "" and "where cup and body clear" in trace.hands["suction"].refusal
    assert len(trace.hands["suction"].suction[0].drawn) > 0
