"""The cloud of a depth image, coloured by what the planner took each pixel for."""

from __future__ import annotations

from typing import NamedTuple, Optional

import cv2
import numpy as np

from antipodal.camera import Camera
from antipodal.perception.pixel_kinds import KINDS, coloured, kinds_of
from antipodal.perception.scene import Scene
from antipodal.perception.table import Table

MOST_POINTS = 320_000  # of the cloud; every n-th row and column where the image has more
LIGHT = np.array([0.35, -0.55, -0.76], np.float32)  # towards the eye and a little aside
BELOW = 0.002  # the sheet of the unseen lies this far below the support [m]


class Places(NamedTuple):
    """Where the points of an image's cloud lie."""

    points: np.ndarray  # (N, 3) float32 in the camera frame [m]
    pixels: np.ndarray  # (N,) of these, counted row by row
    pitch: float  # distance of neighbours at the median depth [m]


class Cloud(NamedTuple):
    """N points of an image."""

    points: np.ndarray  # (N, 3) float32 in the camera frame [m]
    colours: np.ndarray  # (N, 3) uint8
    kinds: np.ndarray  # (N,) index into KINDS
    pitch: float  # distance of neighbours at the median depth [m]


def make_cloud(scene: Scene, camera: Camera) -> Cloud:
    """The cloud of a scene."""
    at = places(scene.depth, camera, plane_of(scene.support))
    return coloured_cloud(at, kinds_of(scene, camera), shading(scene.depth, camera))


def coloured_cloud(at: Places, kinds: np.ndarray, shade: np.ndarray) -> Cloud:
    """The cloud of `places`, `kinds_of` (H, W) and `shading` (H, W) of the same image."""
    if len(at.pixels) < kinds.size:
        kinds, shade = kinds.ravel()[at.pixels], shade.ravel()[at.pixels]
    kinds, shade = kinds.ravel(), shade.ravel()
    plane = list(KINDS).index("support")
    shade = np.where(kinds == plane, np.float32(1), shade)  # what varies on a plane is noise
    return Cloud(at.points, coloured(kinds, shade), kinds, at.pitch)


def plane_of(support: Optional[Table]) -> Optional[np.ndarray]:
    """A support's plane (4,), normal . p = offset [m]."""
    return None if support is None else np.append(support.normal, support.offset)


def places(depth: np.ndarray, camera: Camera, plane: Optional[np.ndarray]) -> Places:
    """Where the points of a depth image (H, W) [m] lie. Pixels without depth lie on the support's plane (4,), and are
    left out where there is none."""
    stride = int(np.ceil(np.sqrt(depth.size / MOST_POINTS)))
    z = np.where(depth > 0, depth, _depth_of_plane(depth, camera, plane))[::stride, ::stride]
    x, y = (ray[::stride] for ray in camera.rays())
    points, kept = np.empty((*z.shape, 3), np.float32), np.flatnonzero(z > 0)
    points[..., 0], points[..., 1], points[..., 2] = x[None, :] * z, y[:, None] * z, z
    points, pixels = points.reshape(-1, 3), np.arange(depth.size).reshape(depth.shape)[::stride, ::stride].ravel()
    if len(kept) < len(points):
        points, pixels = points.take(kept, axis=0), pixels.take(kept)
    pitch = float(np.median(points[::16, 2])) * stride / camera.fx if len(kept) else 0.001
    return Places(points, pixels, pitch)


def shading(depth: np.ndarray, camera: Camera) -> np.ndarray:
    """Brightness (H, W) in [0, 1] of a surface under a light, by the slope of the smoothed depth; 1 where missing."""
    smooth = cv2.GaussianBlur(cv2.medianBlur(depth.astype(np.float32), 5), (0, 0), 1.2)
    v, u = np.gradient(smooth)
    z = np.maximum(smooth, 1e-3)
    x, y = u * np.float32(camera.fx) / z, v * np.float32(camera.fy) / z  # with -1, along the normal
    lit = np.clip((LIGHT[0] * x + LIGHT[1] * y - LIGHT[2]) / np.sqrt(x * x + y * y + 1), 0, 1)
    return np.where(depth > 0, np.float32(0.5) + np.float32(0.5) * lit, np.float32(1))


def sheet(scene: Scene, camera: Camera) -> Optional[np.ndarray]:
    """Corners (4, 3) [m] of what the image shows of the support's plane, just below it: where the cloud has a hole,
    the sheet shows through. None where there is no support, or the image shows its horizon."""
    if scene.support is None:
        return None
    n, offset = scene.support.normal, scene.support.offset + BELOW
    px = np.array([[0, 0], [camera.width - 1, 0], [camera.width - 1, camera.height - 1], [0, camera.height - 1]], float)
    rays = camera.deproject(px, np.ones(4))
    along = rays @ n
    return rays * (offset / along)[:, None] if along.min() > 0.2 else None


def _depth_of_plane(depth: np.ndarray, camera: Camera, plane: Optional[np.ndarray]) -> np.ndarray:
    """Depth [m] at which the rays of an image's pixels (H, W) meet a plane (4,); 0 where they do not."""
    if plane is None:
        return np.zeros_like(depth)
    (x, y), (a, b, c, offset) = camera.rays(), plane
    along = x[None, :] * a + y[:, None] * b + c
    return np.where(along > 0.2, offset / np.maximum(along, 0.2), 0.0)
