from dataclasses import replace

import pytest
import torch
from scenes import HEIGHT, box

from antipodal.grasp import Gripper
from antipodal.grasping.clearance import Clearance, ClearanceOptions
from antipodal.grasping.view_grasps import ViewGrasps
from tests.perception.test_view import view_of

GRIPPER = Gripper()
OPTIONS = ClearanceOptions()


def grasp_at(x, y, angle, width=GRIPPER.max_width):
    """One grasp above the table's (x, y); the view's y is the table's -y."""
    return ViewGrasps(torch.tensor([[x, -y, 0.0]]), torch.tensor([angle]), torch.tensor([width]))


def fits(view, grasp, gripper=GRIPPER):
    return bool(Clearance(view, gripper, OPTIONS).depth_range(grasp).feasible)


TALL = view_of([box((0.02, 0.01), (0.12, 0.04, 0.05))])


def test_jaws_across_the_short_side_fit_and_along_the_long_one_do_not():
    assert fits(TALL, grasp_at(0.02, 0.01, torch.pi / 2))
    assert not fits(TALL, grasp_at(0.02, 0.01, 0.0))


def test_depths_lie_between_the_top_and_the_table():
    found = Clearance(TALL, GRIPPER, OPTIONS).depth_range(grasp_at(0.02, 0.01, torch.pi / 2))
    top = HEIGHT - 0.05
    assert found.shallowest.item() == pytest.approx(top + OPTIONS.reach, abs=1e-3)
    assert found.deepest.item() == pytest.approx(HEIGHT - OPTIONS.table_wanted, abs=1e-3)


def test_the_range_is_that_of_the_origin_not_of_the_tips():
    found = Clearance(TALL, GRIPPER, OPTIONS).depth_range(grasp_at(0.02, 0.01, torch.pi / 2))
    longer = Clearance(TALL, replace(GRIPPER, tip=0.01), OPTIONS).depth_range(grasp_at(0.02, 0.01, torch.pi / 2))
    torch.testing.assert_close(longer.deepest, found.deepest - 0.01)


def test_half_turn_changes_nothing():
    a = Clearance(TALL, GRIPPER, OPTIONS).depth_range(grasp_at(0.03, 0.01, 1.2))
    b = Clearance(TALL, GRIPPER, OPTIONS).depth_range(grasp_at(0.03, 0.01, 1.2 - torch.pi))
    torch.testing.assert_close(a.deepest, b.deepest)
    torch.testing.assert_close(a.shallowest, b.shallowest)


def test_a_neighbour_under_one_jaw_keeps_the_tips_above_it():
    neighbour = view_of([box((0, 0), (0.12, 0.04, 0.05)), box((0, 0.05), (0.12, 0.02, 0.02))])
    found = Clearance(neighbour, GRIPPER, OPTIONS).depth_range(grasp_at(0, 0, torch.pi / 2))
    assert found.deepest.item() == pytest.approx(HEIGHT - 0.02 - OPTIONS.below, abs=1e-3)


def test_a_high_neighbour_leaves_room_for_narrower_jaws_only():
    view = view_of([box((0, 0), (0.12, 0.03, 0.05)), box((0, 0.055), (0.12, 0.02, 0.05))])
    wide = grasp_at(0, 0, torch.pi / 2)
    assert not fits(view, wide)
    narrower, found = Clearance(view, GRIPPER, OPTIONS).widest_opening(wide, (1.0, 0.6))
    assert found.feasible.all() and narrower.width.item() == pytest.approx(0.6 * GRIPPER.max_width)


def test_short_jaws_bring_the_palm_onto_a_high_object():
    high = view_of([box((0, 0), (0.1, 0.04, 0.10))])
    found = Clearance(high, GRIPPER, OPTIONS).depth_range(grasp_at(0, 0, torch.pi / 2))
    assert found.deepest.item() == pytest.approx(HEIGHT - 0.10 + GRIPPER.jaw_length - OPTIONS.palm, abs=1e-3)
    assert not fits(high, grasp_at(0, 0, torch.pi / 2), replace(GRIPPER, jaw_length=0.015))


def test_a_flat_thing_is_reached_just_above_the_table():
    flat = view_of([box((0, 0), (0.10, 0.03, 0.006))])
    found = Clearance(flat, GRIPPER, OPTIONS).depth_range(grasp_at(0, 0, torch.pi / 2))
    assert found.feasible.all()
    assert found.deepest.item() == pytest.approx(HEIGHT - OPTIONS.table, abs=1e-3)


def test_jaws_outside_the_image_do_not_fit():
    edge = view_of([box((0.19, 0), (0.03, 0.08, 0.04))])  # the image ends at 0.21 m
    assert not fits(edge, grasp_at(0.19, 0, 0.0))


def test_a_tower_of_one_cell_anywhere_under_the_palm_is_in_the_way():
    """The palm is checked at points; between four of them, in a turned hand, one was missed."""
    generator = torch.Generator().manual_seed(0)
    across, along = (side / 2 - 0.002 for side in GRIPPER.palm_size)
    small = view_of([box((0.02, 0.01), (0.03, 0.03, 0.05))])
    missed = 0
    for _ in range(1000):
        angle, *place = (torch.rand(3, generator=generator) * 2 - 1).tolist()
        grasp = grasp_at(0.02, 0.01, torch.pi / 4 + 0.3 * angle)
        c, s = torch.cos(grasp.angle).item(), torch.sin(grasp.angle).item()
        u, v = place[0] * along, place[1] * across
        if abs(v) < GRIPPER.jaw_width / 2 + 0.004:
            continue  # what lies between the jaws would be held
        x, y = grasp.center[0, 0] + c * u - s * v, grasp.center[0, 1] + s * u + c * v
        column, row = (int(n.round()) for n in small.to_cells(torch.stack([x, y])))
        if not (0 <= row < small.depth.shape[0] and 0 <= column < small.depth.shape[1]):
            continue  # this view ends before the palm does
        depth = small.depth.clone()
        depth[row, column] = 0.2
        missed += fits(replace(small, depth=depth), grasp)
    assert fits(small, grasp) and missed == 0
