"""Compiled: the nearest point of every block of an image, and the twin of `cup_clearance.cup_swept` over all points."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def nearest_of_blocks(depth, side, intrinsics):
    """Points (N, 3) [m] of the nearest pixel in each block of `side` pixels a side that shows anything."""
    fx, fy, cx, cy = intrinsics
    rows, columns = -(-depth.shape[0] // side), -(-depth.shape[1] // side)
    out, count = np.empty((rows * columns, 3)), 0
    for i in range(rows):
        for j in range(columns):
            nearest, u, v = np.float32(np.inf), 0, 0
            for row in range(i * side, min((i + 1) * side, depth.shape[0])):
                for column in range(j * side, min((j + 1) * side, depth.shape[1])):
                    d = depth[row, column]
                    if (d > 0) & (d < nearest):
                        nearest, u, v = d, column, row
            if nearest < np.inf:
                out[count, 0], out[count, 1], out[count, 2] = (u - cx) / fx * nearest, (v - cy) / fy * nearest, nearest
                count += 1
    return out[:count]


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
