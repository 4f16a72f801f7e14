"""The table: the dominant plane of a depth image, and what stands on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np

from antipodal.camera import Camera
from antipodal.perception.hints import SceneHints
from antipodal.perception.table_numba import moments, votes


@dataclass(frozen=True)
class TableOptions:
    """How the dominant plane is searched for."""

    points: int = 2500  # pixels that vote
    hypotheses: int = 200  # planes tried, each through three of them
    tolerance: float = 0.008  # distance of an inlier [m]
    min_share: float = 0.12  # of the voting points, for a plane to count as the table
    max_tilt: float = 1.05  # angle between the plane's normal and the camera's axis [rad]


@dataclass(frozen=True)
class Table:
    """Plane {p : normal . p = offset} in the camera frame; the normal points away from the camera, into the table."""

    normal: np.ndarray  # (3,) unit
    offset: float  # distance from the camera's centre [m]
    noise: float  # robust standard deviation of the inliers about the plane [m]

    def height(self, points: np.ndarray) -> np.ndarray:
        """Height (...) [m] above the table of points (..., 3) in the camera frame."""
        return self.offset - points @ self.normal


def given_table(hints: SceneHints, depth: np.ndarray, camera: Camera) -> Optional[Table]:
    """The table that the hints state, with the noise seen about it; None where they state none."""
    plane = hints.plane()
    if plane is None:
        return None
    points = _voters(depth, camera, np.random.default_rng(0), None, TableOptions())
    distance = np.abs(points @ plane[0] - plane[1])
    near = distance[distance < TableOptions().tolerance]
    return Table(*plane, float(1.4826 * np.median(near)) if len(near) > 50 else 0.001)


def find_table(
    depth: np.ndarray,
    camera: Camera,
    rng: np.random.Generator,
    background: Optional[np.ndarray] = None,
    options: TableOptions = TableOptions(),
) -> Optional[Table]:
    """The plane that most of the image lies on (RANSAC, Fischler and Bolles 1981, refined by least squares), or None.

    depth: (H, W) [m], 0 = missing. background: (H, W) bool, pixels that may be table; all when not given.
    """
    points = _voters(depth, camera, rng, background, options)
    if len(points) < 50:
        return None
    plane = _best_hypothesis(points, rng, options)
    if plane is None:
        return None
    for tolerance in (options.tolerance, options.tolerance, options.tolerance / 2):
        count, centre, products = moments(points, plane[:3], plane[3], tolerance)
        if count < max(3.0, options.min_share * len(points) / 2):
            return None
        plane = _least_squares(centre, products)
    distance = points @ plane[:3] - plane[3]
    near = np.abs(distance) < options.tolerance
    if near.mean() < options.min_share or plane[2] < np.cos(options.max_tilt):
        return None
    return Table(plane[:3], float(plane[3]), float(1.4826 * np.median(np.abs(distance[near]))))


def _voters(
    depth: np.ndarray, camera: Camera, rng: np.random.Generator, background: Optional[np.ndarray], options: TableOptions
) -> np.ndarray:
    """Points (N, 3) of at most `options.points` valid pixels, drawn without order."""
    flat = rng.integers(depth.size, size=4 * options.points)  # cheaper than listing all valid pixels first
    valid = depth.ravel()[flat] > 0
    if background is not None:
        valid &= background.ravel()[flat]
    flat = flat[valid][: options.points]
    v, u = np.divmod(flat, depth.shape[1])
    return camera.deproject(np.stack([u, v], axis=-1), depth.ravel()[flat].astype(np.float64))


def _best_hypothesis(points: np.ndarray, rng: np.random.Generator, options: TableOptions) -> Optional[np.ndarray]:
    """Plane (4,) as (normal, offset) through three points that has the most inliers."""
    a, b, c = points[rng.integers(len(points), size=(3, options.hypotheses))]
    normals = np.cross(b - a, c - a)
    length = np.linalg.norm(normals, axis=1)
    good = length > 1e-6  # three points in a row span no plane
    if not good.any():
        return None
    normals = normals[good] / length[good, None]
    normals *= np.where(normals[:, 2:] < 0, -1.0, 1.0)
    offsets = np.sum(normals * a[good], axis=1)
    judges = points[:: max(1, len(points) // 1000)]
    judges, planes = np.ascontiguousarray(judges.T, np.float32), normals.astype(np.float32)
    # A table has nothing under it: a plane through the tops of a pile does.
    count = votes(judges, planes, offsets.astype(np.float32), np.float32(options.tolerance))
    count[normals[:, 2] < np.cos(options.max_tilt)] = -judges.shape[1]
    best = int(np.argmax(count))
    return np.append(normals[best], offsets[best])


def _least_squares(centre: np.ndarray, products: np.ndarray) -> np.ndarray:
    """Plane (4,) with the least squared distance to points, from their mean (3,) and deviations' products (3, 3)."""
    normal = np.linalg.eigh(products)[1][:, 0]
    normal *= -1.0 if normal[2] < 0 else 1.0
    return np.append(normal, normal @ centre)
