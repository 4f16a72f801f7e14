"""Dex-Net's crop: a fixed number of the camera's pixels around a grasp, its closing axis horizontal, depths in metres.

Its networks take this and the gripper's depth (Mahler et al., RSS 2017, section IV.B; gqcnn cuts 96 x 96 pixels out of
the image and shrinks them to the network's size). What a pixel is in metres depends on the camera and the distance, so
such weights serve the camera and the gripper that they were trained for; crops.py makes ours, which is metric.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from antipodal.perception.view import fill_deepest


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
