"""Compiled passes over points: how many lie on each of many planes, and the moments of those that do."""

from __future__ import annotations

import numba
import numpy as np


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
