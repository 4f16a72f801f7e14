"""Planes through the observed surface around pixels of a depth image."""

from __future__ import annotations

from typing import Tuple

import numba
import numpy as np

from antipodal.camera import Camera

MOST = 7  # pixels looked at to each side of the middle, spread over the radius
FEWEST = 8  # points that make a plane


def local_planes(depth: np.ndarray, camera: Camera, pixels: np.ndarray, radius: float) -> Tuple[np.ndarray, np.ndarray]:
    """Points (N, 3) [m] of the planes that fit the surface within `radius` [m] around pixels, and the planes' normals
    (N, 3), towards the camera; nan where too little is seen there.

    depth: (H, W) float32 [m], 0 = missing; pixels: (N, 2) columns and rows. A point lies on its pixel's ray.
    """
    intrinsics = (camera.fx, camera.fy, camera.cx, camera.cy)
    points, normals = np.full((len(pixels), 3), np.nan), np.full((len(pixels), 3), np.nan)
    _fit_each(depth, intrinsics, np.asarray(pixels, np.int64), radius, points, normals)
    return points, normals


@numba.njit(cache=True)
def _fit_each(depth, intrinsics, pixels, radius, points, normals):
    fx, fy, cx, cy = intrinsics
    found = np.empty(((2 * MOST + 1) ** 2, 3))
    for n in range(len(pixels)):
        u, v = pixels[n]
        z = np.float64(depth[v, u])
        if z <= 0:
            continue
        ray = np.array([(u - cx) / fx, (v - cy) / fy, 1.0])
        count = _gather_near(depth, intrinsics, u, v, ray * z, radius, found)
        if count < FEWEST:
            continue
        mean = np.array([found[:count, 0].mean(), found[:count, 1].mean(), found[:count, 2].mean()])
        off = found[:count] - mean
        normal = np.linalg.eigh(off.T @ off)[1][:, 0]
        slope = np.sum(normal * ray)
        if abs(slope) > 0.1:  # else the plane is seen from its edge
            points[n], normals[n] = ray * (np.sum(normal * mean) / slope), -np.sign(slope) * normal


@numba.njit(cache=True)
def _gather_near(depth, intrinsics, u, v, middle, radius, found):
    """Points (count, 3) of the surface within `radius` of a pixel's, into `found`."""
    fx, fy, cx, cy = intrinsics
    H, W = depth.shape
    half = radius * fx / middle[2]
    step, count = max(1, int(np.ceil(half / MOST))), 0
    reach = int(half) // step * step
    for row in range(max(v - reach, v % step), min(v + reach, H - 1) + 1, step):
        for column in range(max(u - reach, u % step), min(u + reach, W - 1) + 1, step):
            z = np.float64(depth[row, column])
            if z <= 0:
                continue
            x, y = (column - cx) / fx * z, (row - cy) / fy * z
            if (x - middle[0]) ** 2 + (y - middle[1]) ** 2 + (z - middle[2]) ** 2 <= radius * radius:
                found[count, 0], found[count, 1], found[count, 2] = x, y, z
                count += 1
    return count
