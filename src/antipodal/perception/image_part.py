"""The part of an image in which something stands on the table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Tuple

import cv2
import numpy as np

from antipodal.perception import segmentation_numba as compiled
from antipodal.perception.cells import CELL
from antipodal.perception.table import Table

Window = Tuple[slice, slice]  # rows and columns


@dataclass(frozen=True)
class ImagePart:
    """The window of an image in which something stands."""

    depth: np.ndarray  # (h, w) float32 [m]
    height: np.ndarray  # (h, w) float32 over the table [m]
    rays: Tuple[np.ndarray, np.ndarray]  # x (w,) and y (h,) at depth 1
    plane: np.ndarray  # (4,) float32
    table: Table
    focal: float  # [px]

    @property
    def pixel(self) -> float:
        """Side of a pixel on the table [m], where the camera's axis meets it."""
        return self.table.pixel(self.focal)

    @cached_property
    def missing(self) -> np.ndarray:
        """Indices (N,) of the pixels without depth."""
        return np.flatnonzero(self.depth <= 0)

    def geometry(self) -> tuple:
        return self.depth, self.height, *self.rays, self.plane

    def plan(self, mask: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """The greatest height [m] of masked pixels (h, w) in each cell (rows, columns) of the table's plane, 0 where
        there is none, and column and row of the first cell on the plane's grid."""
        arguments: Any = (mask, *self.geometry(), *self._grid(), max(1, int(0.7 * CELL / self.pixel)))
        return compiled.plan(*arguments)

    def plan_like(self, mask: np.ndarray, first: np.ndarray, shape: Tuple[int, ...]) -> np.ndarray:
        """Cells (rows, columns) bool of a plan of this shape and first cell that hold masked pixels (h, w)."""
        top, start = self.plan(mask)
        v, u = np.nonzero(top)
        cells = np.zeros(shape, bool)
        cells[v + start[1] - first[1], u + start[0] - first[0]] = True
        return cells

    def between(self, mask: np.ndarray, first: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Masked pixels (h, w) bool whose height lies between those (rows, columns) [m] of their cell in a plan."""
        arguments: Any = (mask, *self.geometry(), *self._grid(), first, low, high)
        return compiled.between(*arguments)

    def outline(self, first: np.ndarray) -> np.ndarray:
        """Corners (K, 2) of the table's outline in cells (column, row) of a plan."""
        return (self.table.outline - self.table.surface.corner) / CELL - first

    def _grid(self) -> tuple:
        return (*self.table.surface.grid()[:2], CELL)


def smallest_window(mask: np.ndarray) -> Window:
    """The smallest rows and columns that hold all of `mask` (H, W)."""
    spans = []
    for axis in (1, 0):
        occupied = np.flatnonzero(mask.any(axis=axis))
        spans.append(slice(occupied[0], occupied[-1] + 1) if len(occupied) else slice(0, 0))
    return spans[0], spans[1]


def window_of(image: np.ndarray, window: Window) -> np.ndarray:
    """The window of an image, contiguous: compiled functions would be compiled again for another layout."""
    return np.ascontiguousarray(image[window])


def grown(mask: np.ndarray, size: int) -> np.ndarray:
    """Pixels (h, w) bool in the squares of `size` pixels round those of a mask (h, w) uint8; a sum takes the same time
    for every size."""
    size = min(size, 2 * max(mask.shape) + 1)
    return cv2.boxFilter(mask, -1, (size, size), normalize=False, borderType=cv2.BORDER_CONSTANT) > 0


def bridged(mask: np.ndarray, image: ImagePart) -> np.ndarray:
    """`mask` (h, w) with the missing pixels in narrow gaps of it."""
    return compiled.bridge_gaps(mask, image.missing, 2)
