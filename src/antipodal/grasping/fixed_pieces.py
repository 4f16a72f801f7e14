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
    plane, points, target = solids.plane, solids.points, solids.target
    if not math.isfinite(plane[3]):
        return points[:0]
    xy = points @ look_along(plane[:3])[:3, :2].astype(np.float32)
    low, high = xy[target].min(axis=0) - np.float32(around), xy[target].max(axis=0) + np.float32(around)
    cell = max(FINEST, CELL_PIXELS * solids.pitch)
    places = np.rint((xy - low) / np.float32(cell)).astype(int)
    size = np.rint((high - low) / np.float32(cell)).astype(int) + 1
    near = ((places >= 0) & (places < size)).all(axis=1)
    others = near & ~target & (plane[3] - points @ plane[:3] > options.height)
    if not others.any():
        return points[:0]
    standing, graspable = np.zeros(size, bool), np.zeros(size, bool)
    standing[tuple(places[others].T)] = True
    graspable[tuple(places[target].T)] = True
    standing &= ~grow(torch.from_numpy(graspable), options.blur).numpy()
    return points[others][_long(standing, cell, options)[tuple(places[others].T)]]


def points_surface(points: np.ndarray, view: View) -> Optional[torch.Tensor]:
    """Depth (H, W) [m] of points (N, 3) [m] in the camera's frame, nearest in each cell of a view, inf elsewhere; None
    where there are none."""
    if not len(points):
        return None
    R, corner = np.ascontiguousarray(view.T_cam_view[:3, :3], np.float32), np.array(view.origin, np.float32)
    nothing = np.zeros(len(points), bool), np.zeros((0, 3), np.float32), np.float32(0)
    nearest, _ = solid_scene_numba.nearest_in_cells(
        points, *nothing, R, corner, np.float32(view.cell), *view.depth.shape
    )
    return torch.from_numpy(nearest)
