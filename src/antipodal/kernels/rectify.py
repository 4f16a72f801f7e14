"""Compiled twin of `views.rectify` and `views.fill_deepest`, which define the answer."""

from __future__ import annotations

from typing import Tuple

import numba
import numpy as np

from antipodal.camera import Camera


def rectify(
    depth: np.ndarray, camera: Camera, T_cam_view: np.ndarray, bounds: Tuple[float, float, float, float], cell: float
) -> Tuple[np.ndarray, np.ndarray]:
    """Orthographic depth (H, W) float32 [m] within `bounds` (x0, y0, x1, y1), and the cells observed (H, W) bool.

    depth: (height, width) float32 [m], 0 = missing; T_cam_view: (4, 4); cell [m].
    """
    W = max(1, round((bounds[2] - bounds[0]) / cell) + 1)
    H = max(1, round((bounds[3] - bounds[1]) / cell) + 1)
    nearest = np.full((H, W), np.inf, dtype=np.float32)
    intrinsics = np.array([camera.fx, camera.fy, camera.cx, camera.cy], dtype=np.float32)
    R = np.ascontiguousarray(T_cam_view[:3, :3], dtype=np.float32)
    corner = np.array([bounds[0], bounds[1], cell], dtype=np.float32)
    _scatter(np.ascontiguousarray(depth, dtype=np.float32), intrinsics, R, corner, nearest)
    observed = np.isfinite(nearest)
    if not observed.any():
        return np.zeros_like(nearest), observed
    return _fill(np.where(observed, nearest, -np.float32(np.inf))), observed


@numba.njit(cache=True)
def _scatter(depth, intrinsics, R, corner, nearest):
    """Write the nearest depth along the view's z into each cell; single precision, in the order of the twin."""
    fx, fy, cx, cy = intrinsics
    x0, y0, cell = corner
    H, W = nearest.shape
    for v in range(depth.shape[0]):
        ray_y = (np.float32(v) - cy) / fy
        for u in range(depth.shape[1]):
            d = depth[v, u]
            if d > 0:
                ray_x = (np.float32(u) - cx) / fx
                x = (ray_x * R[0, 0] + ray_y * R[1, 0] + R[2, 0]) * d
                y = (ray_x * R[0, 1] + ray_y * R[1, 1] + R[2, 1]) * d
                column, row = np.rint((x - x0) / cell), np.rint((y - y0) / cell)
                if 0 <= column < W and 0 <= row < H:
                    z = (ray_x * R[0, 2] + ray_y * R[1, 2] + R[2, 2]) * d
                    if z < nearest[int(row), int(column)]:
                        nearest[int(row), int(column)] = z


def _fill(depth: np.ndarray) -> np.ndarray:
    """Fill cells of -inf from the deepest cell of the smallest 2^k block around them."""
    coarse, holes = _halve(depth)
    if holes:
        _take(depth, _fill(coarse))
    return depth


@numba.njit(cache=True)
def _halve(depth):
    """The deepest of each 2 x 2 block, and whether any cell is empty."""
    H, W = depth.shape
    coarse = np.full(((H + 1) // 2, (W + 1) // 2), -np.inf, dtype=np.float32)
    holes = False
    for r in range(H):
        for c in range(W):
            holes |= depth[r, c] == -np.inf
            coarse[r // 2, c // 2] = max(coarse[r // 2, c // 2], depth[r, c])
    return coarse, holes


@numba.njit(cache=True)
def _take(depth, coarse):
    for r in range(depth.shape[0]):
        for c in range(depth.shape[1]):
            if depth[r, c] == -np.inf:
                depth[r, c] = coarse[r // 2, c // 2]
