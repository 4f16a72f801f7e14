"""What stands round a support, beyond its edge: the walls of a deep bin, sloped or rounded, and of a room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from antipodal.perception.cells import CELL
from antipodal.perception.option_limits import Within


@dataclass(frozen=True)
class SurroundingsOptions:
    """What counts as standing round the support."""

    WITHIN: ClassVar[Within] = {"edge": (0, 1), "foot": (0, 1)}  # they become cells
    length: float = 0.2  # of the support's edge that it flanks, at least [m]; shorter things overhang the edge
    gap: float = 0.015  # what stands this near to each other is one [m]
    edge: float = 0.012  # what stands this near to the edge, inside it, still stands round the support [m]
    foot: float = 0.025  # and this much further inside what is lower than this: walls are rounded at their feet [m]


def find_surroundings(
    top: np.ndarray, outline: np.ndarray, options: SurroundingsOptions = SurroundingsOptions()
) -> np.ndarray:
    """Cells (rows, columns) bool of the plan that hold what stands round the support.

    top: (rows, columns) greatest height in every cell of the plan [m], 0 where nothing stands; outline: (K, 2) corners
    of the support's convex hull in cells (column, row).
    """
    around = round((options.edge + options.foot) / CELL) + 2
    inside = _filled(outline + around, (top.shape[0] + 2 * around, top.shape[1] + 2 * around))
    own = slice(around, -around), slice(around, -around)
    inward = cv2.distanceTransform(inside, cv2.DIST_L2, 3)[own] * CELL
    outer = (top > 0) & (inward <= options.edge)
    if not outer.any():
        return outer
    joined = cv2.morphologyEx(outer.astype(np.uint8), cv2.MORPH_CLOSE, _square(options.gap))
    count, label = cv2.connectedComponents(joined, connectivity=8)
    rim = (inside - cv2.erode(inside, np.ones((3, 3), np.uint8)))[own] > 0
    beside = cv2.dilate(label.astype(np.uint16), _square(options.edge))
    flanked = np.bincount(beside[rim], minlength=count) * CELL
    over = np.bincount(label[outer & (inward > 0)], minlength=count)
    walls = outer & ((flanked >= options.length) | (over == 0))[label]
    low = (top > 0) & (top < options.foot) & (inward <= options.edge + options.foot)
    return walls | (low & (cv2.dilate(walls.astype(np.uint8), _square(options.edge + options.foot)) > 0))


def _square(reach: float) -> np.ndarray:
    """Cells that reach this far [m] to each side."""
    size = 2 * round(reach / CELL) + 1
    return np.ones((size, size), np.uint8)


def _filled(outline: np.ndarray, shape: tuple) -> np.ndarray:
    """Cells (rows, columns) uint8 within an outline (K, 2), none of them on the border."""
    inside = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(inside, np.round(outline).astype(np.int32), (1,))
    inside[[0, -1]] = 0
    inside[:, [0, -1]] = 0
    return inside
