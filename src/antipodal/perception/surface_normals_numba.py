"""Compiled twin of `surface_normals.local_planes_numpy`, which defines the answers."""

from __future__ import annotations

import numba
import numpy as np

SIDE_POINTS, HALF, ROUNDS, FEWEST = 11, 5, 3, 12  # as in surface_normals: GRID, half of it, FITS, LEAST


@numba.njit(cache=True, nogil=True, error_model="numpy")
def fit_planes_numba(depth, labels, px, intrinsics, limits, out):
    """Fill `out` (N, 8) with point, normal, residual and coverage of the planes round pixels (N, 2).

    labels: (H, W) int32, or (1, 1) for none; limits: reach, and how near points lie to a plane, at least and per
    squared depth, in metres.
    """
    count = SIDE_POINTS * SIDE_POINTS
    points, on_disc, on = np.empty((count, 3)), np.empty(count, np.bool_), np.empty(count, np.bool_)
    plane = np.zeros(4)
    for n in range(len(px)):
        u, v = int(np.floor(px[n, 0] + 0.5)), int(np.floor(px[n, 1] + 0.5))
        out[n, 6] = np.inf
        if not (0 <= u < depth.shape[1] and 0 <= v < depth.shape[0]) or depth[v, u] <= 0:
            continue
        tolerance = max(limits[1], limits[2] * float(depth[v, u]) ** 2)
        near = _gather_near(depth, labels, u, v, intrinsics, limits[0], points, on_disc)
        on[:near] = True
        for fit in range(ROUNDS):
            _fit(points, on, near, (u - intrinsics[2]) / intrinsics[0], (v - intrinsics[3]) / intrinsics[1], plane)
            if fit < ROUNDS - 1:
                for k in range(near):
                    on[k] = abs(_off_plane(points, k, plane)) <= tolerance
        _describe_plane(points, on, on_disc, near, plane, px[n], intrinsics, tolerance, out[n])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _gather_near(depth, labels, u, v, intrinsics, reach, points, on_disc):
    """Fill the points (x and y at depth 1, depth) within reach of a pixel's; how many there are."""
    fx, fy, cx, cy = intrinsics
    d = float(depth[v, u])
    x0, y0, near = (u - cx) / fx * d, (v - cy) / fy * d, 0
    labelled = labels.shape[0] > 1 or labels.shape[1] > 1
    for i in range(SIDE_POINTS):
        down = i / HALF - 1
        row = v + int(np.floor(down * (fy * reach / d) + 0.5))
        if row < 0 or row >= depth.shape[0]:
            continue
        for j in range(SIDE_POINTS):
            across = j / HALF - 1
            column = u + int(np.floor(across * (fx * reach / d) + 0.5))
            if column < 0 or column >= depth.shape[1]:
                continue
            z = float(depth[row, column])
            if z <= 0 or (labelled and labels[row, column] != labels[v, u]):
                continue
            x, y = (column - cx) / fx, (row - cy) / fy
            if (x * z - x0) ** 2 + (y * z - y0) ** 2 + (z - d) ** 2 <= reach * reach:
                points[near, 0], points[near, 1], points[near, 2] = x, y, z
                on_disc[near] = across * across + down * down <= 1
                near += 1
    return near


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _fit(points, on, near, x0, y0, plane):
    """Fill the plane (4,), unit normal and offset, through the points that are on it; zeros where there are too few."""
    plane[:] = 0
    saa = sab = sbb = sa = sb = s = ta = tb = t = 0.0
    for k in range(near):
        if on[k]:
            a, b, q = points[k, 0] - x0, points[k, 1] - y0, 1 / points[k, 2]
            saa, sab, sbb, sa, sb, s = saa + a * a, sab + a * b, sbb + b * b, sa + a, sb + b, s + 1
            ta, tb, t = ta + a * q, tb + b * q, t + q
    c00, c01, c02 = sbb * s - sb * sb, sa * sb - sab * s, sab * sb - sbb * sa
    c11, c12, c22 = saa * s - sa * sa, sab * sa - saa * sb, saa * sbb - sab * sab
    determinant = saa * c00 + sab * c01 + sa * c02
    if s < FEWEST or abs(determinant) <= 1e-18:
        return
    p = (c00 * ta + c01 * tb + c02 * t) / determinant
    q = (c01 * ta + c11 * tb + c12 * t) / determinant
    r = (c02 * ta + c12 * tb + c22 * t) / determinant
    r = r - p * x0 - q * y0
    length = np.sqrt(p * p + q * q + r * r)
    if length > 0:
        plane[0], plane[1], plane[2], plane[3] = p / length, q / length, r / length, 1 / length


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _off_plane(points, k, plane):
    """Distance of a point beyond the plane [m]."""
    return points[k, 2] * (plane[0] * points[k, 0] + plane[1] * points[k, 1] + plane[2]) - plane[3]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _describe_plane(points, on, on_disc, near, plane, px, intrinsics, tolerance, out):
    """Fill point, normal, residual and coverage (8,) of a plane."""
    fx, fy, cx, cy = intrinsics
    x, y = (px[0] - cx) / fx, (px[1] - cy) / fy
    facing = plane[0] * x + plane[1] * y + plane[2]
    if not facing > 1e-3:
        return
    z = plane[3] / facing
    square, shown, disc = 0.0, 0, 0
    for k in range(near):
        apart = _off_plane(points, k, plane)
        square += apart * apart
        if on[k] and on_disc[k] and abs(apart) <= tolerance:
            shown += 1
    for i in range(SIDE_POINTS):
        for j in range(SIDE_POINTS):
            disc += (i / HALF - 1) ** 2 + (j / HALF - 1) ** 2 <= 1
    out[0], out[1], out[2] = x * z, y * z, z
    out[3], out[4], out[5] = -plane[0], -plane[1], -plane[2]
    out[6] = np.sqrt(square / max(near, 1))
    out[7] = min(shown / (disc * max(facing / np.sqrt(x * x + y * y + 1), 0.2)), 1.0)
