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
from antipodal.synth.images.cameras import CameraOptions, sample_approach, sample_camera
from antipodal.synth.images.noise import NoiseOptions, add_noise
from antipodal.synth.images.scene_view import (
    ABOVE_TABLE,
    SceneView,
    SceneViewOptions,
    on_camera,
    render_scene,
    table_depth,
    window_around,
)
from antipodal.synth.scene import TableScene

CAMERAS = 100  # drawn at most, until one sees the objects


class Support(NamedTuple):
    """The table as planning would estimate it, {p : normal . p = offset} in the camera frame."""

    normal: np.ndarray  # (3,) unit, away from the camera
    offset: float  # [m]
    noise: float  # standard deviation of depth about it at 1 m; it grows with the square of depth [m]

    def rises(self, depth: np.ndarray, camera: Camera) -> np.ndarray:
        """Pixels (H, W) bool whose depth [m] lies above it, by more than its noise."""
        x, y = camera.rays()
        along = self.normal[0] * x + self.normal[1] * y[:, None] + self.normal[2]
        return self.offset - depth * along > np.maximum(ABOVE_TABLE, 3.5 * self.noise * depth**2 * np.abs(along))


class Photo(NamedTuple):
    """A noisy depth image around a scene."""

    depth: np.ndarray  # (h, w) float32 [m], 0 = missing
    objects: np.ndarray  # (h, w) bool, valid pixels that show the objects
    camera: Camera  # of this part of the image
    T_cam_table: np.ndarray  # (4, 4)
    support: Support


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
    photo = _photograph(scene, gripper, camera, rng, cameras, noise, margin)
    T_cam_scene = photo.T_cam_table @ transforms.invert(scene.T_scene_table)
    above = photo.objects & photo.support.rises(photo.depth, photo.camera)
    seen = CameraView(photo.depth, above if above.any() else photo.objects, photo.camera, np.eye(4))
    solids = solid_scene([seen], photo.support, margin)
    view, _ = solids.view(sample_approach(rng, T_cam_scene, cameras), margin, ViewOptions(cell=options.cell))
    along, graspable, bare = view.depth.numpy(), view.graspable.numpy(), view.bare.numpy()
    T_view_scene, image = transforms.invert(view.T_cam_view) @ T_cam_scene, (photo.depth, photo.camera)
    return SceneView(along, graspable, T_view_scene, view.origin, view.cell, *image, view.T_cam_view, bare)


def _photograph(
    scene: TableScene,
    gripper: Gripper,
    camera: Camera,
    rng: np.random.Generator,
    cameras: CameraOptions,
    noise: NoiseOptions,
    margin: float,
) -> Photo:
    """An image of the objects and `margin` [m] around them; a camera that sees nothing of them is drawn again."""
    for _ in range(CAMERAS):
        drawn, T_cam_table = sample_camera(rng, camera, cameras)
        T_cam_scene = T_cam_table @ transforms.invert(scene.T_scene_table)
        window = _window_of(scene, T_cam_scene, drawn, margin)
        pitch = float(T_cam_scene[2, :3] @ scene.centers[0] + T_cam_scene[2, 3]) / min(drawn.fx, drawn.fy)
        clean, table = render_scene(scene, T_cam_scene, window), table_depth(scene, T_cam_scene, window)
        depth = add_noise(rng, clean, window, on_camera(noise, gripper, pitch))
        objects = (depth > 0) & ((clean < table) | (table == 0))
        if objects.any():
            return Photo(depth, objects, window, T_cam_table, _support(rng, T_cam_table, cameras, clean, depth))
    raise InputError(f"none of {CAMERAS} cameras drawn sees the objects: look at cameras.radius and cameras.offset")


def _window_of(scene: TableScene, T_cam_scene: np.ndarray, camera: Camera, margin: float) -> Camera:
    """The part of the camera's image that shows the objects and `margin` [m] around them."""
    low, high = scene.vertices.min(axis=0) - margin, scene.vertices.max(axis=0) + margin
    upside_down = T_cam_scene @ np.diag([1.0, 1.0, -1.0, 1.0])  # as a view's z, along the approach
    return window_around(camera, upside_down, (*low[:2], *high[:2]), high[2] - low[2], -low[2])


def _support(
    rng: np.random.Generator, T_cam_table: np.ndarray, cameras: CameraOptions, clean: np.ndarray, depth: np.ndarray
) -> Support:
    """The table with planning's error of its tilt, and with the noise that the image has."""
    normal, valid = sample_approach(rng, T_cam_table, cameras), (depth > 0) & (clean > 0)
    spread = float(np.median(np.abs(depth - clean)[valid] / clean[valid] ** 2))
    return Support(normal, float(normal @ T_cam_table[:3, 3]), 1.4826 * spread)
