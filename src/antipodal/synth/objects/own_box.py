"""The box around an object that belongs to the object: its sides do not depend on how the object lies."""

from __future__ import annotations

from typing import Tuple

import numpy as np
from scipy.spatial import ConvexHull

from antipodal.synth.objects.stable_poses import hull_faces


def thickness(points: np.ndarray) -> float:
    """The narrowest gap [m] between parallel planes, one of them on a facet of the hull, that points (V, 3) fit into.

    Raises InputError where the points span no volume.
    """
    return _thinnest(points)[0]


def median_side(points: np.ndarray) -> float:
    """The middle of the three sides [m] of the box around points (V, 3). Raises InputError as `thickness` does."""
    return float(box_sides(points)[1])


def box_sides(points: np.ndarray) -> np.ndarray:
    """The sides (3,) [m], shortest first, of the box around points (V, 3).

    One side is the thickness, the others are those of the smallest rectangle seen along it.
    """
    gap, normal, hull = _thinnest(points)
    return np.sort([gap, *_smallest_rectangle(_along(hull, normal))])


def _thinnest(points: np.ndarray) -> Tuple[float, np.ndarray, np.ndarray]:
    """The thickness, the normal (3,) along it, and the points' hull (H, 3)."""
    corners, normals, _ = hull_faces(points)
    hull = np.unique(corners.reshape(-1, 3), axis=0)
    gaps = np.ptp(hull @ normals.T, axis=0)
    thinnest = int(gaps.argmin())
    return float(gaps[thinnest]), normals[thinnest], hull


def _along(points: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Points (V, 2) seen along a normal."""
    first = np.cross(normal, np.eye(3)[np.argmin(np.abs(normal))])
    first /= np.linalg.norm(first)
    return points @ np.stack([first, np.cross(normal, first)], axis=1)


def _smallest_rectangle(points: np.ndarray) -> np.ndarray:
    """Sides (2,) of the rectangle of least area around points (V, 2): one of them lies on the hull (Freeman, 1975)."""
    outline = points[ConvexHull(points).vertices]
    edges = np.roll(outline, -1, axis=0) - outline
    edges /= np.linalg.norm(edges, axis=1, keepdims=True)
    along = np.ptp(outline @ edges.T, axis=0)
    across = np.ptp(outline @ np.stack([-edges[:, 1], edges[:, 0]]), axis=0)
    best = int((along * across).argmin())
    return np.array([along[best], across[best]])
