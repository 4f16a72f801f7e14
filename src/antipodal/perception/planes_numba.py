"""Compiled passes over a coarse grid of points: planes through some of them, and what each plane carries."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True)
def sample_planes(points, index, draws, least_cosine, down, least_along, steep):
    """Planes (K, 4) as (normal, offset) through three points near each other; normals of zeros where that failed.

    points: (h, w, 3) float32 [m], z = 0 where missing; index: (N, 2) cells that hold a point; draws: (K, 5) in [0, 1);
    least_cosine: of the angle to the camera's axis; down: (3,), least_along and steep: cosines of the angle to it, of
    level planes at least, of walls at most.
    """
    planes = np.zeros((len(draws), 4), np.float32)
    h, w = points.shape[:2]
    for k in range(len(draws)):
        row, column = index[int(draws[k, 0] * len(index))]
        reach = 3 << (k % 4)  # cells
        corners = np.empty((3, 3), np.float32)
        corners[0] = points[row, column]
        found = True
        for j in range(2):
            v = row + int((2 * draws[k, 1 + 2 * j] - 1) * reach)
            u = column + int((2 * draws[k, 2 + 2 * j] - 1) * reach)
            if v < 0 or v >= h or u < 0 or u >= w or points[v, u, 2] <= 0:
                found = False
                break
            corners[1 + j] = points[v, u]
        if not found:
            continue
        normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
        length = np.sqrt((normal * normal).sum())
        if length < 1e-6:
            continue
        normal /= length if (normal * corners[0]).sum() > 0 else -length
        along = (normal * down).sum()
        if normal[2] >= least_cosine and (along >= least_along or (steep > 0 and abs(along) <= steep)):
            planes[k, :3] = normal
            planes[k, 3] = (normal * corners[0]).sum()
    return planes


@numba.njit(cache=True)
def votes(points, weights, tolerances, planes):
    """Summed weights (K,) int32 of the points within their tolerances of each plane; -1 where its normal is zeros.

    points: (3, N), tolerances (N,), planes (K, 4), all float32; weights (N,) int32, so that the loop runs in vectors.
    """
    total = np.empty(len(planes), np.int32)
    for k in range(len(planes)):
        a, b, c, d = planes[k, 0], planes[k, 1], planes[k, 2], planes[k, 3]
        score = np.int32(0)
        if a * a + b * b + c * c > 0.5:
            for i in range(points.shape[1]):
                distance = a * points[0, i] + b * points[1, i] + c * points[2, i] - d
                score += np.int32(abs(distance) < tolerances[i]) * weights[i]
        else:
            score = np.int32(-1)
        total[k] = score
    return total


@numba.njit(cache=True)
def moments(points, weights, tolerances, plane):
    """Sum of the weights of the points within their tolerances of a plane, their mean (3,) and the weighted sum of the
    products (3, 3) of their deviations from it. points: (3, N)."""
    near = _near(points, tolerances, plane)
    total, mx, my, mz = 0.0, 0.0, 0.0, 0.0
    for i in range(len(near)):
        if near[i]:
            w = float(weights[i])
            total, mx, my, mz = total + w, mx + w * points[0, i], my + w * points[1, i], mz + w * points[2, i]
    scale = 1 / max(total, 1e-9)
    mx, my, mz = mx * scale, my * scale, mz * scale
    xx, xy, xz, yy, yz, zz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(len(near)):
        if near[i]:
            w, x, y, z = float(weights[i]), points[0, i] - mx, points[1, i] - my, points[2, i] - mz
            xx, xy, xz = xx + w * x * x, xy + w * x * y, xz + w * x * z
            yy, yz, zz = yy + w * y * y, yz + w * y * z, zz + w * z * z
    return total, np.array([mx, my, mz]), np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])


@numba.njit(cache=True)
def _near(points, tolerances, plane):
    """Points (N,) bool of (3, N) within their tolerances (N,) of a plane (4,)."""
    near = np.empty(points.shape[1], np.bool_)
    a, b, c, d = plane[0], plane[1], plane[2], plane[3]
    for i in range(len(near)):
        near[i] = abs(a * points[0, i] + b * points[1, i] + c * points[2, i] - d) < tolerances[i]
    return near


@numba.njit(cache=True, inline="always")
def _along(direction, p):
    """How far a point (3,) lies along a direction (3 or more,), of which the first three count."""
    return direction[0] * p[0] + direction[1] * p[1] + direction[2] * p[2]


@numba.njit(cache=True, inline="always")
def _cell(scale, p, axes, corner, side):
    """Column and row, rounded towards 0, of the cell of a plane's grid under the point `scale` p."""
    return int((scale * _along(axes[0], p) - corner[0]) / side), int((scale * _along(axes[1], p) - corner[1]) / side)


@numba.njit(cache=True)
def place_cells(points, tolerances, plane, axes, side, count):
    """Cells of a plane's own grid (count, count) that hold points on it: how many, and the grid's first corner.

    axes: (2, 3) unit vectors in the plane; the grid is centred on the mean of the points on the plane.
    """
    held = np.zeros((count, count), np.int32)
    near = _near(points, tolerances, plane)
    n, across, up = 0, 0.0, 0.0
    for i in range(len(near)):
        if near[i]:
            p = points[:, i]
            n, across, up = n + 1, across + _along(axes[0], p), up + _along(axes[1], p)
    corner = np.array([across, up]) / max(n, 1) - side * count / 2
    for i in range(len(near)):
        if near[i]:
            x, y = _cell(1.0, points[:, i], axes, corner, side)
            if 0 <= x < count and 0 <= y < count:
                held[y, x] += 1
    return held, corner


@numba.njit(cache=True)
def on_surface(points, tolerances, plane, axes, corner, side, region):
    """Points (N,) bool on a plane's surface."""
    on = _near(points, tolerances, plane)
    for i in range(len(on)):
        if on[i]:
            x, y = _cell(1.0, points[:, i], axes, corner, side)
            on[i] = 0 <= x < region.shape[1] and 0 <= y < region.shape[0] and region[y, x]
    return on


@numba.njit(cache=True)
def carried(points, tolerances, wide, plane, axes, corner, side, region, core, low, high):
    """What a plane carries, in points: on it within `region`, standing over it (lower than `low`), towering over it
    (higher than `high`), and seen through it. Then the sum of the depths of those on it.

    wide: (N,) bool, points on wide surfaces, which do not count as over it. region, core: (count, count) bool cells of
    the plane that belong to the surface, holes filled, and those of them that are surrounded by others.
    """
    on, standing, towering, through, depths = 0, 0, 0, 0, 0.0
    count = region.shape[0]
    for i in range(points.shape[1]):
        p = points[:, i]
        along = _along(plane, p)
        height = plane[3] - along
        scale = plane[3] / along if height < 0 and along > 0 else 1.0  # where the ray crosses the plane
        x, y = _cell(scale, p, axes, corner, side)
        if x < 0 or x >= count or y < 0 or y >= count or not region[y, x]:
            continue
        if abs(height) < tolerances[i]:
            on += 1
            depths += p[2]
        elif height < -3 * tolerances[i]:
            through += 1 if core[y, x] else 0
        elif height > 2 * tolerances[i]:
            standing += 1 if height < low and not wide[i] else 0
            towering += 1 if height > high and not wide[i] else 0
    return on, standing, towering, through, depths
