"""What may be grasped when nobody says: the pieces that stand on the table and lie whole inside the image."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from antipodal.camera import Camera
from antipodal.table import Table


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
    above = _heights(depth, camera, table) > max(options.min_height, options.noise_factor * table.noise)
    pieces = (above & ~_jumps(depth, options.step)).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(pieces, connectivity=4)
    pixel = table.offset / camera.fx
    furniture = np.hypot(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]) * pixel > options.max_extent
    furniture[labels[_frame(depth)]] = True
    furniture[0] = False
    unwanted = _with_rims(furniture[labels], (pieces > 0) & ~furniture[labels], options.rim / pixel)
    return _without_specks(above & ~unwanted, options.min_area / pixel**2)


def _heights(depth: np.ndarray, camera: Camera, table: Table) -> np.ndarray:
    """Height (H, W) [m] of every pixel above the table; 0 where depth is missing."""
    u = (np.arange(depth.shape[1], dtype=np.float32) - camera.cx) / camera.fx
    v = (np.arange(depth.shape[0], dtype=np.float32) - camera.cy) / camera.fy
    n = table.normal.astype(np.float32)
    along_ray = u[None, :] * n[0] + v[:, None] * n[1] + n[2]
    return np.where(depth > 0, np.float32(table.offset) - depth * along_ray, 0)


def _jumps(depth: np.ndarray, step: float) -> np.ndarray:
    """Pixels (H, W) bool whose 3 x 3 neighbourhood spans more than `step` [m]."""
    kernel = np.ones((3, 3), np.uint8)
    filled = np.where(depth > 0, depth, np.float32(1e3))
    return (cv2.dilate(depth, kernel) - cv2.erode(filled, kernel)) > step


def _with_rims(furniture: np.ndarray, others: np.ndarray, reach: float) -> np.ndarray:
    """Pixels (H, W) bool of the furniture, and those within `reach` pixels that are nearer to it than to others."""
    to_furniture = cv2.distanceTransform((~furniture).astype(np.uint8), cv2.DIST_L2, 3)
    to_others = cv2.distanceTransform((~others).astype(np.uint8), cv2.DIST_L2, 3)
    return (to_furniture <= reach) & (to_furniture < to_others)


def _frame(depth: np.ndarray) -> np.ndarray:
    """Pixels (H, W) bool at the image's border, or at missing depth that reaches in from it."""
    missing = cv2.copyMakeBorder((depth <= 0).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=[1])
    _, labels = cv2.connectedComponents(missing, connectivity=4)
    outside = (labels == labels[0, 0]).astype(np.uint8)
    return cv2.dilate(outside, np.ones((9, 9), np.uint8))[1:-1, 1:-1] > 0


def _without_specks(mask: np.ndarray, min_pixels: float) -> np.ndarray:
    """`mask` (H, W) without connected components of fewer than `min_pixels`."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] >= min_pixels
    keep[0] = False
    return keep[labels]
