"""Grasps keep off the places where others failed, for every hand, in every frame, and again after a success."""

from dataclasses import replace

import numpy as np
import pytest
from scenes import CAMERA, OVERHEAD, box, overhead, render

from antipodal import resources, transforms
from antipodal.both_hands import BothHands
from antipodal.errors import InputError, NoGraspFound
from antipodal.grasp import moved_grasps
from antipodal.networks.flatness import Flatness
from antipodal.planner import GraspPlanner
from antipodal.planning.failed_grasps import RADIUS
from antipodal.sim.trials import Job, Runner
from antipodal.suction_planner import SuctionPlanner
from tests.sim.test_looks import options
from tests.test_both_hands import CUP

BAR, CUBE = box((0.05, 0.02), (0.10, 0.03, 0.04), 0.4), box((-0.07, 0.0), (0.03, 0.03, 0.03))
DEPTH = render([BAR, CUBE])[0]


@pytest.fixture(scope="module")
def both():
    jaws = GraspPlanner.load(resources.find("models/default.pt"), device="cpu")
    return BothHands(jaws, SuctionPlanner(Flatness(), CUP))


def off_axis(grasp, failed):
    """Distance [m] of a grasp's origin from the axis of a failed one."""
    x, y, _ = transforms.apply(transforms.invert(failed.T_cam_grasp), grasp.T_cam_grasp[None, :3, 3])[0]
    return np.hypot(x, y)


@pytest.mark.parametrize("approach", ["table", "camera", "any"])
@pytest.mark.parametrize("hand", ["jaws", "suction"])
def test_no_grasp_comes_near_the_axis_of_one_that_failed(both, hand, approach):
    planner = both.jaws if hand == "jaws" else both.suction
    failed = []
    for _ in range(4):
        plan = planner.plan(DEPTH, CAMERA, approach=approach, avoid=failed)
        distances = [off_axis(g, f) for g in plan for f in failed]
        assert min(distances, default=1.0) > RADIUS
        assert not failed or plan.counts["apart"] < plan.counts["pixels"]
        failed.append(plan[0])


def test_without_a_failure_the_plan_is_the_same(both):
    plans = [both.plan(DEPTH, CAMERA, avoid=avoid) for avoid in (None, [])]
    assert [g.to_dict() for g in plans[0]] == [g.to_dict() for g in plans[1]]
    assert not any("apart" in name for name in plans[0].counts)


def test_what_failed_for_jaws_is_left_to_the_cup(both):
    failed = both.jaws.plan(DEPTH, CAMERA)[:1]
    by_cup, alone = both.plan(DEPTH, CAMERA, avoid=failed, hands=["suction"]), both.suction.plan(DEPTH, CAMERA)
    assert [g.to_dict() for g in by_cup] == [g.to_dict() for g in alone]
    by_jaws = [g for g in both.plan(DEPTH, CAMERA, max_grasps=20, avoid=failed) if g.kind == "jaws"]
    assert min(off_axis(g, failed[0]) for g in by_jaws) > RADIUS


def test_where_all_is_left_out_the_reason_says_so(both):
    depth, mask = render([CUBE])
    failed = both.jaws.plan(depth, CAMERA, mask)[:1]
    with pytest.raises(NoGraspFound, match=r"all \d+ graspable pixels lie within 2 cm of grasps to avoid, 1 of them"):
        both.jaws.plan(depth, CAMERA, mask & near(failed[0]), avoid=failed)


def near(grasp):
    """Pixels (H, W) bool within 4 of a grasp's."""
    v, u = np.indices(DEPTH.shape)
    return np.hypot(u - grasp.center_px[0], v - grasp.center_px[1]) < 4


@pytest.mark.parametrize("name", ["avoid", "start"])
@pytest.mark.parametrize("wrong", [[np.eye(4)], 3, [None], "grasp"])
def test_what_is_no_list_of_grasps_is_refused(both, name, wrong):
    with pytest.raises(InputError, match=f"{name} must be a list of grasps, such as a plan, got"):
        both.jaws.plan(DEPTH, CAMERA, **{name: wrong})
    with pytest.raises(InputError, match=f"{name} must be a list of grasps, such as a plan, got"):
        both.jaws.plan_views([(DEPTH, CAMERA, np.eye(4))], **{name: wrong})


def test_in_several_views_and_clouds_they_are_in_the_frame_of_these(both):
    T_world_cam = transforms.invert(OVERHEAD)
    views = [(render([BAR, CUBE], T_cam_table=T)[0], CAMERA, transforms.invert(T)) for T in (OVERHEAD, overhead(0.4))]
    first = both.jaws.plan_views(views)[0]
    second = both.jaws.plan_views(views, avoid=[first])
    assert min(off_axis(g, first) for g in second) > RADIUS
    v, u = np.indices(DEPTH.shape)
    points = transforms.apply(T_world_cam, CAMERA.deproject(np.stack([u, v], -1), DEPTH).reshape(-1, 3))
    cloud = points.reshape(*DEPTH.shape, 3), T_world_cam[:3, 3]
    first = both.jaws.plan_cloud(*cloud)[0]
    assert min(off_axis(g, first) for g in both.jaws.plan_cloud(*cloud, avoid=[first])) > RADIUS
    here = moved_grasps([first], OVERHEAD)
    assert min(off_axis(g, here[0]) for g in both.jaws.plan(DEPTH, CAMERA, avoid=here)) > RADIUS


def test_a_trial_tells_its_planner_what_failed_until_an_object_is_held(monkeypatch):
    runner = Runner(options(clutter=(6, 6), remember=True))
    cell = runner.make_cell(0)
    told, plan = [], GraspPlanner.plan
    outcomes = iter(["missed", "slipped", "held", "missed", "missed", "missed"])
    execute = cell.execute

    def spied(self, *arguments, **keywords):
        told.append(len(keywords["avoid"]))
        return plan(self, *arguments, **keywords)

    monkeypatch.setattr(GraspPlanner, "plan", spied)
    monkeypatch.setattr(
        cell, "execute", lambda T, width, kind: replace(execute(T, width, kind), end=next(outcomes), collision=None)
    )
    runner._clear(cell, Job(0, "antipodal"))
    assert told[:7] == [0, 0, *(0, 1, 2, 0, 1)]  # the first request is planned three times
