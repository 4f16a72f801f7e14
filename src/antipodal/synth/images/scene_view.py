"""What planning would see of a scene: depth from a camera, noise, the orthographic view, and crops around grasps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple, Optional, Tuple

import numba
import numpy as np
import torch

from antipodal import transforms
from antipodal.backends import EXACT
from antipodal.camera import Camera
from antipodal.grasp import Gripper
from antipodal.grasping.view_grasps import ViewGrasps, poses
from antipodal.networks import crops
from antipodal.networks.crops_numba import surface_crops_numba
from antipodal.networks.pixel_crops import PixelCrops, pixel_inputs, shrink
from antipodal.perception.view import look_along
from antipodal.perception.view_numba import rectify_numba
from antipodal.synth.images import render
from antipodal.synth.images.cameras import CameraOptions, sample_approach, sample_camera
from antipodal.synth.images.noise import NoiseOptions, add_noise
from antipodal.synth.scene import TableScene
from antipodal.synth.table_grasps import PlacedGrasps

ABOVE_TABLE = 0.003  # what is seen this far above the table may be grasped [m]


@dataclass(frozen=True)
class SceneViewOptions:
    """How planning would look at the scene."""

    cell: float = 0.002  # finest of the orthographic view [m]
    coarsen: float = 1.2  # cells are at least so many pixels of the camera wide
    margin: float = 0.8  # seen around the object, in widest openings: a crop's half side and a little


class SceneView(NamedTuple):
    """An orthographic view as `view.View`, in arrays."""

    depth: np.ndarray  # (H, W) float32 [m]
    graspable: np.ndarray  # (H, W) bool, what is seen above the table
    T_view_scene: np.ndarray  # (4, 4)
    origin: Tuple[float, float]  # [m]
    cell: float
    image: np.ndarray  # (h, w) float32 [m] of the camera, around the scene
    camera: Camera  # of that image
    T_cam_view: np.ndarray  # (4, 4)
    bare: Optional[np.ndarray] = None  # (H, W) bool where the view leans: cells that show the table


def observe_scene(
    scene: TableScene,
    gripper: Gripper,
    camera: Camera,
    rng: np.random.Generator,
    cameras: CameraOptions,
    noise: NoiseOptions,
    options: SceneViewOptions = SceneViewOptions(),
    pixels: Optional[PixelCrops] = None,
) -> SceneView:
    """A noisy view of a level scene from a camera drawn anew, and its image, large enough for Dex-Net's `pixels`."""
    drawn, T_cam_table = sample_camera(rng, camera, cameras)
    T_cam_view = look_along(sample_approach(rng, T_cam_table, cameras))
    T_view_scene = transforms.invert(T_cam_view) @ T_cam_table
    bounds = _bounds(scene, T_view_scene, options.margin * gripper.max_width)
    pitch = (T_view_scene[2, 3] - scene.height / 2) / min(drawn.fx, drawn.fy)
    cell = max(options.cell, options.coarsen * pitch)
    window = window_around(drawn, T_cam_view, bounds, scene.height, T_view_scene[2, 3], pixels.window if pixels else 0)
    depth = add_noise(rng, render_scene(scene, T_cam_table, window), window, on_camera(noise, gripper, pitch, pixels))
    seen, observed = rectify_numba(depth, window, T_cam_view, bounds, cell)
    graspable = observed & (seen < np.float32(T_view_scene[2, 3] - ABOVE_TABLE))
    return SceneView(seen, graspable, T_view_scene, bounds[:2], cell, depth, window, T_cam_view)


def on_camera(noise: NoiseOptions, gripper: Gripper, pitch: float, pixels: Optional[PixelCrops] = None) -> NoiseOptions:
    """The noise with its correlation in pixels of the camera, which are `pitch` [m] wide on the object."""
    if noise.crop_correlation == 0:
        return noise
    metric = crops.EXTENT * gripper.max_width / crops.SIZE / pitch  # a crop's pixel in pixels of the camera
    return replace(noise, correlation=max(1.0, noise.crop_correlation * (1 / pixels.factor if pixels else metric)))


def render_scene(scene: TableScene, T_cam_scene: np.ndarray, camera: Camera) -> np.ndarray:
    """Clean depth (H, W) float32 [m] of the scene and its table."""
    table = table_depth(scene, T_cam_scene, camera)
    return render.render_depth(transforms.apply(T_cam_scene, scene.vertices), scene.faces, camera, table)


def table_depth(scene: TableScene, T_cam_scene: np.ndarray, camera: Camera) -> np.ndarray:
    """Depth (H, W) float32 [m] of the bare table, 0 where it is not seen."""
    T_cam_table = T_cam_scene @ scene.T_scene_table
    normal = T_cam_table[:3, 2]
    return render.plane_depth(np.append(normal, normal @ T_cam_table[:3, 3]), camera)


def _bounds(scene: TableScene, T_view_scene: np.ndarray, margin: float) -> Tuple[float, float, float, float]:
    xy = T_view_scene[:2, :3] @ scene.vertices.T + T_view_scene[:2, 3:]  # rows, whose extremes are quicker found
    low, high = xy.min(axis=1) - margin, xy.max(axis=1) + margin
    return (float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def window_around(
    camera: Camera, T_cam_view: np.ndarray, bounds, height: float, table: float, margin_px: int = 0
) -> Camera:
    """The part of the camera's image that shows the view's bounds between `table` and `height` above it [m], and
    `margin_px` around it."""
    x, y, z = np.meshgrid(bounds[::2], bounds[1::2], [table - height, table])
    corners = transforms.apply(T_cam_view, np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1))
    px = camera.project(corners)
    size = np.array([camera.width, camera.height])
    low = np.clip(np.floor(px.min(axis=0)) - margin_px, 0, size - 1).astype(int)
    high = np.clip(np.ceil(px.max(axis=0)) + 1 + margin_px, low + 1, size).astype(int)
    return Camera(
        camera.fx,
        camera.fy,
        camera.cx - int(low[0]),
        camera.cy - int(low[1]),
        int(high[0] - low[0]),
        int(high[1] - low[1]),
    )


def crop(view: SceneView, grasps: PlacedGrasps, gripper: Gripper) -> np.ndarray:
    """Network inputs (N, SIZE, SIZE) float32 in [-CLIP, CLIP], as `crops.normalise` makes them."""
    side = crops.EXTENT * gripper.max_width
    surface = surface_crops_numba(view.depth, view.origin, view.cell, grasps.center, grasps.angle, side, crops.SIZE)
    _normalise(surface, grasps.center[:, 2].astype(np.float32), np.float32(gripper.max_width), np.float32(crops.CLIP))
    return surface


def pixel_crop(view: SceneView, grasps: PlacedGrasps, pixels: PixelCrops) -> Tuple[np.ndarray, np.ndarray]:
    """Dex-Net's inputs: crops (N, size, size) and the gripper's depths (N, 1), float32 [m]."""
    placed = ViewGrasps(*(torch.from_numpy(np.ascontiguousarray(a)) for a in grasps))
    shrunk = shrink(torch.from_numpy(view.image), pixels.factor)
    cut, depths = pixel_inputs(shrunk, view.camera, poses(placed, view.T_cam_view), pixels)
    return cut[:, 0].numpy(), depths.numpy()


@numba.njit(cache=True, fastmath=EXACT, error_model="numpy")
def _normalise(surface, grasp_depth, width, clip):
    """`crops.normalise` of surfaces (N, SIZE, SIZE), in place."""
    for n in range(len(surface)):
        values = surface[n].reshape(-1)
        for i in range(len(values)):
            values[i] = min(max((values[i] - grasp_depth[n]) / width, -clip), clip)
