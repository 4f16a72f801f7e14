"""Compiled twins of `rectify`, `fill_deepest` and `inside_image` in view.py, which define the answers."""

from __future__ import annotations

from typing import Tuple

import numba
import numpy as np

from antipodal.backends import EXACT
from antipodal.camera import Camera

Bounds = Tuple[float, float, float, float]  # x0, y0, x1, y1 in the view frame [m]


def rectify_numba(
    depth: np.ndarray, camera: Camera, T_cam_view: np.ndarray, bounds: Bounds, cell: float
) -> Tuple[np.ndarray, np.ndarray]:
    """Orthographic depth (H, W) float32 [m] within `bounds` (x0, y0, x1, y1), and the cells observed (H, W) bool.

    depth: (height, width) float32 [m], 0 = missing; T_cam_view: (4, 4); cell [m].
    """
    surface, _, observed = rectify_masked_numba(depth, np.zeros((0, 0), bool), camera, T_cam_view, bounds, cell)
    return surface, observed


def rectify_masked_numba(
    depth: np.ndarray, mask: np.ndarray, camera: Camera, T_cam_view: np.ndarray, bounds: Bounds, cell: float
) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """As `rectify_numba`, and between its answers the nearest depth (H, W) in every cell of the pixels in `mask`;
    inf where there is none."""
    W = max(1, round((bounds[2] - bounds[0]) / cell) + 1)
    H = max(1, round((bounds[3] - bounds[1]) / cell) + 1)
    nearest = np.full((H, W), np.inf, dtype=np.float32)
    masked = np.full((H, W) if mask.size else (0, 0), np.inf, dtype=np.float32)
    depth = np.ascontiguousarray(depth, dtype=np.float32)
    grown = (bounds[0] - cell, bounds[1] - cell, bounds[2] + cell, bounds[3] + cell)
    window = _pixels_within(grown, depth, camera, T_cam_view)
    corner = np.array([*bounds[:2], cell], np.float32)
    _scatter(depth, mask, window, *camera.rays(), _turn(T_cam_view), corner, nearest, masked)
    observed = np.isfinite(nearest)
    return _fill_deepest(nearest, observed) if observed.any() else np.zeros_like(nearest), masked, observed


def extent(
    depth: np.ndarray, mask: np.ndarray, camera: Camera, T_cam_view: np.ndarray
) -> Tuple[np.ndarray, np.ndarray]:
    """Bounds (4,) float32 as (x0, y0, x1, y1) in the view [m] of the valid pixels in `mask` (height, width) bool, and
    these pixels' depths (N,)."""
    return _masked_extent(np.ascontiguousarray(depth, dtype=np.float32), mask, *camera.rays(), _turn(T_cam_view))


def inside_image_numba(
    surface: np.ndarray, origin: Tuple[float, float], cell: float, camera: Camera, T_cam_view: np.ndarray
) -> np.ndarray:
    """Compiled twin of `view.inside_image`: cells (H, W) bool whose surface projects into the camera's image."""
    f = np.float32
    x = f(origin[0]) + f(cell) * np.arange(surface.shape[1], dtype=f)
    y = f(origin[1]) + f(cell) * np.arange(surface.shape[0], dtype=f)
    focal, centre = np.array([camera.fx, camera.fy], f), np.array([camera.cx, camera.cy], f)
    return _inside(surface, x, y, _turn(T_cam_view), focal, centre, f(camera.width - 0.5), f(camera.height - 0.5))


def _pixels_within(bounds: Bounds, depth: np.ndarray, camera: Camera, T_cam_view: np.ndarray) -> Tuple[int, ...]:
    """First and last rows and columns (v0, v1, u0, u1) outside which no pixel falls into the bounds.

    A ray (x, y, 1) at depth d falls in where R' (x, y, 1) d lies in the bounds, so that R' (x, y, 1) lies between their
    least and their greatest quotient by a depth: a parallelogram of rays.
    """
    (a, b), (c, d) = T_cam_view[:2, :2].T
    scale = a * d - b * c  # the inverse is written out: a solver wakes BLAS's threads, which then spin on
    if not depth.any() or abs(scale) < 0.1:
        return 0, camera.height, 0, camera.width
    # As whole numbers positive floats keep their order, and 0 less 1 is the greatest of them.
    least = ((depth.view(np.uint32) - np.uint32(1)).min() + np.uint32(1)).view(np.float32)
    most = depth.max()
    low = np.minimum(np.divide(bounds[:2], least), np.divide(bounds[:2], most)) - T_cam_view[2, :2]
    high = np.maximum(np.divide(bounds[2:], least), np.divide(bounds[2:], most)) - T_cam_view[2, :2]
    corners = np.array([[low[0], low[0], high[0], high[0]], [low[1], high[1], low[1], high[1]]])
    rays = np.array([[d, -b], [-c, a]]) @ corners / scale
    px = camera.project(np.vstack([rays, np.ones(4)]).T)
    size = [camera.width, camera.height]
    u0, v0 = np.clip(np.floor(px.min(axis=0)) - 1, 0, size).astype(int)
    u1, v1 = np.clip(np.ceil(px.max(axis=0)) + 2, 0, size).astype(int)
    return int(v0), int(v1), int(u0), int(u1)


def _turn(T_cam_view: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(T_cam_view[:3, :3], dtype=np.float32)


@numba.njit(cache=True, fastmath=EXACT, error_model="numpy")
def _masked_extent(depth, mask, ray_x, ray_y, R):
    x0 = y0 = np.float32(np.inf)
    x1 = y1 = -np.float32(np.inf)
    depths = np.empty(np.count_nonzero(mask), np.float32)
    count = 0
    for v in range(depth.shape[0]):
        for u in range(depth.shape[1]):
            d = depth[v, u]
            if mask[v, u] and d > 0:
                x = (ray_x[u] * R[0, 0] + ray_y[v] * R[1, 0] + R[2, 0]) * d
                y = (ray_x[u] * R[0, 1] + ray_y[v] * R[1, 1] + R[2, 1]) * d
                x0, x1, y0, y1 = min(x0, x), max(x1, x), min(y0, y), max(y1, y)
                depths[count] = d
                count += 1
    return np.array([x0, y0, x1, y1]), depths[:count]


@numba.njit(cache=True)
def _inside(surface, x, y, R, focal, centre, right, bottom):
    inside = np.empty(surface.shape, np.bool_)
    for r in range(surface.shape[0]):
        _inside_row(surface[r], x, y[r], R, focal, centre, right, bottom, inside[r])
    return inside


@numba.njit(cache=True, error_model="numpy")
def _inside_row(surface, x, y, R, focal, centre, right, bottom, inside):
    xx, xy, xz = R[0]
    yx, yy, yz = R[1]
    zx, zy, zz = R[2]
    for c in range(len(surface)):
        z = surface[c]
        w = zx * x[c] + zy * y + zz * z
        u = focal[0] * (xx * x[c] + xy * y + xz * z) / w + centre[0]
        v = focal[1] * (yx * x[c] + yy * y + yz * z) / w + centre[1]
        inside[c] = (w > 0) & (u > -0.5) & (u < right) & (v > -0.5) & (v < bottom)


@numba.njit(cache=True)
def _scatter(depth, mask, window, ray_x, ray_y, R, corner, nearest, masked):
    """Write the nearest depth along the view's z into each cell, of all pixels and of those in the mask."""
    v0, v1, u0, u1 = window
    x0, y0, cell = corner
    flat, flat_masked = nearest.reshape(-1), masked.reshape(-1)
    index, z = np.empty(u1 - u0, np.int32), np.empty(u1 - u0, np.float32)
    for v in range(v0, v1):
        _along_row(depth[v, u0:u1], ray_x[u0:u1], ray_y[v], R, (x0, y0, cell), nearest.shape, index, z)
        for u in range(u1 - u0):
            i = index[u]
            if i >= 0:
                flat[i] = min(flat[i], z[u])
                if len(flat_masked) > 0 and mask[v, u0 + u]:
                    flat_masked[i] = min(flat_masked[i], z[u])


@numba.njit(cache=True, fastmath=EXACT, error_model="numpy")
def _along_row(depth, ray_x, ray_y, R, corner, shape, index, z):
    """Flat cells (W,), -1 outside, and depths in the view of one row of pixels; no branches, so that it runs in
    vectors."""
    x0, y0, cell = corner
    xx, xy, xz = R[0]
    yx, yy, yz = R[1]
    zx, zy, zz = R[2]
    bottom, right = np.float32(shape[0] - 1), np.float32(shape[1] - 1)
    width = np.int32(shape[1])
    for u in range(len(depth)):
        d = depth[u]
        column = np.rint(((ray_x[u] * xx + ray_y * yx + zx) * d - x0) / cell)
        row = np.rint(((ray_x[u] * xy + ray_y * yy + zy) * d - y0) / cell)
        z[u] = (ray_x[u] * xz + ray_y * yz + zz) * d
        inside = (d > 0) & (column >= 0) & (column <= right) & (row >= 0) & (row <= bottom)
        index[u] = np.int32(row) * width + np.int32(column) if inside else np.int32(-1)


@numba.njit(cache=True)
def _fill_deepest(depth, observed):
    """Unobserved cells from the deepest of the observed cells next to them in their row and column."""
    H, W = depth.shape
    out = np.where(observed, depth, -np.float32(np.inf))
    above, below = np.full(W, -np.float32(np.inf)), np.full(W, -np.float32(np.inf))
    deepest = out.max()
    for r in range(H):
        _carry(depth[r], observed[r], above, out[r])
        _carry(depth[H - 1 - r], observed[H - 1 - r], below, out[H - 1 - r])
        _sweep(depth[r], observed[r], out[r])
    for r in range(H):
        for c in range(W):
            if out[r, c] == -np.inf:
                out[r, c] = deepest
    return out


@numba.njit(cache=True)
def _carry(depth, observed, last, out):
    """Take a row's cells from the last observed ones of their columns."""
    for c in range(len(depth)):
        if observed[c]:
            last[c] = depth[c]
        else:
            out[c] = max(out[c], last[c])


@numba.njit(cache=True)
def _sweep(depth, observed, out):
    """Take a row's cells from the nearest observed ones to their left and right."""
    W = len(depth)
    left, right = -np.float32(np.inf), -np.float32(np.inf)
    for c in range(W):
        if observed[c]:
            left = depth[c]
        else:
            out[c] = max(out[c], left)
        if observed[W - 1 - c]:
            right = depth[W - 1 - c]
        else:
            out[W - 1 - c] = max(out[W - 1 - c], right)
