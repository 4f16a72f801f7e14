"""Cells of a plan of what stands: groups of those that lie near each other, convex hulls, and medians."""

from __future__ import annotations

from typing import Iterator

import cv2
import numpy as np

CELL = 0.006  # side of a cell of the plan [m]


def wide_groups(occupied: np.ndarray, gap: float, width: float) -> Iterator[np.ndarray]:
    """Cells (rows, columns) bool of the groups of occupied cells whose bounding box is at least `width` [m] both ways;
    what is `gap` [m] apart is one group."""
    size = 2 * round(gap / CELL) + 1
    joined = cv2.morphologyEx(occupied.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((size, size), np.uint8))
    count, label, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    for k in range(1, count):
        if min(stats[k, cv2.CC_STAT_WIDTH], stats[k, cv2.CC_STAT_HEIGHT]) * CELL >= width:
            yield (label == k) & occupied


def convex_hull(cells: np.ndarray) -> np.ndarray:
    """Cells (rows, columns) uint8 in the convex hull of cells bool."""
    hull, corners = np.zeros(cells.shape, np.uint8), cv2.findNonZero(cells.astype(np.uint8))
    if corners is not None:
        cv2.fillConvexPoly(hull, cv2.convexHull(corners), (1,))
    return hull


def medians(values: np.ndarray, group: np.ndarray, count: int) -> np.ndarray:
    """Medians (count,) of the values (N,) whose group (N,) is 0, 1, 2, ..., NaN where there are none."""
    order = np.lexsort((values, group))
    ordered, bounds = np.append(values[order], np.nan), np.searchsorted(group[order], np.arange(count + 1))
    first, last = bounds[:-1], bounds[1:]
    middle = (ordered[(first + last - 1) // 2] + ordered[(first + last) // 2]) / 2
    return np.where(last > first, middle, np.nan)
