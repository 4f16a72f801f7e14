"""Whether the jaws close on one object alone, where a label image tells the objects apart."""

from __future__ import annotations

import math
from typing import List

import torch

from antipodal.grasp import Gripper
from antipodal.grasping.antipodal_pairs import Pairs, grow
from antipodal.grasping.view_grasps import ViewGrasps
from antipodal.perception.view import View

FEWEST_CELLS = 4  # of an object that has axes
STEPS_BESIDE = 0.7  # how far beside its middle an object is tried, in half its width there
BLUR = 1  # cells by which labels may be wrong at an object's outline


def labels_of(view: View, grasps: ViewGrasps) -> torch.Tensor:
    """Label (N,) int32 of the object that grasps (N) are centred on."""
    assert view.labels is not None
    return view.lookup(view.labels, grasps.center[:, :2])


def in_turn(labels: torch.Tensor) -> torch.Tensor:
    """The order (N,) that takes one of each label (N,) in turn, and those of one label as they come."""
    turn = torch.zeros_like(labels)
    for label in labels.unique().tolist():
        rows = labels == label
        turn[rows] = torch.arange(int(rows.sum()), dtype=labels.dtype, device=labels.device)
    return torch.argsort(turn, stable=True)


def pairs_along_axes(view: View) -> Pairs:
    """Pairs along both principal axes of each labelled object, through its middle and beside it: where objects touch,
    few of the pairs that are drawn at random lie on one alone."""
    rows: List[torch.Tensor] = []
    assert view.labels is not None
    for label in view.labels[view.graspable].unique().tolist():
        row, column = torch.nonzero(view.graspable & (view.labels == label), as_tuple=True)
        if len(row) < FEWEST_CELLS or label <= 0:
            continue
        cells = torch.stack([column, row], dim=1).float()
        middle, apart = cells.mean(dim=0), cells - cells.mean(dim=0)
        covariance = apart.T @ apart / len(cells)
        long = (torch.atan2(2 * covariance[0, 1], covariance[0, 0] - covariance[1, 1]) / 2).reshape(1)
        for angle in (long, long + math.pi / 2):
            way = torch.cat([torch.cos(angle), torch.sin(angle)])
            beside = torch.stack([-way[1], way[0]])
            reach = (apart @ beside).abs().max()
            steps = torch.linspace(-STEPS_BESIDE, STEPS_BESIDE, 5, device=reach.device)[:, None] * reach
            extent = (2 * (apart @ way).abs().max()).reshape(1, 1)
            rows.append(torch.cat([middle + steps * beside, angle.expand(5, 1), extent.expand(5, 1)], dim=1))
    found = torch.cat(rows) if rows else view.depth.new_zeros(0, 4)
    return Pairs(view.to_metres(found[:, :2]), found[:, 2], found[:, 3] * view.cell)


def closes_on_one(view: View, grasps: ViewGrasps, gripper: Gripper) -> torch.Tensor:
    """(N,) bool: grasps (N) between whose jaws nothing but their own object reaches higher than the tips; all of them
    where the view has no labels."""
    if view.labels is None:
        return torch.ones(len(grasps), dtype=torch.bool, device=grasps.angle.device)
    label, places = labels_of(view, grasps), _between(view, grasps, gripper)
    tips = grasps.center[:, 2] + gripper.tip
    alone = label > 0
    for one in label[alone].unique().tolist():
        rows = torch.nonzero(label == one)[:, 0]
        row, column = places[rows].unbind(-1)
        foreign = _foreign(view, one)[row, column] & (view.depth[row, column] < tips[rows, None])
        alone[rows] = ~foreign.any(dim=1)
    return alone


def _foreign(view: View, label: int) -> torch.Tensor:
    """Cells (H, W) bool that surely show something other than this object."""
    assert view.labels is not None
    return ~grow(view.labels == label, BLUR) & (view.labels >= 0)


def _between(view: View, grasps: ViewGrasps, gripper: Gripper) -> torch.Tensor:
    """Cells (N, K, 2) as (row, column) that cover what lies between the jaws, at most a cell apart."""
    device = grasps.angle.device
    along = torch.linspace(-0.5, 0.5, int(gripper.max_width / view.cell) + 2, device=device)
    across = torch.linspace(-0.5, 0.5, int(gripper.jaw_width / view.cell) + 2, device=device) * gripper.jaw_width
    a, b = (t.flatten() for t in torch.meshgrid(along, across, indexing="ij"))
    a = grasps.width[:, None] * a
    cos, sin = torch.cos(grasps.angle)[:, None], torch.sin(grasps.angle)[:, None]
    xy = torch.stack([cos * a - sin * b, sin * a + cos * b], dim=-1) + grasps.center[:, None, :2]
    column, row = view.to_cells(xy).round().long().unbind(-1)
    height, width = view.depth.shape
    return torch.stack([row.clamp(0, height - 1), column.clamp(0, width - 1)], dim=-1)
