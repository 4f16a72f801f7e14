"""Whether the jaws close on one object alone, where a label image tells the objects apart."""

from __future__ import annotations

import math
from typing import List, Tuple

import torch

from antipodal import backends
from antipodal.grasp import Gripper
from antipodal.grasping.antipodal_pairs import Pairs, grow
from antipodal.grasping.neighbours_numba import closes_on_one_numba
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
    """(N,) bool: grasps (N) between whose jaws nothing but their own object reaches higher than the tips."""
    assert view.labels is not None
    places, footprint = _places(view, grasps), _footprint(view, gripper).to(view.depth.device)
    tips = grasps.center[:, 2] + gripper.tip
    if backends.uses_numba(view.depth):
        depth, labels, where, low, points = (
            a.contiguous().numpy() for a in (view.depth, view.labels, places, tips, footprint)
        )
        return torch.from_numpy(closes_on_one_numba(depth, labels, where, low, points, BLUR))
    row, column = _between(view, places, footprint)
    label = labels_of(view, grasps)
    alone = label > 0
    for one in label[alone].unique().tolist():
        rows = torch.nonzero(label == one)[:, 0]
        foreign = ~grow(view.labels == one, BLUR) & (view.labels >= 0)
        r, c = row[rows], column[rows]
        alone[rows] = ~(foreign[r, c] & (view.depth[r, c] < tips[rows, None])).any(dim=1)
    return alone


def _places(view: View, grasps: ViewGrasps) -> torch.Tensor:
    """Column, row, cosine and sine of the angle, and opening [cells] (N, 5) of grasps (N)."""
    cells = view.to_cells(grasps.center[:, :2])
    turned = torch.stack([torch.cos(grasps.angle), torch.sin(grasps.angle), grasps.width / view.cell], dim=1)
    return torch.cat([cells, turned], dim=1)


def _footprint(view: View, gripper: Gripper) -> torch.Tensor:
    """Points (K, 2) that cover what lies between the jaws, at most a cell apart: along the closing axis in openings,
    across it [cells]."""
    along = torch.linspace(-0.5, 0.5, int(gripper.max_width / view.cell) + 2)
    width = gripper.jaw_width / view.cell
    across = torch.linspace(-0.5, 0.5, int(width) + 2) * width
    return torch.stack([t.flatten() for t in torch.meshgrid(along, across, indexing="ij")], dim=1)


def _between(view: View, places: torch.Tensor, footprint: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
    """Rows and columns (N, K) of the cells between the jaws."""
    x, y, cos, sin, opening = (value[:, None] for value in places.unbind(dim=1))
    a, b = footprint[None, :, 0] * opening, footprint[None, :, 1]
    column, row = (x + cos * a - sin * b).round().long(), (y + sin * a + cos * b).round().long()
    height, width = view.depth.shape
    return row.clamp(0, height - 1), column.clamp(0, width - 1)
