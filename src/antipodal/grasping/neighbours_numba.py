"""Compiled twin of `closes_on_one` in neighbours.py, which defines the answer."""

from __future__ import annotations

import numba
import numpy as np


def closes_on_one_numba(
    depth: np.ndarray, labels: np.ndarray, places: np.ndarray, tips: np.ndarray, footprint: np.ndarray, blur: int
) -> np.ndarray:
    """(N,) bool: grasps between whose jaws no cell higher than the tips surely shows another object.

    depth, labels: (H, W) of the view. places: (N, 5) float32: column and row, cosine and sine of the angle, opening
    [cells]. tips: (N,) depth. footprint: (K, 2) float32: along the closing axis in openings, across it [cells].
    """
    return _closes_on_one(depth, labels, places, tips, footprint, blur)


@numba.njit(cache=True)
def _closes_on_one(depth, labels, places, tips, footprint, blur):
    alone = np.zeros(len(places), np.bool_)
    bottom, right = depth.shape[0] - 1, depth.shape[1] - 1
    for i in range(len(places)):
        x, y, cos, sin, opening = places[i]
        own = labels[_clamped(y, bottom), _clamped(x, right)]
        alone[i] = own > 0
        for k in range(len(footprint)):
            a, b = footprint[k, 0] * opening, footprint[k, 1]
            u, v = _clamped(x + cos * a - sin * b, right), _clamped(y + sin * a + cos * b, bottom)
            if not alone[i]:
                break
            if labels[v, u] != own and labels[v, u] >= 0 and depth[v, u] < tips[i]:
                alone[i] = _is_near(labels, own, u, v, blur)
    return alone


@numba.njit(cache=True)
def _clamped(x, last):
    return min(max(int(np.rint(x)), 0), last)


@numba.njit(cache=True)
def _is_near(labels, own, u, v, blur):
    """Whether a cell within `blur` to every side has this label."""
    for row in range(max(0, v - blur), min(labels.shape[0], v + blur + 1)):
        for column in range(max(0, u - blur), min(labels.shape[1], u + blur + 1)):
            if labels[row, column] == own:
                return True
    return False
