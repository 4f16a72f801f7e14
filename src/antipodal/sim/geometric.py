"""A baseline without learning: the same sampler and clearance, with a hand-made score of the crop."""

from __future__ import annotations

from typing import Optional

import torch

from antipodal.grasp import Gripper
from antipodal.networks import crops
from antipodal.planner import GraspPlanner, PlannerOptions

BELOW = 0.01  # surface must be this far above the tips to be between the pads [openings]


class GeometricScore(torch.nn.Module):
    """Replaces the network: prefers pads that are covered evenly and deeply, with most of the object between them.

    The weights were set by hand on a few training objects, not fitted.
    """

    def forward(self, crop: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
        """Scores (N,) of crops (N, 1, S, S) and conditions (N, 4), see crops.py."""
        position = ((torch.arange(crops.SIZE, device=crop.device) + 0.5) / crops.SIZE - 0.5) * crops.EXTENT
        above = crop[:, 0] < -BELOW
        rows = position.abs()[None] <= conditions[:, 2:3] / 2 + crops.EXTENT / crops.SIZE / 2  # under the pads
        between = above & (position.abs() <= conditions[:, :1, None] / 2) & rows[:, :, None]
        met = between.any(dim=2)
        filled = met.sum(dim=1) / rows.sum(dim=1).clamp_min(1)
        uneven = _deviation(_first_solid(between), met) + _deviation(_first_solid(between.flip(2)), met)
        depth = (-crop[:, 0]).clamp(0, 0.35)
        reach = (depth * between).sum(dim=(1, 2)) / between.sum(dim=(1, 2)).clamp_min(1)
        off = torch.hypot(_mean(above, position[None, None, :]), _mean(above, position[None, :, None]))
        return 4 * filled - 1.5 * uneven + 6 * reach - 3 * off - 3


def geometric_planner(gripper: Gripper, options: Optional[PlannerOptions] = None) -> GraspPlanner:
    """The planner with `GeometricScore` as its network; its quality is a score, not a probability."""
    return GraspPlanner(GeometricScore(), gripper, options)


def _first_solid(solid: torch.Tensor) -> torch.Tensor:
    """Column (N, S) of the first solid cell in each row; S where there is none."""
    column = torch.arange(solid.shape[2], device=solid.device)
    return torch.where(solid, column, torch.full_like(column, solid.shape[2])).amin(dim=2).float()


def _deviation(values: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """Standard deviation (N,) of the chosen values in each row of (N, S)."""
    count = chosen.sum(dim=1).clamp_min(1)
    mean = (values * chosen).sum(dim=1) / count
    return (((values - mean[:, None]) ** 2 * chosen).sum(dim=1) / count).sqrt()


def _mean(mask: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Mean (N,) of values over a mask (N, S, S)."""
    return (mask * values).sum(dim=(1, 2)) / mask.sum(dim=(1, 2)).clamp_min(1)
