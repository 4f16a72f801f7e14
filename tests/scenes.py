"""Depth images with known answers: boxes and spheres on a table, ray traced in closed form."""

from __future__ import annotations

from typing import Sequence, Tuple

import numpy as np

from antipodal import transforms
from antipodal.camera import Camera

CAMERA = Camera(525.0, 525.0, 159.5, 119.5, 320, 240)
HEIGHT = 0.7  # distance of the camera from the table's origin [m]


def overhead(tilt: float = 0.0) -> np.ndarray:
    """`T_cam_table` of a camera that looks at the table's origin from HEIGHT away, `tilt` [rad] off the vertical; the
    table's z points up."""
    c, s = np.cos(tilt), np.sin(tilt)
    turn = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    return transforms.compose(turn @ np.diag([1.0, -1.0, -1.0]), np.array([0.0, 0.0, HEIGHT]))


OVERHEAD = overhead()


def box(centre: Sequence[float], size: Sequence[float], yaw: float = 0.0) -> Tuple[np.ndarray, np.ndarray]:
    """A box standing on the table at centre (x, y): its `T_table_box` and half extents."""
    position = np.array([centre[0], centre[1], size[2] / 2])
    return transforms.compose(transforms.about_z(np.array(yaw)), position), np.asarray(size) / 2


def render(
    boxes: Sequence[Tuple[np.ndarray, np.ndarray]], camera: Camera = CAMERA, T_cam_table: np.ndarray = OVERHEAD
) -> Tuple[np.ndarray, np.ndarray]:
    """Depth (H, W) float32 [m] of boxes on an endless table, and the mask (H, W) of the boxes."""
    v, u = np.mgrid[: camera.height, : camera.width]
    rays = camera.deproject(np.stack([u, v], axis=-1), np.ones(u.shape))
    T_table_cam = transforms.invert(T_cam_table)
    origin, way = T_table_cam[:3, 3], rays @ T_table_cam[:3, :3].T
    depth = -origin[2] / way[..., 2]
    mask = np.zeros(depth.shape, bool)
    for T_table_box, half in boxes:
        near = _slabs(transforms.invert(T_table_box), half, origin, way)
        mask |= near < depth
        depth = np.minimum(depth, near)
    return depth.astype(np.float32), mask


def _slabs(T_box_table: np.ndarray, half: np.ndarray, origin: np.ndarray, way: np.ndarray) -> np.ndarray:
    """Distance (H, W) along the rays to a box, inf where they miss (slab method)."""
    o = T_box_table[:3, :3] @ origin + T_box_table[:3, 3]
    d = way @ T_box_table[:3, :3].T
    with np.errstate(divide="ignore"):
        a, b = (-half - o) / d, (half - o) / d
    near, far = np.minimum(a, b).max(axis=-1), np.maximum(a, b).min(axis=-1)
    return np.where((near < far) & (far > 0), near, np.inf)
