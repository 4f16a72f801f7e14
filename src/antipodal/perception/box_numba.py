"""Which pixels show points inside a box, compiled."""

from __future__ import annotations

import numba
import numpy as np

from antipodal.camera import Camera


def pixels_in_box(
    depth: np.ndarray, camera: Camera, T_box_cam: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Pixels (H, W) bool of `depth` (H, W) float32 [m], 0 = missing = outside, whose points lie in the box from corner
    `low` to corner `high` (3,) [m] in the frame of `T_box_cam` (4, 4)."""
    K = np.array([[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]])
    rays = T_box_cam[:3, :3] @ np.linalg.inv(K)  # of pixels (u, v, 1), in the box's frame, for a depth of 1 m
    return _in_box(depth, rays, T_box_cam[:3, 3].copy(), np.asarray(low, float), np.asarray(high, float))


@numba.njit(cache=True)
def _in_box(depth, rays, origin, low, high):
    """Pixels (H, W) bool with origin + depth * rays (u, v, 1) between low and high."""
    inside = np.zeros(depth.shape, np.bool_)
    for v in range(depth.shape[0]):
        for u in range(depth.shape[1]):
            d = depth[v, u]
            if d > 0:
                x = origin[0] + d * (rays[0, 0] * u + rays[0, 1] * v + rays[0, 2])
                y = origin[1] + d * (rays[1, 0] * u + rays[1, 1] * v + rays[1, 2])
                z = origin[2] + d * (rays[2, 0] * u + rays[2, 1] * v + rays[2, 2])
                inside[v, u] = (low[0] <= x <= high[0]) & (low[1] <= y <= high[1]) & (low[2] <= z <= high[2])
    return inside
