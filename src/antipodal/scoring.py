"""What the planner asks of grasps: log odds of success, by a network that sees metric crops."""

from __future__ import annotations

from typing import Callable

import torch

from antipodal import crops
from antipodal.grasp import Gripper, ViewGrasps
from antipodal.views import View

Network = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class CropScore:
    """Scores the grasps of any view by a network on grasp-aligned crops."""

    def __init__(self, network: Network, gripper: Gripper):
        """network: maps crops (N, 1, 32, 32) and conditions (N, 4) to logits (N,), see crops.py."""
        self.network, self.gripper = network, gripper

    def __call__(self, view: View, grasps: ViewGrasps) -> torch.Tensor:
        """Logits (N,) of grasps (N) in the view."""
        relative = crops.relative_crops(view.depth, view.origin, view.cell, grasps, self.gripper)
        return self.network(relative, crops.conditions(grasps, self.gripper))
