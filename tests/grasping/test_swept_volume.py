"""No returned grasp's hand passes through a point that the camera saw, whatever stands around the object."""

from pathlib import Path

import numpy as np
import pytest
from scenes import CAMERA, box, overhead, render

from antipodal import resources
from antipodal.camera import Camera
from antipodal.errors import NoGraspFound
from antipodal.grasp import Gripper, load_hand
from antipodal.grasping.clearance import ClearanceOptions
from antipodal.grasping.gripper_boxes import in_the_way
from antipodal.perception.hints import SceneHints
from antipodal.planner import GraspPlanner

HANDS = sorted(Path(resources.find("config/grippers")).glob("*.yaml"))
GRIPPERS = [path for path in HANDS if isinstance(load_hand(path), Gripper)]
WIDE = Camera(220.0, 220.0, 159.5, 119.5, 320, 240)
TOUCH = 0.0005  # points this near the surface of a box do not count [m]


@pytest.fixture(scope="module", params=GRIPPERS, ids=lambda p: p.stem)
def planner(request):
    return GraspPlanner.load(resources.find("models/default.pt"), Gripper.load(request.param), "cpu")


def hits(grasp, gripper, depth, camera, T_cam_table):
    """Observed points above what counts as table inside the boxes that the hand sweeps on its way to a grasp."""
    v, u = np.nonzero(depth)
    points = camera.deproject(np.stack([u, v], axis=-1), depth[v, u])
    height = (points - T_cam_table[:3, 3]) @ T_cam_table[:3, 2]
    points = points[height > ClearanceOptions().flat + TOUCH]
    inside = in_the_way((points - grasp.T_cam_grasp[:3, 3]) @ grasp.T_cam_grasp[:3, :3], gripper, grasp.width, -TOUCH)
    return int(inside.sum())


def crowded(rng, max_width, walls=True):
    """A box that a gripper of this opening may grasp, with others and walls around it, some as near as can be."""
    target = box(rng.uniform(-0.03, 0.03, 2), [rng.uniform(0.3, 0.9) * max_width, *rng.uniform(0.02, 0.08, 2)], 0.0)
    boxes = [target]
    for _ in range(rng.integers(0, 4)):
        boxes.append(box(rng.uniform(-0.14, 0.14, 2), rng.uniform(0.01, 0.1, 3), rng.uniform(0, np.pi)))
    for side in rng.permutation(4)[: rng.integers(1, 3) if walls else 0]:
        gap, along = rng.uniform(0.05, 0.15), (side % 2) * np.pi / 2
        place = (-1) ** (side // 2) * (gap + 0.02) * np.array([np.cos(along), np.sin(along)])
        boxes.append(box(place, (0.02, 0.4, rng.uniform(0.06, 0.25)), along))
    return target, boxes


def test_the_hand_passes_through_nothing_that_was_seen(planner):
    rng, planned = np.random.default_rng(7), 0
    for k in range(20):
        target, boxes = crowded(rng, planner.gripper.max_width)
        T = overhead(rng.uniform(0, 0.6))
        depth, _ = render(boxes, WIDE, T)
        mask = render([target], WIDE, T)[1] & (np.abs(render([target], WIDE, T)[0] - depth) < 1e-4)
        up = SceneHints(up=tuple(T[:3, 2]))
        try:
            plan = planner.plan(depth, WIDE, mask if mask.any() else None, 10, k, hints=up)
        except NoGraspFound:
            continue
        planned += 1
        bad = [hits(g, planner.gripper, depth, WIDE, T) for g in plan]
        assert max(bad) == 0, (k, bad)
    assert planned >= 5


def test_a_palm_wider_than_the_open_jaws_keeps_off_a_wall():
    """The wall stands beyond where the jaws reach and within where the palm does."""
    gripper = Gripper.load(resources.find("config/grippers/franka_hand.yaml"))
    planner = GraspPlanner.load(resources.find("models/default.pt"), gripper, "cpu")
    target = box((0, 0), (0.03, 0.06, 0.04))
    for gap in (0.07, 0.08, 0.09):
        walls = [box((side * (0.015 + gap + 0.02), 0), (0.04, 0.5, 0.25)) for side in (-1, 1)]
        depth, _ = render([target, *walls], CAMERA)
        plan = planner.plan(depth, CAMERA, render([target], CAMERA)[1], 10)
        assert [hits(g, gripper, depth, CAMERA, overhead()) for g in plan] == [0] * len(plan)
