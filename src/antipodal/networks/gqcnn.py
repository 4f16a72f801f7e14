"""Dex-Net's published grasp-quality networks (Mahler et al., RSS 2017; Science Robotics 2019)."""

from __future__ import annotations

from typing import List, Sequence, Tuple

import torch
import torch.nn.functional as F
from torch import nn


class LocalResponseNorm(nn.Module):
    """TensorFlow's local response normalisation with radius 2, alpha 2e-5, beta 0.75, bias 1 (GQ-CNN's constants).

    The sum over neighbouring channels is a 1x1 convolution with a band of ones, several times faster than torch's
    own, which pools a five-dimensional copy.
    """

    band: torch.Tensor

    def __init__(self, channels: int):
        super().__init__()
        index = torch.arange(channels)
        near = (index[:, None] - index[None, :]).abs() <= 2
        self.register_buffer("band", near.float()[:, :, None, None], persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * (1 + 2e-5 * F.conv2d(x * x, self.band)).pow(-0.75)


class GQCNN(nn.Module):
    """Dex-Net's grasp-quality network: an image and a depth stream, merged (Mahler et al., RSS 2017, figure 4).

    crops (N, 1, size, size); another size is resized. conditions (N, C >= inputs): the first `inputs` columns enter
    the depth stream, so 1 takes our crops' opening, or an imported network's gripper depth [m]. Both are standardised
    by the means and deviations that came with imported weights. The softmax over (failure, success) is given as the
    difference of its two logits, of which it is the sigmoid.
    """

    image_mean: torch.Tensor
    image_std: torch.Tensor
    pose_mean: torch.Tensor
    pose_std: torch.Tensor

    def __init__(
        self,
        size: int,
        convs: Sequence[Conv],
        padding: str,
        fc3: int,
        pc1: int,
        fc4: int,
        inputs: int = 1,
        leak: float = 0,
    ):
        super().__init__()
        self.size, self.inputs, self.leak = size, inputs, leak
        self.image = nn.Sequential(*conv_layers(convs, padding, leak))
        with torch.no_grad():
            features = self.image(torch.zeros(1, 1, size, size)).numel()
        self.fc3, self.pc1 = nn.Linear(features, fc3), nn.Linear(inputs, pc1)
        self.fc4, self.fc5 = nn.Linear(fc3 + pc1, fc4), nn.Linear(fc4, 2)
        for name, value in (("image_mean", 0.0), ("image_std", 1.0)):
            self.register_buffer(name, torch.tensor(value))
        self.register_buffer("pose_mean", torch.zeros(inputs))
        self.register_buffer("pose_std", torch.ones(inputs))

    def forward(self, crops: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
        if crops.shape[-1] != self.size:
            crops = F.interpolate(crops, self.size, mode="bilinear", align_corners=False)
        image = self.image((crops - self.image_mean) / self.image_std).flatten(1)
        pose = (conditions[:, : self.inputs] - self.pose_mean) / self.pose_std
        merged = torch.cat([self._relu(self.fc3(image)), self._relu(self.pc1(pose))], dim=1)
        failure, success = self.fc5(self._relu(self.fc4(merged))).unbind(1)
        return success - failure

    def _relu(self, x: torch.Tensor) -> torch.Tensor:
        return F.leaky_relu(x, self.leak)


def conv_layers(convs: Sequence[Conv], padding: str, leak: float) -> List[nn.Module]:
    """The image stream: each convolution is followed by a ReLU, then normalisation and pooling where asked for.

    Pooling rounds its output's size up, as TensorFlow's SAME does.
    """
    layers: List[nn.Module] = []
    channels_in = 1
    for side, channels, pool, norm in convs:
        layers += [nn.Conv2d(channels_in, channels, side, padding=padding), nn.LeakyReLU(leak)]
        layers += [LocalResponseNorm(channels)] if norm else []
        layers += [nn.MaxPool2d(pool, ceil_mode=True)] if pool > 1 else []
        channels_in = channels
    return layers


Conv = Tuple[int, int, int, bool]  # filter side, channels, pooling (1 = none), local response normalisation


GQCNN2_CONVS = ((7, 64, 1, False), (5, 64, 2, True), (3, 64, 1, False), (3, 64, 1, True))


GQCNN2_POOL_CONVS = (*GQCNN2_CONVS[:3], (3, 64, 2, True))


GQCNN4_CONVS = ((9, 16, 1, False), (5, 16, 2, False), (5, 16, 1, False), (5, 16, 2, False))
