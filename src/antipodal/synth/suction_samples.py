"""Samples of a scene for a suction cup: in each view grasps on what it shows, their labels, and what a network sees."""

from __future__ import annotations

from typing import Dict, List, Tuple

import numpy as np

from antipodal import transforms
from antipodal.errors import InputError
from antipodal.networks.suction_crops import SIDE, crop_suction, suction_conditions
from antipodal.suction_cup import SuctionCup
from antipodal.synth.grasps.suction_candidates import SuctionCandidates, sample_suction
from antipodal.synth.images.photo import Photo, photograph
from antipodal.synth.labels.near_surface import Triangles, surface_of
from antipodal.synth.labels.suction_labels import SuctionLabels, label_suction, load_on_table
from antipodal.synth.run_setup import Drawn, Setup, with_ids
from antipodal.synth.shards import quantise

ANOTHER_LOOK = 20  # cameras tried until one sees the scene


def suction_samples(setup: Setup, drawn: Drawn, rng: np.random.Generator) -> List[Dict[str, np.ndarray]]:
    """Samples of a scene, a batch for each view; each view has grasps of its own."""
    o, scene, cup = setup.options, drawn.scene, setup.gripper
    assert isinstance(cup, SuctionCup)
    surface = surface_of(scene.vertices, scene.faces, scene.face_owner)
    load = load_on_table(scene.centers, draw_masses(setup, drawn, rng))
    index = np.asarray(setup.mesh_index, dtype=np.int32)[drawn.which]
    batches = []
    for view in range(o.views):
        photo, grasps = _look(setup, drawn, surface, cup, rng)
        T_table_grasp = transforms.invert(photo.T_cam_scene) @ grasps.T_cam_grasp
        labels = label_suction(surface, load, cup, T_table_grasp, rng, o.suction.labels)
        batch = _photo_samples(photo, grasps, T_table_grasp, labels, cup)
        batches.append(with_ids({**batch, "objects": index[scene.face_owner[grasps.face]]}, drawn, view))
    return batches


def draw_masses(setup: Setup, drawn: Drawn, rng: np.random.Generator) -> np.ndarray:
    """Masses (B,) [kg] of the objects in a scene, of densities drawn for each."""
    o = setup.options.suction
    volumes = np.array([setup.objects[int(i)].volume[0] for i in drawn.which])
    return np.clip(volumes * rng.uniform(*o.density, len(volumes)), *o.mass)


def _look(
    setup: Setup, drawn: Drawn, surface: Triangles, cup: SuctionCup, rng: np.random.Generator
) -> Tuple[Photo, SuctionCandidates]:
    """A photo of the scene and grasps in it."""
    o = setup.options
    for _ in range(ANOTHER_LOOK):
        photo = photograph(drawn.scene, setup.camera, rng, o.cameras, o.noise, SIDE * cup.radius)
        grasps = sample_suction(photo, surface, cup, o.grasps, rng, o.suction.candidates)
        if len(grasps.face):
            return photo, grasps
    raise InputError(f"no surface of a scene was seen in {ANOTHER_LOOK} images; check the camera and its noise")


def _photo_samples(
    photo: Photo, grasps: SuctionCandidates, T_table_grasp: np.ndarray, labels: SuctionLabels, cup: SuctionCup
) -> Dict[str, np.ndarray]:
    """What one photo shows of the grasps, and their labels."""
    return {
        "crops": quantise(crop_suction(photo.depth, photo.camera, grasps.contact, grasps.approach, cup)),
        "conditions": suction_conditions(grasps.contact, grasps.approach, photo.down, cup),
        "labels": labels.label,
        "free": labels.free,
        "collision": labels.collision,
        "friction": labels.friction,
        "stretch": labels.stretch,
        "center": grasps.contact.astype(np.float32),
        "approach": grasps.approach.astype(np.float32),
        "height": T_table_grasp[:, 2, 3].astype(np.float32),
    }
