"""Compiled Gaussian mixtures for the cross-entropy method. A few dozen points of a few numbers each: they are fitted in
main memory whatever the device, where no launch of an operation costs more than the operation."""

from __future__ import annotations

import math

import numba
import numpy as np


@numba.njit(cache=True)
def fit_mixture_numba(points, means, inflation, floor, steps):
    """Weights (K,), means (K, D) and Cholesky factors (K, D, D) of a mixture after `steps` of expectation maximisation
    (Dempster, Laird and Rubin 1977), in double precision.

    points: (N, D); means: (K, D) to start from; covariances are multiplied by `inflation`, and `floor` is added to
    their diagonals.
    """
    N, D = points.shape
    K = len(means)
    share = np.full((N, K), 1.0)
    weights = np.full(K, 1.0 / K)
    middle = np.zeros((K, D))
    for d in range(D):
        middle[:, d] = points[:, d].mean()
    factors = _cholesky_factors_numba(points, share, middle, inflation, floor)
    means = means.copy()
    for _ in range(steps):
        _responsibilities(points, weights, means, factors, share)
        for k in range(K):
            total = max(share[:, k].sum(), 1e-9)
            weights[k] = max(share[:, k].sum() / N, 1e-6)
            for d in range(D):
                means[k, d] = (share[:, k] * points[:, d]).sum() / total
        factors = _cholesky_factors_numba(points, share, means, inflation, floor)
    return weights / weights.sum(), means, factors


@numba.njit(cache=True)
def draw_from_mixture_numba(weights, means, factors, uniform, normal):
    """Samples (S, D) of a mixture from numbers uniform in [0, 1) (S,) and standard normal ones (S, D)."""
    out = np.empty_like(normal)
    for s in range(len(uniform)):
        k, passed = 0, weights[0]
        while k < len(weights) - 1 and uniform[s] >= passed:
            k += 1
            passed += weights[k]
        for i in range(normal.shape[1]):
            out[s, i] = means[k, i]
            for j in range(i + 1):
                out[s, i] += factors[k, i, j] * normal[s, j]
    return out


@numba.njit(cache=True)
def _responsibilities(points, weights, means, factors, share):
    """Write every component's share (N, K) of every point."""
    D = points.shape[1]
    white = np.empty(D)
    for n in range(len(points)):
        best = -np.inf
        for k in range(len(weights)):
            log = math.log(weights[k])
            for i in range(D):
                white[i] = points[n, i] - means[k, i]
                for j in range(i):
                    white[i] -= factors[k, i, j] * white[j]
                white[i] /= factors[k, i, i]
                log -= 0.5 * white[i] * white[i] + math.log(factors[k, i, i])
            share[n, k] = log
            best = max(best, log)
        share[n] = np.exp(share[n] - best)
        share[n] /= share[n].sum()


@numba.njit(cache=True)
def _cholesky_factors_numba(points, share, means, inflation, floor):
    """Cholesky factors (K, D, D) of the covariances about the means, weighted by share (N, K)."""
    N, D = points.shape
    factors = np.zeros((len(means), D, D))
    for k in range(len(means)):
        total = max(share[:, k].sum(), 1e-9)
        for i in range(D):
            for j in range(i + 1):
                value = floor if i == j else 0.0
                for n in range(N):
                    off = (points[n, i] - means[k, i]) * (points[n, j] - means[k, j])
                    value += inflation * share[n, k] * off / total
                for m in range(j):
                    value -= factors[k, i, m] * factors[k, j, m]
                factors[k, i, j] = math.sqrt(value) if i == j else value / factors[k, j, j]
    return factors
