"""THE grasp-aligned crop: what the network sees of a grasp. Training and planning both call it.

After Dex-Net 2.0 (Mahler et al., RSS 2017, section IV.B), but metric: a crop's side is a fixed multiple of the
gripper's widest opening, and its values are depths relative to the grasp's, in openings. One model then serves any
camera and any size of gripper.
"""

from __future__ import annotations

from typing import Tuple

import torch
import torch.nn.functional as F

from antipodal import backends
from antipodal.grasp import Gripper
from antipodal.grasping.view_grasps import ViewGrasps
from antipodal.networks import crops_numba as compiled

SIZE = 32  # pixels a side
EXTENT = 1.5  # side in widest openings
CLIP = 1.0  # values are clipped to +- this many openings


def surface_crops(
    depth: torch.Tensor,
    origin: Tuple[float, float],
    cell: float,
    grasps: ViewGrasps,
    gripper: Gripper,
    size: int = SIZE,
) -> torch.Tensor:
    """Depths (N, size, size) [m] of the view around N grasps, columns along the closing axis, bilinear.

    depth: (H, W) [m] of a view with the given origin and cell (see view.View). Beyond its border the border's depth
    is repeated. The crop does not depend on the grasps' depths. size: another shows more, its pixels are the same.
    """
    if not backends.uses_numba(depth):
        return surface_crops_torch(depth, origin, cell, grasps, gripper, size)
    center, angle, side = grasps.center.numpy(), grasps.angle.numpy(), size * pixel_side(gripper)
    return torch.from_numpy(compiled.surface_crops_numba(depth.numpy(), origin, cell, center, angle, side, size))


def pixel_side(gripper: Gripper) -> float:
    """Side of a crop's pixel [m]."""
    return EXTENT * gripper.max_width / SIZE


def relative_crops(
    depth: torch.Tensor, origin: Tuple[float, float], cell: float, grasps: ViewGrasps, gripper: Gripper
) -> torch.Tensor:
    """Network input (N, 1, SIZE, SIZE) of N grasps: `normalise` of their `surface_crops`, in one pass."""
    if not backends.uses_numba(depth):
        return normalise(surface_crops_torch(depth, origin, cell, grasps, gripper), grasps.center[:, 2], gripper)
    center, angle, unit = grasps.center.numpy(), grasps.angle.numpy(), gripper.max_width
    made = compiled.relative_crops_numba(depth.numpy(), origin, cell, center, angle, EXTENT * unit, SIZE, unit, CLIP)
    return torch.from_numpy(made)[:, None]


def surface_crops_torch(
    depth: torch.Tensor,
    origin: Tuple[float, float],
    cell: float,
    grasps: ViewGrasps,
    gripper: Gripper,
    size: int = SIZE,
) -> torch.Tensor:
    """As `surface_crops`, on any device."""
    grid = crop_grid(grasps, gripper, depth.device, size)
    n, shape = len(grasps), depth.shape[::-1]
    normed = [(2 * (grid[..., k] - origin[k]) / cell + 1) / shape[k] - 1 for k in range(2)]
    points = torch.stack(normed, dim=-1).view(1, n, size * size, 2)
    flat = F.grid_sample(depth[None, None], points, mode="bilinear", padding_mode="border", align_corners=False)
    return flat.view(n, size, size)


def crop_grid(grasps: ViewGrasps, gripper: Gripper, device: torch.device, size: int = SIZE) -> torch.Tensor:
    """Positions (N, size, size, 2) [m] in the view of every crop pixel_side's center."""
    offset = (torch.arange(size, device=device) + 0.5 - size / 2) * pixel_side(gripper)
    c, s = torch.cos(grasps.angle)[:, None, None], torch.sin(grasps.angle)[:, None, None]
    along, across = offset[None, None, :], offset[None, :, None]
    x, y = grasps.center[:, 0, None, None], grasps.center[:, 1, None, None]
    return torch.stack([x + c * along - s * across, y + s * along + c * across], dim=-1)


def normalise(surface: torch.Tensor, grasp_depth: torch.Tensor, gripper: Gripper) -> torch.Tensor:
    """Network input (N, 1, SIZE, SIZE): depths [m] relative to the grasps' (N,), in openings, clipped."""
    relative = (surface - grasp_depth[:, None, None]) / gripper.max_width
    return relative.clamp(-CLIP, CLIP)[:, None]


def conditions(width: torch.Tensor, gripper: Gripper) -> torch.Tensor:
    """What a crop cannot show of grasps with openings `width` (N,) [m]: (N, 4) opening on approach, jaw thickness,
    width and length, in widest openings."""
    lengths = (gripper.jaw_thickness, gripper.jaw_width, gripper.jaw_length)
    columns = [width, *(torch.full_like(width, length) for length in lengths)]
    return torch.stack(columns, dim=1) / gripper.max_width


CONDITIONS = 4  # columns of crops.conditions
