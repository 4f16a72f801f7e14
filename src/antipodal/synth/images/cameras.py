"""Where the camera stands: Dex-Net 2.0's spherical coordinates about the object (Mahler et al., RSS 2017, table I)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Tuple

import numpy as np

from antipodal import transforms
from antipodal.camera import Camera
from antipodal.errors import InputError
from antipodal.files import shown


@dataclass(frozen=True)
class CameraOptions:
    """Ranges that cameras are drawn from, uniformly."""

    radius: Tuple[float, float] = (0.45, 0.95)  # from the target [m]
    polar: Tuple[float, float] = (0.0, 0.5)  # from the table's normal [rad]
    offset: float = 0.06  # the target lies within this of the object's middle, along x and y each [m]
    focal_jitter: float = 0.02  # relative, of both focal lengths
    center_jitter: float = 4.0  # of the principal point [pixels]
    normal_error: float = 0.004  # standard deviation of the tilt of the plane that planning would fit [rad]

    def __post_init__(self) -> None:
        if not (max(self.polar) <= np.pi / 2 and self.focal_jitter < 1):
            got = f"{shown(self.polar)} and {self.focal_jitter:g}"
            raise InputError(f"cameras.polar must end at pi/2 or before, and focal_jitter be below 1, got {got}")


def sample_camera(rng: np.random.Generator, camera: Camera, options: CameraOptions) -> Tuple[Camera, np.ndarray]:
    """Intrinsics near the given ones, and `T_cam_table` (4, 4) of a camera that looks down on the table's origin."""
    focal = 1 + rng.uniform(-options.focal_jitter, options.focal_jitter)
    shift = rng.uniform(-options.center_jitter, options.center_jitter, 2)
    camera = replace(
        camera, fx=camera.fx * focal, fy=camera.fy * focal, cx=camera.cx + shift[0], cy=camera.cy + shift[1]
    )
    radius, polar = rng.uniform(*options.radius), rng.uniform(*options.polar)
    azimuth, roll = rng.uniform(0, 2 * np.pi, 2)
    out = np.array([np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)])
    target = np.append(rng.uniform(-options.offset, options.offset, 2), 0.0)
    R_table_cam = transforms.rotation_to(-out, np.array([np.cos(roll), np.sin(roll), 0.0]))
    return camera, transforms.invert(transforms.compose(R_table_cam, target + radius * out))


def sample_approach(rng: np.random.Generator, T_cam_table: np.ndarray, options: CameraOptions) -> np.ndarray:
    """The approach (3,) in the camera frame: down along the table's normal as planning would estimate it."""
    down = -T_cam_table[:3, 2] + T_cam_table[:3, :2] @ rng.normal(scale=options.normal_error, size=2)
    return down / np.linalg.norm(down)
