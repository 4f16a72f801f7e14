"""Collision of an open gripper on its way along the approach: exact on the map of heights, since whatever stands above
the tips under a jaw has been run into on the way. The table is a plane without end."""

from __future__ import annotations

import numba
import numpy as np

from antipodal.grasp import Gripper
from antipodal.grasping.gripper_boxes import gripper_lengths
from antipodal.synth.scene import BLOCK, TableScene

INSET = 0.5  # rectangles are so many cells shorter on the map: as often too large as too small, against physics


def collides(scene: TableScene, gripper: Gripper, tips: np.ndarray, angle: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Whether (N,) the jaws, the palm or the table stop the gripper on its way down.

    tips: (N, 3) [m] midway between the jaw tips, in the scene frame; angle: (N,) of the closing axis from its x [rad];
    width: (N,) opening [m].
    """
    return _hit_any(scene.heightmap, gripper_lengths(gripper), np.column_stack([tips, angle, width]).astype(np.float64))


@numba.njit(cache=True)
def _hit_any(heightmap, lengths, poses):
    out = np.empty(len(poses), dtype=np.bool_)
    for n in range(len(poses)):
        x, y, z, angle, width = poses[n]
        out[n] = hits(heightmap, lengths, x, y, z, angle, width)
    return out


@numba.njit(cache=True)
def hits(heightmap, lengths, x, y, z, angle, width):
    """Whether a gripper with its tips at (x, y, z) has hit anything on its way down."""
    top, blocks, near, x0, y0, cell, height, ground = heightmap
    c, s = np.cos(angle), np.sin(angle)
    thickness, jaw_width, jaw_length, palm_x, palm_y = lengths[0], lengths[1], lengths[2], lengths[4], lengths[5]
    if table_under(ground, x, y, c, s, width + 2 * thickness, jaw_width) > z:
        return True
    if table_under(ground, x, y, c, s, palm_y, palm_x) > z + jaw_length:
        return True
    if z > height:
        return False
    wide, shift = BLOCK * cell, (BLOCK - 1) * cell / 2  # side of a block, and where the first has its centre
    reach = (width + thickness) / 2
    for side in (-1, 1):
        jx, jy = x + side * reach * c, y + side * reach * s
        if _rises(near, x0 + shift - wide, y0 + shift - wide, wide, jx, jy, c, s, thickness, jaw_width, z):
            if _rises(top, x0, y0, cell, jx, jy, c, s, thickness, jaw_width, z):
                return True
    if z + jaw_length > height:
        return False
    return _rises(blocks, x0 + shift, y0 + shift, wide, x, y, c, s, palm_y, palm_x, z + jaw_length)


@numba.njit(cache=True)
def table_under(ground, x, y, c, s, along, across):
    """Highest point [m] of the table under a rectangle about (x, y), `along` the closing axis (c, s) and `across`."""
    start, dx, dy = ground
    tilt = np.abs(dx * c + dy * s) * along + np.abs(dy * c - dx * s) * across
    return start + dx * x + dy * y + tilt / 2


@numba.njit(cache=True)
def _rises(top, x0, y0, cell, x, y, c, s, along, across, z):
    """Whether a cell under a rectangle about (x, y), `along` the closing axis (c, s) and `across` it, rises above z."""
    H, W = top.shape
    n, m = int(np.ceil(along / cell)) + 1, int(np.ceil(across / cell)) + 1
    first, least = (INSET - along / cell) / 2, (INSET - across / cell) / 2  # corner of the rectangle [cells]
    step, stride = -2 * first / (n - 1), -2 * least / (m - 1)
    column0, row0 = (x - x0) / cell + 0.5 + s * least, (y - y0) / cell + 0.5 - c * least
    for i in range(n):
        a = first + i * step
        column1, row1 = column0 + c * a, row0 + s * a
        for j in range(m):
            column, row = column1 + j * (s * stride), row1 - j * (c * stride)
            if 0 <= row < H and 0 <= column < W and top[int(row), int(column)] > z:
                return True
    return False
