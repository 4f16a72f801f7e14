"""Geometry of an object of convex parts: which points lie outside it, and where a line leaves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Tuple

import numpy as np

from antipodal import transforms
from antipodal.sim.objects import Body

TOUCHING = 1e-5  # parts nearer than this touch [m]
MOST = 8000  # largest number of points on one surface


@dataclass(frozen=True)
class Solid:
    """A body at a pose. A point p is inside a part if `normals @ p <= offsets`."""

    triangles: np.ndarray  # (F, 3, 3) of all parts [m]
    normals: List[np.ndarray]  # (Fi, 3) a part, outward
    offsets: List[np.ndarray]  # (Fi,) a part [m]
    center: np.ndarray  # (3,) of mass [m]


def solid(body: Body, T: np.ndarray) -> Solid:
    """The solid of a body at a pose (4, 4)."""
    triangles = [transforms.apply(T, part.vertices)[part.faces] for part in body.parts]
    normals = [unit_normals(t) for t in triangles]
    offsets = [(n * t[:, 0]).sum(axis=1) for n, t in zip(normals, triangles)]
    return Solid(np.concatenate(triangles), normals, offsets, T[:3, 3].copy())


def unit_normals(triangles: np.ndarray) -> np.ndarray:
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-15)


def sample_surface(solid: Solid, spacing: float, rng: np.random.Generator) -> Tuple[np.ndarray, np.ndarray]:
    """Points (N, 3) spread evenly over the surfaces of all parts, one for each `spacing` squared [m2] but at most MOST,
    and the normals there (N, 3)."""
    a, b, c = np.moveaxis(solid.triangles, 1, 0)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    n = min(MOST, int(np.ceil(area.sum() / spacing**2)))
    face = rng.choice(len(area), size=n, p=area / area.sum())
    s, t = rng.random((2, n, 1))
    s, t = np.where(s + t > 1, 1 - s, s), np.where(s + t > 1, 1 - t, t)
    points = a[face] + s * (b - a)[face] + t * (c - a)[face]
    return points, np.concatenate(solid.normals)[face]


def outer_surface(solid: Solid, spacing: float, rng: np.random.Generator) -> Tuple[np.ndarray, np.ndarray]:
    """Of `sample_surface`, the points (P, 3) that lie on the outside of the object, and the normals there (P, 3)."""
    points, normals = sample_surface(solid, spacing, rng)
    seen = outside(solid, points)
    return points[seen], normals[seen]


def outside(solid: Solid, points: np.ndarray) -> np.ndarray:
    """Which of the points (N, 3) lie outside all parts; the surface counts as outside."""
    inside = [(points @ n.T - d).max(axis=1) < -TOUCHING for n, d in zip(solid.normals, solid.offsets)]
    return ~np.any(inside, axis=0)


def through(solid: Solid, start: np.ndarray, direction: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Distance (N,) [m] from surface points (N, 3) along unit directions (N, 3) through the object to the point where
    the line first leaves it, and the outward normals (N, 3) at that point (zero for a line that does not enter)."""
    spans = [_span(n, d, start, direction) for n, d in zip(solid.normals, solid.offsets)]
    reach, normal = np.zeros(len(start)), np.zeros((len(start), 3))
    grows = True
    while grows:  # until no line continues into another part
        grows = False
        for enter, leave, out in spans:
            longer = (enter <= reach + TOUCHING) & (leave > reach + TOUCHING)
            reach[longer], normal[longer] = leave[longer], out[longer]
            grows |= bool(longer.any())
    return reach, normal


def _span(n: np.ndarray, d: np.ndarray, start: np.ndarray, direction: np.ndarray) -> Tuple[np.ndarray, ...]:
    """Distances (N,) at which lines enter and leave one convex part, and the normals (N, 3) at the exits. A line that
    misses the part has enter > leave."""
    slope, room = direction @ n.T, d - start @ n.T
    with np.errstate(divide="ignore", invalid="ignore"):
        cut = room / slope
    enter = np.where(slope < -1e-9, cut, -np.inf).max(axis=1)
    ahead = np.where(slope > 1e-9, cut, np.inf)
    beside = ((np.abs(slope) <= 1e-9) & (room < -TOUCHING)).any(axis=1)
    return np.where(beside, np.inf, enter), ahead.min(axis=1), n[ahead.argmin(axis=1)]
