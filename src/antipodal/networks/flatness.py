"""A hand-made score of suction grasps: how flat the surface is under the lip. It plans before a network is trained, and
is the one that a network must beat."""

from __future__ import annotations

import torch

from antipodal.networks.suction_crops import MISSING, SIDE, SUCTION_SIZE, UNIT

ROUGH = 0.05  # rms height under the lip that costs one unit of log odds, in radii
LOST = 0.05  # share of the lip's disc where nothing is near the plane that costs one unit
EVEN = 3.0  # log odds of a perfectly flat surface
BELOW = 0.9  # of the least value of a crop: from here on down nothing is near


class Flatness(torch.nn.Module):
    """Maps suction crops (N, 1, 32, 32) and conditions (N, 4) to logits (N,), as a network does."""

    disc: torch.Tensor  # (32, 32) 1 under the lip and a little beyond, else 0

    def __init__(self) -> None:
        super().__init__()
        at = (torch.arange(SUCTION_SIZE) + 0.5 - SUCTION_SIZE / 2) * (SIDE / SUCTION_SIZE)
        self.register_buffer("disc", (at[:, None] ** 2 + at[None] ** 2 <= 1.1**2).float())

    def forward(self, crops: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
        height, disc = crops[:, 0], self.disc
        there = disc * (height > MISSING * BELOW)
        count = there.sum(dim=(1, 2)).clamp(min=1)
        mean = (there * height).sum(dim=(1, 2)) / count
        rms = UNIT * ((there * (height - mean[:, None, None]) ** 2).sum(dim=(1, 2)) / count).sqrt()
        lost = 1 - there.sum(dim=(1, 2)) / disc.sum()
        return EVEN - rms / ROUGH - lost / LOST
