"""The random numbers of a plan, drawn before it: a plan is then a function without state, on any device the same."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import List, Tuple

import torch

from antipodal.grasping.antipodal_pairs import SamplingOptions
from antipodal.planning.cem import CEMOptions

JUDGES = 1000
DIMENSIONS = 6  # of view_grasps.encode


@dataclass(frozen=True)
class RandomDraws:
    """Uniform numbers in [0, 1), but for `normal`."""

    judges: torch.Tensor  # (JUDGES,) choose the graspable pixels whose median depth bounds the view's cells
    starts: torch.Tensor  # (sampling.pairs * starts_per_pair,) choose edge cells
    cone: torch.Tensor  # as many, directions in their friction cones
    choice: torch.Tensor  # as many, one of the opposing edges on the way
    component: torch.Tensor  # (cem.iterations, cem.samples) of the mixture
    normal: torch.Tensor  # (cem.iterations, cem.samples, DIMENSIONS) standard normal

    @classmethod
    def of_seed(cls, seed: int, sampling: SamplingOptions, cem: CEMOptions) -> RandomDraws:
        """The numbers of a seed, in main memory: torch's generators on a CPU and a GPU differ."""
        generator = torch.Generator().manual_seed(seed)
        marches = sampling.pairs * sampling.starts_per_pair
        shapes: List[Tuple[int, ...]] = [(JUDGES,), *[(marches,)] * 3, (cem.iterations, cem.samples)]
        numbers = [torch.rand(shape, generator=generator) for shape in shapes]
        numbers.append(torch.randn(cem.iterations, cem.samples, DIMENSIONS, generator=generator))
        return cls(*numbers)

    def to(self, device: torch.device) -> RandomDraws:
        """The same numbers on a device."""
        return replace(self, **{f.name: getattr(self, f.name).to(device) for f in fields(self)})

    def copy_(self, other: RandomDraws) -> None:
        """Take over another's numbers in place."""
        for f in fields(self):
            getattr(self, f.name).copy_(getattr(other, f.name), non_blocking=True)
