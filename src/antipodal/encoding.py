"""Grasps as the numbers that the cross-entropy method searches over."""

from __future__ import annotations

import torch

from antipodal.grasp import Gripper, ViewGrasps


def encode(grasps: ViewGrasps, gripper: Gripper) -> torch.Tensor:
    """Grasps (N) as (N, 6): position, double angle on the circle (so that there is no seam) and opening, lengths in
    widest openings."""
    a = 2 * grasps.angle[:, None]
    return torch.cat(
        [grasps.center / gripper.max_width, torch.cos(a), torch.sin(a), grasps.width[:, None] / gripper.max_width],
        dim=1,
    )


def decode(samples: torch.Tensor, gripper: Gripper) -> ViewGrasps:
    """Grasps (N) of samples (N, 6), the inverse of `encode`."""
    angle = torch.atan2(samples[:, 4], samples[:, 3]) / 2
    return ViewGrasps(samples[:, :3] * gripper.max_width, angle, samples[:, 5] * gripper.max_width)
