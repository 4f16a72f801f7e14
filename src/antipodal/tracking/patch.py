"""The object's motion from image to image, parallel to the table, is measured by matching a patch of heights."""

from __future__ import annotations

from typing import Optional

import numpy as np

from antipodal import transforms
from antipodal.camera import Camera

CELL = 0.003  # of the patch [m]
HALF_SIZE = 20  # cells from the patch's middle to its side
SEARCH = 5  # the patch is looked for up to so many cells from where it is expected
MAX_MISMATCH = 0.5  # greatest sum of squared differences, as a share of the patch's own sum of squares


class Patch:
    """The heights around a grasp in one image, to be found again in others.

    The patch lies parallel to the grasp's x, y plane, half way between it and the surface between the jaws, and holds
    what rises above. The table does not: the tips stay off it.
    """

    def __init__(self, depth: np.ndarray, camera: Camera, T_cam_grasp: np.ndarray):
        """depth (H, W) [m], 0 or NaN = missing."""
        self.T_cam_patch = T_cam_grasp.copy()
        near = _points(depth, camera, self.T_cam_patch, 3 * CELL)
        height = -float(np.percentile(near[:, 2], 20)) if len(near) else 0.0
        self.T_cam_patch[:3, 3] -= max(0.0, height / 2) * T_cam_grasp[:3, 2]
        self._template = self._heights(depth, camera, np.zeros(2), HALF_SIZE)

    def find(self, depth: np.ndarray, camera: Camera, near: np.ndarray) -> Optional[np.ndarray]:
        """How far the patch has moved (2,) [m] along its x and y, looked for around `near` (2,) [m]; None where it is
        not found."""
        field = self._heights(depth, camera, near, HALF_SIZE + SEARCH)
        size, cost = len(self._template), np.empty((2 * SEARCH + 1, 2 * SEARCH + 1))
        for i, j in np.ndindex(cost.shape):
            cost[i, j] = np.square(field[i : i + size, j : j + size] - self._template).sum()
        row, column = divmod(int(cost.argmin()), len(cost))
        if cost[row, column] > MAX_MISMATCH * np.square(self._template).sum():
            return None
        x, y = row + _minimum_between(cost[:, column], row), column + _minimum_between(cost[row], column)
        return near + CELL * (np.array([x, y]) - SEARCH)

    def along(self, shift: np.ndarray) -> np.ndarray:
        """A shift (2,), or a velocity, of the patch in the camera's frame (3,)."""
        return self.T_cam_patch[:3, :2] @ shift

    def covers(self, T_cam_grasp: np.ndarray, shift: np.ndarray) -> bool:
        """Whether a grasp lies in the patch, moved by `shift` (2,) [m]."""
        x, y, _ = transforms.apply(transforms.invert(self.T_cam_patch), T_cam_grasp[None, :3, 3])[0]
        return bool(max(abs(x - shift[0]), abs(y - shift[1])) < HALF_SIZE * CELL)

    def _heights(self, depth: np.ndarray, camera: Camera, middle: np.ndarray, half: int) -> np.ndarray:
        """Mean heights (2 half, 2 half) above the patch's plane [m], 0 where nothing rises above it."""
        T = self.T_cam_patch @ transforms.compose(np.eye(3), np.append(middle, 0.0))
        points = _points(depth, camera, T, half * CELL)
        points = points[points[:, 2] < 0]
        i, j = np.floor(points[:, :2] / CELL).astype(int).T + half
        cell = np.clip(i, 0, 2 * half - 1) * 2 * half + np.clip(j, 0, 2 * half - 1)
        count = np.bincount(cell, minlength=4 * half * half)
        total = np.bincount(cell, -points[:, 2], minlength=4 * half * half)
        return (total / np.maximum(count, 1)).reshape(2 * half, 2 * half)


def _points(depth: np.ndarray, camera: Camera, T_cam_patch: np.ndarray, half: float) -> np.ndarray:
    """Points (N, 3) of the image in the patch's frame whose x and y are within `half` [m]; only pixels near them are
    looked at."""
    ends = half * np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    corners = transforms.apply(T_cam_patch, ends)
    corners[:, 2] = np.maximum(corners[:, 2], 0.01)
    px = camera.project(corners)
    (u0, v0), (u1, v1) = np.floor(px.min(axis=0)).astype(int), np.ceil(px.max(axis=0)).astype(int) + 1
    u0, v0, u1, v1 = max(0, u0), max(0, v0), min(camera.width, u1), min(camera.height, v1)
    if u0 >= u1 or v0 >= v1:
        return np.empty((0, 3))
    window = depth[v0:v1, u0:u1]
    v, u = np.mgrid[v0:v1, u0:u1]
    seen = window > 0
    points = camera.deproject(np.stack([u[seen], v[seen]], axis=-1), window[seen])
    points = transforms.apply(transforms.invert(T_cam_patch), points)
    return points[np.all(np.abs(points[:, :2]) < half, axis=1)]


def _minimum_between(cost: np.ndarray, i: int) -> float:
    """Offset from index i of the lowest point of the parabola through cost[i] and its neighbours; 0 at an end."""
    if not 0 < i < len(cost) - 1:
        return 0.0
    bend = cost[i - 1] - 2 * cost[i] + cost[i + 1]
    return float((cost[i - 1] - cost[i + 1]) / (2 * bend)) if bend > 0 else 0.0
