"""What the camera's own image shows of a scene, clean and with noise, and which face each pixel shows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from antipodal import transforms
from antipodal.camera import Camera
from antipodal.synth.images import render
from antipodal.synth.images.cameras import CameraOptions, sample_approach, sample_camera
from antipodal.synth.images.noise import NoiseOptions, add_noise
from antipodal.synth.images.scene_view import table_depth, window_around
from antipodal.synth.scene import TableScene


class Photo(NamedTuple):
    """A depth image around a scene."""

    depth: np.ndarray  # (h, w) float32 as the sensor gives it [m], 0 = missing
    face: np.ndarray  # (h, w) int32 of the scene that each pixel shows, render.NOTHING for the table
    camera: Camera  # of this part of the image
    T_cam_scene: np.ndarray  # (4, 4)
    down: np.ndarray  # (3,) unit in the camera's frame: into the table, as planning would estimate it


def photograph(
    scene: TableScene,
    camera: Camera,
    rng: np.random.Generator,
    cameras: CameraOptions,
    noise: NoiseOptions,
    margin: float,
) -> Photo:
    """A noisy image from a camera drawn anew, of the scene and `margin` [m] around it."""
    drawn, T_cam_table = sample_camera(rng, camera, cameras)
    down = sample_approach(rng, T_cam_table, cameras)
    T_cam_scene = T_cam_table @ transforms.invert(scene.T_scene_table)
    low, high = scene.vertices[:, :2].min(axis=0) - margin, scene.vertices[:, :2].max(axis=0) + margin
    window = window_around(drawn, T_cam_scene, (*low, *high), scene.height, scene.height)
    seen, face = render.render_faces(transforms.apply(T_cam_scene, scene.vertices), scene.faces, window)
    shown = render.nearer(seen, table_depth(scene, T_cam_scene, window))
    return Photo(add_noise(rng, shown, window, noise), face, window, T_cam_scene, down)
