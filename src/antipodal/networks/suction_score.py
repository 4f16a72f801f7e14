"""What the planner asks of suction grasps: log odds of success, by a network that sees metric crops or Dex-Net's."""

from __future__ import annotations

from typing import Any, Dict, Optional, Protocol, cast

import numpy as np
import torch

from antipodal import networks
from antipodal.camera import Camera
from antipodal.errors import ModelError
from antipodal.networks.pixel_crops import SUCTION_PIXEL_CROP, PixelCrops, pixel_crops, shrink
from antipodal.networks.score import Network
from antipodal.networks.suction_crops import SIDE, SUCTION_CROP, crop_suction, suction_conditions
from antipodal.networks.threads import ThreadedNetwork, thread_count
from antipodal.suction_cup import SuctionCup


class ScoreContacts(Protocol):
    """The score of suction grasps in one image: at contacts (N, 3) [m], along approaches (N, 3), in the camera's
    frame."""

    side: Optional[float]  # of a crop [m]; None where crops have no scale in metres

    def __call__(self, point: np.ndarray, approach: np.ndarray) -> torch.Tensor:
        """Logits (N,)."""

    def crops(self, point: np.ndarray, approach: np.ndarray) -> torch.Tensor:
        """What the network sees: (N, 1, size, size)."""


class SuctionScore(Protocol):
    """The score of suction grasps, image by image."""

    def of_image(self, depth: np.ndarray, camera: Camera, down: np.ndarray, cup: SuctionCup) -> ScoreContacts:
        """The score of contacts in an image (H, W) [m], 0 = missing; down: (3,) unit, see `suction_conditions`."""


class SuctionCropScore:
    """By a network on suction_crops.py's crops (N, 1, 32, 32) and conditions (N, 4)."""

    def __init__(self, network: Network):
        self.network = network

    def of_image(self, depth: np.ndarray, camera: Camera, down: np.ndarray, cup: SuctionCup) -> ScoreContacts:
        """See `SuctionScore`."""
        return _MetricCrops(self.network, depth, camera, down, cup)


class _MetricCrops:
    """A SuctionCropScore in one image."""

    def __init__(self, network: Network, depth: np.ndarray, camera: Camera, down: np.ndarray, cup: SuctionCup):
        self.network, self.depth, self.camera, self.down, self.cup = network, depth, camera, down, cup
        self.side: Optional[float] = SIDE * cup.radius

    def crops(self, point: np.ndarray, approach: np.ndarray) -> torch.Tensor:
        """See `ScoreContacts`; heights over the tangent plane, see suction_crops.py."""
        return torch.from_numpy(crop_suction(self.depth, self.camera, point, approach, self.cup))[:, None]

    def __call__(self, point: np.ndarray, approach: np.ndarray) -> torch.Tensor:
        """See `ScoreContacts`."""
        conditions = torch.from_numpy(suction_conditions(point, approach, self.down, self.cup))
        return self.network(self.crops(point, approach), conditions)


class SuctionPixelScore:
    """By one of Dex-Net's networks, on pixel crops (N, 1, size, size) [m] and the contact's depth [m] and the angle
    between approach and optical axis [rad] (N, 2), as gqcnn feeds them."""

    def __init__(self, network: Network, pixels: PixelCrops):
        self.network, self.pixels = network, pixels

    def of_image(self, depth: np.ndarray, camera: Camera, down: np.ndarray, cup: SuctionCup) -> ScoreContacts:
        """See `SuctionScore`; neither `down` nor the cup is told to these networks."""
        return _CameraPixels(self, shrink(torch.from_numpy(depth), self.pixels.factor), camera)


class _CameraPixels:
    """A SuctionPixelScore in one image."""

    side: Optional[float] = None

    def __init__(self, of: SuctionPixelScore, image: torch.Tensor, camera: Camera):
        """image: as the network is to see it, shrunk."""
        self.of, self.image, self.camera = of, image, camera

    def crops(self, point: np.ndarray, approach: np.ndarray) -> torch.Tensor:
        """See `ScoreContacts`; depths of the camera's image [m]."""
        px = torch.from_numpy(self.camera.project(point)).float()
        angle = torch.from_numpy(pivot_angle(approach)).float()
        return pixel_crops(self.image, px, angle, self.of.pixels.size, self.of.pixels.factor)

    def __call__(self, point: np.ndarray, approach: np.ndarray) -> torch.Tensor:
        """See `ScoreContacts`."""
        pose = np.stack([point[:, 2], np.arccos(np.clip(approach[:, 2], -1, 1))], axis=1)
        return self.of.network(self.crops(point, approach), torch.from_numpy(pose).float())


def pivot_angle(approach: np.ndarray) -> np.ndarray:
    """Angle (N,) from +u [rad] of the axis in the image about which the camera's axis turns into each approach (N, 3);
    it lies along the rows of Dex-Net's crops (gqcnn, SuctionPoint2D.angle)."""
    return np.where(np.hypot(approach[:, 0], approach[:, 1]) > 0, np.arctan2(-approach[:, 0], approach[:, 1]), 0.0)


def make_suction_score(network: torch.nn.Module, crop: Dict[str, Any]) -> SuctionScore:
    """The score by the network of a model file, fed what the file's "crop" says. Raises ModelError where that is no
    crop of a suction grasp."""
    if crop["input"] == SUCTION_CROP:
        return SuctionCropScore(networks.for_planning(cast(networks.GraspNetwork, network)))
    if crop["input"] != SUCTION_PIXEL_CROP:
        raise ModelError(f"this is no model of a suction cup: it takes {crop['input']!r} for its input")
    if not all(isinstance(crop.get(k), int) and crop[k] > 0 for k in ("size", "window")):
        raise ModelError(f"a model on pixel crops must tell their size and window [px], got {crop}")
    return SuctionPixelScore(ThreadedNetwork(network, thread_count()), PixelCrops(crop["window"], crop["size"]))
