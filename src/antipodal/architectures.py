"""Grasp-quality architectures by name: modules that map (crops, conditions) to logits (N,)."""

from __future__ import annotations

from functools import partial
from typing import Callable, Dict, List, Sequence, Tuple

import torch
import torch.nn.functional as F
from torch import nn

from antipodal.crops import SIZE

CONDITIONS = 4  # columns of crops.conditions

Conv = Tuple[int, int, int, bool]  # filter side, channels, pooling (1 = none), local response normalisation


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


class DenseNet(nn.Module):
    """Fully convolutional: heights in, log odds out around every pixel, for several depths of the grasp.

    A window of WINDOW pixels gives, without padding, the log odds of grasps at the STRIDE x STRIDE pixel corners around
    its middle, each at DEPTHS knots of the grasp's depth below the highest surface between the open jaws. Between
    knots log odds are linear. Trained on crops (`forward`), it scores whole images (`scan`): the same function.
    """

    WINDOW, STRIDE, FIRST = 28, 4, 13  # FIRST: the corner in the window, and in an image, of the first output
    DEPTHS, STEP = 8, 0.08  # knots, STEP openings apart
    BETWEEN = (6, 22)  # pixels across and along the closing axis that lie between the open jaws
    TALLEST = 3.0  # heights are clipped to this [openings]

    def __init__(self, channels: int = 64, hidden: int = 64):
        super().__init__()
        self.stem = nn.Conv2d(1, channels, self.STRIDE, self.STRIDE)
        self.convs = nn.ModuleList(nn.Conv2d(channels, channels, 3) for _ in range(3))
        self.hidden = nn.Conv2d(channels, hidden, 1)
        self.conditions = nn.Linear(CONDITIONS, hidden, bias=False)
        self.logits = nn.Conv2d(hidden, self.DEPTHS * self.STRIDE**2, 1)

    @classmethod
    def image_size(cls, outputs: int) -> int:
        """Side of the smallest image whose scan is at least `outputs` a side."""
        return -(-outputs // cls.STRIDE) * cls.STRIDE + cls.WINDOW - cls.STRIDE

    def forward(self, crops: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
        """Logits (N,) of crops (N, 1, 32, 32) relative to the grasp's depth, with a fifth condition: the grasp's height
        above the table [openings]. In training crop n is looked at through window n modulo 16 of those around it."""
        n = torch.arange(len(crops), device=crops.device)
        centred = torch.full_like(n, 2 * self.STRIDE + 2)
        which = n % self.STRIDE**2 if self.training else centred
        row, column = which // self.STRIDE, which % self.STRIDE  # of the output that is the crop's middle
        # What lies an opening and more below the grasp is not in the crop: nearly always the table.
        heights = torch.where(crops < 0.95, conditions[:, 4, None, None, None] - crops, torch.zeros_like(crops))
        side = torch.arange(self.WINDOW, device=crops.device)
        rows, columns = (SIZE // 2 - self.FIRST - k[:, None] + side for k in (row, column))
        windows = heights[n[:, None, None], 0, rows[:, :, None], columns[:, None, :]][:, None]
        logits = self._head(self._trunk(windows), conditions[:, :CONDITIONS])  # (N, DEPTHS, STRIDE, STRIDE)
        depth = -crop_middle(crops, self.BETWEEN).amin(dim=(1, 2, 3))
        return (logits[n, :, row, column] * self._knots(depth)).sum(dim=1)

    def scan(self, heights: torch.Tensor, conditions: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
        """Logits (O, A, DEPTHS, h, w) of heights (A, 1, S, S) above the table [openings] at conditions (O, 4), and the
        highest surface (A, h, w) between the open jaws; h = w = S - WINDOW + STRIDE, S a multiple of STRIDE."""
        features = self._trunk(heights)
        logits = torch.stack([self._head(features, c) for c in conditions.split(1)])
        across, along = self.BETWEEN
        top = F.max_pool2d(F.max_pool2d(heights, (1, along), 1), (across, 1), 1)[:, 0]
        row, column, (h, w) = self.FIRST - across // 2, self.FIRST - along // 2, logits.shape[-2:]
        return logits, top[:, row : row + h, column : column + w]

    @torch.no_grad()
    def calibrated(self, temperature: torch.Tensor) -> DenseNet:
        """This network, its logits divided by a temperature from now on."""
        self.logits.weight.div_(temperature)
        self.logits.bias.div_(temperature)  # type: ignore[union-attr]
        return self

    def _trunk(self, heights: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.stem(heights.clamp(max=self.TALLEST)))
        for conv in self.convs:
            x = F.relu(x[..., 1:-1, 1:-1] + conv(x))
        return self.hidden(x)

    def _head(self, features: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
        joined = F.relu(features + self.conditions(conditions)[:, :, None, None])
        return F.pixel_shuffle(self.logits(joined), self.STRIDE)

    def _knots(self, depth: torch.Tensor) -> torch.Tensor:
        """Weights (N, DEPTHS) of the knots at depths (N,) [openings]; beyond the last it counts alone."""
        place = (depth / self.STEP).clamp(0, self.DEPTHS - 1)
        knots = torch.arange(self.DEPTHS, device=depth.device)
        return (1 - (place[:, None] - knots).abs()).clamp_min(0)


def crop_middle(crops: torch.Tensor, size: Tuple[int, int]) -> torch.Tensor:
    """The middle (N, 1, *size) of crops (N, 1, S, S), all sides even."""
    row, column = ((side - n) // 2 for side, n in zip(crops.shape[-2:], size))
    return crops[..., row : row + size[0], column : column + size[1]]


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


GQCNN2_CONVS = ((7, 64, 1, False), (5, 64, 2, True), (3, 64, 1, False), (3, 64, 1, True))
GQCNN2_POOL_CONVS = (*GQCNN2_CONVS[:3], (3, 64, 2, True))
GQCNN4_CONVS = ((9, 16, 1, False), (5, 16, 2, False), (5, 16, 1, False), (5, 16, 2, False))

ARCHITECTURES: Dict[str, Callable[..., nn.Module]] = {
    "patch": PatchNet,
    "resnet": ResNet,
    "dense": DenseNet,
    "gqcnn2": partial(GQCNN, size=32, convs=GQCNN2_CONVS, padding="same", fc3=1024, pc1=16, fc4=1024),
    "gqcnn2_pool": partial(GQCNN, size=32, convs=GQCNN2_POOL_CONVS, padding="same", fc3=1024, pc1=16, fc4=1024),
    "gqcnn4": partial(GQCNN, size=96, convs=GQCNN4_CONVS, padding="valid", fc3=128, pc1=16, fc4=128),
    "gqcnn": GQCNN,  # any other sizes, as imported weights have them
}
