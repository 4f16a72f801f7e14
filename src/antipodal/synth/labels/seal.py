"""Whether a suction cup seals: its lip as a ring of springs, projected along the approach onto the surface.

After Dex-Net 3.0 (Mahler et al., ICRA 2018, sections III and IV). Vertices on the lip come to lie on the surface; the
apex stays on the axis, one cup's length behind the surface under the middle. Perimeter springs join neighbours, flexion
springs every second vertex, cone springs every vertex and the apex. The cup seals where no spring must change its
length by more than `STRETCH` and the surface has no hole under the lip or inside it. The lip between two vertices is
followed too, in `BETWEEN` shorter pieces, and the surface inside must lie within the bellows' travel of the lip.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from antipodal.suction_cup import SuctionCup
from antipodal.synth.labels.near_surface import Triangles, faces_near, first_hits, seen_from

VERTICES = 8
BETWEEN = 4  # pieces of the lip from one vertex to the next
STRETCH = 0.10  # largest relative change of a spring's length
INSIDE = (0.25, 0.5, 0.75)  # circles of points inside the lip, in radii
LEAK = np.inf  # the stretch where the lip, or what it encloses, is not on one object


class CupRays(NamedTuple):
    """A cup as kernels take it."""

    points: np.ndarray  # (K, 2) in the order of their x [m]
    middle: int  # index of the middle
    lip: np.ndarray  # indices of the lip's points, from vertex to vertex
    radius: float  # [m]
    length: float  # [m]
    travel: float  # [m]


def cup_rays(cup: SuctionCup) -> CupRays:
    """The rays that find the surface under a cup: the middle, the lip from vertex to vertex, and the inside."""
    lip = _circle(cup.radius, VERTICES * BETWEEN)
    points = np.concatenate([np.zeros((1, 2)), lip, *(_circle(share * cup.radius, VERTICES) for share in INSIDE)])
    order = np.argsort(points[:, 0], kind="stable")
    place = np.argsort(order)
    return CupRays(points[order], int(place[0]), place[1 : 1 + len(lip)], cup.radius, cup.length, cup.travel)


def _circle(radius: float, count: int) -> np.ndarray:
    turn = 2 * np.pi * np.arange(count) / count
    return radius * np.column_stack([np.cos(turn), np.sin(turn)])


def stretches(surface: Triangles, T: np.ndarray, cup: SuctionCup) -> np.ndarray:
    """The largest relative change of length (N,) of any spring of the cup at poses T (N, 4, 4) in the surface's frame;
    LEAK where there is a hole. The cup seals where this is at most STRETCH."""
    return _stretch_each(tuple(surface), cup_rays(cup), np.ascontiguousarray(T, dtype=np.float64))


@numba.njit(cache=True)
def _stretch_each(surface, cup, T):
    out = np.empty(len(T))
    height, which = np.empty(len(cup.points)), np.empty(len(cup.points), dtype=np.int64)
    for n in range(len(T)):
        R, origin = T[n, :3, :3], T[n, :3, 3]
        near = faces_near(surface, origin, R[:, 2], cup.radius, 0.0)
        first_hits(seen_from(surface, near, R, origin), cup.points, height, which)
        out[n] = stretch(cup, height, which, near, surface[1])
    return out


@numba.njit(cache=True)
def stretch(cup, height, which, near, owner):
    """As `stretches`, of one cup whose rays hit at `height` (K,) the triangles `near[which]` (K,)."""
    if which.min() < 0:
        return LEAK
    lip, body = height[cup.lip], owner[near[which[cup.middle]]]
    level = lip.mean()
    for k in range(len(height)):
        if owner[near[which[k]]] != body or abs(height[k] - level) > cup.travel:
            return LEAK
    worst = max(_chords(lip, 1, cup.radius), _chords(lip[::BETWEEN], 1, cup.radius))
    worst = max(worst, _chords(lip[::BETWEEN], 2, cup.radius))
    rest = np.hypot(cup.radius, cup.length)
    for z in lip[::BETWEEN]:
        worst = max(worst, abs(np.hypot(cup.radius, cup.length + z - height[cup.middle]) / rest - 1))
    return worst


@numba.njit(cache=True)
def _chords(lip, apart, radius):
    """Largest relative change of the springs between points of a circle, each and the one `apart` places on."""
    rest, worst = 2 * radius * np.sin(np.pi * apart / len(lip)), 0.0
    for i in range(len(lip)):
        worst = max(worst, np.hypot(rest, lip[(i + apart) % len(lip)] - lip[i]) / rest - 1)
    return worst
