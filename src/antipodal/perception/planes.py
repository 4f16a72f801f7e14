"""The planes of a depth image, and what each of them carries."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import List, Optional, Tuple

import cv2
import numpy as np

from antipodal import transforms
from antipodal.camera import Camera
from antipodal.perception import planes_numba as compiled
from antipodal.perception.cells import convex_hull

SIDE, COUNT = 0.03, 96  # of a plane's own grid: cells of 3 cm, 2.9 m in all
LOW, HIGH = 0.3, 0.4  # things that stand somewhere are lower, and what towers over it is higher [m]
HEAPED = 0.015  # a heap reaches this far below the plane through its middle, at least [m]
LOWEST = 3  # percentage of a heap's points that may lie under what it is heaped on
WIDE = 0.06  # a surface larger than this stands on none that it is not parallel to [m^2]
PARALLEL = 0.98  # cosine of the angle between the normals of parallel planes, at least


@dataclass(frozen=True)
class PlaneOptions:
    """How planes are searched for."""

    cells: int = 96  # of the coarse grid that votes, along the image's longer side
    hypotheses: int = 256  # planes tried, each through three points near each other
    judges: int = 1000  # points that vote
    planes: int = 6  # most of them kept
    tolerance: float = 0.006  # distance of a point on a plane [m], where the sensor's noise is small
    noise: float = 0.008  # and this times the squared depth in metres, where that is more
    min_share: float = 0.015  # of the votes, for a plane to count
    max_tilt: float = 1.4  # angle between the normal of what carries things and the camera's axis [rad]
    max_lean: float = 0.12  # angle between a plane's normal and the given vertical [rad]


@dataclass(frozen=True)
class Surface:
    """How far a plane reaches, on a grid of cells in it."""

    region: np.ndarray  # (COUNT, COUNT) bool, cells (y, x) of the largest connected surface, holes filled
    core: np.ndarray  # (COUNT, COUNT) bool, those that are surrounded by others of it
    axes: np.ndarray  # (2, 3) unit vectors in the plane
    corner: np.ndarray  # (2,) where the grid begins along them [m]

    @property
    def area(self) -> float:
        return float(np.count_nonzero(self.region)) * SIDE**2

    def grown(self) -> Surface:
        """The same with the cells round it."""
        return replace(self, region=cv2.dilate(self.region.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)

    def filled(self) -> Surface:
        """The same with all that lies between its cells."""
        region = convex_hull(self.region)
        return replace(self, region=region > 0, core=_core(region))

    def holds(self, points: np.ndarray) -> np.ndarray:
        """Points (N,) bool of (3, N) that lie over or under the region."""
        x, y = np.floor((self.axes @ points - self.corner[:, None]) / SIDE).astype(int)
        inside = (np.minimum(x, y) >= 0) & (np.maximum(x, y) < COUNT)
        return inside & self.region[np.where(inside, y, 0), np.where(inside, x, 0)]

    def points(self, origin: np.ndarray) -> np.ndarray:
        """Centres (N, 3) [m] of the region's cells; origin: (3,) the plane's point nearest to the camera's centre."""
        v, u = np.nonzero(self.region)
        return origin + (self.corner + SIDE * (np.stack([u, v], axis=-1) + 0.5)) @ self.axes

    def grid(self) -> Tuple[np.ndarray, np.ndarray, float]:
        return self.axes, self.corner, SIDE


@dataclass(frozen=True)
class Plane:
    """Plane {p : normal . p = offset} in the camera frame, normal away from the camera, and what it carries."""

    normal: np.ndarray  # (3,) unit
    offset: float  # [m]
    on: float  # share of all points that lie on its largest connected surface
    standing: float  # share that stands over that surface, lower than a graspable thing may be
    towering: float  # share over that surface that is higher
    through: float  # share seen through that surface, which a real one allows of none
    depth: float  # mean of that surface's points [m]
    surface: Surface
    seen: bool = True  # False: hidden under what is heaped on it

    @property
    def equation(self) -> np.ndarray:
        """(4,) normal and offset."""
        return np.append(self.normal, self.offset)

    @property
    def area(self) -> float:
        """Of the surface, holes filled [m^2]."""
        return self.surface.area


def coarse_points(depth: np.ndarray, camera: Camera, options: PlaneOptions) -> np.ndarray:
    """Points (h, w, 3) float32 [m] of evenly spaced pixels, 0 where depth is missing."""
    stride = max(1, round(max(depth.shape) / options.cells))
    rows = np.arange(stride // 2, depth.shape[0], stride)
    columns = np.arange(stride // 2, depth.shape[1], stride)
    z = depth[rows[:, None], columns]
    x = (columns - camera.cx) / camera.fx
    y = (rows[:, None] - camera.cy) / camera.fy
    return np.stack([z * x, z * y, z], axis=-1).astype(np.float32)


def find_planes(
    voters: np.ndarray,
    points: np.ndarray,
    rng: np.random.Generator,
    options: PlaneOptions,
    down: Optional[np.ndarray] = None,
) -> List[Plane]:
    """Planes by sequential RANSAC (Fischler and Bolles, 1981), those with most points first.

    voters: (h, w, 3) float32 [m], 0 where missing, what planes are made of; points: (3, N) float32, all that they are
    judged by; down: (3,) unit, where it is known.
    """
    index = np.argwhere(voters[..., 2] > 0)
    if len(index) < 50:
        return []
    lean = -2.0 if down is None else np.cos(options.max_lean)
    way = np.zeros(3, np.float32) if down is None else down.astype(np.float32)
    least_cosine = np.float32(0) if down is None else np.float32(-1)
    steep = np.float32(0 if down is None else np.sin(options.max_lean))
    draws = rng.random((options.hypotheses, 5))
    tried = compiled.sample_planes(voters, index, draws, least_cosine, way, np.float32(lean), steep)
    flat = np.ascontiguousarray(voters[index[:, 0], index[:, 1]].T)
    if down is not None:
        tried = np.concatenate([tried, _level_planes(flat, way)])
    return weigh(_peel(flat, tried, options), points, tolerance_at(points[2], options))


def under_heaps(planes: List[Plane], points: np.ndarray, options: PlaneOptions) -> List[Plane]:
    """The planes that hide under heaps of which others show the middle. points: (3, N) float32 [m]."""
    tolerances = tolerance_at(points[2], options)
    hidden = [_under(plane, points, tolerances) for plane in planes]
    return [plane for plane in hidden if plane is not None]


def _level_planes(points: np.ndarray, down: np.ndarray, pitch: float = 0.01, most: int = 64) -> np.ndarray:
    """Level planes (K, 4) float32 at the heights where most of the points (3, N) lie."""
    bins, count = np.unique(np.floor(down @ points / pitch), return_counts=True)
    offsets = (bins[np.argsort(-count)[:most]] + 0.5) * pitch
    return np.column_stack([np.tile(down, (len(offsets), 1)), offsets]).astype(np.float32)


def _peel(points: np.ndarray, tried: np.ndarray, options: PlaneOptions) -> List[np.ndarray]:
    """Planes (4,), one after the other, each without the points (3, N) of those before it; from the planes tried."""
    tolerances = tolerance_at(points[2], options)
    weights = np.ceil(16 * np.minimum(1, 1 / points[2])).astype(np.int32)  # what is far matters less
    few = slice(None, None, max(1, points.shape[1] // options.judges))
    judges, near = np.ascontiguousarray(points[:, few]), np.ascontiguousarray(tolerances[few])
    least = options.min_share * weights[few].sum()
    found: List[np.ndarray] = []
    while len(found) < options.planes:
        total = compiled.votes(judges, np.ascontiguousarray(weights[few]), near, tried)
        best = int(np.argmax(total))
        if total[best] < least:
            break
        plane = _refine(points, weights, tolerances, tried[best].astype(float))
        tried[best, :3] = 0
        distance = np.abs(plane[:3].astype(np.float32) @ points - np.float32(plane[3]))
        weights[distance < 1.5 * tolerances] = 0
        found.append(plane)
    return found


def tolerance_at(z: np.ndarray, options: PlaneOptions) -> np.ndarray:
    """Distance [m] within which points at depths z [m] count as on a plane."""
    return np.maximum(np.float32(options.tolerance), np.float32(options.noise) * z * z)


def _refine(points: np.ndarray, weights: np.ndarray, tolerances: np.ndarray, plane: np.ndarray) -> np.ndarray:
    """Plane (4,) with the least squared distance to the points near it."""
    for _ in range(2):
        total, centre, products = compiled.moments(points, weights, tolerances, plane)
        if total < 1e-6:
            return plane
        plane = plane_through(centre, products)
    return plane


def plane_through(centre: np.ndarray, products: np.ndarray) -> np.ndarray:
    """Plane (4,) as (normal, offset) of points with this mean (3,) and these summed products (3, 3) of deviations."""
    normal = np.linalg.eigh(products)[1][:, 0]
    normal *= -1.0 if normal @ centre < 0 else 1.0
    return np.append(normal, normal @ centre)


def weigh(planes: List[np.ndarray], points: np.ndarray, tolerances: np.ndarray) -> List[Plane]:
    """The planes (4,) with what they carry of the points (3, N): a table stands on no wall."""
    surfaces = [find_surface(plane, points, tolerances) for plane in planes]
    owner = np.full(points.shape[1], -1)
    for k, (plane, s) in enumerate(zip(planes, surfaces)):
        if s.area > WIDE:
            owner[compiled.on_surface(points, tolerances, plane, *s.grid(), s.region)] = k
    weighed = []
    for plane, s in zip(planes, surfaces):
        across = np.array([abs(plane[:3] @ other[:3]) < PARALLEL for other in planes] + [False])
        weighed.append(_carrying(plane, s, points, tolerances, across[owner], 0.0))
    return [plane for plane in weighed if plane.on > 0]


def _carrying(
    plane: np.ndarray, surface: Surface, points: np.ndarray, tolerances: np.ndarray, wide: np.ndarray, depth: float
) -> Plane:
    """A plane (4,) with what it carries of the points (3, N); depth: where none lies on it [m]; the rest as in
    `planes_numba.carried`."""
    arguments = (tolerances, wide, plane, *surface.grid(), surface.region, surface.core, LOW, HIGH)
    counts = compiled.carried(points, *arguments)
    on, standing, towering, through = (c / points.shape[1] for c in counts[:4])
    depth = counts[4] / counts[0] if counts[0] > 0 else depth
    return Plane(plane[:3], float(plane[3]), on, standing, towering, through, depth, surface)


def _under(plane: Plane, points: np.ndarray, tolerances: np.ndarray) -> Optional[Plane]:
    """The plane that is hidden under the heap of which this one shows the middle, or None where it shows no heap."""
    surface = plane.surface.filled()
    height = plane.offset - plane.normal.astype(np.float32) @ points
    heap = height[surface.holds(points) & (np.abs(height) < LOW)]
    lowest = float(np.percentile(heap, LOWEST)) if len(heap) > 50 else 0.0
    if lowest > -HEAPED:
        return None
    under, nowhere = np.append(plane.normal, plane.offset - lowest), np.zeros(points.shape[1], bool)
    return replace(_carrying(under, surface, points, tolerances, nowhere, plane.depth), seen=False)


def find_surface(plane: np.ndarray, points: np.ndarray, tolerances: np.ndarray, join: int = 5) -> Surface:
    """The largest connected surface of the points (3, N) on a plane (4,); gaps of fewer than `join` cells part none."""
    axes = transforms.rotation_to(plane[:3], np.array([1.0, 0.0, 0.0])).T[:2].copy()
    held, corner = compiled.place_cells(points, tolerances, plane, axes, SIDE, COUNT)
    occupied = (held > 0).astype(np.uint8)
    joined = cv2.morphologyEx(occupied, cv2.MORPH_CLOSE, np.ones((join, join), np.uint8))
    _, label = cv2.connectedComponents(joined)
    size = np.bincount(label.ravel(), held.ravel())
    size[0] = 0
    largest = (label == int(np.argmax(size))).astype(np.uint8)
    outside = np.pad(1 - largest, 1, constant_values=1)
    cv2.floodFill(outside, np.zeros((COUNT + 4, COUNT + 4), np.uint8), (0, 0), (2,))
    region = outside[1:-1, 1:-1] != 2
    return Surface(region, _core(region.astype(np.uint8)), axes, corner)


def _core(region: np.ndarray) -> np.ndarray:
    """Cells (COUNT, COUNT) bool of a region uint8 that are surrounded by others of it."""
    return cv2.erode(region, np.ones((3, 3), np.uint8)) > 0
