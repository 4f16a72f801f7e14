"""Whether the jaws close on one object alone, where a label image tells the objects apart."""

from __future__ import annotations

from typing import Tuple

import numpy as np
import torch

from antipodal import backends
from antipodal.grasp import Gripper
from antipodal.grasping.antipodal_pairs import Pairs, grow
from antipodal.grasping.neighbours_numba import closes_on_one_numba
from antipodal.grasping.view_grasps import ViewGrasps
from antipodal.perception.view import View

STEPS, STEPS_BESIDE = 5, 0.7  # places beside each other on an object, and how far from its middle, in half its width
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
    cells, own, count = _object_cells(view)
    middle = np.stack([np.bincount(own, cells[:, k], count) for k in (0, 1)], axis=1) / np.bincount(own)[:, None]
    apart = cells - middle[own]
    xx, xy, yy = (np.bincount(own, apart[:, a] * apart[:, b], count) for a, b in ((0, 0), (0, 1), (1, 1)))
    long = np.arctan2(2 * xy, xx - yy) / 2
    rows = []
    for angle in (long, long + np.pi / 2):
        way = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        beside = np.stack([-way[:, 1], way[:, 0]], axis=1)
        extent, reach = (_largest_of(np.abs((apart * axis[own]).sum(axis=1)), own, count) for axis in (way, beside))
        for step in np.linspace(-STEPS_BESIDE, STEPS_BESIDE, STEPS):
            rows.append(np.column_stack([middle + step * reach[:, None] * beside, angle, 2 * extent]))
    found = torch.from_numpy(np.concatenate(rows)).to(view.depth)
    return Pairs(view.to_metres(found[:, :2]), found[:, 2], found[:, 3] * view.cell)


def _object_cells(view: View) -> Tuple[np.ndarray, np.ndarray, int]:
    """Cells (N, 2) as (column, row) that show an object that may be grasped, the number of that object (N,) among
    those, and how many there are."""
    assert view.labels is not None
    labels = view.labels.cpu().numpy()
    row, column = np.nonzero(view.graspable.cpu().numpy() & (labels > 0))
    names, own = np.unique(labels[row, column], return_inverse=True)
    return np.stack([column, row], axis=1).astype(float), own, len(names)


def _largest_of(values: np.ndarray, own: np.ndarray, count: int) -> np.ndarray:
    """The largest of values (N,) >= 0 of each object (count,)."""
    largest = np.zeros(count)
    np.maximum.at(largest, own, values)
    return largest


def closes_on_one(view: View, grasps: ViewGrasps, gripper: Gripper) -> torch.Tensor:
    """(N,) bool: grasps (N) between whose jaws nothing but their own object reaches higher than the tips."""
    assert view.labels is not None
    places, footprint = _grasp_places(view, grasps), _footprint(view, gripper).to(view.depth.device)
    tips = grasps.center[:, 2] + gripper.tip
    if backends.uses_numba(view.depth):
        depth, labels, where, low, points = (
            a.contiguous().numpy() for a in (view.things(), view.labels, places, tips, footprint)
        )
        return torch.from_numpy(closes_on_one_numba(depth, labels, where, low, points, BLUR))
    row, column = _between(view, places, footprint)
    label, surface = labels_of(view, grasps), view.things()
    alone = label > 0
    for one in label[alone].unique().tolist():
        rows = torch.nonzero(label == one)[:, 0]
        foreign = ~grow(view.labels == one, BLUR) & (view.labels >= 0)
        r, c = row[rows], column[rows]
        alone[rows] = ~(foreign[r, c] & (surface[r, c] < tips[rows, None])).any(dim=1)
    return alone


def _grasp_places(view: View, grasps: ViewGrasps) -> torch.Tensor:
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
