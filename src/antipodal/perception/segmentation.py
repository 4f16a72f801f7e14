"""What may be grasped when nobody says: the pieces that stand on the table and lie whole inside the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

import cv2
import numpy as np

from antipodal.camera import Camera
from antipodal.perception.components import connected_components
from antipodal.perception.segmentation_numba import higher_than, jumps
from antipodal.perception.table import Table

Window = Tuple[slice, slice]  # rows and columns


@dataclass(frozen=True)
class SegmentationOptions:
    """What counts as an object."""

    min_height: float = 0.004  # above the table [m]
    noise_factor: float = 4.0  # and this many times the table's noise
    step: float = 0.010  # jump between neighbouring pixels that parts two pieces [m]
    rim: float = 0.02  # jumps this near to a piece of furniture, and nearer to no other piece, belong to it [m]
    min_area: float = 0.0001  # smaller pieces are noise [m^2]
    max_extent: float = 0.40  # longer pieces are furniture, such as the wall of a bin [m]


def segment_objects(
    depth: np.ndarray, camera: Camera, table: Table, options: SegmentationOptions = SegmentationOptions()
) -> np.ndarray:
    """Pixels (H, W) bool that stand above the table and belong to no furniture.

    depth: (H, W) float32 [m], 0 = missing. A piece is a connected patch without a jump in depth; one that reaches the
    frame of the image, or that is very long, is furniture: a robot's arm, the wall of a bin.
    """
    above = _above(depth, camera, table, max(options.min_height, options.noise_factor * table.noise))
    window = _window(above)  # all that follows happens where something stands
    pixel = table.offset / camera.fx
    found = np.zeros_like(above)
    found[window] = _objects(above[window], depth, window, pixel, options)
    return found


def _objects(
    above: np.ndarray, depth: np.ndarray, window: Window, pixel: float, options: SegmentationOptions
) -> np.ndarray:
    """The pixels (h, w) bool of a window's `above` that are objects; `pixel` is one pixel's side [m]."""
    whole = above & ~_jumps(depth, window, options.step)
    pieces = connected_components(whole, diagonal=False)
    furniture = np.hypot(*pieces.sizes().T) * pixel > options.max_extent
    furniture |= pieces.touching(_frame(depth)[window])
    if furniture.any():
        shown = pieces.paint(furniture)
        above = above & ~_with_rims(shown, whole & ~shown, options.rim / pixel)
    return _without_specks(above, options.min_area / pixel**2)


def _above(depth: np.ndarray, camera: Camera, table: Table, least: float) -> np.ndarray:
    """Pixels (H, W) bool higher than `least` [m] above the table."""
    ray_x, ray_y = camera.rays()
    normal = table.normal.astype(np.float32)
    return higher_than(depth, ray_x, ray_y, normal, np.float32(table.offset), np.float32(least))


def _window(mask: np.ndarray) -> Window:
    """The smallest rows and columns that hold all of `mask` (H, W)."""
    spans = []
    for axis in (1, 0):
        occupied = np.flatnonzero(mask.any(axis=axis))
        spans.append(slice(occupied[0], occupied[-1] + 1) if len(occupied) else slice(0, 0))
    return spans[0], spans[1]


def _jumps(depth: np.ndarray, window: Window, step: float) -> np.ndarray:
    """Pixels (h, w) bool of the window whose 3 x 3 neighbourhood spans more than `step` [m]."""
    outer = tuple(slice(max(0, s.start - 1), s.stop + 1) for s in window)
    found = jumps(depth[outer], np.float32(step))
    return found[tuple(slice(s.start - o.start, s.stop - o.start) for s, o in zip(window, outer))]


def _with_rims(furniture: np.ndarray, others: np.ndarray, reach: float) -> np.ndarray:
    """Pixels (h, w) bool of the furniture, and those within `reach` pixels that are nearer to it than to others."""
    to_furniture = cv2.distanceTransform((~furniture).astype(np.uint8), cv2.DIST_L2, 3)
    to_others = cv2.distanceTransform((~others).astype(np.uint8), cv2.DIST_L2, 3)
    return (to_furniture <= reach) & (to_furniture < to_others)


def _frame(depth: np.ndarray) -> np.ndarray:
    """Pixels (H, W) bool at the image's border, or at missing depth that reaches in from it."""
    outside = np.zeros(depth.shape, np.uint8)
    missing = depth <= 0
    if missing.any():
        holes = connected_components(missing, diagonal=False)
        outside = holes.paint(holes.touching(_border(depth.shape)).astype(np.uint8))
    return cv2.dilate(outside, np.ones((9, 9), np.uint8), borderValue=[1]) > 0


def _border(shape: Tuple[int, ...]) -> np.ndarray:
    """The outermost pixels (H, W) bool."""
    border = np.ones(shape, bool)
    border[1:-1, 1:-1] = False
    return border


def _without_specks(mask: np.ndarray, min_pixels: float) -> np.ndarray:
    """`mask` (h, w) without connected components of fewer than `min_pixels`."""
    pieces = connected_components(mask, diagonal=True)
    return pieces.paint(pieces.areas() >= min_pixels)
