"""Compiled passes over a depth image and its points: valid pixels, planes, what stands above a plane, jumps."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True)
def higher_than(depth, ray_x, ray_y, normal, offset, least):
    """Pixels (H, W) bool that stand more than `least` [m] above the plane {p : normal . p = offset}; never where depth
    is missing.

    depth: (H, W) float32 [m], 0 = missing; ray_x: (W,), ray_y: (H,) float32, the rays' x and y at depth 1;
    normal: (3,), offset and least float32.
    """
    H, W = depth.shape
    a, b, c = normal
    above = np.empty((H, W), np.bool_)
    for v in range(H):
        for u in range(W):
            d = depth[v, u]
            above[v, u] = (d > 0) & (offset - d * (ray_x[u] * a + ray_y[v] * b + c) > least)
    return above


@numba.njit(cache=True)
def jumps(depth, step):
    """Pixels (H, W) bool whose valid 3 x 3 neighbours in `depth` (H, W) float32 [m] span more than `step` [m]."""
    H, W = depth.shape
    out = np.empty((H, W), np.bool_)
    far = np.float32(1e3)
    high, low = np.zeros(W + 2, np.float32), np.full(W + 2, far)
    for v in range(H):
        first, last = max(v - 1, 0), min(v + 1, H - 1)
        for u in range(W):
            a, b, c = depth[first, u], depth[v, u], depth[last, u]
            high[u + 1] = max(a, max(b, c))
            low[u + 1] = min(a if a > 0 else far, min(b if b > 0 else far, c if c > 0 else far))
        for u in range(W):
            span = max(high[u], max(high[u + 1], high[u + 2])) - min(low[u], min(low[u + 1], low[u + 2]))
            out[v, u] = span > step
    return out
