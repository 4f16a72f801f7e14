"""Samples of a scene for parallel jaws: grasps straight down the approach, their labels, and views of them."""

from __future__ import annotations

from typing import Dict, List

import numpy as np
import torch
from scipy.spatial import cKDTree

from antipodal.grasp import Gripper
from antipodal.networks import crops
from antipodal.synth.grasps.candidates import sample_grasps
from antipodal.synth.images.leaning_view import observe_leaning
from antipodal.synth.images.scene_view import SceneView, crop, observe_scene, pixel_crop
from antipodal.synth.labels.labels import Labels, label_grasps
from antipodal.synth.run_setup import Drawn, Setup, with_ids
from antipodal.synth.scene import TableScene
from antipodal.synth.shards import PIXEL_MIDDLE, quantise
from antipodal.synth.table_grasps import PlacedGrasps, TableGrasps, place


def jaw_samples(setup: Setup, drawn: Drawn, rng: np.random.Generator) -> List[Dict[str, np.ndarray]]:
    """Samples of a scene, a batch for each view; the views show the same grasps."""
    o, scene, gripper = setup.options, drawn.scene, setup.gripper
    assert isinstance(gripper, Gripper)
    world = (scene, gripper, setup.camera, rng, o.cameras, o.noise, o.view)
    views = [observe_leaning(*world) if scene.leans else observe_scene(*world, o.pixels) for _ in range(o.views)]
    grasps = sample_grasps(scene, gripper, o.grasps, rng, o.candidates, views[0])
    labels = label_grasps(scene, gripper, grasps, rng, o.labels)
    mesh = np.asarray(setup.mesh_index, dtype=np.int32)[drawn.which[nearest_object(scene, grasps)]]
    height = (grasps.tips[:, 2] - scene.table_at(grasps.tips) + gripper.tip).astype(np.float32)
    batches = [_view_samples(setup, gripper, view, grasps, labels) for view in views]
    return [with_ids({**b, "height": height, "objects": mesh}, drawn, number) for number, b in enumerate(batches)]


def nearest_object(scene: TableScene, grasps: TableGrasps) -> np.ndarray:
    """The object (N,) of the scene whose slices come nearest to each grasp's tips."""
    if len(scene.centers) == 1:
        return np.zeros(len(grasps), dtype=int)
    middle = (scene.segments[:, :2] + scene.segments[:, 2:]) / 2
    height = np.repeat(scene.heights, np.diff(scene.start))
    return scene.owner[cKDTree(np.column_stack([middle, height])).query(grasps.tips)[1]]


def _view_samples(
    setup: Setup, gripper: Gripper, view: SceneView, grasps: TableGrasps, labels: Labels
) -> Dict[str, np.ndarray]:
    """What one view shows of the grasps, and their labels."""
    placed = place(grasps, view.T_view_scene, gripper)
    batch = {
        **_inputs(setup, gripper, view, placed),
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


def _inputs(setup: Setup, gripper: Gripper, view: SceneView, placed: PlacedGrasps) -> Dict[str, np.ndarray]:
    """What a network will see of the grasps: crops, and what they cannot show."""
    pixels = setup.options.pixels
    if pixels is None:
        conditions = crops.conditions(torch.from_numpy(placed.width), gripper)
        return {"crops": quantise(crop(view, placed, gripper)), "conditions": conditions.float().numpy()}
    cut, depths = pixel_crop(view, placed, pixels)
    return {"crops": quantise(np.clip(cut - PIXEL_MIDDLE, -1, 1)), "conditions": depths}
