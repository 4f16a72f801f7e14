"""Compiled twin of `crops.sample_surface`, which defines the answer."""

from __future__ import annotations

from typing import Tuple

import numba
import numpy as np

from antipodal.kernels import EXACT


def surface_crops(
    depth: np.ndarray,
    origin: Tuple[float, float],
    cell: float,
    center: np.ndarray,
    angle: np.ndarray,
    side: float,
    size: int,
) -> np.ndarray:
    """Depths (N, size, size) float32 [m] around N grasps, columns along the closing axis, bilinear, border repeated.

    depth: (H, W) float32 [m] of a view whose cell (0, 0) is centred on `origin` [m]; center: (N, 2 or 3) [m];
    angle: (N,) [rad]; side: of a crop [m].
    """
    out = np.empty((len(angle), size, size), dtype=np.float32)
    if min(depth.shape) < 2:  # a row or column is doubled, so that every sample has four neighbours
        depth = np.pad(depth, [(0, n == 1) for n in depth.shape], mode="edge")
    depth = np.ascontiguousarray(depth, dtype=np.float32)
    center = np.asarray(center, dtype=np.float64)
    start = (center[:, :2] - np.asarray(origin, dtype=np.float64)) / cell
    _sample(depth, start, np.asarray(angle, dtype=np.float64), side / cell, out)
    return out


@numba.njit(cache=True)
def _sample(depth, center, angle, side, out):
    """Bilinear samples; center (N, 2) and side are in cells. A row at a time, in two loops of which the first compiles
    to vectors."""
    H, W = depth.shape
    size = out.shape[1]
    step = side / size
    cells, corner = depth.reshape(-1), np.empty(size, dtype=np.int32)
    fx, fy = np.empty(size, dtype=np.float32), np.empty(size, dtype=np.float32)
    for n in range(len(angle)):
        c, s = np.float32(np.cos(angle[n]) * step), np.float32(np.sin(angle[n]) * step)
        for i in range(size):
            across = np.float32(i + 0.5 - 0.5 * size)
            x0, y0 = np.float32(center[n, 0]) - s * across, np.float32(center[n, 1]) + c * across
            _place(x0, y0, c, s, H, W, corner, fx, fy)
            _blend(cells, W, corner, fx, fy, out[n, i])


@numba.njit(cache=True, fastmath=EXACT)
def _place(x0, y0, c, s, H, W, corner, fx, fy):
    """Where a crop's row through (x0, y0) along (c, s) falls: the cell above and left of each sample, and the rest."""
    right, bottom, half = np.float32(W - 1), np.float32(H - 1), np.float32(0.5 - 0.5 * len(corner))
    last_u, last_v, width = np.float32(W - 2), np.float32(H - 2), np.int32(W)
    for j in range(len(corner)):
        along = np.float32(j) + half
        x = min(max(x0 + c * along, np.float32(0)), right)
        y = min(max(y0 + s * along, np.float32(0)), bottom)
        u, v = min(np.floor(x), last_u), min(np.floor(y), last_v)
        fx[j], fy[j] = x - u, y - v
        corner[j] = np.int32(v) * width + np.int32(u)


@numba.njit(cache=True)
def _blend(cells, W, corner, fx, fy, out):
    lower = cells[W:]
    for j in range(len(out)):
        a = np.uint32(corner[j])
        b = a + np.uint32(1)
        above = cells[a] + fx[j] * (cells[b] - cells[a])
        below = lower[a] + fx[j] * (lower[b] - lower[a])
        out[j] = above + fy[j] * (below - above)
