"""Compiled passes over the image of one of several cameras: into a view, and through the eyes of another camera."""

from __future__ import annotations

from typing import Tuple

import numba
import numpy as np

from antipodal.camera import Camera

NO_PLANE = (0.0, 0.0, 0.0, np.inf)


def scatter(
    depth: np.ndarray,
    mask: np.ndarray,
    labels: np.ndarray,
    camera: Camera,
    T_view_cam: np.ndarray,
    grid: Tuple[float, float, float, int, int],
) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nearest depth (H, W) float32 along a view's z in every cell, of all pixels and of those in the mask, inf where
    there is none; and the label (H, W) int32 of the nearest pixel, -1 where there is none.

    depth: (height, width) float32 [m], 0 = missing; mask: bool, labels: int32 of its shape, or (0, 0) for none. grid:
    x and y of cell (0, 0) and the cells' side [m], then the view's height and width.
    """
    x0, y0, cell, height, width = grid
    nearest, masked = np.full((2, height, width), np.inf, np.float32)
    label = np.full((height, width), -1, np.int32)
    corner = np.array([x0, y0, cell])
    _scatter_all(depth, mask, labels, *camera.rays(np.float64), T_view_cam, corner, nearest, masked, label)
    return nearest, masked, label


def seen_through(
    depth: np.ndarray,
    camera: Camera,
    farther: np.ndarray,
    other: Camera,
    T_other_cam: np.ndarray,
    step: float,
    plane: Tuple[float, ...] = NO_PLANE,
) -> np.ndarray:
    """Pixels (H, W) bool whose points lie more than `step` [m] in front of what another camera sees there.

    farther: (height, width) float32 [m] least depth of the other image round each pixel, 0 where that is not known.
    plane: (a, b, c, d) in the camera's frame: only points with a x + b y + c z < d are looked at.
    """
    K = np.array([other.fx, other.fy, other.cx, other.cy], float)
    return _seen_through(depth, *camera.rays(np.float64), T_other_cam, farther, K, step, np.array(plane, float))


@numba.njit(cache=True, error_model="numpy")
def _scatter_all(depth, mask, labels, ray_x, ray_y, T, corner, nearest, masked, label):
    height, width = nearest.shape
    for v in range(depth.shape[0]):
        for u in range(depth.shape[1]):
            d = depth[v, u]
            if not d > 0:
                continue
            x = (T[0, 0] * ray_x[u] + T[0, 1] * ray_y[v] + T[0, 2]) * d + T[0, 3]
            y = (T[1, 0] * ray_x[u] + T[1, 1] * ray_y[v] + T[1, 2]) * d + T[1, 3]
            column, row = np.rint((x - corner[0]) / corner[2]), np.rint((y - corner[1]) / corner[2])
            if not (column >= 0 and column < width and row >= 0 and row < height):
                continue
            i, j = int(row), int(column)
            z = np.float32((T[2, 0] * ray_x[u] + T[2, 1] * ray_y[v] + T[2, 2]) * d + T[2, 3])
            if z < nearest[i, j]:
                nearest[i, j] = z
                if labels.size > 0:
                    label[i, j] = labels[v, u]
            if mask.size > 0 and mask[v, u] and z < masked[i, j]:
                masked[i, j] = z


@numba.njit(cache=True, error_model="numpy")
def _seen_through(depth, ray_x, ray_y, T, farther, K, step, plane):
    found = np.zeros(depth.shape, np.bool_)
    for v in range(depth.shape[0]):
        for u in range(depth.shape[1]):
            d = depth[v, u]
            if not d > 0:
                continue
            if not (plane[0] * ray_x[u] + plane[1] * ray_y[v] + plane[2]) * d < plane[3]:
                continue
            z = (T[2, 0] * ray_x[u] + T[2, 1] * ray_y[v] + T[2, 2]) * d + T[2, 3]
            if not z > 0:
                continue
            x = (T[0, 0] * ray_x[u] + T[0, 1] * ray_y[v] + T[0, 2]) * d + T[0, 3]
            y = (T[1, 0] * ray_x[u] + T[1, 1] * ray_y[v] + T[1, 2]) * d + T[1, 3]
            column, row = np.rint(K[0] * x / z + K[2]), np.rint(K[1] * y / z + K[3])
            if column >= 0 and column < farther.shape[1] and row >= 0 and row < farther.shape[0]:
                found[v, u] = farther[int(row), int(column)] > z + step
    return found
