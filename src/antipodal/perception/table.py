"""The support: of the planes of a depth image the one that things stand on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Callable, ClassVar, List, Optional, Tuple

import cv2
import numpy as np

from antipodal.camera import Camera
from antipodal.perception import planes_numba as compiled
from antipodal.perception.hints import SceneHints
from antipodal.perception.option_limits import Within
from antipodal.perception.planes import (
    HIGH,
    PARALLEL,
    Plane,
    PlaneOptions,
    Surface,
    coarse_points,
    find_planes,
    find_surface,
    plane_through,
    tolerance_at,
    under_heaps,
)

AHEAD = np.array([0.0, 0.0, 1.0])  # the camera's axis
LEAST_NOISE, USUAL_NOISE, MOST_NOISE = 0.0003, 0.001, 0.006  # standard deviation of depth at 1 m [m]


@dataclass(frozen=True)
class TableOptions(PlaneOptions):
    """How the support is chosen among the planes."""

    WITHIN: ClassVar[Within] = {"goes_on": (0, 10)}  # it becomes cells
    min_offset: float = 0.05  # distance of a support from the camera's centre [m]
    min_area: float = 0.02  # smaller surfaces carry nothing [m^2]
    max_through: float = 0.3  # a surface through which more of the scene is seen is none
    wall_area: float = 0.1  # surfaces that rise from the support and are larger than this are walls [m^2]
    wall_length: float = 0.4  # and those that are longer than this [m]
    wall_slope: float = 0.5  # cosine of the angle between such a surface's normal and the support's, at most
    goes_on: float = 0.04  # where the image's border cuts the support, it goes on by this much [m]
    unlikely: float = 0.0  # where none that is seen has such log odds, what hides under a heap may be the support
    improbable: float = -1.0  # but not with lower ones than these, unless it is known what is level
    most: float = 0.5  # share of the image, from which a plane is preferred to those behind it that carry little
    little: float = 0.02  # share of the image
    apart: float = 0.03  # if they are this far apart, at least [m]
    over: float = HIGH  # a plane this far over another is a table's over a floor [m]
    some: float = 0.1  # if it has this share of the image
    wide: float = 0.1  # and this area [m^2]
    carries: float = 0.0005  # and this share of the image stands on it, or little on the floor
    far: float = 1.3  # a bare surface further than this, with things high over it, carries nothing [m]


@dataclass(frozen=True)
class Table:
    """Plane {p : normal . p = offset} in the camera frame; the normal points away from the camera, into the table."""

    normal: np.ndarray  # (3,) unit
    offset: float  # distance from the camera's centre [m]
    noise: float  # robust standard deviation of depth about the plane at 1 m; it grows with the square of depth [m]
    surface: Surface  # how far it reaches
    outline: np.ndarray  # (K, 2) corners of the convex hull of what was seen of it, along the surface's axes [m]
    walls: Tuple[Plane, ...] = ()  # wide surfaces that rise from it or stand behind it

    def height(self, points: np.ndarray) -> np.ndarray:
        """Height (...) [m] above the table of points (..., 3) in the camera frame."""
        return self.offset - points @ self.normal

    @property
    def equation(self) -> np.ndarray:
        """(4,) normal and offset."""
        return np.append(self.normal, self.offset)

    def seen_from(self, T_frame_cam: np.ndarray) -> Table:
        """The same in the frame of a camera that has this pose (4, 4) in the table's; its surface stays as it was."""
        offset = self.offset - float(self.normal @ T_frame_cam[:3, 3])
        return replace(self, normal=T_frame_cam[:3, :3].T @ self.normal, offset=offset)

    def pixel(self, focal: float) -> float:
        """Side [m] of a pixel on the table, where the camera's axis meets it; focal length in pixels."""
        return self.offset / max(float(self.normal[2]), 0.3) / focal


def find_table(
    depth: np.ndarray,
    camera: Camera,
    rng: np.random.Generator,
    background: Optional[np.ndarray] = None,
    hints: Optional[SceneHints] = None,
    options: TableOptions = TableOptions(),
) -> Optional[Table]:
    """The plane that things stand on, or None.

    depth: (H, W) [m], 0 = missing. background: (H, W) bool, pixels that may be table; all when not given.
    """
    hints = hints or SceneHints()
    voters = coarse_points(depth, camera, options)
    points = np.ascontiguousarray(voters[voters[..., 2] > 0].T)
    if background is not None:
        voters = coarse_points(np.where(background, depth, np.float32(0)), camera, options)
    given = hints.plane()
    planes = find_planes(voters, points, rng, options, hints.down() if given is None else None)
    if given is not None:
        table = _given(np.append(*given), points, camera, options)
    else:
        best = choose(planes, hints.down(), options, lambda: under_heaps(planes, points, options))
        if best is None:
            return None
        table = _seen(best, points, camera, options) if best.seen else _hidden(best, points, camera, options)
    return replace(table, walls=_walls(planes, table, points, camera, options))


def _walls(
    planes: List[Plane], table: Table, points: np.ndarray, camera: Camera, options: TableOptions
) -> Tuple[Plane, ...]:
    """The planes that rise from the table and are larger, longer or further cut by the image than those of things."""
    tolerances = tolerance_at(points[2], options)
    rising = [p for p in planes if abs(p.normal @ table.normal) <= options.wall_slope]
    if not rising:
        return ()
    off = np.abs(table.offset - table.normal.astype(np.float32) @ points) > 2 * tolerances
    points, tolerances = np.ascontiguousarray(points[:, off]), tolerances[off]
    surfaces = [find_surface(p.equation, points, tolerances, 3) for p in rising]
    walls = (replace(p, surface=s) for p, s in zip(rising, surfaces))
    return tuple(replace(w, surface=w.surface.grown()) for w in walls if _is_wall(w, table, camera, options))


def _is_wall(plane: Plane, table: Table, camera: Camera, options: TableOptions) -> bool:
    if plane.area < options.wall_area / 3:
        return False
    cells = plane.surface.points(plane.normal * plane.offset)
    along = np.cross(plane.normal, table.normal)
    length = float(np.ptp(cells @ along)) / float(np.linalg.norm(along))
    u, v = camera.project(cells[cells[:, 2] > 0]).T
    margin = 0.03 * camera.width
    inside = (u > margin) & (u < camera.width - margin) & (v > margin) & (v < camera.height - margin)
    cut = inside.mean() < 0.9 and length > options.wall_length / 2
    return plane.area >= options.wall_area or cut or length > options.wall_length


def choose(
    planes: List[Plane],
    down: Optional[np.ndarray] = None,
    options: TableOptions = TableOptions(),
    hidden: Callable[[], List[Plane]] = list,
) -> Optional[Plane]:
    """The plane that things stand on, or None.

    down: (3,) unit, where it is known. hidden: makes planes that no pixel shows, which count where no other is likely.
    """

    def log_odds(plane: Plane) -> float:
        return _score(plane, planes, down is not None)

    possible = _possible(planes, down, options)
    best = max(possible, key=log_odds, default=None)
    if best is None or log_odds(best) < options.unlikely:
        others = [*_possible(hidden(), down, options), *([] if best is None else [best])]
        best = max(others, key=log_odds, default=None)
        if best is not None and not best.seen and log_odds(best) < options.improbable and down is None:
            return None
    if best is None:
        return None
    best = _table_over(best, possible, options)
    bare = best.standing < 0.003 and best.towering > 0.05
    return None if bare and best.depth > options.far and down is None else best


def _table_over(plane: Plane, planes: List[Plane], options: TableOptions) -> Plane:
    """A nearer, parallel one of the planes: a table's over its floor, where what walls show of themselves stands; or an
    empty table that most of the image shows, not a strip of floor beside it on which something small stands."""
    nearer = [p for p in planes if p.offset < plane.offset - options.apart and p.normal @ plane.normal > PARALLEL]
    bare = plane.standing <= options.little

    def is_table(p: Plane) -> bool:
        high = p.offset < plane.offset - options.over and p.on > options.some and p.area > options.wide
        return (bare and p.on > options.most) or (high and (bare or p.standing > options.carries))

    return max(filter(is_table, nearer), key=lambda p: p.on, default=plane)


def _possible(planes: List[Plane], down: Optional[np.ndarray], options: TableOptions) -> List[Plane]:
    """Those of the planes that are large and level enough, and that little is seen through."""
    large = [p for p in planes if p.area >= options.min_area and p.offset >= options.min_offset]
    whole = [p for p in large if p.through <= options.max_through * (p.on + p.through + (not p.seen) * p.standing)]
    least = np.cos(options.max_lean if down is not None else options.max_tilt)
    return [p for p in whole if p.normal @ (AHEAD if down is None else down) >= least]


def _score(plane: Plane, planes: List[Plane], upright: bool) -> float:
    """How likely things stand on a plane, as log odds up to a constant.

    The weights were fitted to rendered rooms (logistic regression): tables of 0.4 x 0.3 m to endless, floor, wall, an
    arm, bins, trays and boards in view, the camera tilted by up to 75 degrees; and bins whose floor hides under a heap.
    """
    nearest = min(p.depth for p in planes)
    parallel = sum(p.on for p in planes if p.normal @ plane.normal > 0.99 and abs(p.offset - plane.offset) > 0.02)
    # A camera that is tilted far stands upright: what faces up in its image is then no wall.
    roll = 0.0 if upright else max(plane.normal[1] - np.sqrt(max(0.0, 1 - plane.normal[2] ** 2)), -0.6)
    return (
        1.3 * np.log(plane.on + 0.03)
        + 1.8 * min(plane.standing / 0.005, 1.0)
        + 1.0 * min(np.sqrt(plane.standing), 0.3)
        - 1.6 * np.sqrt(plane.towering)
        - 2.0 * np.sqrt(plane.through / max(plane.on + plane.through, 1e-9))
        + 1.6 * min(np.log(plane.area / 0.1), 0.0)
        - 2.3 * np.log(plane.depth / nearest)
        + 2.6 * roll
        + 1.9 * min(1.0, 8 * parallel)
        + 0.8 * min(plane.standing / max(max(p.standing for p in planes), 1e-6), 2.0)
    )


def _given(plane: np.ndarray, points: np.ndarray, camera: Camera, options: TableOptions) -> Table:
    """The table of a plane (4,) that is known. points: (3, N)."""
    surface = find_surface(plane, points, tolerance_at(points[2], options))
    own = _points_on(plane, surface, points, options)
    return Table(plane[:3], float(plane[3]), _noise(plane, own), surface, _outline(own, surface, camera, options))


def _seen(found: Plane, points: np.ndarray, camera: Camera, options: TableOptions) -> Table:
    """The table of a plane, refined by least squares on its own surface. points: (3, N)."""
    own = _points_on(found.equation, found.surface, points, options)
    certain = (1 / np.maximum(own[2], 0.2) ** 4).astype(np.float32)  # the noise grows with the square of depth
    plane, noise = found.equation, _noise(found.equation, own)
    for _ in range(2 if own.shape[1] >= 10 else 0):
        near = 3 * np.float32(noise) * own[2] ** 2
        total, centre, products = compiled.moments(own, certain, near, plane)
        refined = plane_through(centre, products) if total > 0 else plane
        plane = refined if refined[:3] @ plane[:3] > PARALLEL else plane  # points on a line tell no plane
        noise = _noise(plane, own)
    return Table(plane[:3], float(plane[3]), noise, found.surface, _outline(own, found.surface, camera, options))


def _points_on(plane: np.ndarray, surface: Surface, points: np.ndarray, options: TableOptions) -> np.ndarray:
    """Those of points (3, N) that lie on the surface of a plane (4,)."""
    near = 2 * tolerance_at(points[2], options)
    return np.ascontiguousarray(points[:, compiled.on_surface(points, near, plane, *surface.grid(), surface.region)])


def _hidden(plane: Plane, points: np.ndarray, camera: Camera, options: TableOptions) -> Table:
    """The table of a plane that is hidden under a heap; it reaches as far as the heap. points: (3, N)."""
    heap = plane.surface.holds(points) & (np.abs(plane.offset - plane.normal @ points) < HIGH)
    outline = _outline(points[:, heap], plane.surface, camera, options)
    return Table(plane.normal, plane.offset, USUAL_NOISE, plane.surface, outline)


def _outline(points: np.ndarray, surface: Surface, camera: Camera, options: TableOptions) -> np.ndarray:
    """Corners (K, 2) [m] of the convex hull of points (3, N) on a surface, along its axes. Where the image's border
    cuts the surface, it goes on."""
    if points.shape[1] < 3:
        return np.zeros((0, 2), np.float32)
    width = 1.5 * max(camera.width, camera.height) / options.cells
    u, v = points[0] / points[2] * camera.fx + camera.cx, points[1] / points[2] * camera.fy + camera.cy
    ends = np.flatnonzero(np.abs(np.diff(v)) > 0.5)  # of the image's rows: lines stay straight, so no other is a corner
    ends = np.concatenate([[0], ends, ends + 1, [len(v) - 1]])
    u, v, places = u[ends], v[ends], surface.axes @ points[:, ends]
    beyond = [places]
    for k, (px, last) in enumerate(((u, camera.width), (v, camera.height))):
        outwards = options.goes_on * surface.axes[:, k : k + 1] / max(float(np.linalg.norm(surface.axes[:, k])), 1e-6)
        beyond += [places[:, px < width] - outwards, places[:, px > last - width] + outwards]
    return cv2.convexHull(np.concatenate(beyond, axis=1).T.astype(np.float32))[:, 0]


def _noise(plane: np.ndarray, points: np.ndarray) -> float:
    """Robust standard deviation of depth [m] at 1 m of points (3, N) about a plane (4,)."""
    points = points[:, :: max(1, points.shape[1] // 1000)]
    along = plane[:3] @ points
    error = np.abs(along - plane[3]) / np.maximum(np.abs(along) * points[2], 1e-6)
    noise = 1.4826 * float(np.median(error)) if len(error) > 30 else USUAL_NOISE
    return float(np.clip(noise, LEAST_NOISE, MOST_NOISE))
