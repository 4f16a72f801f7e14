"""Compiled: the nearest point of every block of an image, and the twin of `cup_clearance.cup_swept` over all points."""

from __future__ import annotations

import numba
import numpy as np

from antipodal.backends import EXACT


@numba.njit(cache=True, nogil=True)
def nearest_of_blocks(depth, side, intrinsics, plane, least):
    """Points (N, 3) [m] of the nearest pixel in each block of `side` pixels a side that shows anything, those that are
    more than `least` [m] above a plane (4,) as (normal, offset)."""
    fx, fy, cx, cy = intrinsics
    rows, columns = -(-depth.shape[0] // side), -(-depth.shape[1] // side)
    out, count = np.empty((rows * columns, 3)), 0
    for i in range(rows):
        strip = depth[i * side : (i + 1) * side]
        nearest = _nearest_of_columns(strip)
        for j in range(columns):
            u = j * side + np.argmin(nearest[j * side : (j + 1) * side])
            z = nearest[u]
            if z == np.inf:
                continue
            v = i * side
            while depth[v, u] != z:
                v += 1
            x, y = (u - cx) / fx * z, (v - cy) / fy * z
            if plane[3] - (plane[0] * x + plane[1] * y + plane[2] * z) > least:
                out[count, 0], out[count, 1], out[count, 2] = x, y, z
                count += 1
    return out[:count]


@numba.njit(cache=True, nogil=True, fastmath=EXACT, error_model="numpy")
def _nearest_of_columns(strip):
    """Least depth (W,) [m] in each column of rows (K, W) of an image, infinite where there is none."""
    nearest = np.full(strip.shape[1], np.float32(np.inf))
    for row in range(strip.shape[0]):
        for u in range(strip.shape[1]):
            d = strip[row, u]
            nearest[u] = min(nearest[u], d if d > 0 else np.float32(np.inf))
    return nearest


@numba.njit(cache=True, nogil=True)
def is_free_numba(T_cam_grasp, sizes, rises, obstacles):
    """Grasps (N,) bool with none of the obstacles (M, 3) float32 where the cup passes; sizes (4,) [m]: radius, how far
    the pressed body is behind the lip, half its width along x and y; rises (N,) [m]: how far a surface may rise under
    the lip."""
    free = np.ones(len(T_cam_grasp), np.bool_)
    radius, front, half_x, half_y = sizes
    for n in range(len(T_cam_grasp)):
        T, rise = T_cam_grasp[n], rises[n]
        least = min(rise, front)
        level = T[0, 2] * T[0, 3] + T[1, 2] * T[1, 3] + T[2, 2] * T[2, 3]
        for k in range(len(obstacles)):
            p, q, r = obstacles[k]
            behind = level - (T[0, 2] * p + T[1, 2] * q + T[2, 2] * r)  # the contact, against the approach
            if behind <= least:
                continue
            a, b, c = p - T[0, 3], q - T[1, 3], r - T[2, 3]
            x, y = T[0, 0] * a + T[1, 0] * b + T[2, 0] * c, T[0, 1] * a + T[1, 1] * b + T[2, 1] * c
            cup = (behind > rise) & (x * x + y * y < radius * radius)
            body = (behind > front) & (abs(x) < half_x) & (abs(y) < half_y)
            if cup | body:
                free[n] = False
                break
    return free
