"""Compiled twin of `crops.surface_crops`, which defines the answer."""

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
    for n in range(len(angle)):
        c, s = np.cos(angle[n]) * step, np.sin(angle[n]) * step
        for i in range(size):
            across = i + 0.5 - 0.5 * size
            for j in range(size):
                along = j + 0.5 - 0.5 * size
                x = min(max(center[n, 0] + c * along - s * across, 0.0), W - 1.0)
                y = min(max(center[n, 1] + s * along + c * across, 0.0), H - 1.0)
                x0, y0 = int(x), int(y)
                x1, y1 = min(x0 + 1, W - 1), min(y0 + 1, H - 1)
                fx, fy = np.float32(x - x0), np.float32(y - y0)
                top = depth[y0, x0] + fx * (depth[y0, x1] - depth[y0, x0])
                bottom = depth[y1, x0] + fx * (depth[y1, x1] - depth[y1, x0])
                out[n, i, j] = top + fy * (bottom - top)
