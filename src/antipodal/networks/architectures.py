"""Grasp-quality architectures by name: modules that map (crops, conditions) to logits (N,)."""

from __future__ import annotations

from functools import partial
from typing import Callable, Dict

import torch
import torch.nn.functional as F
from torch import nn

from antipodal.networks.crops import CONDITIONS, SIZE
from antipodal.networks.dense_net import DenseNet
from antipodal.networks.gqcnn import GQCNN, GQCNN2_CONVS, GQCNN2_POOL_CONVS, GQCNN4_CONVS


class Residual(nn.Module):
    """Two 3x3 convolutions around a skip. The second starts at zero, so that the block starts as its skip and needs no
    batch statistics: one process and many then compute the same, and nothing is left to fold for inference."""

    def __init__(self, channels_in: int, channels: int, stride: int = 1):
        super().__init__()
        self.first = nn.Conv2d(channels_in, channels, 3, stride, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        same = stride == 1 and channels_in == channels
        self.skip = nn.Identity() if same else nn.Conv2d(channels_in, channels, 1, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.skip(x) + self.second(F.relu(self.first(x))))


class Head(nn.Module):
    """A layer from the image's features and one from the conditions, joined by a third, to a logit: how GQ-CNN joins
    its streams (Mahler et al., RSS 2017, figure 4)."""

    def __init__(self, features: int, hidden: int):
        super().__init__()
        beside, joined = max(1, hidden // 8), max(1, hidden // 2)
        self.image, self.conditions = nn.Linear(features, hidden), nn.Linear(CONDITIONS, beside)
        self.joined, self.logit = nn.Linear(hidden + beside, joined), nn.Linear(joined, 1)

    def forward(self, features: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
        streams = [F.relu(self.image(features.flatten(1))), F.relu(self.conditions(conditions))]
        return self.logit(F.relu(self.joined(torch.cat(streams, dim=1))))[:, 0]


class PatchNet(nn.Module):
    """The compact default: 4x4 patches into a narrow residual net; crops (N, 1, 32, 32), conditions (N, 4)."""

    def __init__(self, channels: int = 64, hidden: int = 128):
        super().__init__()
        self.stem = nn.Conv2d(1, channels, 4, stride=4)
        self.blocks = nn.Sequential(Residual(channels, channels, 2), Residual(channels, channels))
        self.head = Head(channels * (SIZE // 8) ** 2, hidden)

    def forward(self, crops: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
        return self.head(self.blocks(F.relu(self.stem(crops))), conditions)


class ResNet(nn.Module):
    """A small residual net of four times the patch net's cost; crops (N, 1, 32, 32), conditions (N, 4)."""

    def __init__(self, channels: int = 32, hidden: int = 128):
        super().__init__()
        c = channels
        self.stem = nn.Conv2d(1, c, 5, stride=2, padding=2)
        self.blocks = nn.Sequential(Residual(c, c), Residual(c, 2 * c, 2), Residual(2 * c, 2 * c, 2))
        self.head = Head(2 * c * (SIZE // 8) ** 2, hidden)

    def forward(self, crops: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
        return self.head(self.blocks(F.relu(self.stem(crops))), conditions)


ARCHITECTURES: Dict[str, Callable[..., nn.Module]] = {
    "patch": PatchNet,
    "resnet": ResNet,
    "dense": DenseNet,
    "gqcnn2": partial(GQCNN, size=32, convs=GQCNN2_CONVS, padding="same", fc3=1024, pc1=16, fc4=1024),
    "gqcnn2_pool": partial(GQCNN, size=32, convs=GQCNN2_POOL_CONVS, padding="same", fc3=1024, pc1=16, fc4=1024),
    "gqcnn4": partial(GQCNN, size=96, convs=GQCNN4_CONVS, padding="valid", fc3=128, pc1=16, fc4=128),
    "gqcnn": GQCNN,  # any other sizes, as imported weights have them
}
