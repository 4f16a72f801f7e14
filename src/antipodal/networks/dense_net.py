"""A fully convolutional network: log odds of every position, angle and depth of a height image in one pass."""

from __future__ import annotations

from typing import Tuple

import torch
import torch.nn.functional as F
from torch import nn

from antipodal.networks.crops import CONDITIONS, SIZE


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
