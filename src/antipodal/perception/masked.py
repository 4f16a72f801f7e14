"""Choosing among the True entries of a mask without waiting for their number."""

from __future__ import annotations

import torch


def pick_true(mask: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
    """Indices (N,) of True entries of a flat mask (M,), all as likely; 0 where it has none. uniform: (N,) in [0, 1)."""
    count = mask.cumsum(dim=0)
    nth = (uniform * count[-1]).long() + 1
    return torch.searchsorted(count, nth).clamp_max(len(mask) - 1) * mask.any()


def first_true(mask: torch.Tensor, wanted: int) -> torch.Tensor:
    """Indices (wanted,) of the first True entries of a flat mask (M,); the last index where it has fewer."""
    count = mask.cumsum(dim=0)
    return torch.searchsorted(count, torch.arange(1, wanted + 1, device=mask.device)).clamp_max(len(mask) - 1)
