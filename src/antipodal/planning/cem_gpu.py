"""Twin of `cem.maximise` that runs where the samples lie: the number of elites and components is fixed, those in excess
weigh nothing."""

from __future__ import annotations

import math
from typing import Tuple

import torch

from antipodal import backends
from antipodal.planning.cem import CEMOptions, Score
from antipodal.planning.random_draws import RandomDraws

MAX_ELITES = 1024  # elites: as many as one program of the kernel holds in its registers

Mixture = Tuple[torch.Tensor, torch.Tensor, torch.Tensor]  # weights (K,), means (K, D), Cholesky factors (K, D, D)


def maximise_gpu(
    score: Score, samples: torch.Tensor, valid: torch.Tensor, draws: RandomDraws, options: CEMOptions = CEMOptions()
) -> Tuple[torch.Tensor, torch.Tensor]:
    """All samples ever scored (M, D) and their scores (M,), in the order in which they were drawn; -inf where there is
    none. samples: (N, D) where the search starts, of which the `valid` (N,) bool count."""
    seen, scores = score(samples)
    scores = torch.where(valid, scores, -torch.inf)
    largest, counted = len(seen), valid.sum()  # batch, and how many of it count
    for k in range(options.iterations):
        best, index = scores.topk(min(MAX_ELITES, max(2, math.ceil(options.elite * largest))))
        wanted = (options.elite * counted).ceil().clamp_min(2)
        weight = torch.isfinite(best) & (torch.arange(len(best), device=best.device) < wanted)
        mixture = fit_mixture(seen[index], weight.to(seen.dtype), options)
        current, current_scores = score(draw_from_mixture(mixture, draws.component[k], draws.normal[k]))
        seen, scores = torch.cat([seen, current]), torch.cat([scores, current_scores])
        largest, counted = max(largest, len(current)), counted.clamp_min(len(current))
    return seen, scores


def fit_mixture(elites: torch.Tensor, weight: torch.Tensor, options: CEMOptions, steps: int = 5) -> Mixture:
    """Gaussian mixture fitted to elites (N, D), best first, of weight (N,) 0 or 1, by expectation maximisation from
    spread-out means; in one launch on a GPU."""
    if not backends.uses_triton(elites):
        return expectation_maximisation(elites, weight, options, steps)
    from antipodal.planning import mixture_triton

    return mixture_triton.fit_mixture_triton(
        elites, weight, options.components, options.inflation, options.floor, steps
    )


def expectation_maximisation(elites: torch.Tensor, weight: torch.Tensor, options: CEMOptions, steps: int) -> Mixture:
    """As `mixture_triton.fit_mixture_triton`, for any device."""
    many = options.components
    # fewer elites than D + 1 would give a component a flat covariance
    used = (weight.sum() // (elites.shape[1] + 1)).clamp(1, many)
    alive = torch.arange(many, device=elites.device) < used
    means = _spread_means_gpu(elites, weight, many)
    weights = torch.where(alive, 1 / used, 0.0)
    mean = (weight @ elites) / weight.sum().clamp_min(1.0)
    factors = _cholesky_factors(elites, weight[:, None], mean[None], options).expand(many, -1, -1)
    for _ in range(steps):
        share = torch.softmax(weights.log() + _log_density(elites, means, factors), dim=1) * weight[:, None]
        total = share.sum(dim=0)
        weights = torch.where(alive, (total / weight.sum().clamp_min(1.0)).clamp_min(1e-6), 0.0)
        means = (share.T @ elites) / total.clamp_min(1e-9)[:, None]
        factors = _cholesky_factors(elites, share, means, options)
    return weights / weights.sum(), means, factors


def draw_from_mixture(mixture: Mixture, uniform: torch.Tensor, normal: torch.Tensor) -> torch.Tensor:
    """Samples (N, D) of the mixture by uniform numbers (N,), which choose components, and normal ones (N, D)."""
    weights, means, factors = mixture
    component = (uniform[:, None] >= weights.cumsum(dim=0)[:-1]).sum(dim=1)
    return means[component] + torch.einsum("nij,nj->ni", factors[component], normal)


def _spread_means_gpu(points: torch.Tensor, weight: torch.Tensor, count: int) -> torch.Tensor:
    """`count` of the points (N, D) that weigh anything, each the farthest from those before it; the first first."""
    chosen = [points[0]]
    distance = torch.where(weight > 0, torch.inf, 0.0)
    for _ in range(count - 1):
        distance = torch.minimum(distance, ((points - chosen[-1]) ** 2).sum(dim=1))
        chosen.append(points.index_select(0, distance.argmax()[None])[0])
    return torch.stack(chosen)


def _cholesky_factors(
    points: torch.Tensor, share: torch.Tensor, means: torch.Tensor, options: CEMOptions
) -> torch.Tensor:
    """Cholesky factors (K, D, D) of the covariances; `cholesky` itself would wait to see whether it failed."""
    centred = points[:, None] - means[None]
    covariance = torch.einsum("nk,nki,nkj->kij", share, centred, centred)
    covariance = options.inflation * covariance / share.sum(dim=0).clamp_min(1e-9)[:, None, None]
    return torch.linalg.cholesky_ex(covariance + options.floor * torch.eye(points.shape[1], device=points.device)).L


def _log_density(points: torch.Tensor, means: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    """Log densities (N, K) up to a common constant."""
    centred = (points[:, None] - means[None]).permute(1, 2, 0)  # (K, D, N)
    white = torch.linalg.solve_triangular(factors, centred, upper=False)
    return (-0.5 * (white**2).sum(dim=1) - factors.diagonal(dim1=-2, dim2=-1).log().sum(dim=-1)[:, None]).T
