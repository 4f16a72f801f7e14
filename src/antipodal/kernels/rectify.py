"""Compiled twin of `views.rectify` and `views.fill_deepest`, which define the answer."""

from __future__ import annotations

from typing import Tuple

import numba
import numpy as np

from antipodal.camera import Camera
from antipodal.kernels import EXACT


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
    return _fill(nearest, observed), observed


@numba.njit(cache=True)
def _scatter(depth, intrinsics, R, corner, nearest):
    """Write the nearest depth along the view's z into each cell, a row of pixels at a time."""
    W = depth.shape[1]
    cells, cell, z = nearest.reshape(-1), np.empty(W, dtype=np.int32), np.empty(W, dtype=np.float32)
    for v in range(depth.shape[0]):
        _place(depth[v], v, intrinsics, R, corner, nearest.shape, cell, z)
        for u in range(W):
            if cell[u] >= 0 and z[u] < cells[cell[u]]:
                cells[cell[u]] = z[u]


@numba.njit(cache=True, fastmath=EXACT, error_model="numpy")
def _place(depth, v, intrinsics, R, corner, shape, cell, z):
    """The cell that each pixel of row v falls into, -1 for none, and its depth there; single precision, in the order of
    the twin. A loop of its own, so that it compiles to vectors."""
    fx, fy, cx, cy = intrinsics
    x0, y0, side = corner
    H, W = np.float32(shape[0]), np.float32(shape[1])
    width, ray_y = np.int32(shape[1]), (np.float32(v) - cy) / fy
    for u in range(len(depth)):
        d, ray_x = depth[u], (np.float32(u) - cx) / fx
        x = (ray_x * R[0, 0] + ray_y * R[1, 0] + R[2, 0]) * d
        y = (ray_x * R[0, 1] + ray_y * R[1, 1] + R[2, 1]) * d
        z[u] = (ray_x * R[0, 2] + ray_y * R[1, 2] + R[2, 2]) * d
        column, row = np.rint((x - x0) / side), np.rint((y - y0) / side)
        inside = (d > 0) & (column >= 0) & (column < W) & (row >= 0) & (row < H)
        column, row = column if inside else np.float32(0), row if inside else np.float32(0)
        cell[u] = np.int32(row) * width + np.int32(column) if inside else np.int32(-1)


@numba.njit(cache=True)
def _fill(depth, observed):
    """Unobserved cells from the deepest of the observed cells next to them in their row and column."""
    H, W = depth.shape
    out = np.where(observed, depth, -np.float32(np.inf))
    above, below = np.full(W, -np.float32(np.inf)), np.full(W, -np.float32(np.inf))
    deepest = out.max()
    for r in range(H):
        _carry(depth[r], observed[r], above, out[r])
        _carry(depth[H - 1 - r], observed[H - 1 - r], below, out[H - 1 - r])
        _sweep(depth[r], observed[r], out[r])
    for r in range(H):
        for c in range(W):
            if out[r, c] == -np.inf:
                out[r, c] = deepest
    return out


@numba.njit(cache=True)
def _carry(depth, observed, last, out):
    """Take a row's cells from the last observed ones of their columns."""
    for c in range(len(depth)):
        if observed[c]:
            last[c] = depth[c]
        else:
            out[c] = max(out[c], last[c])


@numba.njit(cache=True)
def _sweep(depth, observed, out):
    """Take a row's cells from the nearest observed ones to their left and right."""
    W = len(depth)
    left, right = -np.float32(np.inf), -np.float32(np.inf)
    for c in range(W):
        if observed[c]:
            left = depth[c]
        else:
            out[c] = max(out[c], left)
        if observed[W - 1 - c]:
            right = depth[W - 1 - c]
        else:
            out[W - 1 - c] = max(out[W - 1 - c], right)
