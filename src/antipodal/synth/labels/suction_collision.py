"""Collision of a suction cup and the body behind it on their straight way along the approach, exact on triangles.

The parts are prisms along the approach: the cup, drawn in by its bellows' travel, as a prism of RIM_SIDES sides around
its cylinder, and the body as its box, nearer by as much. Both sweep WAY and the body's length backwards from where the
grasp ends.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from antipodal.suction_cup import SuctionCup
from antipodal.synth.labels.near_surface import Triangles, enters_prism, faces_near, nearer_than, seen_from

RIM_SIDES = 16
WAY = 0.1  # straight way before the grasp, which must be free [m]
NO_TABLE = np.array([0.0, 0.0, 0.0, -1.0])  # n . p >= d holds everywhere


class CupPrisms(NamedTuple):
    """A cup's parts as kernels take them: convex sections `x * s[0] + y * s[1] <= s[2]`, and front faces."""

    rim: np.ndarray  # (RIM_SIDES, 3) section of the cup
    box: np.ndarray  # (4, 3) section of the body
    rim_corners: np.ndarray  # (RIM_SIDES, 2) [m]
    box_corners: np.ndarray  # (4, 2) [m]
    rim_front: float  # of the cup drawn in, before the surface under its middle [m]
    box_front: float  # of the body
    sweep: float  # how far back the parts reach from their fronts [m]
    reach: float  # of the parts from the axis [m]


def cup_prisms(cup: SuctionCup) -> CupPrisms:
    turn = 2 * np.pi * np.arange(RIM_SIDES) / RIM_SIDES
    normals, half = np.column_stack([np.cos(turn), np.sin(turn)]), np.pi / RIM_SIDES
    rim = np.column_stack([normals, np.full(RIM_SIDES, cup.radius)])
    corners = cup.radius / np.cos(half) * np.column_stack([np.cos(turn + half), np.sin(turn + half)])
    x, y = cup.body_size[0] / 2, cup.body_size[1] / 2
    box = np.array([[1, 0, x], [-1, 0, x], [0, 1, y], [0, -1, y]], dtype=np.float64)
    box_corners = np.array([[x, y], [-x, y], [-x, -y], [x, -y]])
    reach = max(float(np.hypot(x, y)), float(cup.radius / np.cos(half)))
    sweep = WAY + cup.body_size[2]
    return CupPrisms(rim, box, corners, box_corners, -cup.travel, cup.travel - cup.length, sweep, reach)


def cup_collides(
    surface: Triangles, cup: SuctionCup, T: np.ndarray, table: np.ndarray = np.array([0.0, 0.0, 1.0, 0.0])
) -> np.ndarray:
    """Whether (N,) the cup or the body meets the surface or the table on the way to T (N, 4, 4), the surface under the
    middle of the lip being at T's origin.

    table: (4,) plane; free is what lies where `table[:3] @ p >= table[3]`. NO_TABLE: there is none.
    """
    return _collide_each(tuple(surface), cup_prisms(cup), np.asarray(table, np.float64), np.ascontiguousarray(T))


@numba.njit(cache=True)
def _collide_each(surface, prisms, table, T):
    out = np.empty(len(T), dtype=np.bool_)
    for n in range(len(T)):
        R, origin = T[n, :3, :3], T[n, :3, 3]
        near = faces_near(surface, origin, R[:, 2], prisms.reach, 0.0)
        out[n] = meets_table(prisms, R, origin, table) or meets_surface(prisms, surface, near, R, origin)
    return out


@numba.njit(cache=True)
def meets_surface(prisms, surface, near, R, contact):
    """Whether the swept parts of a cup with axes R (3, 3) that touches at `contact` (3,) meet triangles `near` (M,)."""
    front, box_front = prisms.rim_front, prisms.box_front
    corners = seen_from(surface, nearer_than(surface, near, R, contact, max(front, box_front)), R, contact)
    return enters_prism(corners, prisms.rim, front - prisms.sweep, front) or enters_prism(
        corners, prisms.box, box_front - prisms.sweep, box_front
    )


@numba.njit(cache=True)
def meets_table(prisms, R, contact, table):
    """Whether the swept parts of a cup with axes R (3, 3) that touches at `contact` (3,) meet the table."""
    return _dips(prisms.rim_corners, prisms.rim_front, prisms.sweep, R, contact, table) or _dips(
        prisms.box_corners, prisms.box_front, prisms.sweep, R, contact, table
    )


@numba.njit(cache=True)
def _dips(corners, front, sweep, R, contact, table):
    """Whether a corner of a prism's front or back face lies beyond the table's plane."""
    n = table[:3]
    along, start = np.sum(n * R[:, 2]), np.sum(n * contact)
    for i in range(len(corners)):
        height = start + np.sum(n * R[:, 0]) * corners[i, 0] + np.sum(n * R[:, 1]) * corners[i, 1]
        if min(height + along * front, height + along * (front - sweep)) < table[3]:
            return True
    return False
