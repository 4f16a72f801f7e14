"""One shard of samples: draw an object, its pose, grasps and their labels, then views of them. A pure function of the
seed and the shard's index."""

from __future__ import annotations

from typing import Callable, Dict, List, Optional, Tuple

import numpy as np
from scipy.spatial.transform import Rotation

from antipodal import transforms
from antipodal.grasp import Gripper
from antipodal.suction_cup import SuctionCup
from antipodal.synth.jaw_samples import jaw_samples
from antipodal.synth.objects.piles import joint_mesh
from antipodal.synth.objects.prepared import PreparedObject
from antipodal.synth.run_setup import Drawn, Setup
from antipodal.synth.scene import TableScene, build_scene
from antipodal.synth.suction_samples import suction_samples

Samples = List[Dict[str, np.ndarray]]
MAKERS: Dict[type, Callable[[Setup, Drawn, np.random.Generator], Samples]] = {
    Gripper: jaw_samples,
    SuctionCup: suction_samples,
}  # what makes the samples of a scene, by the kind of hand


def make_shard(setup: Setup, shard: int) -> Dict[str, np.ndarray]:
    """The arrays (shards.FIELDS) of `options.shard_samples` samples."""
    rng = np.random.default_rng([setup.seed, shard])
    rows: Samples = []
    for number in range(setup.options.shard_poses):
        rows += MAKERS[type(setup.gripper)](setup, Drawn(*_draw_scene(setup, rng), number), rng)
    return {name: np.concatenate([r[name] for r in rows]) for name in rows[0]}


def _draw_scene(setup: Setup, rng: np.random.Generator) -> Tuple[TableScene, np.ndarray, int]:
    """A scene, the objects that lie in it, and the number of their pose or pile."""
    if setup.piles:
        number = int(rng.integers(len(setup.piles)))
        pile = setup.piles[number]
        vertices, faces, centers, owner = joint_mesh(pile, setup.objects)
        vertices, centers, table = lean(vertices, centers, setup.options.lean, rng)
        return build_scene(vertices, faces, setup.options.scene, centers, owner, table), pile.which, number
    which = int(rng.integers(len(setup.objects)))
    prepared = setup.objects[which]
    probability = None if setup.options.uniform_poses else prepared.probability
    pose = int(rng.choice(len(prepared.poses), p=probability))
    return place_object(prepared, pose, setup, rng), np.array([which]), pose


def place_object(
    prepared: PreparedObject, pose: int, setup: Setup, rng: Optional[np.random.Generator] = None
) -> TableScene:
    """The scene of an object in one of its poses, as approaches drawn by `rng` lean against it; without, upright."""
    T_table_obj = prepared.poses[pose]
    vertices = transforms.apply(T_table_obj, prepared.vertices.astype(np.float64))
    center = transforms.apply(T_table_obj, prepared.center_of_mass[None])
    table = np.eye(4)
    if rng is not None:
        vertices, center, table = lean(vertices, center, setup.options.lean, rng)
    return build_scene(vertices, prepared.faces, setup.options.scene, center, T_scene_table=table)


def lean(
    vertices: np.ndarray, centers: np.ndarray, angles: Tuple[float, float], rng: np.random.Generator
) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points (V, 3) and centres of mass (B, 3) [m] on the table as an approach meets them that leans against its normal
    by an angle between these two [rad], to any side; and `T_scene_table` (4, 4).

    All of it is turned, and the lowest of the points is z = 0.
    """
    if max(angles) == 0:
        return vertices, centers, np.eye(4)
    angle, side = rng.uniform(*angles), rng.uniform(0, 2 * np.pi)
    R = Rotation.from_rotvec([angle * np.cos(side), angle * np.sin(side), 0.0]).as_matrix()
    T = transforms.compose(R, np.array([0.0, 0.0, -(vertices @ R[2]).min()]))
    return transforms.apply(T, vertices), transforms.apply(T, centers), T
