"""Ground truth of a grasp, by default the share of draws of pose and friction in which it is free of collision and
holds.

After Dex-Net 2.0 (Mahler et al., RSS 2017, section III), but contacts are areas, and an object may turn between closing
jaws until its faces lie flat against them, as boxes do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np
from scipy.special import ndtr, ndtri

from antipodal.errors import InputError
from antipodal.grasp import Gripper
from antipodal.grasping.gripper_boxes import gripper_lengths
from antipodal.synth.labels.collision import hits
from antipodal.synth.labels.contacts import (
    NEVER,
    SPACING,
    closing_line,
    first_contacts,
    first_touch,
    needed_friction,
    profile,
)
from antipodal.synth.labels.epsilon import epsilon, torsion
from antipodal.synth.scene import TableScene
from antipodal.synth.table_grasps import TableGrasps

TURN_STEP = np.deg2rad(3.0)
TURNS = 12  # steps that an object may turn about the vertical to either side
MAX_ROLL = 0.32  # slope that it may tilt by about the jaws' width
MIN_STEP = 0.003  # steps below this are not looked at [rad]
DOWNHILL = 5e-5  # the jaws must come nearer by this for the object to turn on [m]


QUALITIES = ("force_closure", "robust_force_closure", "epsilon", "robust_epsilon")


@dataclass(frozen=True)
class LabelOptions:
    """What a label is; standard deviations of truncated (2 sd) Gaussians.

    quality: "force_closure" is whether the grasp holds as planned; "robust_force_closure" in how many draws it does;
    "epsilon" whether Ferrari and Canny's quality (epsilon.py) exceeds `threshold` as planned, and "robust_epsilon"
    whether its mean over the draws does, nothing being hit as planned. What fails has quality 0.

    Errors of the grasp's pose and of the object's are one here: either moves the one against the other in the plane.
    What leans out of it is drawn with the scene (`GenerateOptions.lean`), and stays through a label's draws.
    """

    quality: str = "robust_force_closure"
    threshold: float = 0.002  # of epsilon
    draws: int = 16
    friction: float = 0.5
    friction_sd: float = 0.1
    position_sd: float = 0.0025  # of the grasp against the object, along x and y each [m]
    height_sd: float = 0.0005  # of the tips above the table [m]
    yaw_sd: float = 0.05  # [rad]

    def __post_init__(self) -> None:
        if self.quality not in QUALITIES:
            raise InputError(f"unknown quality {self.quality!r}; possible: {', '.join(QUALITIES)}")

    @property
    def wants_epsilon(self) -> bool:
        return self.quality.endswith("epsilon")


class Labels(NamedTuple):
    """Ground truth of N grasps."""

    label: np.ndarray  # (N,) float32 in [0, 1], see LabelOptions
    collision: np.ndarray  # (N,) bool, at the nominal pose
    free: np.ndarray  # (N,) float32 share of draws free of collision
    friction: np.ndarray  # (N,) float32 coefficient needed at the nominal pose, NEVER where none is enough
    epsilon: np.ndarray  # (N,) float32 mean over the draws; empty unless `quality` asks for it


def label_grasps(
    scene: TableScene,
    gripper: Gripper,
    grasps: TableGrasps,
    rng: np.random.Generator,
    options: LabelOptions = LabelOptions(),
) -> Labels:
    """Labels of any grasps on the scene; the same draws of pose and friction serve all of them."""
    n, errors = len(grasps), draw_errors(rng, options)
    if not options.quality.startswith("robust"):
        errors = errors[[0, 0]]  # the nominal is the only draw
    sizes = {"label": n, "collision": n, "free": n, "friction": n, "epsilon": n if options.wants_epsilon else 0}
    out = Labels(**{k: np.zeros(v, bool if k == "collision" else np.float32) for k, v in sizes.items()})
    poses = np.column_stack([grasps.tips, grasps.angle, grasps.width]).astype(np.float64)
    bodies = (scene.centers, scene.sizes if options.wants_epsilon else np.ones(len(scene.centers)))
    _label_each(scene.slices, bodies, scene.heightmap, gripper_lengths(gripper), poses, errors, tuple(out))
    if options.wants_epsilon:
        out.label[:] = (out.epsilon > options.threshold) & ~out.collision
    return out


def draw_errors(rng: np.random.Generator, options: LabelOptions) -> np.ndarray:
    """Draws (D + 1, 5) of the errors in x, y [m], height [m], yaw [rad] and of friction; the first is the nominal.

    A Latin hypercube (McKay et al., 1979): each error takes one value from each of D equally likely ranges, in random
    combinations. A label of 16 such draws is as exact as one of about 50 independent ones.
    """
    o = options
    sd = np.array([o.position_sd, o.position_sd, o.height_sd, o.yaw_sd, o.friction_sd])
    ranges = rng.permuted(np.tile(np.arange(o.draws), (5, 1)), axis=1).T
    share = (ranges + rng.random((o.draws, 5))) / o.draws
    errors = np.vstack([np.zeros(5), truncated_normal(share) * sd])
    errors[:, 4] += o.friction
    return errors


def truncated_normal(share: np.ndarray) -> np.ndarray:
    """The values that a normal variable within 2 standard deviations lies below in a `share` of cases."""
    low = ndtr(-2)
    return ndtri(low + (1 - 2 * low) * share)


@numba.njit(cache=True)
def _label_each(slices, bodies, heightmap, shape, poses, errors, out):
    label, collision, free, friction, epsilons = out
    work = _workspace(slices[3], shape, errors)
    clear = np.empty(len(errors), dtype=np.bool_)
    for n in range(len(poses)):
        x, y, z, angle, width = poses[n]
        c, s = np.cos(angle), np.sin(angle)
        for d in range(len(errors)):
            dx, dy, dz, turn, _ = errors[d]
            at_x, at_y = x + c * dy + s * dx, y + s * dy - c * dx
            clear[d] = not hits(heightmap, shape, at_x, at_y, z + dz, angle + turn, width)
        collision[n] = not clear[0]
        free[n] = clear[1:].mean()
        if clear.any():
            _close(slices, bodies, shape, poses[n], errors, clear, work, n, label, friction, epsilons)
        else:
            friction[n] = NEVER


@numba.njit(cache=True)
def _workspace(heights, shape, errors):
    """Profiles of every turn of the object between the jaws: left, right (T, K, C) and the segments that they met."""
    reach = shape[1] / 2 + np.abs(errors[:, 0]).max()
    size = (2 * TURNS + 1, len(heights), 2 * int(np.ceil(reach / SPACING)) + 1)
    return np.empty(size), np.empty(size), np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64)


@numba.njit(cache=True)
def _close(slices, bodies, shape, pose, errors, clear, work, n, label, friction, epsilons):
    """Close the jaws in every draw that got there; each turn's profile is made when it is first needed."""
    heights = slices[3]
    first = np.searchsorted(heights, pose[2] + errors[:, 2].min())
    last = np.searchsorted(heights, pose[2] + errors[:, 2].max() + shape[2])
    known = np.zeros(2 * TURNS + 1, dtype=np.bool_)
    friction[n] = _settle(slices, shape, pose, errors[0], 0.0, first, last, work, known)[0]
    held, total = 0, 0.0
    for d in range(1, len(errors)):
        if clear[d]:
            needed, at = _settle(slices, shape, pose, errors[d], errors[d, 4], first, last, work, known)
            held += needed <= errors[d, 4]
            if len(epsilons) and needed <= errors[d, 4]:
                total += _epsilon(slices, bodies, shape, pose, errors[d], first, last, work, at)
    label[n] = held / (len(errors) - 1)
    if len(epsilons):
        epsilons[n] = total / (len(errors) - 1)


@numba.njit(cache=True)
def _settle(slices, shape, pose, error, enough, first, last, work, known):
    """Least friction that holds the object on its way to where it lies flattest between the jaws.

    Jaws that do not hold it turn it about the vertical and about their width towards a smaller gap between them, until
    they jam or it lies flat. Stops early at a friction of `enough`. Large turns are sliced anew; tilts, and the last
    fine turns, shear the profile. Returns the friction, and the touch, turn and tilt it stopped at.
    """
    heights = slices[3][first:last]
    rows, pad_row, columns = _profile_window(heights, shape, pose[2] + error[2], error[0], work[0].shape[2])
    turn, tilt, step = TURNS + int(np.rint(error[3] / TURN_STEP)), (0.0, 0.0), TURN_STEP
    best, moved, back = NEVER, True, (0, 0)
    _ensure_profile(slices, shape, pose, first, last, turn, work, known)
    met = first_contacts(work[0][turn], work[1][turn], heights, rows, columns, tilt)
    touch = first_touch(work[0][turn], work[1][turn], heights, rows, columns, tilt, met)
    while touch[1] >= 0 and step > MIN_STEP:
        if moved:
            line = _line(slices, shape, pose, heights, work, (touch, turn, tilt), rows, pad_row, columns)
            best = min(best, needed_friction(line))
            if best <= max(enough, 0.02):
                break
        turned, tilted, narrower = turn, tilt, _gap(touch[0], touch[3], tilt) - DOWNHILL
        came = back
        for a, b in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            whole = a if step == TURN_STEP else 0
            to_turn, to_tilt = turn + whole, (tilt[0] + (a - whole) * step, tilt[1] + b * step)
            if 0 <= to_turn <= 2 * TURNS and abs(to_tilt[1]) <= MAX_ROLL and (a, b) != came:
                _ensure_profile(slices, shape, pose, first, last, to_turn, work, known)
                there = first_contacts(work[0][to_turn], work[1][to_turn], heights, rows, columns, to_tilt)
                if there[0] < np.inf and _gap(there[0], there[1], to_tilt) < narrower:
                    turned, tilted, met, back = to_turn, to_tilt, there, (-a, -b)
                    narrower = _gap(met[0], met[1], tilted)
        moved = turned != turn or tilted != tilt
        if moved:
            turn, tilt = turned, tilted
            touch = first_touch(work[0][turn], work[1][turn], heights, rows, columns, tilt, met)
        else:
            step, back = step / 3, (0, 0)
    return best, (touch, turn, tilt)


@numba.njit(cache=True)
def _line(slices, shape, pose, heights, work, at, rows, pad_row, columns):
    touch, turn, tilt = at
    angle = pose[3] + (turn - TURNS) * TURN_STEP
    profiles = (work[0][turn], work[1][turn], work[2][turn], work[3][turn])
    return closing_line(touch, slices, heights, profiles, rows, pad_row, columns, angle, tilt, shape[6])


@numba.njit(cache=True)
def _epsilon(slices, bodies, shape, pose, error, first, last, work, at):
    """Ferrari and Canny's quality of the grasp where the object has settled, in the frame of the jaws."""
    touch, turn, tilt = at
    heights, last_column = slices[3][first:last], (work[0].shape[2] - 1) * SPACING
    rows, pad_row, columns = _profile_window(heights, shape, pose[2] + error[2], error[0], work[0].shape[2])
    _, lean_left, lean_right, slope, start = _line(slices, shape, pose, heights, work, at, rows, pad_row, columns)
    body = slices[4][work[2][turn][touch[1], touch[2]]]
    center, size, gap = bodies[0][body], bodies[1][body], touch[3] - touch[0]
    angle = pose[3] + (turn - TURNS) * TURN_STEP
    c, s = np.cos(angle), np.sin(angle)
    x, y, z = center[0] - pose[0], center[1] - pose[1], center[2]
    u = x * s - y * c + last_column / 2
    v = x * c + y * s + tilt[0] * u + tilt[1] * z  # sheared like the profile
    p = ((start[0] * SPACING - u) / size, (touch[0] - v) / size, (start[1] - z) / size)
    q = (p[0] + slope[0] * gap / size, p[1] + gap / size, p[2] + slope[1] * gap / size)
    n, m = _normal(lean_left, 1.0), _normal(lean_right, -1.0)
    return epsilon(p, q, n, m, error[4], torsion(error[4], size))


@numba.njit(cache=True)
def _normal(lean, side):
    length = side * np.sqrt(1 + lean[0] ** 2 + lean[1] ** 2)
    return lean[0] / length, 1 / length, lean[1] / length


@numba.njit(cache=True)
def _profile_window(heights, shape, z, shift, columns):
    """Half-open rows and columns of the profile under jaws with tips at z, and the first row above their pads."""
    rows = (np.searchsorted(heights, z), np.searchsorted(heights, z + shape[2]))
    middle, half = (columns - 1) / 2 + shift / SPACING, shape[1] / 2 / SPACING
    inside = (max(0, int(np.ceil(middle - half))), min(columns, int(np.floor(middle + half)) + 1))
    return rows, np.searchsorted(heights, z + shape[3]), inside


@numba.njit(cache=True)
def _ensure_profile(slices, shape, pose, first, last, turn, work, known):
    """Make the profile of a turn unless it has been made."""
    if known[turn]:
        return
    angle = pose[3] + (turn - TURNS) * TURN_STEP
    reach = (pose[4] + shape[0]) / 2  # between the opening and the jaws' outsides: nothing is there if they got down
    profile(
        slices, first, last, pose[0], pose[1], angle, reach, work[0][turn], work[1][turn], work[2][turn], work[3][turn]
    )
    known[turn] = True


@numba.njit(cache=True)
def _gap(left, right, tilt):
    """Distance between the jaws at first touch [m]."""
    return (right - left) / np.sqrt(1 + tilt[0] ** 2 + tilt[1] ** 2)
