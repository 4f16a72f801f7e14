"""Scores of grasps on a GPU: the crop is made by the kernel that uses it. As `score.CropScore` in every other way."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from antipodal import backends
from antipodal.grasp import Gripper
from antipodal.grasping.view_grasps import ViewGrasps
from antipodal.networks import crops
from antipodal.networks.architectures import PatchNet
from antipodal.perception.view import View


class FusedScore:
    """Scores the grasps of any view by a network on grasp-aligned crops; the patch network's first layer is computed
    from the view at once."""

    def __init__(self, network: torch.nn.Module, gripper: Gripper):
        """network: maps crops (N, 1, 32, 32) and conditions (N, 4) to logits (N,), see crops.py."""
        self.network, self.gripper = network, gripper
        body = getattr(network, "body", None)
        self.patch = body if isinstance(body, PatchNet) and _fits_kernel(body.stem) else None

    def __call__(self, view: View, grasps: ViewGrasps) -> torch.Tensor:
        """Logits (N,) of grasps (N) in the view."""
        conditions = crops.conditions(grasps.width, self.gripper)
        if self.patch is None:
            return self.network(network_input(view, grasps, self.gripper), conditions)
        features = stem(view, grasps, self.gripper, self.patch.stem)
        return self.patch.head(self.patch.blocks(features), conditions) / self.network.temperature


def network_input(view: View, grasps: ViewGrasps, gripper: Gripper) -> torch.Tensor:
    """Network input (N, 1, 32, 32) of grasps (N), by the fused kernel where there is one for the view's device."""
    if not backends.uses_triton(view.depth):
        return crops.relative_crops(view.depth, view.origin, view.cell, grasps, gripper)
    from antipodal.networks import crops_triton

    return crops_triton.network_input_triton(view.depth, view.frame(), grasps.center, grasps.angle, *_crop(gripper))


def stem(view: View, grasps: ViewGrasps, gripper: Gripper, layer: torch.nn.Conv2d) -> torch.Tensor:
    """The first layer's features (N, C, 8, 8), after its ReLU, of grasps (N); by the fused kernel where one is."""
    if not backends.uses_triton(view.depth):
        return F.relu(layer(network_input(view, grasps, gripper)))
    from antipodal.networks import crops_triton

    place: tuple = (view.frame(), grasps.center, grasps.angle, layer.weight, layer.bias)
    return crops_triton.stem_triton(view.depth, *place, *_crop(gripper))


def _fits_kernel(layer: torch.nn.Conv2d) -> bool:
    """Whether the kernel computes this layer: its tiles have powers of two on every side."""
    return layer.out_channels >= 16 and layer.out_channels & (layer.out_channels - 1) == 0


def _crop(gripper: Gripper) -> tuple:
    return crops.SIZE, crops.EXTENT * gripper.max_width, gripper.max_width, crops.CLIP
