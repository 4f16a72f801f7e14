"""Clutter: objects dropped onto the table one after the other, by MuJoCo. A pile is a pure function of a seed and its
index, made once a run and kept beside its objects.

Objects fall as their convex hulls, so nothing comes to lie inside a cup; what grasps and images meet is their true
shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import List, NamedTuple, Sequence, Tuple

import numpy as np
from scipy.spatial import ConvexHull
from scipy.spatial.transform import Rotation

from antipodal import transforms
from antipodal.errors import InputError
from antipodal.files import read_array, write_array
from antipodal.synth.objects.falling import DRAG, falling_time, set_drag, step_until_rest
from antipodal.synth.objects.prepared import Objects, PreparedObject

DENSITY = 500.0  # [kg/m3]
SLOW = 0.005  # objects slower than this are at rest [m/s]
SIDES = 8  # of the funnel that they fall in


MOST_OBJECTS = 100  # that lie together


@dataclass(frozen=True)
class PileOptions:
    """How many objects lie together, and how they get there."""

    objects: int = 1  # in a scene; a single one lies in one of its stable poses
    piles: int = 300  # made in a run, drawn from with replacement
    radius: float = 0.09  # of the funnel [m]
    settle_time: float = 3.0  # after the last object has come down [s]
    reach: float = 0.25  # what comes to lie farther from the middle is left out [m]

    def __post_init__(self) -> None:
        if not 1 <= self.objects <= MOST_OBJECTS:
            raise InputError(f"piles.objects must be 1 to {MOST_OBJECTS}, got {self.objects}")


class Pile(NamedTuple):
    """Which objects lie where."""

    which: np.ndarray  # (K,) indices of objects
    poses: np.ndarray  # (K, 4, 4) T_table_obj


def drop_pile(objects: Objects, options: PileOptions, seed: int, index: int) -> Pile:
    """The pile with this index in the series of this seed; of fewer objects where some rolled away.

    Raises InputError where MuJoCo is missing.
    """
    rng = np.random.default_rng([seed, index, options.objects])
    which = rng.integers(len(objects), size=options.objects)
    poses = _drop([objects[i] for i in which], options, rng)
    near = np.linalg.norm(poses[:, :2, 3], axis=1) < options.reach
    near[0] |= not near.any()
    poses = poses[near]
    poses[:, :2, 3] -= poses[:, :2, 3].mean(axis=0)
    return Pile(which[near], poses)


def joint_mesh(pile: Pile, objects: Objects) -> Tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """All the pile's vertices (V, 3) [m] and faces (F, 3) in the table frame, the centres of mass (K, 3) [m], and which
    of the pile's objects each face is of (F,)."""
    vertices, faces, centers, owner, start = [], [], [], [], 0
    for k, (i, T_table_obj) in enumerate(zip(pile.which, pile.poses)):
        o = objects[i]
        vertices.append(transforms.apply(T_table_obj, o.vertices.astype(np.float64)))
        faces.append(o.faces + start)
        centers.append(transforms.apply(T_table_obj, o.center_of_mass[None])[0])
        owner.append(np.full(len(o.faces), k))
        start += len(o.vertices)
    points = np.concatenate(vertices)
    points[:, 2] = np.maximum(points[:, 2], 0)  # contacts are soft: things sink in by a hair
    return points, np.concatenate(faces), np.stack(centers), np.concatenate(owner)


def save_piles(folder: Path, piles: Sequence[Pile]) -> None:
    write_array(folder / "pile_which.npy", np.concatenate([p.which for p in piles]))
    write_array(folder / "pile_poses.npy", np.concatenate([p.poses for p in piles]))
    write_array(folder / "pile_end.npy", np.cumsum([len(p.which) for p in piles]))


def load_piles(folder: Path) -> List[Pile]:
    """The piles of a run, none where objects lie alone."""
    if not (folder / "pile_end.npy").exists():
        return []
    which, poses = read_array(folder / "pile_which.npy"), read_array(folder / "pile_poses.npy")
    ends = np.append(0, read_array(folder / "pile_end.npy"))
    return [Pile(np.array(which[a:b]), np.array(poses[a:b])) for a, b in zip(ends[:-1], ends[1:])]


def _drop(objects: Sequence[PreparedObject], options: PileOptions, rng: np.random.Generator) -> np.ndarray:
    """Poses (K, 4, 4) in which objects come to rest that are let fall in random orientations, one above the other."""
    mujoco = _mujoco()
    model = _world(mujoco, objects, options)
    data = mujoco.MjData(model)

    def at_rest() -> bool:
        return bool(np.abs(data.qvel.reshape(-1, 6)[:, :3]).max() < SLOW)

    radii = [np.linalg.norm(o.vertices - o.center_of_mass, axis=1).max() for o in objects]
    heights = np.cumsum(2 * np.array(radii)) - radii
    turns = Rotation.random(len(objects), random_state=rng)
    for k, (o, R) in enumerate(zip(objects, turns)):
        xy = rng.uniform(-0.3, 0.3, 2) * options.radius
        data.qpos[7 * k : 7 * k + 3] = np.append(xy, heights[k]) - R.as_matrix() @ o.center_of_mass
        data.qpos[7 * k + 3 : 7 * k + 7] = np.roll(R.as_quat(), 1)
    step_until_rest(model, data, falling_time(heights[-1]) + options.settle_time, at_rest)
    set_drag(model, _names(objects), 0.0)
    model.geom_contype[1 : 1 + SIDES] = model.geom_conaffinity[1 : 1 + SIDES] = 0  # the funnel is taken away
    step_until_rest(model, data, options.settle_time, at_rest)
    return np.stack([transforms.compose(b.xmat.reshape(3, 3), b.xpos) for b in map(data.body, _names(objects))])


def _world(mujoco, objects: Sequence[PreparedObject], options: PileOptions):
    """A table (geom 0), a funnel of SIDES walls, and the objects' hulls."""
    spec = mujoco.MjSpec()
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[2, 2, 0.1])
    for turn in 2 * np.pi * np.arange(SIDES) / SIDES:
        normal = -np.array([np.cos(turn), np.sin(turn), 0.0])
        middle = -(options.radius + 0.05) * normal
        wall = spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[2, 2, 0.1], pos=middle)
        wall.alt.type, wall.alt.zaxis = mujoco.mjtOrientation.mjORIENTATION_ZAXIS, normal
    for name, o in zip(_names(objects), objects):
        points = o.vertices.astype(np.float64)
        mesh = spec.add_mesh()  # MuJoCo 3.2 takes no values here, and no zaxis above
        mesh.name, mesh.uservert = name, points[ConvexHull(points).vertices].ravel()
        body = spec.worldbody.add_body(name=name)
        body.add_freejoint()
        body.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname=name, density=DENSITY, friction=[0.5, 0.005, 0.0001])
    model = spec.compile()
    set_drag(model, _names(objects), DRAG)
    return model


def _names(objects: Sequence[PreparedObject]) -> List[str]:
    return [f"object{k}" for k in range(len(objects))]


def _mujoco():
    try:
        import mujoco
    except ImportError as e:
        raise InputError("clutter needs MuJoCo: pip install mujoco") from e
    return mujoco
