"""The cross-entropy method: maximise a function of D numbers by sampling (Rubinstein and Kroese 2004).

Each iteration fits a Gaussian mixture to the elites and draws from it, as in Dex-Net 2.0 (Mahler et al., RSS 2017,
section IV.C). Unlike there, the best ever seen is kept, not the best of the last draw.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable, Tuple

import torch

Score = Callable[[torch.Tensor], Tuple[torch.Tensor, torch.Tensor]]


@dataclass(frozen=True)
class CEMOptions:
    """How long and how widely to search."""

    iterations: int = 3
    samples: int = 64  # drawn in each iteration
    elite: float = (
        0.25  # as many of the best ever seen as this share of the latest samples: the mixture is fitted to them
    )
    components: int = 5  # of the mixture, at most
    inflation: float = 1.0  # factor on the fitted covariance
    floor: float = 1e-4  # added to every variance, so that a mixture never collapses


def maximise(
    score: Score, samples: torch.Tensor, generator: torch.Generator, options: CEMOptions = CEMOptions()
) -> Tuple[torch.Tensor, torch.Tensor]:
    """All samples ever scored (M, D) and their scores (M,), best first.

    score: maps samples (N, D) to the feasible samples (N, D) that stand for them and their scores (N,), -inf where
    there is none. samples: (N, D) where the search starts, in units in which 1 is a large step.
    """
    seen, scores = score(samples)
    latest = len(seen)
    for _ in range(options.iterations):
        elites = _elites(seen, scores, max(2, math.ceil(options.elite * latest)))
        if len(elites) == 0:
            break
        current, current_scores = score(_draw(_fit(elites, options), elites, generator, options))
        seen, scores, latest = torch.cat([seen, current]), torch.cat([scores, current_scores]), len(current)
    order = torch.argsort(scores, descending=True, stable=True)
    return seen[order], scores[order]


def _elites(samples: torch.Tensor, scores: torch.Tensor, count: int) -> torch.Tensor:
    """The best `count` of the samples (N, D) that have a score, best first."""
    count = min(count, int(torch.isfinite(scores).sum()))
    return samples[torch.argsort(scores, descending=True, stable=True)[:count]]


Mixture = Tuple[torch.Tensor, torch.Tensor, torch.Tensor]  # weights (K,), means (K, D), Cholesky factors (K, D, D)


def _fit(elites: torch.Tensor, options: CEMOptions, steps: int = 5) -> Mixture:
    """Gaussian mixture fitted to elites (N, D) by expectation maximisation from spread-out means."""
    # fewer elites than D + 1 would give a component a flat covariance
    means = _spread(elites, max(1, min(options.components, len(elites) // (elites.shape[1] + 1))))
    weights = means.new_full((len(means),), 1 / len(means))
    factors = torch.linalg.cholesky(_covariance(elites, elites.new_ones(len(elites), 1), elites.mean(0)[None], options))
    factors = factors.expand(len(means), -1, -1)
    for _ in range(steps):
        share = torch.softmax(weights.log() + _log_density(elites, means, factors), dim=1)
        weights = (share.sum(dim=0) / len(elites)).clamp_min(1e-6)
        means = (share.T @ elites) / share.sum(dim=0).clamp_min(1e-9)[:, None]
        factors = torch.linalg.cholesky(_covariance(elites, share, means, options))
    return weights / weights.sum(), means, factors


def _spread(points: torch.Tensor, count: int) -> torch.Tensor:
    """`count` of the points (N, D), each the farthest from those before it; the first is the best."""
    chosen = [0]
    distance = torch.full_like(points[:, 0], math.inf)
    for _ in range(count - 1):
        distance = torch.minimum(distance, ((points - points[chosen[-1]]) ** 2).sum(dim=1))
        chosen.append(int(torch.argmax(distance)))
    return points[chosen]


def _covariance(points: torch.Tensor, share: torch.Tensor, means: torch.Tensor, options: CEMOptions) -> torch.Tensor:
    """Covariances (K, D, D) of points (N, D) about the means (K, D), weighted by share (N, K)."""
    centred = points[:, None] - means[None]
    total = share.sum(dim=0).clamp_min(1e-9)
    covariance = torch.einsum("nk,nki,nkj->kij", share, centred, centred) / total[:, None, None]
    return options.inflation * covariance + options.floor * torch.eye(points.shape[1], device=points.device)


def _log_density(points: torch.Tensor, means: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    """Log densities (N, K) up to a common constant."""
    centred = (points[:, None] - means[None]).permute(1, 2, 0)  # (K, D, N)
    white = torch.linalg.solve_triangular(factors, centred, upper=False)
    log_det = factors.diagonal(dim1=-2, dim2=-1).log().sum(dim=-1)
    return (-0.5 * (white**2).sum(dim=1) - log_det[:, None]).T


def _draw(mixture: Mixture, elites: torch.Tensor, generator: torch.Generator, options: CEMOptions) -> torch.Tensor:
    """Samples (options.samples, D) of the mixture."""
    weights, means, factors = mixture
    component = torch.multinomial(weights, options.samples, replacement=True, generator=generator)
    normal = torch.randn(options.samples, elites.shape[1], generator=generator, device=elites.device)
    return means[component] + torch.einsum("nij,nj->ni", factors[component], normal)
