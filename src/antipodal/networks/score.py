"""What the planner asks of grasps: log odds of success, by a network that sees metric crops or Dex-Net's."""

from __future__ import annotations

from typing import Any, Callable, Dict, Union

import numpy as np
import torch

from antipodal import networks
from antipodal.camera import Camera
from antipodal.errors import ModelError
from antipodal.grasp import Gripper
from antipodal.grasping.view_grasps import ViewGrasps, poses
from antipodal.networks import crops
from antipodal.networks.pixel_crops import PixelCrops, pixel_inputs, shrink
from antipodal.networks.threads import ThreadedNetwork, thread_count
from antipodal.perception.view import View

Network = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
Score = Callable[[View, ViewGrasps], torch.Tensor]  # logits (N,) of grasps (N) in a view


class CropScore:
    """Scores the grasps of any view by a network on grasp-aligned crops."""

    def __init__(self, network: Network, gripper: Gripper):
        """network: maps crops (N, 1, 32, 32) and conditions (N, 4) to logits (N,), see crops.py."""
        self.network, self.gripper = network, gripper

    def of_image(self, depth: np.ndarray, camera: Camera) -> Score:
        """The score of grasps planned in an image (H, W) [m]; the view holds all that this one looks at."""
        return self

    def __call__(self, view: View, grasps: ViewGrasps) -> torch.Tensor:
        """Logits (N,) of grasps (N) in the view."""
        relative = crops.relative_crops(view.depth, view.origin, view.cell, grasps, self.gripper)
        return self.network(relative, crops.conditions(grasps.width, self.gripper))


class PixelScore:
    """Scores grasps by one of Dex-Net's networks, on pixel crops of the camera's own image."""

    def __init__(self, network: Network, pixels: PixelCrops):
        """network: maps crops (N, 1, size, size) [m] and gripper depths (N, 1) [m] to logits (N,); it standardises
        both itself."""
        self.network, self.pixels = network, pixels

    def of_image(self, depth: np.ndarray, camera: Camera) -> Score:
        """The score of grasps planned in an image (H, W) [m], 0 = missing."""
        image = shrink(torch.from_numpy(depth), self.pixels.factor)
        return lambda view, grasps: self._logits(image, camera, view, grasps)

    def _logits(self, image: torch.Tensor, camera: Camera, view: View, grasps: ViewGrasps) -> torch.Tensor:
        inputs = pixel_inputs(image, camera, poses(grasps, view.T_cam_view), self.pixels)
        return self.network(*(i.to(view.depth.device) for i in inputs))


def make_score(network: networks.GraspNetwork, crop: Dict[str, Any], gripper: Gripper) -> Union[CropScore, PixelScore]:
    """The score by the network of a model file, fed what the file's "crop" says. Raises ModelError where that does not
    tell enough."""
    if crop["input"] != networks.PIXEL_CROP:
        return CropScore(networks.for_planning(network), gripper)
    if not all(isinstance(crop.get(k), int) and crop[k] > 0 for k in ("size", "window")):
        raise ModelError(f"a model on pixel crops must tell their size and window [px], got {crop}")
    shared = network if network.temperature.is_cuda else ThreadedNetwork(network, thread_count())
    return PixelScore(shared, PixelCrops(crop["window"], crop["size"]))
