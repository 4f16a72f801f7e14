"""Compiled twin of `clearance.widest_opening`, which defines the answer: the whole rule in one pass over the grasps."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True)
def widest_opening_numba(obstacles, palm_obstacles, surface, fixed, table, places, points, limits):
    """First opening (N,) int64 at which each grasp fits, the last where none does, and the shallowest and deepest
    depths (N,) float32 [m] at it.

    obstacles, palm_obstacles, surface, fixed: (H, W) float32 [m], the last empty where nothing is fixed; table: its
    depth [m]; places: columns, rows (N,) float32 [cells], and cos, sin (N,) of the closing axes; points: those under
    the jaws (O, J, 2), between them (O, B, 2) and under the palm (P, 2), float32 along and across the closing axis
    [cells], at each of O openings; limits: ClearanceLimits.
    """
    column, row, cos, sin = places
    jaws, between, palm = points
    count, own = len(column), np.zeros((1, 2), np.float32)
    opening = np.zeros(count, np.int64)
    shallowest, deepest = np.empty(count, np.float32), np.empty(count, np.float32)
    for n in range(count):
        place = column[n], row[n], cos[n], sin[n]
        under_palm = nearest_depth(palm_obstacles, place, palm)
        for k in range(len(jaws)):
            opening[n] = k
            under_jaws = nearest_depth(obstacles, place, jaws[k])
            top = nearest_depth(surface, place, between[k])
            shallowest[n], deepest[n] = _depth_range(under_jaws, top, under_palm, table, limits)
            if fixed.size > 0:
                least = nearest_depth(fixed, place, between[k]) - np.float32(limits.below) - np.float32(limits.tip)
                if least < deepest[n]:
                    middle = nearest_depth(surface, place, own)
                    shallowest[n] = max(shallowest[n], _reached(middle, table, limits) - np.float32(limits.tip))
                    deepest[n] = least
            if deepest[n] >= shallowest[n]:
                break
    return opening, shallowest, deepest


@numba.njit(cache=True)
def _depth_range(under_jaws, top, under_palm, table, limits):
    """Shallowest and deepest depth [m] over these surfaces, in single precision as torch computes them."""
    f = np.float32
    shallowest = _reached(top, table, limits)
    comfortable = max(top + f(limits.reach_wanted), f(table - limits.table_wanted))
    deepest = min(under_jaws - f(limits.below), min(top, under_palm) + f(limits.jaw_length - limits.palm))
    deepest = min(deepest, min(comfortable, f(table - limits.table)))
    return shallowest - f(limits.tip), deepest - f(limits.tip)


@numba.njit(cache=True)
def _reached(top, table, limits):
    f = np.float32
    return top + min(max(f(table) - top, f(0)) * f(limits.reach_share), f(limits.reach))


@numba.njit(cache=True)
def nearest_depth(depth, place, points):
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
