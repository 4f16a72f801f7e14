"""Planes fitted to what an image shows round given pixels: where a surface faces, and how flat it is there.

A plane is linear in inverse depth over the image, so each is a small regression; it is made thrice, the second and the
third time without the points that lie off it, so that what lies across a depth edge does not turn the normal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np

from antipodal.camera import Camera
from antipodal.perception import surface_normals_numba as compiled

GRID = 11  # points looked at along each side of a pixel's surroundings
FITS = 3  # of each plane
NEAR = 0.0012  # points this near to a plane are on it [m], and
NEAR_NOISE = 0.003  # this times the squared depth in metres, where that is more
LEAST = 12  # points that a plane needs


@dataclass(frozen=True)
class LocalPlanes:
    """The planes round N pixels, in the camera's frame."""

    point: np.ndarray  # (N, 3) [m] where the pixel's ray meets its plane; 0 where none was found
    normal: np.ndarray  # (N, 3) unit, out of the surface, towards the camera; 0 where none was found
    residual: np.ndarray  # (N,) rms distance of the surrounding points from it [m], inf where none was found
    coverage: np.ndarray  # (N,) share of the disc round the pixel that shows it, 0 to 1


def local_planes(
    depth: np.ndarray, camera: Camera, px: np.ndarray, reach: float, labels: Optional[np.ndarray] = None
) -> LocalPlanes:
    """The planes round pixels (N, 2) as (u, v), whose points within `reach` [m] they are fitted to.

    depth: (H, W) float32 [m], 0 = missing. labels: (H, W) int32; points of another label than the pixel's count as
    missing.
    """
    out = np.zeros((len(px), 8))
    labels = np.zeros((1, 1), np.int32) if labels is None else labels
    compiled.fit_planes_numba(
        np.ascontiguousarray(depth), labels, np.asarray(px, np.float64), camera.intrinsics(), _limits(reach), out
    )
    return LocalPlanes(out[:, :3], out[:, 3:6], out[:, 6], out[:, 7])


def local_planes_numpy(
    depth: np.ndarray, camera: Camera, px: np.ndarray, reach: float, labels: Optional[np.ndarray] = None
) -> LocalPlanes:
    """As `local_planes`, of which it defines the answer."""
    u, v, middle, on_disc = _surroundings(depth, camera, np.asarray(px, np.float64), reach)
    inside = (u >= 0) & (u < camera.width) & (v >= 0) & (v < camera.height)
    at = np.where(inside, v, 0), np.where(inside, u, 0)
    z = np.where(inside, depth[at], 0).astype(np.float64)
    first = np.floor(np.asarray(px, np.float64) + 0.5).astype(int)
    valid = (z > 0) & (middle > 0)[:, None]
    if labels is not None:
        own = labels[_index_in(first[:, 1], camera.height), _index_in(first[:, 0], camera.width)]
        valid &= labels[at] == own[:, None]
    x, y = (u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy
    x0, y0 = (first[:, 0] - camera.cx) / camera.fx, (first[:, 1] - camera.cy) / camera.fy
    d = middle[:, None]
    apart = (x * z - x0[:, None] * d) ** 2 + (y * z - y0[:, None] * d) ** 2 + (z - d) ** 2
    near = valid & (apart <= reach**2)
    on, normal, offset = near, np.zeros((len(px), 3)), np.zeros(len(px))
    for fit in range(FITS):
        normal, offset, distance = _fitted(x, y, z, x0, y0, on, near)
        if fit < FITS - 1:
            on = near & (np.abs(distance) <= np.maximum(NEAR, NEAR_NOISE * middle**2)[:, None])
    return _as_planes(px, camera, normal, offset, distance, near, on, on_disc, middle)


def _surroundings(
    depth: np.ndarray, camera: Camera, px: np.ndarray, reach: float
) -> Tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pixels u, v (N, GRID^2) round pixels (N, 2), depth (N,) at these, 0 outside the image, and which of the grid
    (GRID^2,) bool lie on the disc."""
    middle = np.floor(px + 0.5).astype(int)
    inside = ((middle >= 0) & (middle < [camera.width, camera.height])).all(axis=1)
    z = np.where(inside, depth[_index_in(middle[:, 1], camera.height), _index_in(middle[:, 0], camera.width)], 0)
    step = np.arange(GRID) / (GRID // 2) - 1
    across, down = (g.ravel() for g in np.meshgrid(step, step))
    pixels = reach / np.where(z > 0, z, 1.0)
    u = middle[:, :1] + np.floor(across * (camera.fx * pixels)[:, None] + 0.5).astype(int)
    v = middle[:, 1:] + np.floor(down * (camera.fy * pixels)[:, None] + 0.5).astype(int)
    return u, v, z.astype(np.float64), across**2 + down**2 <= 1


def _index_in(index: np.ndarray, size: int) -> np.ndarray:
    return np.clip(index, 0, size - 1)


def _fitted(
    x: np.ndarray, y: np.ndarray, z: np.ndarray, x0: np.ndarray, y0: np.ndarray, on: np.ndarray, near: np.ndarray
) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Planes through the points `on` (N, K): unit normals (N, 3) and offsets (N,), 0 where there are too few; and the
    distances (N, K) of all points `near`."""
    w = on.astype(np.float64)
    a, b, q = x - x0[:, None], y - y0[:, None], 1 / np.where(near, z, 1.0)
    rows = np.stack([a, b, np.ones_like(a)], axis=-1)
    matrix = np.einsum("nk,nki,nkj->nij", w, rows, rows)
    target = np.einsum("nk,nki,nk->ni", w, rows, q)
    enough = (on.sum(axis=1) >= LEAST) & (np.abs(np.linalg.det(matrix)) > 1e-18)
    matrix[~enough] = np.eye(3)
    p = np.linalg.solve(matrix, target[..., None])[..., 0]
    normal = np.stack([p[:, 0], p[:, 1], p[:, 2] - p[:, 0] * x0 - p[:, 1] * y0], axis=1)
    length = np.linalg.norm(normal, axis=1)
    enough &= length > 0
    length = np.where(enough, length, 1.0)
    normal, offset = np.where(enough[:, None], normal / length[:, None], 0), np.where(enough, 1 / length, 0)
    distance = z * (normal[:, :1] * x + normal[:, 1:2] * y + normal[:, 2:]) - offset[:, None]
    return normal, offset, distance


def _as_planes(
    px: np.ndarray, camera: Camera, normal: np.ndarray, offset: np.ndarray, distance: np.ndarray, near: np.ndarray,
    on: np.ndarray, on_disc: np.ndarray, middle: np.ndarray,
) -> LocalPlanes:  # fmt: skip
    """The planes {p : normal . p = offset} as they are handed back."""
    px = np.asarray(px, np.float64)
    ray = np.stack([(px[:, 0] - camera.cx) / camera.fx, (px[:, 1] - camera.cy) / camera.fy, np.ones(len(px))], axis=1)
    facing = (ray * normal).sum(axis=1)
    found = facing > 1e-3
    point = np.where(found[:, None], ray * (offset / np.where(found, facing, 1.0))[:, None], 0)
    cosine = facing / np.linalg.norm(ray, axis=1)
    on = on & (np.abs(distance) <= np.maximum(NEAR, NEAR_NOISE * middle**2)[:, None])
    square = np.where(near, distance, 0) ** 2
    rms = np.sqrt(square.sum(axis=1) / np.maximum(near.sum(axis=1), 1))
    coverage = (on & on_disc).sum(axis=1) / (on_disc.sum() * np.maximum(cosine, 0.2))
    found_normal = np.where(found[:, None], -normal, 0)
    return LocalPlanes(point, found_normal, np.where(found, rms, np.inf), np.where(found, np.minimum(coverage, 1), 0))


def _limits(reach: float) -> Tuple[float, float, float]:
    return float(reach), NEAR, NEAR_NOISE
