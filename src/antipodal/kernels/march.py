"""Compiled twin of `sampling.march`, which defines the answer."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True)
def march(start, direction, edges, normals, reach, least_facing, choice, wanted):
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
