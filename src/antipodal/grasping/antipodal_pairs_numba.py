"""Compiled twins of `depth_edges` and `march` in antipodal_pairs.py, which define the answers."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True)
def depth_edges_numba(depth, per_step, slope, taps, bare):
    """Edge cells (H, W) bool and unit normals (2, H, W) float32 as (x, y), towards greater depth.

    depth: (H, W) float32 [m]; per_step: 1 / (2 cells) [1/m]; slope: least gradient; taps: (2 r + 1,) weights of the
    smoothing; bare: (H, W) bool, cells that are no edges, or empty. All single precision.
    """
    H, W = depth.shape
    smooth = _smooth_down(_smooth_along(depth, taps), taps)
    normals = np.empty((2, H, W), np.float32)
    size = np.empty((H, W), np.float32)
    beyond = np.empty(W + 2, np.float32)  # a row and, at its ends, the same values again
    for v in range(H):
        up, down = smooth[max(v - 1, 0)], smooth[min(v + 1, H - 1)]
        beyond[0], beyond[1:-1], beyond[-1] = smooth[v, 0], smooth[v], smooth[v, W - 1]
        _slopes(beyond, up, down, per_step, size[v], normals[0, v], normals[1, v])
    return _ridges(size, normals, slope, bare), normals


@numba.njit(cache=True, error_model="numpy")
def _slopes(row, up, down, per_step, size, normal_x, normal_y):
    """A row's gradients; a loop of its own, so that it compiles to vectors. row: one cell longer at either end."""
    for u in range(len(size)):
        gx, gy = (row[u + 2] - row[u]) * per_step, (down[u] - up[u]) * per_step
        s = np.sqrt(gx * gx + gy * gy)
        size[u] = s
        s = s if s > np.float32(1e-9) else np.float32(1e-9)
        normal_x[u], normal_y[u] = gx / s, gy / s


@numba.njit(cache=True)
def _smooth_along(image, taps):
    """Rows (H, W) smoothed, their ends repeated."""
    H, W = image.shape
    radius = len(taps) // 2
    out = np.zeros((H, W), np.float32)
    padded = np.empty(W + 2 * radius, np.float32)
    for v in range(H):
        padded[:radius], padded[radius + W :] = image[v, 0], image[v, W - 1]
        padded[radius : radius + W] = image[v]
        for k in range(len(taps)):
            _add_share(out[v], taps[k], padded[k : k + W])
    return out


@numba.njit(cache=True)
def _smooth_down(image, taps):
    """Columns (H, W) smoothed, their ends repeated; row by row, which is how they lie in memory."""
    H, W = image.shape
    radius = len(taps) // 2
    out = np.zeros((H, W), np.float32)
    for v in range(H):
        for k in range(len(taps)):
            _add_share(out[v], taps[k], image[min(max(v + k - radius, 0), H - 1)])
    return out


@numba.njit(cache=True)
def _add_share(row, share, other):
    for u in range(len(row)):
        row[u] += share * other[u]


@numba.njit(cache=True)
def _ridges(size, normals, slope, bare):
    """Cells (H, W) bool steeper than the slope, not bare, and no less than both neighbours along the normal."""
    H, W = size.shape
    any_bare = bare.size > 0
    edges = np.zeros((H, W), np.bool_)
    for v in range(H):
        for u in range(W):
            s = size[v, u]
            if s > slope and not (any_bare and bare[v, u]):
                du, dv = int(np.rint(normals[0, v, u])), int(np.rint(normals[1, v, u]))
                ahead = size[min(max(v + dv, 0), H - 1), min(max(u + du, 0), W - 1)]
                behind = size[min(max(v - dv, 0), H - 1), min(max(u - du, 0), W - 1)]
                edges[v, u] = s >= ahead and s >= behind
    return edges


@numba.njit(cache=True)
def march_numba(start, direction, edges, normals, reach, least_facing, choice, wanted):
    """Steps (M,) int64 from each start to the opposing edge that it pairs with; 0 where it meets none.

    start, direction: (M, 2) float32 [cells]; edges: (H, W) bool; normals: (2, H, W) float32; reach: most steps;
    least_facing: cosine of the friction cone; choice: (M,) in [0, 1), which of the edges met is taken. Rays after
    the `wanted`-th that met one are left out (0).
    """
    H, W = edges.shape
    steps = np.zeros(len(start), dtype=np.int64)
    met = np.empty(max(reach + 1, 1), dtype=np.int64)
    found = 0
    for m in range(len(start)):
        if found == wanted:
            break
        count = 0
        for step in range(2, reach + 1):
            u = int(np.rint(start[m, 0] + direction[m, 0] * np.float32(step)))
            v = int(np.rint(start[m, 1] + direction[m, 1] * np.float32(step)))
            if u < 0 or v < 0 or u >= W or v >= H:
                break
            if edges[v, u]:
                if normals[0, v, u] * direction[m, 0] + normals[1, v, u] * direction[m, 1] > least_facing:
                    met[count] = step
                    count += 1
        if count > 0:
            steps[m] = met[int(choice[m] * np.float32(count))]
            found += 1
    return steps
