"""What stands beside the things and does not give way, such as the wall of a bin: jaws that close would stop at it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Optional

import cv2
import numpy as np
import torch

from antipodal.grasping.antipodal_pairs import grow
from antipodal.perception import solid_scene_numba
from antipodal.perception.option_limits import Within
from antipodal.perception.solid_scene import SolidScene
from antipodal.perception.view import CELL_PIXELS, View, look_along

FINEST = 0.004  # side of the cells in which pieces of a cloud are told, at least [m]


@dataclass(frozen=True)
class FixedOptions:
    """What counts as fixed."""

    WITHIN: ClassVar[Within] = {"blur": (0, 1000)}
    height: float = 0.008  # above the table, at least [m]
    length: float = 0.15  # of a piece, at least [m]; shorter ones may be pushed aside
    blur: int = 1  # cells by which what may be grasped may be wrong at its outline


def fixed_surface(view: View, options: FixedOptions = FixedOptions()) -> Optional[torch.Tensor]:
    """Depth (H, W) [m] of long pieces that stand on the table and may not be grasped, inf elsewhere; None where there
    is none."""
    if not math.isfinite(view.table):
        return None
    standing = (view.depth < view.table - options.height) & ~grow(view.graspable, options.blur)
    fixed = torch.from_numpy(_long(standing.cpu().numpy(), view.cell, options)).to(standing.device)
    return torch.where(fixed, view.depth, torch.inf) if fixed.any() else None


def _long(standing: np.ndarray, cell: float, options: FixedOptions) -> np.ndarray:
    """Cells (H, W) bool of those `standing` that belong to long pieces; cell: their side [m]."""
    _, label, box, _ = cv2.connectedComponentsWithStats(standing.view(np.uint8), connectivity=4)
    long = np.hypot(box[:, cv2.CC_STAT_WIDTH], box[:, cv2.CC_STAT_HEIGHT]) * cell >= options.length
    long[0] = False
    return long[label]


def fixed_points(solids: SolidScene, around: float, options: FixedOptions = FixedOptions()) -> np.ndarray:
    """Those points (K, 3) float32 [m] of long pieces that stand on the support and may not be grasped.

    They are told as `fixed_surface` tells them, in a view along the support's normal of what may be grasped and of
    `around` [m] beside it.
    """
    plane = solids.plane
    others = np.compress(~solids.target, solids.points, axis=0)
    others = others[plane[3] - others @ plane[:3] > options.height]
    if not len(others) or not math.isfinite(plane[3]):
        return others[:0]
    R = np.ascontiguousarray(look_along(plane[:3])[:3, :3], np.float32)
    low, high = (edge[:2] for edge in solid_scene_numba.extent_of(solids.targets, R))
    corner, cell = low - np.float32(around), np.float32(max(FINEST, CELL_PIXELS * solids.pitch))
    columns, rows = (int(n) + 1 for n in np.rint((high + np.float32(around) - corner) / cell))
    standing, graspable = (
        np.isfinite(_nearest_points(p, R, corner, cell, (rows, columns)))
        for p in (others, np.ascontiguousarray(solids.targets.T))
    )
    standing &= ~grow(torch.from_numpy(graspable), options.blur).numpy()
    column, row = np.rint((others @ R[:, :2] - corner) / cell).astype(int).T
    near = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    return others[near][_long(standing, float(cell), options)[row[near], column[near]]]


def points_surface(points: np.ndarray, view: View) -> Optional[torch.Tensor]:
    """Depth (H, W) [m] of points (N, 3) [m] in the camera's frame, nearest in each cell of a view, inf elsewhere; None
    where there are none."""
    if not len(points):
        return None
    R, corner = np.ascontiguousarray(view.T_cam_view[:3, :3], np.float32), np.array(view.origin, np.float32)
    return torch.from_numpy(_nearest_points(points, R, corner, np.float32(view.cell), tuple(view.depth.shape)))


def _nearest_points(
    points: np.ndarray, R: np.ndarray, corner: np.ndarray, cell: np.float32, shape: tuple
) -> np.ndarray:
    """Least depth of points (N, 3) along the last column of R (3, 3) in each cell of a grid of `shape`; inf where there
    is none. corner: of the grid, along the others [m]."""
    nothing = np.zeros(len(points), bool), np.zeros((0, 3), np.float32), np.float32(0)
    nearest = np.full(shape, np.inf, np.float32)
    solid_scene_numba.nearest_in_cells(points, *nothing, R, corner, cell, nearest, nearest)
    return nearest
