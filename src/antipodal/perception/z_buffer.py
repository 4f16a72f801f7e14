"""The nearest point in each pixel of a camera, compiled."""

from __future__ import annotations

import numba
import numpy as np

from antipodal.camera import Camera


def nearest_in_pixels(points: np.ndarray, camera: Camera) -> np.ndarray:
    """Depth (H, W) float32 [m] of the nearest of points (N, 3) [m] in the optical frame in each pixel, 0 = none."""
    focal, centre = np.array([camera.fx, camera.fy], float), np.array([camera.cx, camera.cy], float)
    return _depth_of_nearest(np.ascontiguousarray(points), focal, centre, int(camera.height), int(camera.width))


@numba.njit(cache=True)
def _depth_of_nearest(points, focal, centre, height, width):
    depth = np.zeros((height, width), np.float32)
    for i in range(len(points)):
        x, y, z = points[i]
        if not (z > 0 and z < np.inf):
            continue
        u, v = np.rint(focal[0] * x / z + centre[0]), np.rint(focal[1] * y / z + centre[1])
        if u >= 0 and u < width and v >= 0 and v < height:
            before = depth[int(v), int(u)]
            if before == 0 or z < before:
                depth[int(v), int(u)] = z
    return depth
