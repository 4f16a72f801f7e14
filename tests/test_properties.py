"""A few of the scenes of benchmarks/properties.py, and that it sees what is wrong."""

from dataclasses import replace

import numpy as np
import pytest

from antipodal.errors import NoGraspFound
from antipodal.planning.approach_cone import ApproachCone
from benchmarks import properties
from benchmarks.random_scenes import Scene, scene
from tests.scenes import CAMERA, box, render


def test_every_property_holds_in_a_few_scenes():
    result = properties.check_scenes(18)
    assert result["with a plan"] >= 10 and result["grasps"] >= 50
    assert [name for name in properties.PROPERTIES if result[name] != "held"] == []


def test_every_property_holds_of_suction_cups_in_a_few_scenes():
    every = properties.planners("suction")
    found = properties.outcomes(every, [scene(n, "any") for n in range(8)])
    assert sum(o.grasps > 0 for o in found) >= 4 and [o.broken for o in found] == [()] * len(found)


def lowered(grasp, depth):
    T = grasp.T_cam_grasp.copy()
    T[2, 3] += depth  # [m], along the camera's axis
    return replace(grasp, T_cam_grasp=T, depth=grasp.depth + depth)


WRONG_BY_CUP = {
    "orthonormal": lambda g: replace(g, T_cam_grasp=turned(g.T_cam_grasp)),
    "on graspable pixels": lambda g: replace(g, center_px=(5.0, 5.0)),
    "swept volume free": lambda g: lowered(g, 0.04),
    "lip above the support": lambda g: lowered(g, 0.1),
    "width within the gripper": lambda g: replace(g, width=0.01),
}


@pytest.mark.parametrize("name", WRONG_BY_CUP)
def test_a_wrong_suction_grasp_is_noticed(name, monkeypatch):
    cup = properties.planners("suction")[0]
    depth, mask = render([box((0.0, 0.0), (0.08, 0.10, 0.05))])
    case = Scene("crowded", depth, CAMERA, 0, {"seed": 0, "max_grasps": 3, "mask": mask, "approach": "any"})
    assert properties.outcome(cup, case).broken == ()
    plan = cup.plan(depth, CAMERA, mask, 3)
    plan.grasps = [WRONG_BY_CUP[name](g) for g in plan]
    monkeypatch.setattr(cup, "plan", lambda *_, **__: plan)
    assert name in properties.outcome(cup, case).broken


def test_a_scene_is_the_same_whenever_it_is_made():
    first, again = scene(7), scene(7)
    np.testing.assert_array_equal(first.depth, again.depth)
    assert first.gripper == again.gripper and first.arguments.keys() == again.arguments.keys()


def turned(T):
    return np.diag([1.0, 1.0, -1.0, 1.0]) @ T


def test_every_property_holds_of_cones_in_a_few_scenes(planner):
    found = properties.outcomes([planner] * 5, [scene(n, "cone") for n in range(8)])
    assert sum(o.grasps > 0 for o in found) >= 4 and [o.broken for o in found] == [()] * len(found)


def test_a_grasp_outside_the_cone_or_from_below_is_noticed(planner):
    depth, _ = render([box((0.0, 0.0), (0.03, 0.10, 0.05))])
    cone = ApproachCone((0.0, 1.0, 1.0), 0.3)
    plan, case = planner.plan(depth, CAMERA, approach=cone), Scene("crowded", depth, CAMERA, 0, {"approach": cone})
    broken = [properties._broken_of_approach(g, plan.scene.support, case) for g in plan]
    assert broken == [[]] * len(plan)
    wrong = replace(plan[0], T_cam_grasp=turned(plan[0].T_cam_grasp))
    assert properties._broken_of_approach(wrong, plan.scene.support, case) == [
        "inside the cone", "not from below the support"
    ]  # fmt: skip


WRONG = {
    "orthonormal": lambda g: replace(g, T_cam_grasp=turned(g.T_cam_grasp)),
    "inside the image": lambda g: replace(g, center_px=(-0.6, 5.0)),
    "width within the gripper": lambda g: replace(g, width=0.2),
    "object within the jaws": lambda g: replace(g, object_width=g.width + 0.001),
    "pixel agrees with the camera": lambda g: replace(g, center_px=(g.center_px[0] + 0.1, g.center_px[1])),
    "depth agrees with the camera": lambda g: replace(g, depth=g.depth + 0.001),
    "angle agrees with the camera": lambda g: replace(g, angle=g.angle + 0.1),
    "quality in [0, 1]": lambda g: replace(g, quality=1.1),
    "swept volume free": lambda g: replace(g, width=g.width / 4, object_width=0.0),
}


@pytest.fixture(scope="module")
def planner():
    return properties.planners()[0]


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_grasp_is_noticed(planner, name, monkeypatch):
    depth, mask = render([box((0.0, 0.0), (0.03, 0.10, 0.05))])
    case = Scene("crowded", depth, CAMERA, 0, {"seed": 0, "max_grasps": 3, "mask": mask})
    assert properties.outcome(planner, case).broken == ()
    plan = planner.plan(depth, CAMERA, mask, 3)
    plan.grasps = [WRONG[name](g) for g in plan]
    monkeypatch.setattr(planner, "plan", lambda *_, **__: plan)
    assert name in properties.outcome(planner, case).broken


def test_plans_that_differ_elsewhere_are_noticed(monkeypatch):
    monkeypatch.setattr(properties, "forked_digests", lambda every, cases: ["other"] * len(cases))
    result = properties.check_scenes(1)
    assert result["the same plan in a fork"] == "NOT HELD in scenes [0]"


def test_a_refusal_is_no_plan(planner, monkeypatch):
    def refuse(*_, **__):
        raise NoGraspFound("nothing", {})

    monkeypatch.setattr(planner, "plan", refuse)
    assert properties.outcome(planner, scene(0)).digest == "no grasp"
