"""What the planner asks of grasps: log odds of success, by a network that sees metric crops or Dex-Net's."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Protocol, Union

import numpy as np
import torch

from antipodal import networks
from antipodal.camera import Camera
from antipodal.errors import ModelError
from antipodal.grasp import Gripper
from antipodal.grasping.view_grasps import ViewGrasps, poses
from antipodal.networks import crops
from antipodal.networks.pixel_crops import SUCTION_PIXEL_CROP, PixelCrops, pixel_inputs, shrink
from antipodal.networks.threads import ThreadedNetwork, thread_count
from antipodal.perception.view import View

Network = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class Score(Protocol):
    """The score of grasps planned in one image."""

    def __call__(self, view: View, grasps: ViewGrasps) -> torch.Tensor:
        """Logits (N,) of grasps (N) in the view."""

    def crops(self, view: View, grasps: ViewGrasps) -> torch.Tensor:
        """What the network sees of grasps (N): (N, 1, H, W)."""


class CropScore:
    """Scores the grasps of any view by a network on grasp-aligned crops."""

    def __init__(self, network: Network, gripper: Gripper):
        """network: maps crops (N, 1, 32, 32) and conditions (N, 4) to logits (N,), see crops.py."""
        self.network, self.gripper = network, gripper

    def of_image(self, depth: np.ndarray, camera: Camera) -> Score:
        """The score of grasps planned in an image (H, W) [m]; the view holds all that this one looks at."""
        return self

    def for_gripper(self, gripper: Gripper) -> CropScore:
        """The score by the same network for another gripper."""
        return CropScore(self.network, gripper)

    def crops(self, view: View, grasps: ViewGrasps) -> torch.Tensor:
        """What the network sees of grasps (N): (N, 1, 32, 32) depths relative to the grasps', in widest openings."""
        return crops.relative_crops(view.depth, view.origin, view.cell, grasps, self.gripper)

    def __call__(self, view: View, grasps: ViewGrasps) -> torch.Tensor:
        """Logits (N,) of grasps (N) in the view."""
        return self.network(self.crops(view, grasps), crops.conditions(grasps.width, self.gripper))


class PixelScore:
    """Scores grasps by one of Dex-Net's networks, on pixel crops of the camera's own image."""

    def __init__(self, network: Network, pixels: PixelCrops):
        """network: maps crops (N, 1, size, size) [m] and gripper depths (N, 1) [m] to logits (N,); it standardises
        both itself."""
        self.network, self.pixels = network, pixels

    def for_gripper(self, gripper: Gripper) -> PixelScore:
        """The same: what Dex-Net's networks see does not depend on the gripper."""
        return self

    def of_image(self, depth: np.ndarray, camera: Camera) -> Score:
        """The score of grasps planned in an image (H, W) [m], 0 = missing."""
        return _ImageScore(self, shrink(torch.from_numpy(depth), self.pixels.factor), camera)


class _ImageScore:
    """A PixelScore in one image."""

    def __init__(self, of: PixelScore, image: torch.Tensor, camera: Camera):
        """image: as the network is to see it, shrunk."""
        self.of, self.image, self.camera = of, image, camera

    def crops(self, view: View, grasps: ViewGrasps) -> torch.Tensor:
        """What the network sees of grasps (N): (N, 1, size, size) depths of the camera's image [m]."""
        return self._inputs(view, grasps)[0]

    def _inputs(self, view: View, grasps: ViewGrasps) -> List[torch.Tensor]:
        made = pixel_inputs(self.image, self.camera, poses(grasps, view.T_cam_view), self.of.pixels)
        return [i.to(view.depth.device) for i in made]

    def __call__(self, view: View, grasps: ViewGrasps) -> torch.Tensor:
        """Logits (N,) of grasps (N) in the view."""
        return self.of.network(*self._inputs(view, grasps))


def make_score(network: networks.GraspNetwork, crop: Dict[str, Any], gripper: Gripper) -> Union[CropScore, PixelScore]:
    """The score by the network of a model file, fed what the file's "crop" says. Raises ModelError where that does not
    tell enough."""
    if crop["input"] in (networks.SUCTION_CROP, SUCTION_PIXEL_CROP):
        raise ModelError("this model is of a suction cup, and the gripper has jaws; SuctionPlanner plans with it")
    if crop["input"] != networks.PIXEL_CROP:
        return CropScore(networks.for_planning(network), gripper)
    if not all(isinstance(crop.get(k), int) and crop[k] > 0 for k in ("size", "window")):
        raise ModelError(f"a model on pixel crops must tell their size and window [px], got {crop}")
    shared = network if network.temperature.is_cuda else ThreadedNetwork(network, thread_count())
    return PixelScore(shared, PixelCrops(crop["window"], crop["size"]))
