"""Which meshes show one shape: the same object in other formats, resolutions or units.

A shape is described by its convex hull's volume and by moments of the hull's surface that no rotation changes, in units
of the hull's size. They do not depend on the file's format, its unit, the order of its vertices or the way it lies, and
hardly on the resolution.
"""

from __future__ import annotations

from typing import List, NamedTuple, Tuple

import numpy as np
from scipy.spatial import ConvexHull

ALIKE = 0.001  # largest difference of the numbers for one shape; resolutions of one object differ by less
SAME = 0.0001  # the same for two files of one object in one resolution


class Shape(NamedTuple):
    """What tells shapes apart."""

    numbers: np.ndarray  # (8,) of the hull, without unit
    size: float  # root of the hull's area [m]
    area: float  # of the whole surface [m^2]


def shape_of(vertices: np.ndarray, faces: np.ndarray) -> Shape:
    """The shape of a mesh with vertices (V, 3) [m] that span a volume and faces (F, 3)."""
    hull = ConvexHull(np.asarray(vertices, dtype=np.float64))
    size = float(np.sqrt(hull.area))
    points, weights = _quadrature(hull.points[hull.simplices] / size)
    points = points - np.average(points, axis=0, weights=weights)
    squared = (points**2).sum(axis=1)
    second, fourth = (np.linalg.eigvalsh(_outer(points, weights * w)) for w in (1.0, squared))
    third = np.linalg.norm((weights * squared) @ points) / (weights @ squared)
    numbers = np.concatenate([[hull.volume ** (1 / 3) / size, third], np.sqrt(second), fourth ** (1 / 4)])
    return Shape(numbers, size, float(_areas(vertices[faces].astype(np.float64)).sum()))


def _outer(points: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean of the outer products (3, 3) of points (N, 3)."""
    return (points * weights[:, None]).T @ points


def _quadrature(corners: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Points (7 F, 3) and weights (7 F,) of sum 1 that average polynomials of degree 5 over triangles (F, 3 corners, 3)
    exactly (Radon, 1948)."""
    shares, weights = [np.full((1, 3), 1 / 3)], [np.array([0.225])]
    for sign in (1, -1):
        a = (6 + sign * np.sqrt(15)) / 21
        shares.append(np.full((3, 3), a) + (1 - 3 * a) * np.eye(3))
        weights.append(np.full(3, (155 + sign * np.sqrt(15)) / 1200))
    points = np.einsum("qk,fkd->fqd", np.concatenate(shares), corners).reshape(-1, 3)
    area = _areas(corners)
    return points, (area[:, None] / area.sum() * np.concatenate(weights)).ravel()


def _areas(corners: np.ndarray) -> np.ndarray:
    """Areas (F,) of triangles (F, 3 corners, 3)."""
    return np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2


def first_alike(numbers: np.ndarray) -> np.ndarray:
    """For each of N shapes, given by their numbers (N, 8), the index (N,) of the first shape that it is alike: its own
    if there is none before it."""
    firsts = np.arange(len(numbers))
    leaders: List[int] = []
    for i in range(len(numbers)):
        near = np.abs(numbers[leaders] - numbers[i]).max(axis=1) < ALIKE if leaders else np.zeros(0, bool)
        if near.any():
            firsts[i] = leaders[int(near.argmax())]
        else:
            leaders.append(i)
    return firsts


def same_object(a: Shape, b: Shape) -> bool:
    """Whether two files hold the same object twice: one shape, one size, one surface."""
    near = np.abs(a.numbers - b.numbers).max() < SAME
    return bool(near and abs(a.size / b.size - 1) < 2 * SAME and abs(a.area / b.area - 1) < 4 * SAME)
