"""Compiled twin of `suction_crops.crop_suction_numpy`, which defines the answers."""

from __future__ import annotations

import numba
import numpy as np

from antipodal.backends import EXACT

NONE = np.float32(1e9)  # beyond every height [m]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def heights_numba(depth, intrinsics, contact, axes, across, limits, out):
    """Fill `out` (N, S, S) float32 with heights over the tangent planes at contacts (N, 3) with axes (N, 3, 3), at
    offsets `across` (S,), all float64; limits: height of a value of 1 [m], number of looks, value of what is missing.

    All is linear in homogeneous pixels: the plane's points, the way along the normal, and the part of a pixel's ray
    along the normal.
    """
    limit, looks, missing = np.float32(limits[0]), limits[1], np.float32(limits[2])
    across, unseen, size = across.astype(np.float32), np.float32(3) * limit, len(across) ** 2
    place, index = np.empty((3, size), np.float32), np.empty(size, np.int32)
    # each an array of its own: rows of one array count as strided, and loops over them do not run in vectors
    behind, free = np.empty(size, np.float32), np.empty(size, np.float32)
    rises, found = np.empty(size, np.float32), np.empty(size, np.float32)
    flat, heights = depth.reshape(-1), out.reshape(len(contact), size)
    for n in range(len(contact)):
        normal, height = -axes[n, :, 2], heights[n]
        start, way = _pixel(contact[n], intrinsics), _pixel(normal, intrinsics)
        x, y, rise = _pixel(axes[n, :, 0], intrinsics), _pixel(axes[n, :, 1], intrinsics), _rise(normal, intrinsics)
        level = np.float32(contact[n, 0] * normal[0] + contact[n, 1] * normal[1] + contact[n, 2] * normal[2])
        height[:], behind[:], free[:] = 0, -NONE, NONE
        for k in range(3):
            for i in range(len(across)):
                first, row = start[k] + across[i] * y[k], i * len(across)
                for j in range(len(across)):
                    place[k, row + j] = first + across[j] * x[k]
        for look in range(looks):
            _look_up(height, place, way, rise, depth.shape, index, rises)
            _read(flat, index, rises, level, found)
            _correct(found, limit, unseen if look == 0 else np.float32(0), behind, free, height)
        for j in range(size):
            height[j] = height[j] / limit if height[j] >= -limit else missing


@numba.njit(cache=True, nogil=True)
def _pixel(v, intrinsics):
    """A vector (3,) in homogeneous pixels, (3,) float32."""
    fx, fy, cx, cy = intrinsics
    return np.array([fx * v[0] + cx * v[2], fy * v[1] + cy * v[2], v[2]]).astype(np.float32)


@numba.njit(cache=True, nogil=True)
def _rise(normal, intrinsics):
    """(3,) float32, whose product with (column, row, 1) is the part of that pixel's ray along the normal."""
    fx, fy, cx, cy = intrinsics
    a, b = normal[0] / fx, normal[1] / fy
    return np.array([a, b, normal[2] - cx * a - cy * b]).astype(np.float32)


@numba.njit(cache=True, nogil=True, fastmath=EXACT, error_model="numpy")
def _look_up(height, place, way, rise, shape, index, rises):
    """Fill, for points `place` (3, S) moved by `height` (S,) along the normal, the flat index (S,) of the pixel where
    they appear, -1 outside the image, and the part of its ray along the normal (S,)."""
    half, zero = np.float32(0.5), np.float32(0)
    width, last, lowest = np.int32(shape[1]), np.float32(shape[1]) - half, np.float32(shape[0]) - half
    for j in range(len(height)):
        h = height[j]
        z = place[2, j] + h * way[2]
        u, v = (place[0, j] + h * way[0]) / z, (place[1, j] + h * way[1]) / z
        inside = (z > zero) & (u >= -half) & (u < last) & (v >= -half) & (v < lowest)
        column, row = np.int32((u if inside else zero) + half), np.int32((v if inside else zero) + half)
        index[j] = row * width + column if inside else np.int32(-1)
        rises[j] = rise[0] * np.float32(column) + rise[1] * np.float32(row) + rise[2]


@numba.njit(cache=True, nogil=True)
def _read(flat, index, rises, level, found):
    """Fill the heights (S,) of what is seen at pixels (S,), NONE where nothing is; a loop of its own, so that the
    others run in vectors."""
    for j in range(len(index)):
        d = flat[np.uint32(max(index[j], np.int32(0)))]
        found[j] = d * rises[j] - level if (index[j] >= 0) & (d > 0) else NONE


@numba.njit(cache=True, nogil=True, fastmath=EXACT, error_model="numpy")
def _correct(found, limit, unseen, behind, free, height):
    """Move heights (S,) to those found (S,), or halfway between what is free and what is hidden where that leads
    nowhere. Where nothing is seen they stay, less `unseen`: what is missing at the first look remains below all."""
    half = np.float32(0.5)
    for j in range(len(height)):
        h, f = height[j], found[j]
        seen = (f < NONE) & (h >= -limit)
        is_free, hidden = seen & (f <= h), seen & (f > h)
        f = min(max(f, -limit), limit)
        least, most = h if hidden else behind[j], h if is_free else free[j]
        behind[j], free[j] = least, most
        following = f if (f >= least) & (f <= most) else half * (least + most)
        height[j] = following if seen else h - unseen
