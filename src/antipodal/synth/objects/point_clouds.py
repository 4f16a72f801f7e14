"""Point clouds sampled from the surfaces of meshes: uniformly by area, or with a least distance (Poisson disk)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import trimesh
from scipy.spatial import cKDTree

from antipodal.errors import InputError
from antipodal.files import write_array, write_bytes

METHODS = ("uniform", "poisson")
FORMATS = ("ply", "npy")
CROWD = 5  # uniform points for each that Poisson disk sampling keeps


def sample_points(mesh: trimesh.Trimesh, count: int, rng: np.random.Generator, method: str = "uniform") -> np.ndarray:
    """Points (count, 3) [m] on the surface. "uniform" draws by area; "poisson" keeps, of CROWD times as many, ones
    that lie some distance apart (dart throwing: Cook, 1986). InputError for other methods and counts below 1."""
    if count < 1:
        raise InputError(f"at least 1 point must be asked for, got {count}")
    if method not in METHODS:
        raise InputError(f"unknown method {method!r}; possible: {', '.join(METHODS)}")
    crowd = count if method == "uniform" else CROWD * count
    points = _uniform(mesh, crowd, rng)
    return points if method == "uniform" else points[_spread_evenly(points, count, float(mesh.area))]


def _uniform(mesh: trimesh.Trimesh, count: int, rng: np.random.Generator) -> np.ndarray:
    area = np.cumsum(mesh.area_faces)
    corner = mesh.triangles[np.searchsorted(area, rng.random(count) * area[-1])]
    a, b = rng.random((2, count, 1))
    folded = a + b > 1
    a, b = np.where(folded, 1 - a, a), np.where(folded, 1 - b, b)
    return corner[:, 0] + a * (corner[:, 1] - corner[:, 0]) + b * (corner[:, 2] - corner[:, 0])


def _spread_evenly(points: np.ndarray, count: int, area: float) -> np.ndarray:
    """Indices (count,) left by taking points in a row and refusing those nearer than a radius to one taken; the
    radius starts at the densest packing's and shrinks until enough are left."""
    tree = cKDTree(points)
    radius = np.sqrt(2 * area / (np.sqrt(3) * count))
    while True:
        free = np.ones(len(points), dtype=bool)
        taken = []
        for i, near in enumerate(tree.query_ball_point(points, radius)):
            if free[i]:
                taken.append(i)
                free[near] = False
        if len(taken) >= count:
            return np.array(taken[:count])
        radius *= 0.95


def write_cloud(path: Path, points: np.ndarray) -> None:
    """Points (N, 3) as float32, in a .npy or a binary .ply file."""
    points = np.ascontiguousarray(points, dtype="<f4")
    if path.suffix == ".npy":
        return write_array(path, points)
    axes = "".join(f"property float {axis}\n" for axis in "xyz")
    head = f"ply\nformat binary_little_endian 1.0\nelement vertex {len(points)}\n{axes}end_header\n"
    return write_bytes(path, head.encode() + points.tobytes())
