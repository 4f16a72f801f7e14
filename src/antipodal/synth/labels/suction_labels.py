"""Ground truth of a suction grasp: the share of draws of its pose, the lip's friction and the object's centre of mass
in which the hand gets there freely, seals, and holds the object against gravity.

After Dex-Net 3.0 (Mahler et al., ICRA 2018, section IV): robust wrench resistance, with `seal`, `suction_wrench` and
`suction_collision`. A label of `POSITIVE` or more counts as a success.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np

from antipodal.suction_cup import SuctionCup
from antipodal.synth.labels.contacts import NEVER
from antipodal.synth.labels.labels import truncated_normal
from antipodal.synth.labels.near_surface import Triangles, faces_near, first_hits, seen_from
from antipodal.synth.labels.seal import LEAK, STRETCH, cup_rays, stretch
from antipodal.synth.labels.suction_collision import cup_prisms, meets_surface, meets_table
from antipodal.synth.labels.suction_wrench import elastic_moment, friction_to_hold

POSITIVE = 0.5
GRAVITY = 9.81  # [m/s2]


@dataclass(frozen=True)
class SuctionLabelOptions:
    """Draws of a label; standard deviations of truncated (2 sd) Gaussians."""

    draws: int = 16
    position_sd: float = 0.002  # of the grasp against the object, along the grasp's x and y each [m]
    tilt_sd: float = 0.03  # of the approach, about the grasp's x and y each [rad]
    friction_sd: float = 0.1  # about the cup's
    center_sd: float = 0.004  # of the centre of mass, along each axis [m]


class SuctionLabels(NamedTuple):
    """Ground truth of N suction grasps."""

    label: np.ndarray  # (N,) float32 share of draws that hold
    collision: np.ndarray  # (N,) bool, at the nominal pose
    free: np.ndarray  # (N,) float32 share of draws free of collision
    friction: np.ndarray  # (N,) float32 coefficient needed at the nominal pose, NEVER where none is enough
    stretch: np.ndarray  # (N,) float32 largest relative change of a spring at the nominal pose, infinite at a hole


class Load(NamedTuple):
    """B objects as a cup has to carry them, in the frame of the grasps."""

    centers: np.ndarray  # (B, 3) of mass [m]
    weights: np.ndarray  # (B, 3) forces [N]
    table: np.ndarray  # (4,) plane, free where `table[:3] @ p >= table[3]`


def load_on_table(centers: np.ndarray, masses: np.ndarray) -> Load:
    """Objects of (B,) kg on the table z = 0, z up."""
    weights = np.multiply.outer(np.asarray(masses, dtype=np.float64), [0.0, 0.0, -GRAVITY])
    return Load(np.asarray(centers, dtype=np.float64), weights, np.array([0.0, 0.0, 1.0, 0.0]))


def label_suction(
    surface: Triangles,
    load: Load,
    cup: SuctionCup,
    T: np.ndarray,
    rng: np.random.Generator,
    options: SuctionLabelOptions = SuctionLabelOptions(),
) -> SuctionLabels:
    """Labels of suction grasps T (N, 4, 4); the same draws serve all of them. The cup goes on along its approach until
    its middle meets the surface, wherever T's origin is."""
    n, errors = len(T), draw_suction_errors(rng, cup, options)
    out = SuctionLabels(*(np.zeros(n, bool if f == "collision" else np.float32) for f in SuctionLabels._fields))
    hand = (cup_rays(cup), cup_prisms(cup), cup.force, elastic_moment(cup))
    _label_suction_each(
        tuple(surface), tuple(load), hand, np.ascontiguousarray(T, dtype=np.float64), errors, tuple(out)
    )
    return out


def draw_suction_errors(rng: np.random.Generator, cup: SuctionCup, options: SuctionLabelOptions) -> np.ndarray:
    """Draws (D + 1, 8) of the errors in x, y [m], tilt about x, y [rad], the centre of mass [m], and of friction; the
    first is the nominal. A Latin hypercube, as `labels.draw_errors`."""
    o = options
    sd = np.array([o.position_sd, o.position_sd, o.tilt_sd, o.tilt_sd, *[o.center_sd] * 3, o.friction_sd])
    ranges = rng.permuted(np.tile(np.arange(o.draws), (len(sd), 1)), axis=1).T
    share = (ranges + rng.random((o.draws, len(sd)))) / max(o.draws, 1)
    errors = np.vstack([np.zeros(len(sd)), truncated_normal(share) * sd])
    errors[:, -1] += cup.friction
    return errors


@numba.njit(cache=True)
def _label_suction_each(surface, load, hand, T, errors, out):
    label, collision, free, friction, changes = out
    rays, prisms, _, _ = hand
    shift, spread = (
        np.sqrt(2) * np.abs(errors[:, :2]).max(),
        np.tan(np.abs(errors[:, 2]).max() + np.abs(errors[:, 3]).max()),
    )
    height, which = np.empty(len(rays.points)), np.empty(len(rays.points), dtype=np.int64)
    for n in range(len(T)):
        R, origin = np.ascontiguousarray(T[n, :3, :3]), T[n, :3, 3]
        under = faces_near(surface, origin, R[:, 2], rays.radius + shift, spread)
        around = faces_near(surface, origin, R[:, 2], prisms.reach + shift, spread)
        held, clear = 0, 0
        for d in range(len(errors)):
            turned = R @ _tilt(errors[d, 2], errors[d, 3])
            start = origin + R[:, 0] * errors[d, 0] + R[:, 1] * errors[d, 1]
            is_free, change, needed = _outcome(
                surface, load, hand, (under, around), turned, start, errors[d, 4:7], height, which
            )
            if d == 0:
                collision[n], friction[n], changes[n] = not is_free, needed if change <= STRETCH else NEVER, change
            else:
                clear += is_free
                held += is_free and change <= STRETCH and needed <= errors[d, 7]
        label[n], free[n] = held / max(len(errors) - 1, 1), clear / max(len(errors) - 1, 1)


@numba.njit(cache=True)
def _tilt(about_x, about_y):
    """The rotation (3, 3) about x, then about the turned y."""
    a, b, c, d = np.cos(about_x), np.sin(about_x), np.cos(about_y), np.sin(about_y)
    return np.array([[c, 0.0, d], [b * d, a, -b * c], [-a * d, b, a * c]])


@numba.njit(cache=True)
def _outcome(surface, load, hand, near, R, start, center_error, height, which):
    """Whether the way is free, the largest change of a spring, and the friction needed, of one cup."""
    rays, prisms, pull, moment = hand
    centers, weights, table = load
    under, around = near
    first_hits(seen_from(surface, under, R, start), rays.points, height, which)
    if which[rays.middle] < 0:
        return False, LEAK, NEVER  # it comes down beside everything
    contact = start + R[:, 2] * height[rays.middle]
    body = surface[1][under[which[rays.middle]]]
    arm = centers[body] + R @ center_error - contact
    needed = friction_to_hold(R, arm, weights[body], pull, rays.radius, moment)
    change = stretch(rays, height, which, under, surface[1])
    is_free = not meets_table(prisms, R, contact, table) and not meets_surface(prisms, surface, around, R, contact)
    return is_free, change, needed
