"""The cross-entropy method: maximise a function of D numbers by sampling (Rubinstein and Kroese 2004).

Each iteration fits a Gaussian mixture to the elites and draws from it, as in Dex-Net 2.0 (Mahler et al., RSS 2017,
section IV.C). Unlike there, elites are the best of all samples so far, not of the last draw.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable, ClassVar, Tuple

import numpy as np
import torch

from antipodal.perception.option_limits import Within
from antipodal.planning import mixture_numba

Score = Callable[[torch.Tensor], Tuple[torch.Tensor, torch.Tensor]]


@dataclass(frozen=True)
class CEMOptions:
    """How long and how widely to search."""

    WITHIN: ClassVar[Within] = {"iterations": (0, 1000), "floor": (1e-12, 1)}  # 0: no search
    iterations: int = 2
    samples: int = 40  # drawn in each iteration
    elite: float = 0.25  # elites: the best of all samples so far, this fraction of the largest batch so far
    components: int = 5  # of the mixture, at most
    inflation: float = 1.0  # factor on the fitted covariances
    floor: float = 1e-4  # added to every variance, so that the mixture never collapses


def maximise(
    score: Score, samples: torch.Tensor, generator: torch.Generator, options: CEMOptions = CEMOptions()
) -> Tuple[torch.Tensor, torch.Tensor]:
    """All samples ever scored (M, D) and their scores (M,), best first.

    score: maps samples (N, D) to the feasible samples (N, D) that stand for them and their scores (N,), -inf where
    there is none. samples: (N, D) where the search starts, in units in which 1 is a large step.
    """
    seen, scores = score(samples)
    largest = len(seen)  # batch
    for _ in range(options.iterations):
        elites = _elites(seen, scores, max(2, math.ceil(options.elite * largest)))
        if len(elites) == 0:
            break
        current, current_scores = score(_draw_samples(_fit_mixture(elites, options), elites, generator, options))
        seen, scores = torch.cat([seen, current]), torch.cat([scores, current_scores])
        largest = max(largest, len(current))
    order = torch.argsort(scores, descending=True, stable=True)
    return seen[order], scores[order]


def _elites(samples: torch.Tensor, scores: torch.Tensor, count: int) -> torch.Tensor:
    """The best `count` of the samples (N, D) that have a score, best first."""
    count = min(count, int(torch.isfinite(scores).sum()))
    return samples[torch.argsort(scores, descending=True, stable=True)[:count]]


Mixture = Tuple[np.ndarray, np.ndarray, np.ndarray]  # weights (K,), means (K, D), Cholesky factors (K, D, D)


def _fit_mixture(elites: torch.Tensor, options: CEMOptions, steps: int = 5) -> Mixture:
    """Gaussian mixture fitted to elites (N, D) by expectation maximisation from spread-out means."""
    points = elites.cpu().double().numpy()
    # fewer elites than D + 1 would give a component a flat covariance
    count = max(1, min(options.components, len(points) // (points.shape[1] + 1)))
    return mixture_numba.fit_mixture_numba(
        points, _spread_means(points, count), options.inflation, options.floor, steps
    )


def _spread_means(points: np.ndarray, count: int) -> np.ndarray:
    """`count` of the points (N, D), each the farthest from those before it; the first is the best."""
    chosen = [0]
    distance = np.full(len(points), math.inf)
    for _ in range(count - 1):
        distance = np.minimum(distance, ((points - points[chosen[-1]]) ** 2).sum(axis=1))
        chosen.append(int(np.argmax(distance)))
    return points[chosen]


def _draw_samples(fitted: Mixture, like: torch.Tensor, generator: torch.Generator, options: CEMOptions) -> torch.Tensor:
    """Samples (options.samples, D) of the mixture, of the type and on the device of `like`."""
    uniform = torch.rand(options.samples, generator=generator, device=generator.device, dtype=torch.float64)
    normal = torch.randn(options.samples, like.shape[1], generator=generator, device=generator.device).double()
    return torch.from_numpy(
        mixture_numba.draw_from_mixture_numba(*fitted, uniform.cpu().numpy(), normal.cpu().numpy())
    ).to(like)
