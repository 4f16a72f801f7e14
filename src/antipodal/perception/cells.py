"""Cells of a plan of what stands: groups of those that lie near each other, and convex hulls."""

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
