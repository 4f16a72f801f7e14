"""The width of what a grasp closes on, and what jaws that do not close far enough cannot hold."""

import contextlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from scenes import CAMERA, box, render

from antipodal import backends, resources
from antipodal.errors import NoGraspFound
from antipodal.grasp import Gripper
from antipodal.grasping.object_width import object_width, oblique_penalty, wide_enough
from antipodal.grasping.view_grasps import ViewGrasps
from antipodal.perception.view import make_view
from antipodal.planner import GraspPlanner

GRIPPER = Gripper()
DOWN = np.array([0.0, 0.0, 1.0])


def view_and_grasp(width, yaw, center=(0.01, 0.02), turn=0.0):
    """A box of this width, seen from above, and a grasp across its middle, turned by `turn`."""
    depth, mask = render([box(center, (width, 0.08, 0.05), yaw)])
    view = make_view(torch.from_numpy(depth), CAMERA, torch.from_numpy(mask), DOWN, 0.7, 0.08)
    place = torch.tensor([[center[0], -center[1], 0.68]])  # the camera's y points down in the image
    return view, ViewGrasps(place, torch.tensor([-yaw + turn]), torch.tensor([GRIPPER.max_width]))


@pytest.mark.parametrize("width", [0.012, 0.03, 0.05, 0.07])
@pytest.mark.parametrize("yaw", [0.0, 0.4, 1.3])
def test_the_width_of_a_box_is_right_to_a_cell_or_so(width, yaw):
    view, grasp = view_and_grasp(width, yaw)
    assert object_width(view, grasp, GRIPPER).item() == pytest.approx(width, abs=1.5 * view.cell)


@pytest.mark.parametrize("yaw", [0.0, 0.7])
@pytest.mark.parametrize("numba", [True, False])
def test_a_slanted_grasp_of_a_bar_loses_log_odds_and_a_straight_one_does_not(yaw, numba, monkeypatch):
    if not numba:
        monkeypatch.setattr(backends, "uses_numba", lambda *tensors: False)
    lost = []
    for turn in (0.0, 0.25, 0.5, -0.5):
        view, grasp = view_and_grasp(0.02, yaw, turn=turn)
        lost.append(oblique_penalty(view, grasp, GRIPPER, 8.0).item())
    assert lost[0] < 1 < lost[2]
    assert lost[0] < lost[1] < lost[3] + 1
    assert oblique_penalty(view, grasp, GRIPPER, 0.0).item() == 0


def test_a_bar_is_grasped_across():
    depth, mask = render([box((0.01, 0.02), (0.02, 0.12, 0.03), 0.5)])
    planner = GraspPlanner.load(resources.find("models/default.pt"), GRIPPER, "cpu")
    slants = [abs((planner.plan(depth, CAMERA, mask, seed=s)[0].angle + 0.5 + 1.571) % 3.142 - 1.571) for s in range(5)]
    assert max(slants) < 0.2


def test_where_nothing_rises_above_the_tips_there_is_no_width():
    view, grasp = view_and_grasp(0.03, 0.0)
    beside = replace(grasp, center=grasp.center + torch.tensor([0.0, 0.08, 0.0]), width=torch.tensor([0.02]))
    assert object_width(view, beside, GRIPPER).item() == 0


def test_compiled_and_torch_agree():
    view, grasp = view_and_grasp(0.04, 0.7)
    rng = np.random.default_rng(0)
    noisy = replace(view, depth=view.depth + torch.from_numpy(rng.normal(scale=0.004, size=view.depth.shape)).float())
    n = 60
    center = grasp.center + torch.from_numpy(rng.uniform([-0.06, -0.06, -0.03], [0.06, 0.06, 0.02], (n, 3))).float()
    grasps = ViewGrasps(center, torch.linspace(-3, 3, n), torch.linspace(0.02, GRIPPER.max_width, n))
    with backends.torch_only():
        plain = object_width(noisy, grasps, GRIPPER)
    close = (object_width(noisy, grasps, GRIPPER) - plain).abs() < 1e-6
    assert close.float().mean() > 0.9  # rounding takes some points to the next cell
    torch.testing.assert_close(object_width(noisy, grasps, GRIPPER), plain, atol=2.1 * view.cell, rtol=0)


def test_a_spike_between_the_jaws_is_nothing_to_close_on():
    """A jaw's tip that reaches below a spike alone closes over the object."""
    view, grasp = view_and_grasp(0.04, 0.0)
    center = grasp.center.clone()
    center[:, 2] = view.depth.min() - 0.01
    above = replace(grasp, center=center)
    column, row = view.to_cells(grasp.center[0, :2]).round().long().tolist()
    for cells, expected in (((1, 1), False), ((8, 8), True)):
        spiked = view.depth.clone()
        spiked[row : row + cells[0], column : column + cells[1]] -= 0.03
        for context in (contextlib.nullcontext(), backends.torch_only()):
            with context:
                assert wide_enough(replace(view, depth=spiked), above, GRIPPER).item() is expected


@pytest.mark.parametrize("turn", [0.0, 0.3, -0.5])
def test_jaws_that_stay_open_hold_nothing_thin_at_any_slant(turn):
    view, grasp = view_and_grasp(0.03, 0.4, turn=turn)
    for min_width, expected in ((0.0, True), (0.02, True), (0.04, False), (0.06, False)):
        assert wide_enough(view, grasp, replace(GRIPPER, min_width=min_width)).item() is expected


@pytest.fixture(scope="module")
def model():
    return resources.find("models/default.pt")


def test_what_is_thinner_than_the_jaws_close_on_is_refused_with_the_reason(model):
    depth, _ = render([box((0.02, 0.0), (0.02, 0.12, 0.06), 0.3)])  # too long to be grasped along
    planner = GraspPlanner.load(model, replace(GRIPPER, min_width=0.03), "cpu")
    with pytest.raises(NoGraspFound, match=r"close on at least 0\.03 m.*min_width") as refused:
        planner.plan(depth, CAMERA)
    assert refused.value.counts["fitting"] > 0 == refused.value.counts["wide_enough"]


def test_only_what_is_wide_enough_is_grasped(model):
    depth, _ = render([box((0.02, 0.0), (0.02, 0.055, 0.06), 0.3)])
    planner = GraspPlanner.load(model, replace(GRIPPER, min_width=0.03), "cpu")
    plan = planner.plan(depth, CAMERA)
    assert all(g.object_width > 0.03 and g.width >= 0.03 for g in [*plan, *plan.candidates])


def test_no_opening_is_narrower_than_the_jaws_close(model):
    boxes = [box((x, 0.0), (0.035, 0.07, 0.06)) for x in (-0.055, 0.0, 0.055)]  # the middle one needs narrow jaws
    depth, _ = render(boxes)
    middle = render([boxes[1]])[1]
    free = GraspPlanner.load(model, GRIPPER, "cpu").plan(depth, CAMERA, middle)
    assert min(g.width for g in free) < 0.05
    stiff = GraspPlanner.load(model, replace(GRIPPER, min_width=0.0349), "cpu")
    try:
        assert all(g.width >= 0.0349 for g in stiff.plan(depth, CAMERA, middle))
    except NoGraspFound:
        pass


def test_every_grasp_tells_the_width_of_its_object(model):
    depth, _ = render([box((0.02, 0.0), (0.04, 0.12, 0.06), 0.3)])
    plan = GraspPlanner.load(model, GRIPPER, "cpu").plan(depth, CAMERA)
    assert all(0.036 < g.object_width < 0.06 and g.object_width <= g.width for g in plan)
    assert plan[0].to_dict()["object_width"] == plan[0].object_width
