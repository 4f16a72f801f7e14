"""Collision of an open gripper that comes straight down: exact on the map of heights, since whatever stands above the
tips under a jaw has been run into on the way."""

from __future__ import annotations

import numba
import numpy as np

from antipodal.grasp import Gripper
from antipodal.synth.scene import Scene

TABLE_CLEARANCE = 0.0005  # tips lower than this touch the table [m]
PALM_STEP = 4  # the palm is checked on blocks of this many cells


def collides(scene: Scene, gripper: Gripper, tips: np.ndarray, angle: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Whether (N,) the jaws, the palm or the table stop the gripper on its way down.

    tips: (N, 3) [m] midway between the jaw tips, in the table frame; angle: (N,) of the closing axis from the table's
    x [rad]; width: (N,) opening [m].
    """
    out = np.empty(len(angle), dtype=np.bool_)
    shape = gripper_shape(gripper)
    for n in range(len(angle)):
        x, y, z = tips[n]
        out[n] = hits(scene.heightmap, shape, x, y, z, angle[n], width[n])
    return out


def gripper_shape(gripper: Gripper) -> np.ndarray:
    """Jaw thickness, width and length, pad length, palm along x and y, narrowest and widest opening: (8,) [m] for
    kernels."""
    g = gripper
    return np.array([g.jaw_thickness, g.jaw_width, g.jaw_length, g.pad_length, *g.palm_size, g.min_width, g.max_width])


@numba.njit(cache=True)
def hits(heightmap, shape, x, y, z, angle, width):
    """Whether a gripper with its tips at (x, y, z) has hit anything on its way down."""
    if z < TABLE_CLEARANCE:
        return True
    top, coarse_top, x0, y0, cell = heightmap
    c, s = np.cos(angle), np.sin(angle)
    thickness, jaw_width, jaw_length = shape[0], shape[1], shape[2]
    reach = (width + thickness) / 2
    for side in (-1, 1):
        jx, jy = x + side * reach * c, y + side * reach * s
        if _highest(top, x0, y0, cell, jx, jy, c, s, thickness, jaw_width) > z:
            return True
    coarse = PALM_STEP * cell
    shift = (coarse - cell) / 2  # centre of the first block
    return _highest(coarse_top, x0 + shift, y0 + shift, coarse, x, y, c, s, shape[5], shape[4]) > z + jaw_length


@numba.njit(cache=True)
def _highest(top, x0, y0, cell, x, y, c, s, along, across):
    """Highest cell under a rectangle centred on (x, y), `along` the closing axis (c, s) and `across` it."""
    reach = (np.hypot(along, across)) / 2 + cell
    H, W = top.shape
    if x + reach < x0 or y + reach < y0 or x - reach > x0 + W * cell or y - reach > y0 + H * cell:
        return 0.0
    n, m = int(np.ceil(along / cell)) + 1, int(np.ceil(across / cell)) + 1
    highest = 0.0
    for i in range(n):
        a = (i / (n - 1) - 0.5) * along
        for j in range(m):
            b = (j / (m - 1) - 0.5) * across
            column = int(np.floor((x + c * a + s * b - x0) / cell + 0.5))
            row = int(np.floor((y + s * a - c * b - y0) / cell + 0.5))
            if 0 <= row < H and 0 <= column < W and top[row, column] > highest:
                highest = top[row, column]
    return highest
