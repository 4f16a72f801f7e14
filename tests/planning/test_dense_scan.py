"""A scan of an image is the crop-wise network at every position, angle, depth and opening."""

import math

import pytest
import torch
from scenes import CAMERA, OVERHEAD, box, render

from antipodal.errors import InputError
from antipodal.grasp import Gripper
from antipodal.grasping.view_grasps import ViewGrasps
from antipodal.networks import crops
from antipodal.networks.dense_net import DenseNet
from antipodal.perception.view import make_view
from antipodal.planning import dense_scan
from antipodal.planning.dense_scan import DenseOptions

GRIPPER = Gripper()
BAR = box((0.03, 0.02), (0.10, 0.03, 0.04), 0.4)
OPENINGS = (1.0, 0.5)


def bar_view(boxes=(BAR,)):
    depth, mask = render(list(boxes))
    down = -OVERHEAD[:3, 2]
    table = float(down @ OVERHEAD[:3, 3])
    return make_view(torch.from_numpy(depth), CAMERA, torch.from_numpy(mask), down, table, margin=0.06)


def some_network(seed=0):
    torch.manual_seed(seed)
    return DenseNet(channels=8, hidden=8).eval()


def as_conditions(width, height):
    """(N, 5) of openings (N,) [m] and grasps' heights (N,) [openings]."""
    return torch.cat([crops.conditions(width, GRIPPER), height[:, None]], dim=1)


def test_a_scan_is_the_crop_wise_answer_at_each_corner():
    """Outputs of the window's middle are compared: the other fifteen are the same windows read elsewhere."""
    network, heights = some_network(), 0.8 * torch.rand(2, 1, 64, 64)
    width = torch.tensor(OPENINGS) * GRIPPER.max_width
    logits, top = network.scan(heights, as_conditions(width, torch.zeros(2))[:, :4])
    assert logits.shape == (2, 2, DenseNet.DEPTHS, 40, 40) and top.shape == (2, 40, 40)
    for image, row, column in [(0, 6, 10), (1, 22, 18), (0, 14, 30)]:
        v, u = row + DenseNet.FIRST, column + DenseNet.FIRST
        patch = heights[image : image + 1, :, v - 16 : v + 16, u - 16 : u + 16]
        for knot in range(DenseNet.DEPTHS):
            height = top[image, row, column] - knot * DenseNet.STEP
            each = network((height - patch).repeat(2, 1, 1, 1), as_conditions(width, height.repeat(2)))
            torch.testing.assert_close(each, logits[:, image, knot, row, column], rtol=1e-4, atol=1e-5)


def test_training_reads_every_output_of_the_window():
    """Crop n is seen through window n modulo 16, whose output there is the scan's of an image shifted to it."""
    network, image = some_network(1).train(), torch.rand(1, 1, 32, 32)
    conditions = as_conditions(torch.full((16,), 0.085), torch.full((16,), 0.5))
    logits = network((0.5 - image).repeat(16, 1, 1, 1), conditions)
    padded = torch.nn.functional.pad(image, (8, 8, 8, 8))
    depth = -crops_middle_min(0.5 - image)
    for n in range(16):
        row, column = n // 4, n % 4
        shifted = padded[..., 11 - row : 11 - row + 28, 11 - column : 11 - column + 28]
        knots, _ = network.scan(shifted, conditions[:1, :4])
        expected = (knots[0, 0, :, row, column] * network._knots(depth)[0]).sum()
        torch.testing.assert_close(logits[n], expected, rtol=1e-4, atol=1e-5)


def crops_middle_min(crop):
    return crop[..., 13:19, 5:27].amin().reshape(1)


def test_log_odds_are_linear_between_knots_and_constant_beyond():
    network = some_network()
    weights = network._knots(torch.tensor([0.0, 0.04, 0.08, 0.56, 0.9, -0.3]))
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(6))
    assert weights[1, :2].tolist() == pytest.approx([0.5, 0.5])
    assert weights[2, 1] == 1 and weights[3, 7] == 1 and weights[4, 7] == 1 and weights[5, 0] == 1


def test_every_position_of_a_scan_shows_what_a_crop_there_shows():
    """The scan's images, turned to an angle, hold at each output what `crops` samples there."""
    view = bar_view()
    frames = dense_scan.turned_images(view, GRIPPER, angles=5)
    heights = dense_scan.height_images(view, frames, GRIPPER)
    row, column = torch.tensor([2, 9, 14]), torch.tensor([5, 3, 12])
    for k in range(5):
        image = torch.full_like(row, k)
        centre = torch.nn.functional.pad(frames.positions(image, row, column), (0, 1))
        grasps = ViewGrasps(centre, frames.angle[image], torch.full((3,), 0.085))
        surface = crops.surface_crops(view.depth, view.origin, view.cell, grasps, GRIPPER)
        for n in range(3):
            v, u = int(row[n]) + DenseNet.FIRST - 8, int(column[n]) + DenseNet.FIRST - 8
            around = heights[k, 0, v : v + 16, u : u + 16]
            expected = (view.table - surface[n, 8:24, 8:24]) / GRIPPER.max_width
            torch.testing.assert_close(around, expected, atol=1e-3, rtol=0)


def test_a_scan_covers_all_that_may_be_grasped_and_nothing_else():
    view = bar_view()
    network = some_network()
    scanned = dense_scan.scan(network, view, GRIPPER, OPENINGS, torch.zeros_like(view.depth), DenseOptions(angles=7))
    per_position = DenseNet.DEPTHS * len(OPENINGS)
    free = torch.isfinite(scanned.cost)
    assert scanned.candidates == int(free.sum()) * per_position
    area = view.graspable.sum() * view.cell**2 / scanned.frames.pixel**2
    assert int(free.sum()) == pytest.approx(7 * float(area), rel=0.05)


def test_proposals_come_best_first_at_their_scans_depth_and_inside_the_object():
    view = bar_view()
    options = DenseOptions(proposals=50)
    grasps, count = dense_scan.propose_by_scan(
        some_network(), view, GRIPPER, OPENINGS, torch.zeros_like(view.depth), options
    )
    assert len(grasps) == 50 and count > 1000
    assert (grasps.quality.diff() <= 0).all()
    assert view.lookup(view.graspable, grasps.center[:, :2]).all()
    below = (grasps.center[:, 2] - (view.table - 0.04)) / GRIPPER.max_width  # the bar's top is the only surface
    knots = below / DenseNet.STEP
    assert (knots - knots.round()).abs().max() < 0.15
    assert torch.isin(grasps.width, torch.tensor(OPENINGS) * GRIPPER.max_width).all()


def test_a_penalty_moves_proposals_away():
    view = bar_view()
    column = torch.arange(view.depth.shape[1])
    middle = column.float().mean()
    left = torch.where(column < middle, 50.0, 0.0).expand_as(view.depth)
    grasps, _ = dense_scan.propose_by_scan(some_network(), view, GRIPPER, OPENINGS, left, DenseOptions(proposals=20))
    assert (view.to_cells(grasps.center[:, :2])[:, 0] > middle - 1).all()


def test_angles_are_spread_over_half_a_turn():
    frames = dense_scan.turned_images(bar_view(), GRIPPER, angles=8)
    assert frames.angle.tolist() == pytest.approx([k * math.pi / 8 for k in range(8)])
    assert (frames.size - DenseNet.WINDOW) % DenseNet.STRIDE == 0


def test_options_that_scan_nothing_are_refused():
    with pytest.raises(InputError, match="angles"):
        DenseOptions(angles=0)
