"""Jaws do not close over what stands beside the things and does not give way."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scenes import CAMERA, box, render

from antipodal.errors import NoGraspFound
from antipodal.grasp import Gripper
from antipodal.grasping.clearance import Clearance, ClearanceOptions, widest_opening
from antipodal.grasping.clearance_gpu import OpeningSearch
from antipodal.grasping.fixed_pieces import FixedOptions, fixed_points, fixed_surface, points_surface
from antipodal.grasping.fixed_pieces_gpu import fixed_surface_gpu
from antipodal.grasping.view_grasps import ViewGrasps, tips
from antipodal.perception.fusion import CameraView
from antipodal.perception.solid_scene import solid_scene
from antipodal.perception.view import make_view
from antipodal.planner import GraspPlanner
from antipodal.planning.approach_cone import ApproachCone

GRIPPER, OPENINGS = Gripper(), (1.0, 0.75, 0.4)
THING = box((0, 0), (0.10, 0.024, 0.05))


def view_of(*others):
    """A view of a bar along x that may be grasped, and of other boxes that may not."""
    depth, _ = render([THING, *others])
    mask = torch.from_numpy(render([THING])[1] & (depth < 0.66))
    return make_view(torch.from_numpy(depth), CAMERA, mask, np.array([0.0, 0.0, 1.0]), 0.7, 0.1)


def clearance_of(view):
    return Clearance(view, GRIPPER, ClearanceOptions(), fixed_surface(view))


def across(count=1):
    return ViewGrasps(torch.zeros(count, 3), torch.full((count,), torch.pi / 2), torch.full((count,), 0.085))


def wall(height, distance=0.036, length=0.3):
    return box((0, distance), (length, 0.004, height))


def test_a_wall_between_the_jaws_leaves_the_narrower_opening_that_does_not_hold_it():
    """Fully open, one jaw would come down behind the wall."""
    clearance = clearance_of(view_of(wall(0.06)))
    without, depths = Clearance(clearance.view, GRIPPER).widest_opening(across(), OPENINGS)
    assert depths.feasible.all() and without.width.item() == pytest.approx(0.085)
    grasps, depths = clearance.widest_opening(across(), OPENINGS)
    assert depths.feasible.all() and grasps.width.item() == pytest.approx(0.4 * 0.085)


def test_where_no_opening_leaves_the_wall_out_nothing_fits():
    assert not clearance_of(view_of(wall(0.06, 0.018))).widest_opening(across(), OPENINGS)[1].feasible.any()


def test_the_tips_may_stay_above_a_low_wall():
    _, depths = clearance_of(view_of(wall(0.02))).widest_opening(across(), (1.0,))
    assert depths.feasible.all() and depths.deepest.item() <= 0.7 - 0.02 - ClearanceOptions().below + 1e-3


def test_what_is_short_or_low_is_not_fixed():
    assert fixed_surface(view_of(wall(0.06, length=0.1))) is None
    assert fixed_surface(view_of(wall(0.006))) is None
    assert fixed_surface(view_of()) is None


@pytest.mark.parametrize("seed", range(5))
def test_fixed_shapes_give_the_same_surface_and_openings(seed):
    rng = np.random.default_rng(seed)
    walls = [box(rng.uniform(-0.1, 0.1, 2), (rng.uniform(0.05, 0.4), 0.005, 0.06), rng.uniform(0, 3)) for _ in range(4)]
    view = view_of(*walls)
    here, there = fixed_surface(view), fixed_surface_gpu(view, FixedOptions())
    here = torch.full_like(view.depth, torch.inf) if here is None else here
    torch.testing.assert_close(here, there)
    count = 200
    grasps = ViewGrasps(
        torch.from_numpy(np.c_[rng.uniform(-0.06, 0.06, (count, 2)), np.zeros(count)]).float(),
        torch.from_numpy(rng.uniform(0, np.pi, count)).float(),
        torch.full((count,), 0.085),
    )
    on_cpu = Clearance(view, GRIPPER, ClearanceOptions(), here)
    on_gpu = Clearance(view, GRIPPER, ClearanceOptions(), there)
    (a, found), (b, also) = on_cpu.widest_opening(grasps, OPENINGS), OpeningSearch(OPENINGS)(on_gpu, grasps)
    assert (found.feasible == also.feasible).float().mean() > 0.99
    both = found.feasible & also.feasible
    torch.testing.assert_close(a.width[both], b.width[both])
    assert widest_opening(on_cpu, grasps, OPENINGS)[1].feasible.sum() >= found.feasible.sum()


@pytest.mark.parametrize("height, length", [(0.06, 0.3), (0.06, 0.1), (0.006, 0.3)])
def test_points_of_fixed_pieces_make_the_surface_of_the_view(height, length):
    view, depth = view_of(wall(height, length=length)), render([THING, wall(height, length=length)])[0]
    mask = render([THING])[1] & (depth < 0.66)
    support = SimpleNamespace(normal=np.array([0.0, 0.0, 1.0]), offset=0.7, noise=0.0)
    solids = solid_scene([CameraView(depth, mask, CAMERA, np.eye(4))], support, 0.1)
    by_points, by_view = points_surface(fixed_points(solids, 0.1), view), fixed_surface(view)
    assert (by_points is None) == (by_view is None) == (length < 0.15 or height < 0.008)
    if by_points is not None:
        here, there = by_points < torch.inf, by_view < torch.inf
        assert (here & there).sum() > 0.8 * torch.maximum(here.sum(), there.sum())
        torch.testing.assert_close(by_points[here & there], by_view[here & there], atol=1e-3, rtol=0)


def test_no_grasp_in_a_narrow_bin_closes_over_its_wall():
    thing, walls = box((0, 0), (0.12, 0.02, 0.05)), [box((0, s * 0.05), (0.3, 0.005, 0.06)) for s in (-1, 1)]
    depth, _ = render([thing, *walls])
    mask = render([thing])[1] & (depth < 0.655)
    plan = GraspPlanner.load("models/default.pt", GRIPPER, "cpu").plan(depth, CAMERA, mask, 20)
    for grasp in plan:
        ends = grasp.T_cam_grasp[1, 3] + np.outer([-0.5, 0.5], grasp.width * grasp.T_cam_grasp[1, 0])
        assert np.abs(ends).max() < 0.05


@pytest.mark.parametrize("direction", [(0.6, 0.0, 0.8), (0.0, 0.3, 0.95)])
@pytest.mark.parametrize("height, distance", [(0.03, 0.034), (0.06, 0.034), (0.06, 0.05)])
def test_no_leaning_grasp_reaches_down_behind_a_wall(direction, height, distance):
    """Without the rule most grasps do, where the wall is 34 mm away."""
    thing = box((0, 0), (0.12, 0.02, 0.05))
    depth, _ = render([thing, wall(height, distance)])
    mask = render([thing])[1] & (depth < 0.655)
    planner = GraspPlanner.load("models/default.pt", GRIPPER, "cpu")
    try:
        plan = planner.plan(depth, CAMERA, mask, 20, approach=ApproachCone(direction, 0.1))
    except NoGraspFound:
        assert distance < 0.05
        return
    for grasp in plan:
        ends = tips(grasp.T_cam_grasp[None], np.array([grasp.width]), GRIPPER)[0]
        behind = ends[ends[:, 1] < -distance]  # the camera sees the wall on this side
        assert (behind[:, 2] < 0.7 - height).all()
