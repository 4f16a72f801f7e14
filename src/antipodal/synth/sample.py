"""One shard of samples: draw an object, its pose, grasps and their labels, then views of them. A pure function of the
seed and the shard's index."""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import torch
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from antipodal import transforms
from antipodal.camera import Camera
from antipodal.grasp import Gripper
from antipodal.networks import crops
from antipodal.synth.grasps.candidates import sample_grasps
from antipodal.synth.images.scene_view import SceneView, crop, observe_scene, pixel_crop
from antipodal.synth.labels.labels import Labels, label_grasps
from antipodal.synth.objects.piles import Pile, joint_mesh
from antipodal.synth.objects.prepared import ObjectFolder, PreparedObject
from antipodal.synth.options import GenerateOptions
from antipodal.synth.scene import TableScene, build_scene
from antipodal.synth.shards import PIXEL_MIDDLE, quantise
from antipodal.synth.table_grasps import PlacedGrasps, TableGrasps, place


class Setup(NamedTuple):
    """What all shards of a run share."""

    objects: ObjectFolder
    mesh_index: Sequence[int]  # of each object in the manifest's list of meshes
    gripper: Gripper
    camera: Camera
    options: GenerateOptions
    seed: int
    piles: Sequence[Pile] = ()  # where objects lie together


def make_shard(setup: Setup, shard: int) -> Dict[str, np.ndarray]:
    """The arrays (shards.FIELDS) of `options.shard_samples` samples."""
    rng = np.random.default_rng([setup.seed, shard])
    rows: List[Dict[str, np.ndarray]] = []
    for scene_index in range(setup.options.shard_poses):
        rows += _samples_of(setup, *_draw_scene(setup, rng), scene_index, rng)
    return {name: np.concatenate([r[name] for r in rows]) for name in rows[0]}


def _draw_scene(setup: Setup, rng: np.random.Generator) -> Tuple[TableScene, np.ndarray, int]:
    """A scene, the objects that lie in it, and the number of their pose or pile."""
    if setup.piles:
        number = int(rng.integers(len(setup.piles)))
        pile = setup.piles[number]
        vertices, faces, centers, owner = joint_mesh(pile, setup.objects)
        vertices, centers = lean(vertices, centers, setup.options.approach_sd, rng)
        return build_scene(vertices, faces, setup.options.scene, centers, owner), pile.which, number
    which = int(rng.integers(len(setup.objects)))
    prepared = setup.objects[which]
    probability = None if setup.options.uniform_poses else prepared.probability
    pose = int(rng.choice(len(prepared.poses), p=probability))
    return place_object(prepared, pose, setup, rng), np.array([which]), pose


def _samples_of(
    setup: Setup, scene: TableScene, which: np.ndarray, pose: int, scene_index: int, rng: np.random.Generator
) -> List[Dict[str, np.ndarray]]:
    """Samples of a scene, a batch for each view."""
    o = setup.options
    world = (scene, setup.gripper, setup.camera, rng, o.cameras, o.noise, o.view, o.pixels)
    views = [observe_scene(*world) for _ in range(o.views)]
    grasps = sample_grasps(scene, setup.gripper, o.grasps, rng, o.candidates, views[0])
    labels = label_grasps(scene, setup.gripper, grasps, rng, o.labels)
    mesh = np.asarray(setup.mesh_index, dtype=np.int32)[which[nearest_object(scene, grasps)]]
    batches = []
    for number, view in enumerate(views):
        batch = _view_samples(setup, view, grasps, labels)
        ids = {"pose": (pose, np.int16), "scene": (scene_index, np.int32), "view": (number, np.int16)}
        batch.update({name: np.full(o.grasps, value, dtype=kind) for name, (value, kind) in ids.items()})
        batch["objects"] = mesh
        batch["grasp"] = np.arange(o.grasps, dtype=np.int16)
        batches.append(batch)
    return batches


def place_object(
    prepared: PreparedObject, pose: int, setup: Setup, rng: Optional[np.random.Generator] = None
) -> TableScene:
    """The scene of an object in one of its poses, as approaches drawn by `rng` lean against it; without, upright."""
    T_table_obj = prepared.poses[pose]
    vertices = transforms.apply(T_table_obj, prepared.vertices.astype(np.float64))
    center = transforms.apply(T_table_obj, prepared.center_of_mass[None])
    if rng is not None:
        vertices, center = lean(vertices, center, setup.options.approach_sd, rng)
    return build_scene(vertices, prepared.faces, setup.options.scene, center)


def lean(
    vertices: np.ndarray, centers: np.ndarray, sd: float, rng: np.random.Generator
) -> Tuple[np.ndarray, np.ndarray]:
    """Points (V, 3) and centres of mass (B, 3) [m] as an approach meets them that leans against the table's normal.

    Everything is turned by normal draws of standard deviation `sd` [rad] about the table's x and y, and set down again
    where it is lowest. The table itself stays level, which is wrong by `sd` times a jaw's distance from the middle.
    """
    if sd == 0:
        return vertices, centers
    R = Rotation.from_rotvec([*rng.normal(scale=sd, size=2), 0.0]).as_matrix()
    vertices, centers = vertices @ R.T, centers @ R.T
    down = np.array([0.0, 0.0, vertices[:, 2].min()])
    return vertices - down, centers - down


def nearest_object(scene: TableScene, grasps: TableGrasps) -> np.ndarray:
    """The object (N,) of the scene whose slices come nearest to each grasp's tips."""
    if len(scene.centers) == 1:
        return np.zeros(len(grasps), dtype=int)
    middle = (scene.segments[:, :2] + scene.segments[:, 2:]) / 2
    height = np.repeat(scene.heights, np.diff(scene.start))
    return scene.owner[cKDTree(np.column_stack([middle, height])).query(grasps.tips)[1]]


def _view_samples(setup: Setup, view: SceneView, grasps: TableGrasps, labels: Labels) -> Dict[str, np.ndarray]:
    """What one view shows of the grasps, and their labels."""
    placed = place(grasps, view.T_view_table, setup.gripper)
    batch = {
        **_inputs(setup, view, placed),
        "labels": labels.label,
        "free": labels.free,
        "collision": labels.collision,
        "friction": labels.friction,
        "center": placed.center.astype(np.float32),
        "angle": placed.angle.astype(np.float32),
        "width": placed.width.astype(np.float32),
        "height": (grasps.tips[:, 2] + setup.gripper.tip).astype(np.float32),
    }
    if len(labels.epsilon):
        batch["epsilon"] = labels.epsilon
    return batch


def _inputs(setup: Setup, view: SceneView, placed: PlacedGrasps) -> Dict[str, np.ndarray]:
    """What a network will see of the grasps: crops, and what they cannot show."""
    pixels = setup.options.pixels
    if pixels is None:
        conditions = crops.conditions(torch.from_numpy(placed.width), setup.gripper)
        return {"crops": quantise(crop(view, placed, setup.gripper)), "conditions": conditions.float().numpy()}
    cut, depths = pixel_crop(view, placed, pixels)
    return {"crops": quantise(np.clip(cut - PIXEL_MIDDLE, -1, 1)), "conditions": depths}
