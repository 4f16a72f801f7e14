"""Triton twin of `cem_gpu.expectation_maximisation`: the whole of it in one launch, by one program.

In torch it is some two hundred launches of a microsecond's work each. Import only where `backends.uses_triton` says so.
"""

from __future__ import annotations

from typing import Tuple

import torch
import triton
import triton.language as tl

PADDED = 16  # dimensions, with those that hold nothing: the least side of a matrix in tl.dot


def fit_mixture_triton(
    points: torch.Tensor, weight: torch.Tensor, components: int, inflation: float, floor: float, steps: int
) -> Tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Weights (K,), means (K, D) and Cholesky factors (K, D, D) of the mixture of `components` = K.

    points: (N, D) float32, best first, N of some hundreds, since one program holds them all in its registers, and
    D <= PADDED; weight: (N,) 0 or 1.
    """
    (n, dim), padded = points.shape, max(2, triton.next_power_of_2(components))
    weights = torch.empty(components, device=points.device)
    means = torch.empty((components, dim), device=points.device)
    factors = torch.empty((components, dim, dim), device=points.device)
    shape = {"K": components, "KP": padded, "D": dim, "DP": PADDED, "N": max(16, triton.next_power_of_2(n))}
    arguments = (points.contiguous(), weight.contiguous(), weights, means, factors, n, inflation, floor)
    _fit_kernel[(1,)](*arguments, STEPS=steps, num_warps=4 if n <= 256 else 8, **shape)
    return weights, means, factors


@triton.jit
def _fit_kernel(
    points, weight, out_weights, out_means, out_factors, n, inflation, floor,
    STEPS: tl.constexpr, K: tl.constexpr, KP: tl.constexpr, D: tl.constexpr, DP: tl.constexpr, N: tl.constexpr,
):  # fmt: skip
    row, dim, k = tl.arange(0, N), tl.arange(0, DP), tl.arange(0, KP)
    there = (row < n)[:, None] & (dim < D)[None, :]
    x = tl.load(points + row[:, None] * D + dim[None, :], mask=there, other=0.0)
    w = tl.load(weight + row, mask=row < n, other=0.0)
    count = tl.maximum(tl.sum(w, axis=0), 1.0)
    used = tl.minimum(tl.maximum(tl.floor(tl.sum(w, axis=0) / (D + 1)), 1.0), K)
    alive = k < used
    means = _spread_means_triton(x, w, row, k, K, KP, DP)
    weights = tl.where(alive, 1.0 / used, 0.0)
    whole = tl.sum(w[:, None] * x, axis=0) / count
    moment = _moment(x, whole, w) / count
    factors = _cholesky(tl.broadcast_to(moment[None], (KP, DP, DP)), inflation, floor, dim, D)
    for _ in range(STEPS):
        share = _shares(x, w, means, factors, weights, alive, dim, k, K, D, KP, DP, N)
        total = tl.sum(share, axis=0)
        weights = tl.where(alive, tl.maximum(total / count, 1e-6), 0.0)
        moments = tl.zeros((KP, DP, DP), dtype=tl.float32)
        for j in tl.static_range(K):
            s = tl.sum(tl.where(k[None, :] == j, share, 0.0), axis=1)
            t = tl.maximum(tl.sum(s, axis=0), 1e-9)
            mean = tl.sum(s[:, None] * x, axis=0) / t
            means = tl.where(k[:, None] == j, mean[None, :], means)
            moments = tl.where(k[:, None, None] == j, (_moment(x, mean, s) / t)[None], moments)
        factors = _cholesky(moments, inflation, floor, dim, D)
    tl.store(out_weights + k, weights / tl.sum(weights, axis=0), mask=k < K)
    tl.store(out_means + k[:, None] * D + dim[None, :], means, mask=(k < K)[:, None] & (dim < D)[None, :])
    place = k[:, None, None] * (D * D) + dim[None, :, None] * D + dim[None, None, :]
    within = (k < K)[:, None, None] & (dim < D)[None, :, None] & (dim < D)[None, None, :]
    tl.store(out_factors + place, factors, mask=within)


@triton.jit
def _spread_means_triton(x, w, row, k, K: tl.constexpr, KP: tl.constexpr, DP: tl.constexpr):
    """K of the points, each the farthest from those before it (KP, DP)."""
    chosen = tl.sum(tl.where(row[:, None] == 0, x, 0.0), axis=0)
    means = tl.where(k[:, None] == 0, chosen[None, :], tl.zeros((KP, DP), dtype=tl.float32))
    distance = tl.where(w > 0, 3e38, 0.0)
    for j in tl.static_range(1, K):
        away = x - chosen[None, :]
        distance = tl.minimum(distance, tl.sum(away * away, axis=1))
        farthest = tl.argmax(distance, axis=0)
        chosen = tl.sum(tl.where(row[:, None] == farthest, x, 0.0), axis=0)
        means = tl.where(k[:, None] == j, chosen[None, :], means)
    return means


@triton.jit
def _moment(x, mean, share):
    """Second moments (DP, DP) of the points about a mean, by their share."""
    centred = x - mean[None, :]
    return tl.dot(tl.trans(centred * share[:, None]), centred, input_precision="ieee")


@triton.jit
def _cholesky(moments, inflation, floor, dim, D: tl.constexpr):
    """Cholesky factors (KP, DP, DP) of inflation * moments + floor, column by column for all components at once; where
    a dimension holds nothing, zero."""
    diagonal = dim[None, :, None] == dim[None, None, :]
    left = inflation * moments + tl.where(diagonal, floor, 0.0)
    factors = tl.zeros_like(left)
    for j in tl.static_range(D):
        column = tl.sum(tl.where(dim[None, None, :] == j, left, 0.0), axis=2)
        pivot = tl.sum(tl.where(dim[None, :] == j, column, 0.0), axis=1)
        column = tl.where((dim >= j) & (dim < D), column, 0.0) / tl.sqrt(pivot)[:, None]
        left -= column[:, :, None] * column[:, None, :]
        factors = tl.where(dim[None, None, :] == j, column[:, :, None], factors)
    return factors


@triton.jit
def _inverse(factors, dim, D: tl.constexpr):
    """Inverses (KP, DP, DP) of the factors, row by row, and the logarithms of their determinants (KP,)."""
    inverse = tl.zeros_like(factors)
    log_det = tl.zeros_like(tl.sum(tl.sum(factors, axis=2), axis=1))
    for j in tl.static_range(D):
        row = tl.sum(tl.where(dim[None, :, None] == j, factors, 0.0), axis=1)
        pivot = tl.sum(tl.where(dim[None, :] == j, row, 0.0), axis=1)
        known = tl.sum(row[:, :, None] * inverse, axis=1)
        unit = tl.where(dim == j, 1.0, 0.0)[None, :]
        new = (unit - known) / pivot[:, None]
        inverse = tl.where(dim[None, :, None] == j, new[:, None, :], inverse)
        log_det -= tl.log(pivot)
    return inverse, log_det


@triton.jit
def _shares(
    x, w, means, factors, weights, alive, dim, k,
    K: tl.constexpr, D: tl.constexpr, KP: tl.constexpr, DP: tl.constexpr, N: tl.constexpr,
):  # fmt: skip
    """How much of every point each component accounts for (N, KP), by its weight."""
    inverse, log_det = _inverse(factors, dim, D)
    logits = tl.full((N, KP), -1e30, dtype=tl.float32)
    for j in tl.static_range(K):
        mean = tl.sum(tl.where(k[:, None] == j, means, 0.0), axis=0)
        whitening = tl.sum(tl.where(k[:, None, None] == j, inverse, 0.0), axis=0)
        white = tl.dot(x - mean[None, :], tl.trans(whitening), input_precision="ieee")
        density = -0.5 * tl.sum(white * white, axis=1)
        logits = tl.where(k[None, :] == j, density[:, None], logits)
    prior = tl.where(alive, log_det + tl.log(tl.maximum(weights, 1e-30)), -1e30)
    logits += prior[None, :]
    share = tl.where(alive[None, :], tl.exp(logits - tl.max(logits, axis=1)[:, None]), 0.0)
    return share / tl.sum(share, axis=1)[:, None] * w[:, None]
