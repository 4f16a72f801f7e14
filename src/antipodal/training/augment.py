"""Variations of crops that do not change the label: the symmetries of the jaws, and slight depth noise.

Columns of a crop run along the closing axis and rows across it (crops.py). Two like jaws may be swapped, and a grasp
may be mirrored along or across its closing axis: the group of the two flips, of which the jaws' half turn is one.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from antipodal.networks.crops import CLIP

GRID = (
    8  # noise is drawn on a quarter-size grid, so that neighbouring pixels have similar errors (Dex-Net 2.0, section V)
)


@dataclass(frozen=True)
class Variations:
    """The variations of N crops."""

    flips: torch.Tensor  # (N, 2) bool: along, across the closing axis
    noise: torch.Tensor  # (N, 1, GRID, GRID) [openings]

    def __getitem__(self, index: slice) -> Variations:
        return Variations(self.flips[index], self.noise[index])


def draw_variations(count: int, noise: float, seed: int) -> Variations:
    """Random variations of `count` crops. Each crop's noise has its own strength, up to `noise` openings."""
    generator = torch.Generator().manual_seed(seed)
    flips = torch.rand(count, 2, generator=generator) < 0.5
    strength = noise * torch.rand(count, 1, 1, 1, generator=generator)
    return Variations(flips, strength * torch.randn(count, 1, GRID, GRID, generator=generator))


def vary(crops: torch.Tensor, variations: Variations, limit: float = CLIP) -> torch.Tensor:
    """Crops (N, 1, S, S) in [-limit, limit], varied and still within it."""
    along, across = variations.flips.to(crops.device)[:, :, None, None, None].unbind(1)
    crops = torch.where(along, crops.flip(-1), crops)
    crops = torch.where(across, crops.flip(-2), crops)
    noise = F.interpolate(variations.noise.to(crops.device), crops.shape[-1], mode="bilinear", align_corners=False)
    return (crops + noise).clamp_(-limit, limit)
