"""The random numbers of a plan, drawn before it: a plan is then a function without state, on any device the same."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch

from antipodal.cem import CEMOptions
from antipodal.sampling import SamplingOptions
from antipodal.table import TableOptions

DIMENSIONS = 6  # of encoding.encode


@dataclass(frozen=True)
class Draws:
    """Uniform numbers in [0, 1), but for `normal`."""

    voters: torch.Tensor  # (table.points,) choose the pixels that vote for the table
    triples: torch.Tensor  # (3, table.hypotheses) choose three of them for every plane
    starts: torch.Tensor  # (sampling.pairs * starts_per_pair,) choose edge cells
    cone: torch.Tensor  # as many, directions in their friction cones
    choice: torch.Tensor  # as many, one of the opposing edges on the way
    component: torch.Tensor  # (cem.iterations, cem.samples) of the mixture
    normal: torch.Tensor  # (cem.iterations, cem.samples, DIMENSIONS) standard normal

    @classmethod
    def of_seed(cls, seed: int, table: TableOptions, sampling: SamplingOptions, cem: CEMOptions) -> Draws:
        """The numbers of a seed, in main memory: torch's generators on a CPU and a GPU differ."""
        generator = torch.Generator().manual_seed(seed)
        marches = sampling.pairs * sampling.starts_per_pair
        shapes = [(table.points,), (3, table.hypotheses), (marches,), (marches,), (marches,)]
        shapes.append((cem.iterations, cem.samples))
        numbers = [torch.rand(shape, generator=generator) for shape in shapes]
        numbers.append(torch.randn(cem.iterations, cem.samples, DIMENSIONS, generator=generator))
        return cls(*numbers)

    def to(self, device: torch.device) -> Draws:
        """The same numbers on a device."""
        return replace(self, **{f.name: getattr(self, f.name).to(device) for f in fields(self)})

    def copy_(self, other: Draws) -> None:
        """Take over another's numbers in place."""
        for f in fields(self):
            getattr(self, f.name).copy_(getattr(other, f.name), non_blocking=True)


def pick(mask: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
    """Indices (N,) of True entries of a flat mask (M,), all as likely; 0 where it has none. uniform: (N,) in [0, 1)."""
    count = mask.cumsum(dim=0)
    nth = (uniform * count[-1]).long() + 1
    return torch.searchsorted(count, nth).clamp_max(len(mask) - 1) * mask.any()


def first(mask: torch.Tensor, wanted: int) -> torch.Tensor:
    """Indices (wanted,) of the first True entries of a flat mask (M,); the last index where it has fewer."""
    count = mask.cumsum(dim=0)
    return torch.searchsorted(count, torch.arange(1, wanted + 1, device=mask.device)).clamp_max(len(mask) - 1)
