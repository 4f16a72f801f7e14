"""The compiled loop of oblique_clearance.py."""

from __future__ import annotations

import numba
import numpy as np

from antipodal.grasping.clearance_numba import nearest_depth


@numba.njit(cache=True)
def nearest_under_numba(depth, places, points):
    """The least depth (N,) float32 among points (K, 2) around each place: columns, rows [cells], cos, sin (N,)."""
    column, row, cos, sin = places
    nearest = np.empty(len(column), np.float32)
    for n in range(len(column)):
        nearest[n] = nearest_depth(depth, (column[n], row[n], cos[n], sin[n]), points)
    return nearest
