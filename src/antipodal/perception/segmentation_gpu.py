"""As `segmentation.segment_objects`, where the image lies, but for three things that would need as many steps as the
image has pixels: pieces that wind too often for `components.SWEEPS` fall apart, missing depth reaches in from the
border along rows and columns alone, and distances to furniture are counted along rows and columns (L1)."""

from __future__ import annotations

from typing import Tuple

import torch
import torch.nn.functional as F

from antipodal.camera import Camera
from antipodal.perception.components_gpu import components
from antipodal.perception.segmentation import SegmentationOptions
from antipodal.perception.table_gpu import Plane


def segment_objects(
    depth: torch.Tensor, camera: Camera, table: Plane, options: SegmentationOptions = SegmentationOptions()
) -> torch.Tensor:
    """Pixels (H, W) bool that stand above the table and belong to no furniture. depth: (H, W) [m], 0 = missing."""
    least = (options.noise_factor * table.noise).clamp_min(options.min_height)
    above = (depth > 0) & (_heights(depth, camera, table) > least)
    pixel = table.offset / camera.fx
    whole = above & ~_jumps(depth, options.step)
    furniture = _furniture(whole, depth, pixel, options)
    to_furniture, to_others = _distance(furniture), _distance(whole & ~furniture)
    above = above & ~((to_furniture <= options.rim / pixel) & (to_furniture < to_others))
    return above & (components(above).areas().view(above.shape) >= options.min_area / pixel**2)


def _heights(depth: torch.Tensor, camera: Camera, table: Plane) -> torch.Tensor:
    """Height (H, W) [m] of every pixel above the table."""
    ray_x, ray_y = rays(depth, camera)
    return table.offset - depth * (ray_x * table.normal[0] + ray_y * table.normal[1] + table.normal[2])


def rays(depth: torch.Tensor, camera: Camera) -> Tuple[torch.Tensor, torch.Tensor]:
    """x (1, W) and y (H, 1) at unit depth of the pixels of an image (H, W)."""
    u, v = (torch.arange(n, device=depth.device, dtype=depth.dtype) for n in (depth.shape[1], depth.shape[0]))
    return ((u - camera.cx) / camera.fx)[None, :], ((v - camera.cy) / camera.fy)[:, None]


def _jumps(depth: torch.Tensor, step: float) -> torch.Tensor:
    """Pixels (H, W) bool whose 3 x 3 neighbourhood spans more than `step` [m]."""
    nearest = -F.max_pool2d(-torch.where(depth > 0, depth, 1e3)[None, None], 3, stride=1, padding=1)
    return (F.max_pool2d(depth[None, None], 3, stride=1, padding=1) - nearest)[0, 0] > step


def _furniture(whole: torch.Tensor, depth: torch.Tensor, pixel: torch.Tensor, options: SegmentationOptions):
    """Pixels (H, W) bool of the pieces of `whole` that reach the image's frame or are very long."""
    pieces = components(whole)
    index = torch.arange(whole.numel(), device=whole.device)
    row, column = index // whole.shape[1], index % whole.shape[1]
    length = pieces.per_run(torch.ones_like(index), "sum")
    far = whole.numel()
    height = pieces.per_piece(row, "amax", 0) - pieces.per_piece(row, "amin", far) + 1
    width = pieces.per_piece(column + length, "amax", 0) - pieces.per_piece(column, "amin", far)
    touching = pieces.per_piece(pieces.per_run(_frame(depth).flatten().long(), "amax"), "amax", 0) > 0
    unwanted = touching | (torch.hypot(width.float(), height.float()) * pixel > options.max_extent)
    return whole & unwanted[pieces.label].view(whole.shape)


def _frame(depth: torch.Tensor) -> torch.Tensor:
    """Pixels (H, W) bool at the image's border, or at missing depth that reaches straight in from it."""
    missing = (depth <= 0).int()
    reached = torch.zeros_like(missing)
    for axis in (0, 1):
        reached |= missing.cummin(dim=axis).values | missing.flip(axis).cummin(dim=axis).values.flip(axis)
    return F.max_pool2d(F.pad(reached.float()[None, None], (4, 4, 4, 4), value=1.0), 9, stride=1)[0, 0] > 0


def _distance(mask: torch.Tensor) -> torch.Tensor:
    """Steps (H, W) along rows and columns to the nearest True pixel."""
    distance = torch.where(mask, 0.0, 1e6)
    for axis in (0, 1):
        shape = (-1, 1) if axis == 0 else (1, -1)
        place = torch.arange(mask.shape[axis], device=mask.device, dtype=distance.dtype).view(shape)
        before = (distance - place).cummin(dim=axis).values + place
        after = (distance + place).flip(axis).cummin(dim=axis).values.flip(axis) - place
        distance = torch.minimum(before, after)
    return distance
