"""Compiled twin of `sampling.depth_edges`, which defines the answer."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True)
def depth_edges(depth, per_step, slope, taps):
    """Edge cells (H, W) bool and unit normals (2, H, W) float32 as (x, y), towards greater depth.

    depth: (H, W) float32 [m]; per_step: 1 / (2 cells) [1/m]; slope: least gradient; taps: (2 r + 1,) weights of the
    smoothing. All single precision.
    """
    H, W = depth.shape
    smooth = _smooth(_smooth(depth, taps).T, taps).T
    normals = np.empty((2, H, W), np.float32)
    size = np.empty((H, W), np.float32)
    for v in range(H):
        up, down = max(v - 1, 0), min(v + 1, H - 1)
        for u in range(W):
            gx = (smooth[v, min(u + 1, W - 1)] - smooth[v, max(u - 1, 0)]) * per_step
            gy = (smooth[down, u] - smooth[up, u]) * per_step
            s = np.sqrt(gx * gx + gy * gy)
            size[v, u] = s
            s = max(s, np.float32(1e-9))
            normals[0, v, u], normals[1, v, u] = gx / s, gy / s
    return _ridges(size, normals, slope), normals


@numba.njit(cache=True)
def _smooth(image, taps):
    """Rows (H, W) smoothed, their ends repeated."""
    H, W = image.shape
    radius = len(taps) // 2
    out = np.zeros((H, W), np.float32)
    padded = np.empty(W + 2 * radius, np.float32)
    for v in range(H):
        padded[:radius], padded[radius + W :] = image[v, 0], image[v, W - 1]
        padded[radius : radius + W] = image[v]
        row = out[v]
        for k in range(len(taps)):
            t = taps[k]
            for u in range(W):
                row[u] += t * padded[u + k]
    return out


@numba.njit(cache=True)
def _ridges(size, normals, slope):
    """Cells (H, W) bool steeper than the slope and no less than both neighbours along the normal."""
    H, W = size.shape
    edges = np.zeros((H, W), np.bool_)
    for v in range(H):
        for u in range(W):
            s = size[v, u]
            if s > slope:
                du, dv = int(np.rint(normals[0, v, u])), int(np.rint(normals[1, v, u]))
                ahead = size[min(max(v + dv, 0), H - 1), min(max(u + du, 0), W - 1)]
                behind = size[min(max(v - dv, 0), H - 1), min(max(u - du, 0), W - 1)]
                edges[v, u] = s >= ahead and s >= behind
    return edges
