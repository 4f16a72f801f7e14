"""Grasps to label: antipodal pairs on the mesh, near misses of them, and chance ones, so that both sides are seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numba
import numpy as np

from antipodal.errors import InputError
from antipodal.grasp import Gripper
from antipodal.synth.grasps.from_planner import propose
from antipodal.synth.images.scene_view import SceneView
from antipodal.synth.labels.collision import collides, table_under
from antipodal.synth.labels.labels import truncated_normal
from antipodal.synth.scene import TableScene
from antipodal.synth.table_grasps import TableGrasps

LOWEST = 0.0006  # lowest tips that are tried, above the table [m]


@dataclass(frozen=True)
class CandidateOptions:
    """Shares of the kinds of candidates and how far near misses miss."""

    antipodal: float = 0.35
    near_miss: float = 0.25
    image: float = 0.25  # proposed by planning's own sampler; the rest is chance
    friction: float = 0.6  # cone in which the closing axis lies about both normals
    clearance: float = 0.004  # least room left between the contacts and the open jaws, together [m]
    fully_open: float = 0.5  # share that comes with the jaws fully open
    miss_position: float = 0.01  # standard deviations of near misses [m], [rad]
    miss_height: float = 0.006
    miss_yaw: float = 0.35
    tries: int = 12  # antipodal pairs tried for each that is wanted

    def __post_init__(self) -> None:
        shares = self.antipodal, self.near_miss, self.image
        if not (min(shares) >= 0 and sum(shares) <= 1 + 1e-9):
            raise InputError(f"candidates: antipodal, near_miss and image are shares that add up to 1, got {shares}")


def sample_grasps(
    scene: TableScene,
    gripper: Gripper,
    count: int,
    rng: np.random.Generator,
    options: CandidateOptions = CandidateOptions(),
    view: Optional[SceneView] = None,
) -> TableGrasps:
    """`count` grasps that come straight down the approach, their closing axes across it.

    view: what planning's sampler looks at; its share goes to chance where there is none.
    """
    share = np.array([options.antipodal, options.near_miss, options.image])
    wanted = rng.multinomial(count, np.append(share, max(0.0, 1 - share.sum())))
    pairs = _antipodal(scene, gripper, wanted[0] + wanted[1], rng, options)
    exact = _subset(pairs, slice(0, wanted[0]))
    missed = _miss(scene, _subset(pairs, slice(wanted[0], None)), rng, options)
    seen = _lower(scene, gripper, propose(view, gripper, wanted[2], rng), rng) if view is not None else _no_grasps()
    chance = _chance(scene, gripper, count - len(exact) - len(missed) - len(seen), rng)
    kinds = (exact, missed, seen, chance)
    gap = np.concatenate([g.width for g in kinds])
    tips, angle = np.concatenate([g.tips for g in kinds]), np.concatenate([g.angle for g in kinds])
    return TableGrasps(tips, angle, _open(gap, gripper, rng, options))


def _no_grasps() -> TableGrasps:
    return TableGrasps(np.empty((0, 3)), np.empty(0), np.empty(0))


def _subset(grasps: TableGrasps, index) -> TableGrasps:
    return TableGrasps(grasps.tips[index], grasps.angle[index], grasps.width[index])


def _antipodal(scene, gripper, count, rng, options: CandidateOptions) -> TableGrasps:
    """Up to `count` grasps between antipodal pairs of points on the slices; `width` is the pair's distance."""
    length = np.hypot(*(scene.segments[:, 2:] - scene.segments[:, :2]).T)
    spacing = np.gradient(scene.heights) if len(scene.heights) > 1 else np.ones(1)
    row = np.repeat(np.arange(len(scene.heights)), np.diff(scene.start))
    area = np.cumsum(length * spacing[row])
    if not len(area) or area[-1] <= 0:
        return _no_grasps()
    tries = count * options.tries
    segment = np.searchsorted(area, rng.random(tries) * area[-1])
    widest = gripper.max_width - options.clearance
    is_pair, pairs = _pair(
        scene.slices,
        segment,
        row[segment],
        rng.random((tries, 2)),
        options.friction,
        widest,
    )
    found = np.flatnonzero(is_pair)
    contact, table = scene.heights[row[segment[found]]], _table_under_jaws(scene, gripper, pairs[found], options)
    good = np.flatnonzero(contact >= table)[:count]
    x, y, angle, gap = pairs[found[good]].T
    contact, table = contact[good], table[good]
    lowest = np.maximum(table + LOWEST, contact - gripper.pad_length)
    z = lowest + (np.maximum(contact, lowest) - lowest) * rng.random(len(good))
    return TableGrasps(np.column_stack([x, y, z]), angle, gap)


def _table_under_jaws(scene: TableScene, gripper: Gripper, pairs: np.ndarray, options: CandidateOptions) -> np.ndarray:
    """Highest point (N,) [m] of the table under jaws open for pairs (N, 4), each an x, y, angle and distance."""
    x, y, angle, gap = pairs.T
    outside = gap + options.clearance + 2 * gripper.jaw_thickness
    return table_under(scene.ground, x, y, np.cos(angle), np.sin(angle), outside, gripper.jaw_width)


@numba.njit(cache=True)
def _pair(slices, segment, row, chance, friction, widest):
    """From a point on each `segment`, follow a line within its friction cone to an opposite point of the same object
    whose cone has it."""
    segments, normals, start, _, owner = slices
    is_pair, pairs = np.zeros(len(segment), dtype=np.bool_), np.zeros((len(segment), 4))
    for n in range(len(segment)):
        a, normal = segments[segment[n]], normals[segment[n]]
        px, py = a[0] + chance[n, 0] * (a[2] - a[0]), a[1] + chance[n, 0] * (a[3] - a[1])
        angle = np.arctan2(-normal[1], -normal[0]) + (2 * chance[n, 1] - 1) * np.arctan(friction)
        c, s = np.cos(angle), np.sin(angle)
        if not _in_cone(-normal, c, s, friction):
            continue
        farthest = 0.0
        for i in range(start[row[n]], start[row[n] + 1]):
            t = _distance_to_segment(segments[i], px, py, c, s)
            mine = owner[i] == owner[segment[n]]
            if mine and farthest < t <= widest and _in_cone(normals[i], c, s, friction):
                farthest = t
        if farthest > 1e-3:
            is_pair[n] = True
            pairs[n] = np.array([px + c * farthest / 2, py + s * farthest / 2, angle, farthest])
    return is_pair, pairs


@numba.njit(cache=True)
def _in_cone(normal, c, s, friction):
    """Whether the horizontal direction (c, s) lies in the friction cone about the normal."""
    along = normal[0] * c + normal[1] * s
    return along > 0 and 1 - along**2 <= (friction * along) ** 2 * (1 + 1e-12)


@numba.njit(cache=True)
def _distance_to_segment(segment, px, py, c, s):
    """Distance along (c, s) from (px, py) to a segment, -1 where it is missed."""
    au, bu = (segment[0] - px) * s - (segment[1] - py) * c, (segment[2] - px) * s - (segment[3] - py) * c
    if (au > 0) == (bu > 0):
        return -1.0
    t = au / (au - bu)
    x, y = segment[0] + t * (segment[2] - segment[0]), segment[1] + t * (segment[3] - segment[1])
    return (x - px) * c + (y - py) * s


def _lower(
    scene: TableScene, gripper: Gripper, grasps: TableGrasps, rng: np.random.Generator, tries: int = 4
) -> TableGrasps:
    """The grasps at heights where the open gripper fits, as planning would choose them; anywhere if few fit."""
    tips, fits, lowest = grasps.tips.copy(), np.zeros(len(grasps), dtype=bool), _lowest(scene, gripper)
    for _ in range(tries):
        tips[~fits, 2] = rng.uniform(lowest, max(scene.height, 2 * LOWEST), int(np.sum(~fits)))
        fits = ~collides(scene, gripper, tips, grasps.angle, np.full(len(tips), gripper.max_width))
    return TableGrasps(tips, grasps.angle, grasps.width)


def _lowest(scene: TableScene, gripper: Gripper) -> float:
    """Height of the lowest tips that are tried [m]: where the table leans, jaws may reach past the objects."""
    return -gripper.pad_length if scene.leans else LOWEST


def _miss(scene: TableScene, pairs: TableGrasps, rng: np.random.Generator, options: CandidateOptions) -> TableGrasps:
    n, o = len(pairs), options
    tips = pairs.tips + truncated_normal(rng.random((n, 3))) * [o.miss_position, o.miss_position, o.miss_height]
    tips[:, 2] = np.maximum(tips[:, 2], scene.table_at(tips) + LOWEST)
    return TableGrasps(tips, pairs.angle + o.miss_yaw * truncated_normal(rng.random(n)), pairs.width)


def _chance(scene: TableScene, gripper: Gripper, count: int, rng: np.random.Generator) -> TableGrasps:
    """Anywhere over the object, at any angle and at heights up to its top."""
    low, high = scene.vertices.min(axis=0), scene.vertices.max(axis=0)
    low[2], high[2] = _lowest(scene, gripper), max(high[2], 2 * LOWEST)
    gap = rng.uniform(0.1, 1.0, count) * gripper.max_width
    return TableGrasps(rng.uniform(low, high, (count, 3)), rng.uniform(0, np.pi, count), gap)


def _open(gap: np.ndarray, gripper: Gripper, rng: np.random.Generator, options: CandidateOptions) -> np.ndarray:
    """Openings (N,) on the way down: fully open, or anything that leaves the gap its clearance."""
    least = np.clip(gap + options.clearance, gripper.min_width, gripper.max_width)
    width = least + (gripper.max_width - least) * rng.random(len(gap))
    return np.where(rng.random(len(gap)) < options.fully_open, gripper.max_width, width)
