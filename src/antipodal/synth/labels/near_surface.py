"""The triangles that a hand meets on its way to one place of a surface: near a line, seen from a grasp, met by rays
along its approach, and inside the prism that a part of the hand sweeps."""

from __future__ import annotations

from typing import NamedTuple, Optional

import numba
import numpy as np

BEYOND = 0.02  # surface so far behind a grasp's place does not count: the cup would hang in the air there [m]
RIM = 1e-9  # a ray through an edge belongs to both its triangles, so that none slips between them [m]


class Triangles(NamedTuple):
    """F triangles with the spheres about them."""

    corners: np.ndarray  # (F, 3, 3) [m]
    owner: np.ndarray  # (F,) int64 object that each is of
    middle: np.ndarray  # (F, 3) of the spheres [m]
    radius: np.ndarray  # (F,) of the spheres [m]


def surface_of(vertices: np.ndarray, faces: np.ndarray, owner: Optional[np.ndarray] = None) -> Triangles:
    """The surface of a mesh (V, 3) [m], (F, 3); owner: (F,) object of each face, by default the first."""
    corners = np.ascontiguousarray(np.asarray(vertices, dtype=np.float64)[faces])
    middle = (corners.min(axis=1) + corners.max(axis=1)) / 2
    radius = np.linalg.norm(corners - middle[:, None], axis=2).max(axis=1)
    owner = np.zeros(len(corners), dtype=np.int64) if owner is None else np.asarray(owner, dtype=np.int64)
    return Triangles(corners, owner, middle, radius)


@numba.njit(cache=True)
def faces_near(surface, point, way, reach, spread):
    """Indices (M,) of the triangles that may come within `reach` of the line through `point` (3,) along the unit `way`
    (3,), or away from the point within `spread` more a metre; few of those that lie more than BEYOND behind it."""
    _, _, middle, radius = surface
    found, count = np.empty(len(radius), dtype=np.int64), 0
    for f in range(len(radius)):
        x, y, z = middle[f, 0] - point[0], middle[f, 1] - point[1], middle[f, 2] - point[2]
        along = x * way[0] + y * way[1] + z * way[2]
        limit = reach + radius[f] + spread * (abs(along) + radius[f])
        if along - radius[f] <= 2 * BEYOND and x * x + y * y + z * z - along * along <= limit * limit:
            found[count] = f
            count += 1
    return found[:count]


@numba.njit(cache=True)
def nearer_than(surface, which, R, origin, front):
    """Those of some triangles that may come before z = `front`, seen from the frame with axes R and `origin` (3,)."""
    _, _, middle, radius = surface
    found, count = np.empty(len(which), dtype=np.int64), 0
    for f in which:
        z = 0.0
        for i in range(3):
            z += R[i, 2] * (middle[f, i] - origin[i])
        if z - radius[f] < front:
            found[count] = f
            count += 1
    return found[:count]


@numba.njit(cache=True)
def seen_from(surface, which, R, origin):
    """Corners (M, 3, 3) of some triangles in the frame with axes R (3, 3) and `origin` (3,)."""
    corners, out = surface[0], np.empty((len(which), 3, 3))
    for m in range(len(which)):
        for k in range(3):
            p = corners[which[m], k]
            x, y, z = p[0] - origin[0], p[1] - origin[1], p[2] - origin[2]
            for i in range(3):
                out[m, k, i] = R[0, i] * x + R[1, i] * y + R[2, i] * z
    return out


@numba.njit(cache=True)
def first_hits(corners, points, height, which):
    """Where rays along z through `points` (K, 2), in the order of their x, first meet triangles (M, 3, 3): into
    `height` (K,), infinite where they meet none before BEYOND, and `which` (K,) triangle, -1 then."""
    height[:], which[:] = np.inf, -1
    for m in range(len(corners)):
        a, b, c = corners[m]
        area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
        if abs(area) < 1e-16:
            continue
        left, right = min(a[0], b[0], c[0]) - RIM, max(a[0], b[0], c[0]) + RIM
        low, high = min(a[1], b[1], c[1]) - RIM, max(a[1], b[1], c[1]) + RIM
        near, far, slack = min(a[2], b[2], c[2]), max(a[2], b[2], c[2]), RIM * (right - left + high - low) / abs(area)
        for k in range(np.searchsorted(points[:, 0], left), len(points)):
            x, y = points[k, 0], points[k, 1]
            if x > right:
                break
            if y < low or y > high or near >= height[k]:
                continue
            v = ((x - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (y - a[1])) / area
            w = ((b[0] - a[0]) * (y - a[1]) - (x - a[0]) * (b[1] - a[1])) / area
            if v >= -slack and w >= -slack and v + w <= 1 + slack:
                z = min(max(a[2] + v * (b[2] - a[2]) + w * (c[2] - a[2]), near), far)
                if z < height[k] and z <= BEYOND:
                    height[k], which[k] = z, m


@numba.njit(cache=True)
def enters_prism(corners, sides, back, front):
    """Whether a triangle (M, 3, 3) has a part inside the prism along z from `back` to `front` whose section is
    `x * sides[:, 0] + y * sides[:, 1] <= sides[:, 2]`, convex."""
    clipped, spare = np.empty((3 + len(sides), 3)), np.empty((3 + len(sides), 3))
    for m in range(len(corners)):
        a, b, c = corners[m]
        if min(a[2], b[2], c[2]) >= front or max(a[2], b[2], c[2]) <= back:
            continue
        clipped[:3], count = corners[m], 3
        for s in range(len(sides)):
            count = _cut_by_side(clipped, count, sides[s], spare)
            clipped[:count] = spare[:count]
        if count > 0 and clipped[:count, 2].min() < front and clipped[:count, 2].max() > back:
            return True
    return False


@numba.njit(cache=True)
def _cut_by_side(polygon, count, side, out):
    """Keep the part of a polygon on the inner side of a line (Sutherland and Hodgman); returns its corners' number."""
    kept = 0
    for k in range(count):
        p, q = polygon[k], polygon[(k + 1) % count]
        to_p, to_q = side[0] * p[0] + side[1] * p[1] - side[2], side[0] * q[0] + side[1] * q[1] - side[2]
        if to_p <= 0:
            out[kept] = p
            kept += 1
        if (to_p <= 0) != (to_q <= 0):
            out[kept] = p + to_p / (to_p - to_q) * (q - p)
            kept += 1
    return kept
