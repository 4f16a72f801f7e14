"""Compiled twin of `clearance.widest_opening`, which defines the answer: all its rules in one pass over the grasps."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True)
def widest_opening(obstacles, surface, places, points, limits):
    """First opening (N,) int64 at which each grasp fits, the last where none does, and the shallowest and deepest
    depths (N,) float32 [m] at it.

    obstacles, surface: (H, W) float32 [m]; places: columns, rows (N,) float32 [cells], and cos, sin (N,) of the closing
    axes; points: those under the jaws (O, J, 2), between them (O, B, 2) and under the palm (P, 2), float32 along and
    across the closing axis [cells], at each of O openings; limits: float32 lengths [m], see `Clearance._limits`.
    """
    column, row, cos, sin = places
    jaws, between, palm = points
    count = len(column)
    opening = np.zeros(count, np.int64)
    shallowest, deepest = np.empty(count, np.float32), np.empty(count, np.float32)
    for n in range(count):
        place = column[n], row[n], cos[n], sin[n]
        over_palm = _nearest(obstacles, place, palm)
        for k in range(len(jaws)):
            opening[n] = k
            under_jaws = _nearest(obstacles, place, jaws[k])
            top = _nearest(surface, place, between[k])
            shallowest[n], deepest[n] = _range(under_jaws, top, over_palm, limits)
            if deepest[n] >= shallowest[n]:
                break
    return opening, shallowest, deepest


@numba.njit(cache=True)
def _range(under_jaws, top, over_palm, limits):
    """Shallowest and deepest depth [m] over these surfaces."""
    table, share, reach, reach_wanted, table_wanted, below, palm, table_least, tip = limits
    shallowest = top + min(max(table - top, np.float32(0)) * share, reach)
    comfortable = max(top + reach_wanted, table_wanted)
    deepest = min(under_jaws - below, min(top, over_palm) + palm)
    return shallowest - tip, min(deepest, min(comfortable, table_least)) - tip


@numba.njit(cache=True)
def _nearest(depth, place, points):
    """The least depth among points (K, 2) around a place; beyond the border the border counts."""
    column, row, cos, sin = place
    right, bottom, width = np.int32(depth.shape[1] - 1), np.int32(depth.shape[0] - 1), np.int32(depth.shape[1])
    flat, zero = depth.reshape(-1), np.int32(0)
    nearest = np.float32(np.inf)
    for k in range(len(points)):
        x = column + cos * points[k, 0] - sin * points[k, 1]
        y = row + sin * points[k, 0] + cos * points[k, 1]
        u = min(max(np.int32(np.rint(x)), zero), right)
        v = min(max(np.int32(np.rint(y)), zero), bottom)
        nearest = min(nearest, flat[np.uint32(v * width + u)])
    return nearest
