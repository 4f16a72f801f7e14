"""Compiled twin of `object_width.object_width_torch`, which defines the answer."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True)
def object_width_numba(depth, places, tips, widths, jaw_width, height_share):
    """Widths (N,) and (N,) float32 [cells] of what N grasps close on, over all lines and in the widest line; and (N,)
    bool whether it is more than a spike.

    depth: (H, W) float32 [m]; places: columns, rows (N,) float32 [cells], and cos, sin (N,) of the closing axes; tips:
    (N,) float32 depth of the jaws' tips [m]; widths: (N,) float32 openings [cells]; jaw_width: [cells]; height_share:
    of the way from the tips to the highest surface, at which the widths are taken.
    """
    columns, rows, cosines, sines = places
    overall, line = np.zeros(len(columns), np.float32), np.zeros(len(columns), np.float32)
    half, held = int(jaw_width / 4), np.zeros(len(columns), np.bool_)
    for n in range(len(columns)):
        reach = int(np.ceil(widths[n] / 2)) - 1  # the last cell whose middle lies between the jaws
        place = columns[n], rows[n], cosines[n], sines[n]
        surface = _surface_between(depth, place, reach, half, jaw_width)
        level = tips[n] - np.float32(height_share) * (tips[n] - surface.min())
        left, right, widest, cells = 2 * reach + 1, -1, 0, 0
        for j in range(surface.shape[0]):
            first, last = 2 * reach + 1, -1
            for k in range(surface.shape[1]):
                if surface[j, k] < level:
                    first, last, cells = min(first, k), k, cells + 1
            left, right, widest = min(left, first), max(right, last), max(widest, last - first)
        overall[n], line[n], held[n] = max(right - left, 0), widest, cells > half
    return overall, line, held


@numba.njit(cache=True)
def _surface_between(depth, place, reach, half, jaw_width):
    """Depths (2 half + 1, 2 reach + 1) [m] in lines along the closing axis, spread over the jaws' width; beyond the
    border the border counts."""
    column, row, cos, sin = place
    surface = np.empty((2 * half + 1, 2 * reach + 1), np.float32)
    for j in range(2 * half + 1):
        beside = jaw_width * (j / (2 * half) - 0.5) if half > 0 else -0.5 * jaw_width
        for k in range(2 * reach + 1):
            u = int(np.rint(column + cos * (k - reach) - sin * beside))
            v = int(np.rint(row + sin * (k - reach) + cos * beside))
            u, v = min(max(u, 0), depth.shape[1] - 1), min(max(v, 0), depth.shape[0] - 1)
            surface[j, k] = depth[v, u]
    return surface
