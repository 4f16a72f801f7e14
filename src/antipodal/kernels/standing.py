"""Compiled: what of a depth image stands above a plane."""

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
    above = np.empty((H, W), np.bool_)
    for v in range(H):
        for u in range(W):
            along_ray = ray_x[u] * normal[0] + ray_y[v] * normal[1] + normal[2]
            d = depth[v, u]
            above[v, u] = (d > 0) & (offset - d * along_ray > least)
    return above
