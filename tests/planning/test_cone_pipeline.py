"""What holds of every plan over a cone of approaches."""

import math
from dataclasses import replace

import numpy as np
import pytest
from inputs import labels_of, points_of
from scenes import CAMERA, box, overhead, render

from antipodal import resources, transforms
from antipodal.camera import Camera
from antipodal.errors import InputError, NoGraspFound
from antipodal.grasp import Gripper
from antipodal.grasping.clearance import ClearanceOptions
from antipodal.grasping.gripper_boxes import Box, body_box, in_the_way, whole_hand_boxes
from antipodal.perception.fusion import CameraView
from antipodal.perception.hints import SceneHints
from antipodal.perception.scene import perceive
from antipodal.perception.solid_scene import SolidOptions, solid_scene
from antipodal.planner import GraspPlanner, PlannerOptions
from antipodal.planning.approach_cone import ApproachCone, ConeOptions, spread_over
from antipodal.planning.cuda_graph import GpuPlanner
from antipodal.planning.request import Request

PLANNER = GraspPlanner.load(resources.find("models/default.pt"), device="cpu")
TOUCH = 0.0005  # points this near the surface of a box do not count [m]
TALL = box((0.03, 0.02), (0.05, 0.04, 0.14), 0.4)


def scene(rng):
    """A depth image of a crowded table, its `T_cam_table` and the mask of one box."""
    T = overhead(rng.uniform(0, 1.0))
    target = box(rng.uniform(-0.03, 0.03, 2), rng.uniform([0.02, 0.02, 0.03], [0.07, 0.07, 0.15]), rng.uniform(0, 3))
    others = [box(rng.uniform(-0.16, 0.16, 2), rng.uniform(0.01, 0.1, 3), rng.uniform(0, 3)) for _ in range(3)]
    depth, _ = render([target, *others], CAMERA, T)
    alone, mask = render([target], CAMERA, T)
    return depth, T, mask & (np.abs(alone - depth) < 1e-5)


def observed(depth, T_cam_table):
    """Points (N, 3) [m] that stand above what counts as table."""
    v, u = np.nonzero(depth)
    points = CAMERA.deproject(np.stack([u, v], axis=-1), depth[v, u])
    height = (points - T_cam_table[:3, 3]) @ T_cam_table[:3, 2]
    return points[height > ClearanceOptions().flat + TOUCH]


def between_the_jaws(gripper, width):
    half = np.array([gripper.jaw_width / 2, width / 2])
    return Box(np.append(-half, gripper.tip - gripper.jaw_length), np.append(half, gripper.tip))


def corners(grasp, gripper):
    """The corners (N, 3) [m] of all boxes of the hand at a grasp, in the camera's frame."""
    ends = [(b.low, b.high) for b in whole_hand_boxes(gripper, grasp.width)]
    local = [np.where(np.array(list(np.ndindex(2, 2, 2))), high, low) for low, high in ends]
    return transforms.apply(grasp.T_cam_grasp, np.concatenate(local))


@pytest.mark.parametrize("hand", ["robotiq_2f85", "franka_hand", "yumi"])
def test_every_grasp_lies_in_the_cone_clear_of_what_was_seen_and_above_the_support(hand):
    gripper = Gripper.load(hand)
    planner, rng, planned, leaning = GraspPlanner.load("default", gripper, "cpu"), np.random.default_rng(3), 0, 0
    for k in range(12):
        depth, T, mask = scene(rng)
        up = T[:3, 2]
        axis = T[:3, :3] @ [*rng.uniform(-1, 1, 2), -rng.uniform(0.2, 1)]
        cone = ApproachCone(tuple(axis), rng.uniform(0.3, math.pi / 2))
        if mask.sum() < 50:
            continue
        try:
            plan = planner.plan(depth, CAMERA, mask, 10, k, hints=SceneHints(up=tuple(up)), approach=cone)
        except NoGraspFound:
            continue
        planned, points, normal = planned + 1, observed(depth, T), plan.scene.support.normal
        v, u = np.nonzero(mask)
        target = CAMERA.deproject(np.stack([u, v], axis=-1), depth[v, u])
        for g in plan:
            R = g.T_cam_grasp[:3, :3]
            np.testing.assert_allclose(R.T @ R, np.eye(3), atol=1e-6)
            assert cone.holds(R[:, 2], 1e-5) and R[:, 2] @ normal > -1e-5
            assert not in_the_way((points - g.T_cam_grasp[:3, 3]) @ R, gripper, g.width, -TOUCH, whole=True).any()
            assert ((corners(g, gripper) - T[:3, 3]) @ up).min() > 0
            assert between_the_jaws(gripper, g.width).holds((target - g.T_cam_grasp[:3, 3]) @ R, 0.002).any()
            assert gripper.min_width <= g.width <= gripper.max_width * (1 + 1e-6)
            assert g.quality <= plan[0].quality
        leaning += plan[0].T_cam_grasp[:3, 2] @ normal < 0.98
    assert planned >= 5 and leaning >= 3


def same(plan, other):
    assert len(plan) == len(other) > 0
    for g, o in zip(plan, other):
        np.testing.assert_array_equal(g.T_cam_grasp, o.T_cam_grasp)
        assert (g.quality, g.width, g.object_width) == (o.quality, o.width, o.object_width)


@pytest.mark.parametrize("tilt", [0.0, 0.5])
def test_a_cone_of_0_degrees_around_the_tables_normal_is_the_plan_on_the_table(tilt):
    depth, mask = render([TALL], CAMERA, overhead(tilt))
    plan = PLANNER.plan(depth, CAMERA, mask, seed=5)
    cone = ApproachCone(tuple(plan.scene.support.normal), 0.0)
    other = PLANNER.plan(depth, CAMERA, mask, seed=5, approach=cone)
    same(plan, other)
    same(plan.candidates, other.candidates)


def test_the_same_seed_gives_the_same_plan_and_another_seed_another():
    depth, mask = render([TALL], CAMERA, overhead(0.6))
    plans = [PLANNER.plan(depth, CAMERA, mask, approach="any", seed=seed) for seed in (3, 3, 4)]
    same(plans[0], plans[1])
    assert any((a.T_cam_grasp != b.T_cam_grasp).any() for a, b in zip(plans[0], plans[2]))


QUARTER = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])  # a turn about the optical axis


def test_turning_camera_and_cone_together_turns_the_plan():
    depth, mask = render([box((0.03, 0.02), (0.06, 0.03, 0.05), 0.4)], CAMERA, overhead(0.9))
    cone = ApproachCone((0.0, 0.3, 1.0), 0.3)
    turned = ApproachCone(tuple(QUARTER @ cone.axis), cone.angle)
    np.testing.assert_allclose(spread_over(turned, 32), spread_over(cone, 32) @ QUARTER.T, atol=1e-9)
    camera = Camera(CAMERA.fy, CAMERA.fx, CAMERA.cy, CAMERA.width - 1 - CAMERA.cx, CAMERA.height, CAMERA.width)
    depth_of_turned, mask_of_turned = (np.ascontiguousarray(np.rot90(a)) for a in (depth, mask))
    best = PLANNER.plan(depth, CAMERA, mask, approach=cone)[0]
    other = PLANNER.plan(depth_of_turned, camera, mask_of_turned, approach=turned)[0]
    expected = QUARTER @ best.T_cam_grasp[:3]
    assert abs(expected[:, 1] @ other.T_cam_grasp[:3, 1]) > 0.9
    assert np.linalg.norm(expected[:, 3] - other.T_cam_grasp[:3, 3]) < 0.04
    assert abs(best.quality - other.quality) < 0.1


def test_what_no_camera_saw_is_not_taken_for_free():
    """From above a wide board on a thin post hides the post: what lies under the board counts as occupied."""
    T = overhead(0.0)
    lid = (transforms.compose(np.eye(3), np.array([0.0, 0.0, 0.12])), np.array([0.06, 0.06, 0.005]))
    post = box((0.0, 0.0), (0.03, 0.03, 0.12))
    depth, mask = render([lid, post], CAMERA, T)
    level = ApproachCone(tuple(T[:3, :3] @ [1.0, 0.0, -0.02]), 0.01)

    def under_the_board(planner):
        """How many grasps of a plan have a tip under the board."""
        try:
            plan = planner.plan(depth, CAMERA, mask, approach=level)
        except NoGraspFound:
            return 0
        tips = []
        for g in plan:
            T_table_grasp = transforms.invert(T) @ g.T_cam_grasp
            tips += [transforms.apply(T_table_grasp, np.array([[0, side * g.width / 2, 0]]))[0] for side in (-1, 1)]
        return sum(bool((np.abs(tip[:2]) < 0.06).all() and tip[2] < 0.115) for tip in tips)

    free = GraspPlanner(PLANNER.network, options=PlannerOptions(solid=SolidOptions(shadow=0.0)))
    assert under_the_board(PLANNER) == 0 < under_the_board(free)


@pytest.mark.parametrize("hidden", [0.06, 0.3])
def test_a_cone_that_holds_the_normal_loses_nothing_against_a_plan_without_one(hidden):
    """It finds a grasp where that does, and none that is less likely but for what may be hidden."""
    options = PlannerOptions(min_quality=0.0, cone=ConeOptions(directions=8, hidden=hidden))
    planner, rng, compared = GraspPlanner(PLANNER.network, PLANNER.gripper, options), np.random.default_rng(8), 0
    for k in range(12):
        depth, T, mask = scene(rng)
        hints = SceneHints(up=tuple(T[:3, 2]))
        try:
            upright = planner.plan(depth, CAMERA, mask, 1, k, hints=hints)[0].quality
        except (NoGraspFound, InputError):
            continue
        best = planner.plan(depth, CAMERA, mask, 1, k, hints=hints, approach="any")[0].quality
        assert best >= (1 - hidden) * upright - 1e-6
        compared += 1
    assert compared >= 6


@pytest.mark.parametrize("name, value", [("hidden", 1.5), ("hidden", -0.1), ("hidden", math.nan), ("lean", -1.0)])
def test_a_weight_that_cannot_be_is_refused(name, value):
    with pytest.raises(InputError, match=rf"cone\.{name} .*(from 0 to|0 to 1)"):
        ConeOptions(**{name: value})


def test_a_hand_box_keeps_the_hand_off_a_wall_beside_it():
    """A low approach along a wall: a wide box behind the palm needs more room than jaws and palm."""
    slim = Gripper(hand_box=None, palm_size=(0.06, 0.11))
    broad = replace(slim, hand_box=(0.2, 0.2, 0.1))
    T = overhead(0.8)
    target, wall = box((0.0, 0.0), (0.04, 0.04, 0.12)), box((0.10, 0.0), (0.02, 0.3, 0.2))
    depth, _ = render([target, wall], CAMERA, T)
    alone, mask = render([target], CAMERA, T)
    mask &= np.abs(alone - depth) < 1e-5
    cone = ApproachCone(tuple(T[:3, :3] @ [0.0, 1.0, -0.4]), 0.5)

    points = observed(depth, T)

    def hits(gripper):
        """Whether the broad hand would pass through what was seen, at any grasp of a plan for a gripper."""
        plan = GraspPlanner(PLANNER.network, gripper).plan(depth, CAMERA, mask, 10, approach=cone)
        swept = body_box(broad).swept()
        return any(swept.holds((points - g.T_cam_grasp[:3, 3]) @ g.T_cam_grasp[:3, :3], -TOUCH).any() for g in plan)

    assert hits(slim) and not hits(broad)


def test_a_cone_that_cannot_be_planned_is_refused():
    depth, mask = render([TALL])
    with pytest.raises(InputError, match="comes from below"):
        PLANNER.plan(depth, CAMERA, mask, approach=ApproachCone((0, 0, -1), 0.5))
    with pytest.raises(InputError, match="'table', 'camera', 'any' or an ApproachCone"):
        PLANNER.plan(depth, CAMERA, mask, approach="sideways")


def test_a_grasp_of_an_earlier_plan_is_taken_up_along_its_own_approach():
    depth, mask = render([TALL], CAMERA, overhead(0.9))
    earlier = PLANNER.plan(depth, CAMERA, mask, approach=ApproachCone((0.2, 0.1, 1.0), 0.0))[:1]
    narrow = GraspPlanner(PLANNER.network, options=PlannerOptions(cone=ConeOptions(directions=2, around=0, searched=1)))
    cone = ApproachCone((0.0, 0.0, 1.0), 0.4)
    approaches = [
        g.T_cam_grasp[:3, 2] for g in narrow.plan(depth, CAMERA, mask, approach=cone, start=earlier).candidates
    ]
    assert (np.array(approaches) @ earlier[0].T_cam_grasp[:3, 2] > 1 - 1e-9).any()
    outside = narrow.plan(depth, CAMERA, mask, approach=ApproachCone((-0.3, 0.0, 1.0), 0.1), start=earlier)
    assert ApproachCone((-0.3, 0.0, 1.0), 0.1).holds(np.array([g.T_cam_grasp[:3, 2] for g in outside]), 1e-5).all()


def test_a_planner_with_a_gpu_plans_a_cone_on_the_cpu():
    depth, mask = render([TALL], CAMERA, overhead(0.6))
    planner = GraspPlanner(PLANNER.network, options=PLANNER.options)
    expected = planner.plan(depth, CAMERA, mask, approach="any")
    planner.gpu_planner = GpuPlanner(planner.network, planner.gripper, planner.options, planner.device)
    same(planner.plan(depth, CAMERA, mask, approach="any"), expected)
    assert "device" in planner.plan(depth, CAMERA, mask).times_ms and "device" not in expected.times_ms


def test_the_gpu_pipeline_refuses_a_cone():
    request = Request(
        np.zeros((4, 4)), np.ones((4, 4), bool), np.array([0, 0, 1.0]), 1.0, cone=ApproachCone((0, 0, 1), 1)
    )
    planner = GpuPlanner(PLANNER.network, PLANNER.gripper, PLANNER.options, PLANNER.device)
    with pytest.raises(InputError, match="plans along one direction"):
        planner.plan([request], CAMERA)


def test_grasps_of_a_cone_say_which_object_they_are_on():
    boxes = [box((-0.05, 0.0), (0.04, 0.04, 0.12)), box((0.06, 0.02), (0.05, 0.03, 0.10))]
    depth, _ = render(boxes, CAMERA, overhead(0.7))
    labels = labels_of(boxes, overhead(0.7))
    plan = PLANNER.plan(depth, CAMERA, labels=labels, approach="any", per_object=2)
    found = [g.label for g in plan]
    assert set(found) <= {1, 2} and max(found.count(1), found.count(2)) <= 2 and len(found) >= 2
    only = PLANNER.plan(depth, CAMERA, labels=labels, targets=[2], approach="any")
    assert {g.label for g in only} == {2}


def test_a_cone_of_a_cloud_is_in_the_clouds_frame():
    depth, _ = render([TALL], CAMERA, overhead(0.6))
    T_cloud_cam = transforms.invert(overhead(0.6))  # the table's frame: z is up
    cloud = transforms.apply(T_cloud_cam, points_of(depth).reshape(-1, 3).astype(float)).reshape(points_of(depth).shape)
    cone = ApproachCone((1.0, 0.0, -1.0), 0.3)
    plan = PLANNER.plan_cloud(cloud, T_cloud_cam[:3, 3], approach=cone)
    assert cone.holds(np.array([g.T_cam_grasp[:3, 2] for g in plan]), 1e-5).all()


def test_what_another_camera_sees_through_is_free():
    """The camera from above does not see the post under a board, one from the side does: a jaw may go under it."""
    lid = (transforms.compose(np.eye(3), np.array([0.0, 0.0, 0.12])), np.array([0.06, 0.06, 0.005]))
    post = box((0.0, 0.0), (0.03, 0.03, 0.12))
    views = []
    for tilt in (0.0, 1.1, -1.1):
        depth, mask = render([lid, post], CAMERA, overhead(tilt))
        views.append((depth, CAMERA, transforms.invert(overhead(tilt)), mask))
    down = solid_of(views[:1])
    all_round = solid_of(views)
    under = [s.hidden[under_the_board(s.hidden, overhead(0.0))] for s in (down, all_round)]
    assert len(under[0]) > 200 and len(under[1]) < 0.7 * len(under[0])
    cone = ApproachCone((0.0, 1.0, -0.3), 0.6)
    plan = PLANNER.plan_views(views, approach=cone)
    assert len(plan) and cone.holds(np.array([g.T_cam_grasp[:3, 2] for g in plan]), 1e-5).all()


@pytest.mark.parametrize("tilt", [0.0, 0.9])
def test_a_mask_that_takes_in_the_support_stands_for_what_stands_on_it(tilt):
    depth, mask = render([TALL, box((-0.08, -0.04), (0.03, 0.06, 0.02))], CAMERA, overhead(tilt))
    depth += np.random.default_rng(0).normal(0, 0.0003, depth.shape).astype(np.float32) * (depth > 0)
    whole, part, things = np.ones_like(mask), np.zeros_like(mask), mask
    v, u = np.nonzero(mask)
    part[v.min() - 5 : v.max() + 6, u.min() - 5 : u.max() + 6] = True
    of_whole, of_part, of_things = (solid_of([(depth, CAMERA, np.eye(4), m)]) for m in (whole, part, things))
    np.testing.assert_array_equal(of_whole.targets, of_part.targets)
    assert 0.8 * mask.sum() < of_whole.target.sum() <= mask.sum()
    assert of_things.target.sum() == mask.sum()  # a mask of things is taken at its word
    cone = ApproachCone(tuple(overhead(tilt)[:3, 1]), 1.0)
    plan = PLANNER.plan(depth, CAMERA, whole, approach=cone, hints=SceneHints(up=tuple(overhead(tilt)[:3, 2])))
    assert mask[tuple(np.rint(CAMERA.project(plan[0].T_cam_grasp[:3, 3])).astype(int)[::-1])]


def test_a_flat_thing_alone_may_be_grasped_for_all_that_it_lies_as_flat_as_the_support():
    depth, mask = render([box((0.0, 0.0), (0.06, 0.04, 0.002))])
    depth += np.random.default_rng(0).normal(0, 0.0005, depth.shape).astype(np.float32)
    assert solid_of([(depth, CAMERA, np.eye(4), mask)]).target.sum() == mask.sum()


def solid_of(views):
    """The solids of cameras' images, in the first one's frame."""
    first = transforms.invert(views[0][2])
    cameras = [CameraView(depth, mask, camera, first @ pose) for depth, camera, pose, mask in views]
    scene = perceive(cameras[0].depth, CAMERA, cameras[0].graspable)
    return solid_scene(cameras, scene.support, 0.1)


def under_the_board(points, T_cam_table):
    x, y, z = transforms.apply(transforms.invert(T_cam_table), points).T
    return (np.abs(x) < 0.05) & (np.abs(y) < 0.05) & (z < 0.10) & (z > 0.01)
