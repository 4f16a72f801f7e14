"""One shard of samples: draw an object, its pose, grasps and their labels, then views of them. A pure function of the
seed and the shard's index."""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Sequence

import numpy as np

from antipodal import transforms
from antipodal.camera import Camera
from antipodal.grasp import Gripper
from antipodal.synth.candidates import sample_grasps
from antipodal.synth.labels import Labels, TableGrasps, label_grasps
from antipodal.synth.objects import ObjectFolder, PreparedObject
from antipodal.synth.observe import PlacedGrasps, SceneView, crop, observe, place
from antipodal.synth.options import GenerateOptions
from antipodal.synth.scene import Scene, build_scene
from antipodal.synth.shards import quantise


class Setup(NamedTuple):
    """What all shards of a run share."""

    objects: ObjectFolder
    mesh_index: Sequence[int]  # of each object in the manifest's list of meshes
    gripper: Gripper
    camera: Camera
    options: GenerateOptions
    seed: int


def make_shard(setup: Setup, shard: int) -> Dict[str, np.ndarray]:
    """The arrays (shards.FIELDS) of `options.shard_samples` samples."""
    rng = np.random.default_rng([setup.seed, shard])
    rows: List[Dict[str, np.ndarray]] = []
    for scene_index in range(setup.options.shard_poses):
        which = int(rng.integers(len(setup.objects)))
        rows += _samples_of(setup, setup.objects[which], setup.mesh_index[which], scene_index, rng)
    return {name: np.concatenate([r[name] for r in rows]) for name in rows[0]}


def _samples_of(
    setup: Setup, prepared: PreparedObject, mesh: int, scene_index: int, rng: np.random.Generator
) -> List[Dict[str, np.ndarray]]:
    """Samples of one object in one pose, a batch for each view."""
    o = setup.options
    pose = int(rng.choice(len(prepared.poses), p=None if o.uniform_poses else prepared.probability))
    scene = place_object(prepared, pose, setup)
    views = [observe(scene, setup.gripper, setup.camera, rng, o.cameras, o.noise, o.view) for _ in range(o.views)]
    grasps = sample_grasps(scene, setup.gripper, o.grasps, rng, o.candidates, views[0])
    labels = label_grasps(scene, setup.gripper, grasps, rng, o.labels)
    batches = []
    for number, view in enumerate(views):
        batch = _seen(setup, view, grasps, labels)
        ids = {"objects": (mesh, np.int32), "pose": (pose, np.int16), "scene": (scene_index, np.int32)}
        ids["view"] = (number, np.int16)
        batch.update({name: np.full(o.grasps, value, dtype=kind) for name, (value, kind) in ids.items()})
        batch["grasp"] = np.arange(o.grasps, dtype=np.int16)
        batches.append(batch)
    return batches


def place_object(prepared: PreparedObject, pose: int, setup: Setup) -> Scene:
    T_table_obj = prepared.poses[pose]
    vertices = transforms.apply(T_table_obj, prepared.vertices.astype(np.float64))
    center = transforms.apply(T_table_obj, prepared.center_of_mass[None])
    return build_scene(vertices, prepared.faces, setup.options.scene, center)


def _seen(setup: Setup, view: SceneView, grasps: TableGrasps, labels: Labels) -> Dict[str, np.ndarray]:
    """What one view shows of the grasps, and their labels."""
    placed = place(grasps, view.T_view_table, setup.gripper)
    batch = {
        "crops": quantise(crop(view, placed, setup.gripper)),
        "conditions": conditions(placed, setup.gripper),
        "labels": labels.label,
        "free": labels.free,
        "collision": labels.collision,
        "friction": labels.friction,
        "center": placed.center.astype(np.float32),
        "angle": placed.angle.astype(np.float32),
        "width": placed.width.astype(np.float32),
    }
    if len(labels.epsilon):
        batch["epsilon"] = labels.epsilon
    return batch


def conditions(grasps: PlacedGrasps, gripper: Gripper) -> np.ndarray:
    """(N, 4) float32, as `crops.conditions` makes them."""
    fixed = np.array([gripper.jaw_thickness, gripper.jaw_width, gripper.jaw_length])
    rows = np.column_stack([grasps.width, np.broadcast_to(fixed, (len(grasps.width), 3))])
    return (rows / gripper.max_width).astype(np.float32)
