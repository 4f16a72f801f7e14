"""Whether a cup seals on the true surface, from the surface's heights under its lip.

Parallel rays along the approach find the surface under the lip and inside it. The lip is an elastic ring on the springs
of the bellows; the vacuum presses it onto these heights. What gap is left decides. Independent of the labels that
networks are trained on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Optional, Tuple

import numpy as np
from scipy.linalg import circulant
from scipy.optimize import nnls

from antipodal.suction_cup import SuctionCup

MISSED, NO_SEAL, SEALED = "missed", "no_seal", "sealed"


@dataclass(frozen=True)
class SealOptions:
    """How the lip is felt, and when it is tight."""

    rays: int = 64  # round the lip
    inner: Tuple[float, ...] = (0.85, 0.6, 0.3, 0.0)  # rings inside the lip [radii]; the first is the lip's inner edge
    leak: float = 0.0004  # largest gap under the lip that is tight [m]
    slope: float = 1.0  # steepest surface under the lip, towards its middle
    bending: float = 1.0  # stiffness of the lip against bending, of the bellows' stiffness
    hole: float = 1.0  # a surface inside the lip, deeper than this below it, is a hole [radii]


class Seal(NamedTuple):
    """What became of an attempt to seal."""

    state: str  # SEALED, NO_SEAL, or MISSED where the lip comes near to nothing
    owner: Optional[int] = None  # what the lip is sealed on
    gap: float = np.inf  # greatest under the lip [m]


def seal_on(cup: SuctionCup, triangles: np.ndarray, owners: np.ndarray, options: SealOptions = SealOptions()) -> Seal:
    """Press the cup onto triangles (F, 3, 3) [m] in the grasp frame, whose z = 0 is the unpressed lip. Each belongs
    to an owner (F,); a seal lies on one alone."""
    height, owner = surface_under(triangles, owners, _rays(cup, options), -cup.length)
    lip = height[: options.rays]
    if not (lip <= options.leak).any():
        return Seal(MISSED)
    if len(set(owner.tolist())) > 1 or owner[0] < 0 or not _whole(height, cup, options):
        return Seal(NO_SEAL)
    gap = greatest_gap(lip, cup, options)
    return Seal(SEALED, int(owner[0]), gap) if gap <= options.leak else Seal(NO_SEAL, gap=gap)


def surface_under(
    triangles: np.ndarray, owners: np.ndarray, xy: np.ndarray, start: float
) -> Tuple[np.ndarray, np.ndarray]:
    """The first surface that rays along z from (x, y) (N, 2) [m] meet beyond z = start: its z (N,) [m], inf where there
    is none, and its owner (N,), -1 where there is none."""
    low, high = triangles.min(axis=1), triangles.max(axis=1)
    near = (high[:, :2] >= xy.min(axis=0)).all(1) & (low[:, :2] <= xy.max(axis=0)).all(1) & (high[:, 2] >= start)
    (a, b, c), owners = np.moveaxis(triangles[near], 1, 0), owners[near]
    e, f = (b - a)[:, :2], (c - a)[:, :2]
    area = e[:, 0] * f[:, 1] - e[:, 1] * f[:, 0]
    flat = np.abs(area) > 1e-15  # others stand along the rays
    a, b, c, e, f, area, owners = (value[flat] for value in (a, b, c, e, f, area, owners))
    if not len(a):
        return np.full(len(xy), np.inf), np.full(len(xy), -1)
    p = xy[:, None] - a[None, :, :2]
    s = (p[..., 0] * f[:, 1] - p[..., 1] * f[:, 0]) / area
    t = (e[:, 0] * p[..., 1] - e[:, 1] * p[..., 0]) / area
    z = a[:, 2] + s * (b - a)[:, 2] + t * (c - a)[:, 2]
    met = (s >= -1e-9) & (t >= -1e-9) & (s + t <= 1 + 1e-9) & (z >= start)
    z = np.where(met, z, np.inf)
    first = z.argmin(axis=1)
    height = z[np.arange(len(xy)), first]
    return height, np.where(np.isfinite(height), owners[first], -1)


def greatest_gap(height: np.ndarray, cup: SuctionCup, options: SealOptions = SealOptions()) -> float:
    """Greatest distance [m] between the lip and a surface of heights (N,) [m] at equal angles under it, once the vacuum
    has pressed the lip on; inf where the bellows' travel is too short.

    The lip's displacement u minimises u'Ku/2 - q'u with u <= min(height, 0): K is stiff_ring, q the vacuum's force in
    even shares, and the lip is not drawn out beyond its free length.
    """
    if height.min() < -cup.travel:
        return np.inf
    n, limit = len(height), np.minimum(height, 0.0)
    K, L = stiff_ring(n, cup.stiffness, options.bending)
    load = K @ limit - cup.force / n
    below, _ = nnls(L, np.linalg.solve(L, load), maxiter=50 * n)  # limit - u
    return float((height - limit + below).max())


@lru_cache(maxsize=16)
def stiff_ring(n: int, stiffness: float, bending: float) -> Tuple[np.ndarray, np.ndarray]:
    """Stiffness matrix (n, n) [N/m] of a ring of n points on springs that together have this stiffness, and its root. A
    wave of k periods round it costs (k2 - 1)2 in bending, as in a thin ring; moved and tilted it is not bent."""
    waves = np.abs(np.fft.fftfreq(n, 1 / n))
    bent = np.where(waves > 1, (waves**2 - 1) ** 2, 0.0)
    values = stiffness / n * (1 + bending * bent)
    K, L = (circulant(np.fft.ifft(v).real) for v in (values, np.sqrt(values)))
    return K, L


def _rays(cup: SuctionCup, options: SealOptions) -> np.ndarray:
    """Places (N, 2) [m] of the rays: the lip's, then those of the inner rings."""
    turn = 2 * np.pi * np.arange(options.rays) / options.rays
    ring = np.column_stack([np.cos(turn), np.sin(turn)])
    return cup.radius * np.concatenate([share * ring for share in (1.0, *options.inner)])


def _whole(height: np.ndarray, cup: SuctionCup, options: SealOptions) -> bool:
    """Whether the surface under the cup has no hole and nothing that reaches into the bellows, and is nowhere too steep
    under the lip."""
    lip, edge = height[: options.rays], height[options.rays : 2 * options.rays]
    steep = np.abs(lip - edge).max() / (cup.radius * (1 - options.inner[0]))
    deep = height.max() > lip.max() + options.hole * cup.radius
    return bool(steep <= options.slope and not deep and height.min() >= -cup.travel)
