"""Compiled twin of `crops.sample_surface`, which defines the answer."""

from __future__ import annotations

from typing import Tuple

import numba
import numpy as np


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
    """Bilinear samples; center (N, 2) and side are in cells."""
    H, W = depth.shape
    size = out.shape[1]
    step = side / size
    right, bottom = np.float32(W - 1), np.float32(H - 1)
    for n in range(len(angle)):
        c, s = np.float32(np.cos(angle[n]) * step), np.float32(np.sin(angle[n]) * step)
        for i in range(size):
            across = np.float32(i + 0.5 - 0.5 * size)
            x0, y0 = np.float32(center[n, 0]) - s * across, np.float32(center[n, 1]) + c * across
            for j in range(size):
                along = np.float32(j + 0.5 - 0.5 * size)
                x = min(max(x0 + c * along, np.float32(0)), right)
                y = min(max(y0 + s * along, np.float32(0)), bottom)
                u, v = min(np.int32(x), W - 2), min(np.int32(y), H - 2)
                fx, fy = x - np.float32(u), y - np.float32(v)
                above = depth[v, u] + fx * (depth[v, u + 1] - depth[v, u])
                below = depth[v + 1, u] + fx * (depth[v + 1, u + 1] - depth[v + 1, u])
                out[n, i, j] = above + fy * (below - above)
