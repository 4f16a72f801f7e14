"""What planning would see of a scene along an approach that leans against the table's normal: a view of solids."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from antipodal import transforms
from antipodal.camera import Camera
from antipodal.errors import InputError
from antipodal.grasp import Gripper
from antipodal.perception.fusion import CameraView
from antipodal.perception.solid_scene import solid_scene
from antipodal.perception.view import ViewOptions
from antipodal.synth.images import render
from antipodal.synth.images.cameras import CameraOptions, sample_approach
from antipodal.synth.images.noise import NoiseOptions
from antipodal.synth.images.photo import Photo, photograph
from antipodal.synth.images.scene_view import ABOVE_TABLE, SceneView, SceneViewOptions
from antipodal.synth.scene import TableScene

CAMERAS = 100  # drawn at most, until one sees the objects


class Support(NamedTuple):
    """The table as planning would estimate it, {p : normal . p = offset} in the camera frame."""

    normal: np.ndarray  # (3,) unit, away from the camera
    offset: float  # [m]
    noise: float  # standard deviation of depth about it at 1 m; it grows with the square of depth [m]

    def rises(self, depth: np.ndarray, camera: Camera) -> np.ndarray:
        """Pixels (H, W) bool whose depth [m] lies above it, by more than its noise."""
        along = _along(self.normal, camera)
        return self.offset - depth * along > np.maximum(ABOVE_TABLE, 3.5 * self.noise * depth**2 * np.abs(along))


def observe_leaning(
    scene: TableScene,
    gripper: Gripper,
    camera: Camera,
    rng: np.random.Generator,
    cameras: CameraOptions,
    noise: NoiseOptions,
    options: SceneViewOptions = SceneViewOptions(),
) -> SceneView:
    """A noisy view of a scene that leans, from a camera drawn anew. Raises InputError where none sees the objects."""
    margin = options.margin * gripper.max_width
    photos = (photograph(scene, camera, rng, cameras, noise, margin) for _ in range(CAMERAS))
    photo = next((p for p in photos if _shows_objects(p).any()), None)
    if photo is None:
        raise InputError(f"none of {CAMERAS} cameras drawn sees the objects: look at cameras.radius and cameras.offset")
    objects, support = _shows_objects(photo), _support_of(photo, scene)
    above = objects & support.rises(photo.depth, photo.camera)
    seen = CameraView(photo.depth, above if above.any() else objects, photo.camera, np.eye(4))
    solids = solid_scene([seen], support, margin)
    view, _ = solids.view(sample_approach(rng, photo.T_cam_scene, cameras), margin, ViewOptions(cell=options.cell))
    along, graspable, bare = view.depth.numpy(), view.graspable.numpy(), view.bare.numpy()
    T_view_scene, image = transforms.invert(view.T_cam_view) @ photo.T_cam_scene, (photo.depth, photo.camera)
    return SceneView(along, graspable, T_view_scene, view.origin, view.cell, *image, view.T_cam_view, bare)


def _shows_objects(photo: Photo) -> np.ndarray:
    """Valid pixels (H, W) bool that show objects."""
    return (photo.depth > 0) & (photo.face != render.NOTHING)


def _support_of(photo: Photo, scene: TableScene) -> Support:
    """The table with planning's error of its tilt, and with the noise that the image has about it."""
    offset = float(photo.down @ (photo.T_cam_scene @ scene.T_scene_table)[:3, 3])
    along, table = _along(photo.down, photo.camera), (photo.depth > 0) & (photo.face == render.NOTHING)
    depth = photo.depth[table]
    spread = float(np.median(np.abs(offset / along[table] - depth) / depth**2)) if len(depth) else 0.0
    return Support(photo.down, offset, 1.4826 * spread)


def _along(normal: np.ndarray, camera: Camera) -> np.ndarray:
    """How far (H, W) each pixel's ray goes along a normal for every metre of depth."""
    x, y = camera.rays()
    return normal[0] * x + normal[1] * y[:, None] + normal[2]
