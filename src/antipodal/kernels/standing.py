"""Compiled passes over a depth image and its points: valid pixels, planes, what stands above a plane, jumps."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True)
def valid_or_zero(depth):
    """`depth` (H, W) float32 with 0 in place of what is negative, NaN or infinite."""
    out = np.empty_like(depth)
    most = np.float32(np.finfo(np.float32).max)
    for v in range(depth.shape[0]):
        for u in range(depth.shape[1]):
            d = depth[v, u]
            out[v, u] = d if (d > 0) & (d <= most) else np.float32(0)
    return out


@numba.njit(cache=True)
def votes(points, normals, offsets, tolerance):
    """For each of H planes {p : normal . p = offset}, how many of N points lie within `tolerance` [m] of it, less those
    that lie further than three tolerances behind it.

    points: (3, N), normals: (H, 3), offsets: (H,), all float32 [m].
    """
    count = np.empty(len(offsets), np.int64)
    for h in range(len(offsets)):
        a, b, c, d = normals[h, 0], normals[h, 1], normals[h, 2], offsets[h]
        score = np.int32(0)
        for i in range(points.shape[1]):  # indexed so, the loop runs in vectors; rows taken out of `points` it does not
            distance = a * points[0, i] + b * points[1, i] + c * points[2, i] - d
            score += np.int32(abs(distance) < tolerance) - np.int32(distance > 3 * tolerance)
        count[h] = score
    return count


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


@numba.njit(cache=True)
def moments(points, normal, offset, tolerance):
    """How many of the points (N, 3) lie within `tolerance` of the plane {p : normal . p = offset}, their mean (3,) and
    the sum of the products (3, 3) of their deviations from it."""
    near, count = np.empty(len(points), np.bool_), 0
    mean, products = np.zeros(3), np.zeros((3, 3))
    for i in range(len(points)):
        distance = points[i, 0] * normal[0] + points[i, 1] * normal[1] + points[i, 2] * normal[2] - offset
        near[i] = abs(distance) < tolerance
        if near[i]:
            count += 1
            for k in range(3):
                mean[k] += points[i, k]
    mean /= max(count, 1)
    for i in range(len(points)):
        if near[i]:
            for j in range(3):
                for k in range(3):
                    products[j, k] += (points[i, j] - mean[j]) * (points[i, k] - mean[k])
    return count, mean, products
