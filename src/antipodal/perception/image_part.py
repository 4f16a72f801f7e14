"""The part of an image in which something stands on the table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Tuple

import cv2
import numpy as np

from antipodal.camera import Camera
from antipodal.perception import segmentation_numba as compiled
from antipodal.perception.cells import CELL
from antipodal.perception.table import Table

OVERHEAD = np.float32(0.1)  # what is higher and hangs is no part of what stands on the table [m]
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
        """Pixels (h, w) bool without depth."""
        return self.depth <= 0

    @classmethod
    def whole(cls, depth: np.ndarray, camera: Camera, table: Table) -> ImagePart:
        """All of an image (H, W) float32 [m], 0 = missing."""
        plane = table.equation.astype(np.float32)
        rays = camera.rays()
        return cls(depth, compiled.heights(depth, *rays, plane), rays, plane, table, camera.fx)

    def part(self, window: Window) -> ImagePart:
        rays = self.rays[0][window[1]], self.rays[1][window[0]]
        images = window_of(self.depth, window), window_of(self.height, window)
        return ImagePart(*images, rays, self.plane, self.table, self.focal)

    def geometry(self) -> tuple:
        return self.depth, self.height, *self.rays, self.plane

    def plan(self, mask: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """The greatest height [m] of masked pixels (h, w) in each cell (rows, columns) of the table's plane, 0 where
        there is none, and column and row of the first cell on the plane's grid. A roof over the table is left out."""
        arguments: Any = (mask, *self.geometry(), *self._grid(), max(1, int(0.7 * CELL / self.pixel)), OVERHEAD)
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


def window_around(mask: np.ndarray, pad: int) -> Window:
    """The smallest rows and columns that hold all of `mask` (H, W) uint8, and `pad` more on each side."""
    u, v, width, height = cv2.boundingRect(mask)
    pad = pad if width > 0 else 0
    return slice(max(0, v - pad), v + height + pad), slice(max(0, u - pad), u + width + pad)


def window_of(image: np.ndarray, window: Window) -> np.ndarray:
    """The window of an image, contiguous: compiled functions would be compiled again for another layout."""
    return np.ascontiguousarray(image[window])


def counted(mask: np.ndarray, size: int) -> np.ndarray:
    """How many of a mask's pixels (h, w) uint8 lie in the square of `size` pixels round each, up to 255; a sum takes
    the same time for every size."""
    size = min(size, 2 * max(mask.shape) + 1)
    return cv2.boxFilter(mask, -1, (size, size), normalize=False, borderType=cv2.BORDER_CONSTANT)


def grown(mask: np.ndarray, size: int) -> np.ndarray:
    """Pixels (h, w) bool in the squares of `size` pixels round those of a mask (h, w) uint8."""
    return counted(mask, size) > 0


def bridged(mask: np.ndarray, image: ImagePart) -> np.ndarray:
    """`mask` (h, w) bool with the missing pixels in narrow gaps of it."""
    closed = cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    return mask | (closed.view(bool) & image.missing)
