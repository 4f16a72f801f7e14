"""Dex-Net's crop: a fixed number of the camera's pixels around a grasp, its closing axis horizontal, depths in metres.

Its networks take this and the gripper's depth (Mahler et al., RSS 2017, section IV.B; gqcnn cuts 96 x 96 pixels out of
the image and shrinks them to the network's size). What a pixel is in metres depends on the camera and the distance, so
such weights serve the camera and the gripper that they were trained for; crops.py makes ours, which is metric.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Tuple

import numpy as np
import torch
import torch.nn.functional as F

from antipodal.camera import Camera
from antipodal.grasping.view_grasps import in_image
from antipodal.perception.view import fill_deepest

PIXEL_CROP = "pixel crop"  # name in a model file
SUCTION_PIXEL_CROP = "suction pixel crop"  # the same round a suction contact
WINDOW, SIZE = 96, 32  # of the published crops [px]


@dataclass(frozen=True)
class PixelCrops:
    """How large pixel crops are."""

    window: int = WINDOW  # side in the camera's image [px]
    size: int = SIZE  # side of what the network gets [px]

    @property
    def factor(self) -> float:
        """By which images are shrunk."""
        return self.size / self.window

    @property
    def definition(self) -> Dict[str, Any]:
        """What a model file says of its crops."""
        return {"input": PIXEL_CROP, "size": self.size, "window": self.window, "condition": "gripper depth [m]"}

    @property
    def suction_definition(self) -> Dict[str, Any]:
        """What the file of a suction model says of its crops."""
        condition = "contact depth [m], angle between approach and optical axis [rad]"
        return {**self.definition, "input": SUCTION_PIXEL_CROP, "condition": condition}


def pixel_inputs(
    shrunk: torch.Tensor, camera: Camera, T_cam_grasp: np.ndarray, pixels: PixelCrops
) -> Tuple[torch.Tensor, torch.Tensor]:
    """What Dex-Net's networks get of grasps at poses (N, 4, 4): crops (N, 1, size, size) and the gripper's depths
    (N, 1), in metres.

    shrunk: the camera's image by `shrink` with `pixels.factor`.
    """
    px, angle = (torch.from_numpy(a).float() for a in in_image(T_cam_grasp, camera))
    depths = torch.from_numpy(T_cam_grasp[:, 2, 3:]).float()
    return pixel_crops(shrunk, px, angle, pixels.size, pixels.factor), depths


def shrink(depth: torch.Tensor, factor: float) -> torch.Tensor:
    """The image (H, W) [m] with missing pixels (0) filled, `factor` times as large a side; averaged where smaller.

    As gqcnn does, the whole image is resized once, and crops are turned out of what comes of it.
    """
    filled = fill_deepest(depth, depth > 0)
    size = [max(1, round(factor * side)) for side in depth.shape]
    if size == list(depth.shape):
        return filled
    return F.interpolate(filled[None, None], size, mode="bilinear", align_corners=False, antialias=True)[0, 0]


def pixel_crops(
    image: torch.Tensor, center_px: torch.Tensor, angle: torch.Tensor, size: int, factor: float = 1.0
) -> torch.Tensor:
    """Crops (N, 1, size, size) [m] of an image (H, W), columns along the closing axis, bilinear.

    center_px: (N, 2) as (u, v) in the image before it was shrunk by `factor`. angle: (N,) of the closing axis from +u
    [rad]. Beyond the image's border the border's depth is repeated.
    """
    offset = torch.arange(size, device=image.device) - (size - 1) / 2
    c, s = torch.cos(angle)[:, None, None], torch.sin(angle)[:, None, None]
    along, across = offset[None, None, :], offset[None, :, None]
    u, v = ((center_px + 0.5) * factor - 0.5)[:, :, None, None].unbind(1)
    grid = torch.stack([u + c * along - s * across, v + s * along + c * across], dim=-1)
    normed = (2 * grid + 1) / grid.new_tensor([image.shape[1], image.shape[0]]) - 1
    points = normed.view(1, len(angle), size * size, 2)
    flat = F.grid_sample(image[None, None], points, mode="bilinear", padding_mode="border", align_corners=False)
    return flat.view(len(angle), 1, size, size)
