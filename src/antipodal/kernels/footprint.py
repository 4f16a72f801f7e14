"""Compiled twin of `clearance.highest`, which defines the answer."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True)
def highest(depth, column, row, cos, sin, offsets):
    """Smallest depth (N,) float32 [m] among points around N grasps.

    depth: (H, W) float32 [m]; column, row: (N,) float32 centres [cells]; cos, sin: (N,) of the closing axes;
    offsets: (N or 1, K, 2) float32 along and across the closing axis [cells]. Beyond the border the border counts.
    """
    H, W = depth.shape
    out = np.empty(len(column), dtype=np.float32)
    for n in range(len(column)):
        points = offsets[n if len(offsets) > 1 else 0]
        nearest = np.float32(np.inf)
        for k in range(len(points)):
            x = column[n] + cos[n] * points[k, 0] - sin[n] * points[k, 1]
            y = row[n] + sin[n] * points[k, 0] + cos[n] * points[k, 1]
            u = min(max(int(np.rint(x)), 0), W - 1)
            v = min(max(int(np.rint(y)), 0), H - 1)
            nearest = min(nearest, depth[v, u])
        out[n] = nearest
    return out
