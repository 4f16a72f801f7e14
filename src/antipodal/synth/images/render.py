"""Depth images of triangle meshes by z-buffer; a window of an image is a Camera with a shifted centre and a smaller
size."""

from __future__ import annotations

from typing import Optional, Tuple

import numba
import numpy as np

from antipodal.backends import EXACT
from antipodal.camera import Camera
from antipodal.errors import InputError

NEAR = 0.01  # nothing nearer than this is drawn [m]
NOTHING = -1  # face index of a pixel that shows no face


def render_depth(
    vertices: np.ndarray, faces: np.ndarray, camera: Camera, behind: Optional[np.ndarray] = None
) -> np.ndarray:
    """Depth (H, W) float32 [m] along z, 0 where nothing is seen; drawn over `behind` where that is given.

    vertices: (V, 3) [m] in the optical frame; faces: (F, 3) indices. Both sides of a face are drawn; what lies nearer
    than NEAR is cut off. Several meshes are drawn at once by concatenating them.
    """
    vertices, faces = _check(vertices, faces)
    shape = (camera.height, camera.width)
    depth = np.zeros(shape, dtype=np.float32) if behind is None else behind.astype(np.float32)
    draw_faces(vertices, faces, camera.fx, camera.fy, camera.cx, camera.cy, depth, np.empty((0, 0), dtype=np.int32))
    return depth


def render_faces(vertices: np.ndarray, faces: np.ndarray, camera: Camera) -> Tuple[np.ndarray, np.ndarray]:
    """Depth (H, W) as by `render_depth`, and the index (H, W) int32 of the face that each pixel shows, or NOTHING.

    An object mask of concatenated meshes is a lookup: `object_of_face[index]` where index is not NOTHING.
    """
    vertices, faces = _check(vertices, faces)
    depth = np.zeros((camera.height, camera.width), dtype=np.float32)
    index = np.full(depth.shape, NOTHING, dtype=np.int32)
    draw_faces(vertices, faces, camera.fx, camera.fy, camera.cx, camera.cy, depth, index)
    return depth, index


def plane_depth(plane: np.ndarray, camera: Camera) -> np.ndarray:
    """Depth (H, W) float32 [m] of the plane `n . p = d` given as (nx, ny, nz, d) in the optical frame; 0 where a
    pixel's ray does not meet it in front of the camera."""
    u, v = camera.rays(np.float64)
    depth = np.empty((camera.height, camera.width), dtype=np.float32)
    _invert(plane[0] * u / plane[3], (plane[1] * v + plane[2]) / plane[3], depth)
    return depth


@numba.njit(cache=True, error_model="numpy")
def _invert(across, down, depth):
    """Depths of a plane whose inverse depths are sums of two slopes."""
    for v in range(len(down)):
        row = depth[v]
        for u in range(len(across)):
            z = np.float32(1 / (across[u] + down[v]))
            row[u] = z if (z > NEAR) & (z < np.inf) else np.float32(0)


def nearer(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The nearer of two depth images (H, W), in which 0 means nothing."""
    return np.where((a > 0) & ((b == 0) | (a < b)), a, b)


def _check(vertices: np.ndarray, faces: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    vertices = np.ascontiguousarray(vertices, dtype=np.float64).reshape(-1, 3)
    faces = np.ascontiguousarray(faces, dtype=np.int32).reshape(-1, 3)
    if len(faces) and (faces.min() < 0 or faces.max() >= len(vertices)):
        raise InputError(f"faces index vertices {faces.min()}..{faces.max()}, but there are {len(vertices)} vertices")
    return vertices, faces


@numba.njit(cache=True)
def draw_faces(vertices, faces, fx, fy, cx, cy, depth, index):
    """Draw faces into `depth` (H, W; 0 = nothing yet), keeping the nearer; and into `index` unless it is empty."""
    image, inverse = np.empty((len(vertices), 3)), np.zeros(depth.shape, dtype=np.float32)
    for i in range(len(vertices)):
        _project(vertices[i], fx, fy, cx, cy, image[i])
    for f in range(len(faces)):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        behind = (vertices[a, 2] < NEAR) + (vertices[b, 2] < NEAR) + (vertices[c, 2] < NEAR)
        if behind == 0:
            _draw_triangle(image[a], image[b], image[c], inverse, index, f)
        elif behind < 3:
            corners = _clip_near(vertices[a], vertices[b], vertices[c])
            for i in range(len(corners)):
                _project(corners[i], fx, fy, cx, cy, corners[i])
            for i in range(1, len(corners) - 1):
                _draw_triangle(corners[0], corners[i], corners[i + 1], inverse, index, f)
    first, last = _rows(image, len(depth))
    _keep(inverse[first:last].reshape(-1), depth[first:last].reshape(-1))


@numba.njit(cache=True)
def _rows(image, height):
    """Half-open range of the rows that may have been drawn: all where a corner lies behind NEAR."""
    low, high = np.inf, -np.inf
    for i in range(len(image)):
        if image[i, 2] == 0:
            return 0, height
        low, high = min(low, image[i, 1]), max(high, image[i, 1])
    return min(max(0, ceil_pixel(low)), height), max(0, min(height, floor_pixel(high) + 1))


@numba.njit(cache=True)
def _project(point, fx, fy, cx, cy, out):
    """Column, row and inverse depth, in which a triangle is flat."""
    w = 1 / point[2] if point[2] >= NEAR else 0.0
    out[0], out[1], out[2] = fx * point[0] * w + cx, fy * point[1] * w + cy, w


@numba.njit(cache=True)
def _clip_near(a, b, c):
    """Corners (3 or 4, 3) of a triangle cut at z = NEAR (Sutherland and Hodgman)."""
    triangle, cut, n = np.stack((a, b, c)), np.empty((4, 3)), 0
    for k in range(3):
        p, q = triangle[k], triangle[(k + 1) % 3]
        if p[2] >= NEAR:
            cut[n] = p
            n += 1
        if (p[2] >= NEAR) != (q[2] >= NEAR):
            cut[n] = p + (NEAR - p[2]) / (q[2] - p[2]) * (q - p)
            cut[n, 2] = NEAR
            n += 1
    return cut[:n]


@numba.njit(cache=True)
def _draw_triangle(a, b, c, inverse, index, face):
    """Draw a triangle whose corners are columns, rows and inverse depths."""
    ua, va, wa = a[0], a[1], a[2]
    ub, vb, wb = b[0], b[1], b[2]
    uc, vc, wc = c[0], c[1], c[2]
    first, last = max(0, ceil_pixel(min(va, vb, vc))), min(inverse.shape[0] - 1, floor_pixel(max(va, vb, vc)))
    area = (ub - ua) * (vc - va) - (uc - ua) * (vb - va)
    if first > last or area == 0:
        return
    du = ((wb - wa) * (vc - va) - (wc - wa) * (vb - va)) / area
    dv = ((wc - wa) * (ub - ua) - (wb - wa) * (uc - ua)) / area
    near, far = max(wa, wb, wc), min(wa, wb, wc)
    p, q, r = _by_row((ua, va), (ub, vb), (uc, vc))
    long, upper, lower = _slope(p, r), _slope(p, q), _slope(q, r)
    for v in range(first, last + 1):
        one = p[0] + long * (v - p[1])
        other = p[0] + upper * (v - p[1]) if v < q[1] or q[1] == r[1] else q[0] + lower * (v - q[1])
        left, right = max(0, ceil_pixel(min(one, other))), min(inverse.shape[1] - 1, floor_pixel(max(one, other)))
        if left > right:
            continue
        w = wa + du * (left - ua) + dv * (v - va)
        if index.size:
            _fill_index(inverse[v, left : right + 1], index[v, left : right + 1], w, du, far, near, face)
        else:
            _fill_triangle(inverse[v, left : right + 1], w, du, far, near)


@numba.njit(cache=True)
def _by_row(a, b, c):
    """Corners (column, row) in the order of their rows."""
    if b[1] < a[1]:
        a, b = b, a
    if c[1] < b[1]:
        b, c = c, b
    if b[1] < a[1]:
        a, b = b, a
    return a, b, c


@numba.njit(cache=True)
def _slope(a, b):
    """Columns a row from one corner to another further down, 0 where there is no row between."""
    return (b[0] - a[0]) / (b[1] - a[1]) if b[1] > a[1] else 0.0


@numba.njit(cache=True, fastmath=EXACT)
def _fill_triangle(row, w, du, far, near):
    """Keep the nearer of a row's pixels; no division a pixel, so that it compiles to vectors."""
    for i in range(len(row)):
        row[i] = max(row[i], np.float32(min(max(w + du * i, far), near)))  # slivers must not extrapolate


@numba.njit(cache=True)
def _fill_index(row, index, w, du, far, near, face):
    for i in range(len(row)):
        inverse = np.float32(min(max(w + du * i, far), near))
        if inverse > row[i]:
            row[i], index[i] = inverse, face


@numba.njit(cache=True, fastmath=EXACT, error_model="numpy")
def _keep(inverse, depth):
    """Depths (n,) of the pixels drawn, where they are nearer than what is there."""
    for i in range(len(depth)):
        w, behind = inverse[i], depth[i]
        z = np.float32(1) / w
        depth[i] = z if (w > 0) & ((behind == 0) | (z < behind)) else behind


EDGE = 1e-9  # a pixel centre on an edge belongs to both faces, so that no crack opens between them


@numba.njit(cache=True)
def ceil_pixel(x):
    """The first whole pixel at or after x; infinities become numbers beyond every image."""
    return int(np.ceil(min(max(x, -1e6), 1e6) - EDGE))


@numba.njit(cache=True)
def floor_pixel(x):
    """The last whole pixel at or before x."""
    return int(np.floor(min(max(x, -1e6), 1e6) + EDGE))
