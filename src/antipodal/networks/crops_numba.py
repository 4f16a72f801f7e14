"""Compiled twins of `crops.surface_crops_torch` and of `crops.normalise` after it, which define the answers."""

from __future__ import annotations

from typing import Tuple

import numba
import numpy as np

from antipodal.backends import EXACT


def surface_crops_numba(
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
    zero = np.zeros(len(angle), np.float32)
    return relative_crops_numba(
        depth, origin, cell, np.column_stack([center[:, :2], zero]), angle, side, size, 1.0, np.inf
    )


def relative_crops_numba(
    depth: np.ndarray,
    origin: Tuple[float, float],
    cell: float,
    center: np.ndarray,
    angle: np.ndarray,
    side: float,
    size: int,
    unit: float,
    clip: float,
) -> np.ndarray:
    """As `surface_crops_numba`, relative to the grasps' depths, in units [m] and clipped to +- `clip` of them.

    center: (N, 3) [m].
    """
    out = np.empty((len(angle), size, size), dtype=np.float32)
    if min(depth.shape) < 2:  # a row or column is doubled, so that every sample has four neighbours
        depth = np.pad(depth, [(0, n == 1) for n in depth.shape], mode="edge")
    depth = np.ascontiguousarray(depth, dtype=np.float32)
    center = np.asarray(center, dtype=np.float64)
    start = (center[:, :2] - np.asarray(origin, dtype=np.float64)) / cell
    z = center[:, 2].astype(np.float32)
    _sample(depth, start, np.asarray(angle, dtype=np.float64), side / cell, z, np.float32(unit), np.float32(clip), out)
    return out


@numba.njit(cache=True)
def _sample(depth, center, angle, side, z, unit, clip, out):
    """Bilinear samples; center (N, 2) and side are in cells."""
    size = out.shape[1]
    step = side / size
    index = np.empty(size, np.int32)
    fx, fy = np.empty(size, np.float32), np.empty(size, np.float32)
    for n in range(len(angle)):
        c, s = np.float32(np.cos(angle[n]) * step), np.float32(np.sin(angle[n]) * step)
        for i in range(size):
            across = np.float32(i + 0.5 - 0.5 * size)
            x0, y0 = np.float32(center[n, 0]) - s * across, np.float32(center[n, 1]) + c * across
            _place_row(x0, y0, c, s, depth.shape, index, fx, fy)
            _sample_row(depth.reshape(-1), depth.shape[1], index, fx, fy, z[n], unit, clip, out[n, i])


@numba.njit(cache=True, fastmath=EXACT, error_model="numpy")
def _place_row(x0, y0, c, s, shape, index, fx, fy):
    """Flat index of the cell before every sample of a row, and how far the sample lies beyond it; two loops rather than
    one, so that this one runs in vectors."""
    width, before_last, above_last = np.int32(shape[1]), np.int32(shape[1] - 2), np.int32(shape[0] - 2)
    right, bottom, zero = np.float32(shape[1] - 1), np.float32(shape[0] - 1), np.float32(0)
    middle = np.float32(0.5 * len(index) - 0.5)
    for j in range(len(index)):
        along = np.float32(j) - middle
        x = min(max(x0 + c * along, zero), right)
        y = min(max(y0 + s * along, zero), bottom)
        u, v = min(np.int32(x), before_last), min(np.int32(y), above_last)
        fx[j], fy[j] = x - np.float32(u), y - np.float32(v)
        index[j] = v * width + u


@numba.njit(cache=True, fastmath=EXACT, error_model="numpy")
def _sample_row(flat, width, index, fx, fy, z, unit, clip, out):
    for j in range(len(index)):
        here = np.uint32(index[j])  # unsigned: nothing to count from the end
        below = here + np.uint32(width)
        first = flat[here] + fx[j] * (flat[here + np.uint32(1)] - flat[here])
        second = flat[below] + fx[j] * (flat[below + np.uint32(1)] - flat[below])
        depth = first + fy[j] * (second - first)
        out[j] = min(max((depth - z) / unit, -clip), clip)
