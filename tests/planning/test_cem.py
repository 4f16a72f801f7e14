import math

import numpy as np
import pytest
import torch

from antipodal.grasping.antipodal_pairs import SamplingOptions
from antipodal.planning import mixture_numba
from antipodal.planning.cem import CEMOptions, maximise
from antipodal.planning.cem_gpu import maximise_gpu
from antipodal.planning.random_draws import RandomDraws


def start(n=64, d=3, seed=0):
    return 2 * torch.rand(n, d, generator=torch.Generator().manual_seed(seed)) - 1


def bowl(samples):
    return samples, -((samples - 0.3) ** 2).sum(dim=1)


def run(score, seed=0, samples=None, **options):
    return maximise(
        score, start() if samples is None else samples, torch.Generator().manual_seed(seed), CEMOptions(**options)
    )


def test_the_maximum_of_a_bowl_is_approached():
    samples, scores = run(bowl, iterations=12)
    assert (samples[0] - 0.3).abs().max() < 0.05
    assert scores[0] == scores.max()


def test_the_best_ever_seen_is_kept():
    first = bowl(start())[1].max()
    for seed in range(20):
        _, scores = run(bowl, seed=seed, iterations=2, samples=start(seed=0))
        assert scores[0] >= first


def test_every_mode_of_a_function_survives():
    def two_peaks(samples):
        a, b = (torch.exp(-8 * ((samples - c) ** 2).sum(dim=1)) for c in (-0.6, 0.6))
        return samples, a + b

    samples, scores = run(two_peaks, iterations=3, samples=start(256))
    good = samples[scores > 0.8]
    assert (good[:, 0] > 0.3).any() and (good[:, 0] < -0.3).any()


HILLS = torch.tensor([[0.0] * 6, [1.5, 0, 0, 1, 0, 0], [0, 1.5, 0, 0, -1, 0]])


def three_hills(samples):
    return samples, torch.exp(-4 * ((samples[:, None] - HILLS) ** 2).sum(dim=2)).amax(dim=1)


def last_batch(seed, first, on_gpu):
    options = CEMOptions()
    if on_gpu:
        numbers = RandomDraws.of_seed(seed, SamplingOptions(), options)
        seen, _ = maximise_gpu(three_hills, first, torch.ones(len(first), dtype=torch.bool), numbers, options)
        return seen[-options.samples :]
    batches = []
    maximise(lambda s: batches.append(s) or three_hills(s), first, torch.Generator().manual_seed(seed), options)
    return batches[-1]


@pytest.mark.parametrize("on_gpu", [False, True])
def test_several_optima_survive_at_the_default_counts(on_gpu):
    """Three hills far apart, as many samples and iterations as a plan has: the last are drawn on the hills, on all of
    them, and not in the valleys between."""
    on_hills = []
    for seed in range(8):
        rng = torch.Generator().manual_seed(seed)
        first = HILLS[torch.randint(3, (100,), generator=rng)] + 0.3 * torch.randn(100, 6, generator=rng)
        distance = (last_batch(seed, first, on_gpu)[:, None] - HILLS).norm(dim=2)
        near = distance.amin(dim=1) < 0.8
        assert len(near) == 40 and len(distance[near].argmin(dim=1).unique()) == 3
        on_hills.append(near.float().mean().item())
    assert np.mean(on_hills) > 0.7, on_hills


def test_infeasible_samples_never_win_and_never_guide():
    def half_space(samples):
        return samples, torch.where(samples[:, 0] < 0, bowl(samples)[1], torch.tensor(-math.inf))

    samples, scores = run(half_space, iterations=5)
    feasible = torch.isfinite(scores)
    assert samples[0, 0] < 0 and samples[0, 0] > -0.15
    assert feasible[: int(feasible.sum())].all()  # the infeasible come last


def test_samples_are_replaced_by_the_feasible_ones_that_stand_for_them():
    def on_a_plane(samples):
        moved = samples.clone()
        moved[:, 2] = 0.5
        return bowl(moved)

    samples, _ = run(on_a_plane)
    assert (samples[:, 2] == 0.5).all()


def test_nothing_feasible_is_no_error():
    samples, scores = run(lambda s: (s, torch.full((len(s),), -math.inf)))
    assert len(samples) == 64 and torch.isinf(scores).all()


def test_same_seed_same_search():
    assert torch.equal(run(bowl, seed=3)[0], run(bowl, seed=3)[0])
    assert not torch.equal(run(bowl, seed=3)[0], run(bowl, seed=4)[0])


def test_one_sample_is_enough_to_start():
    samples, scores = run(bowl, samples=start(1))
    assert len(samples) > 1 and torch.isfinite(scores).all()


def fitted_by_torch(points, means, inflation, floor, steps):
    """Expectation maximisation, written down in torch's own linear algebra."""
    weights = torch.full((len(means),), 1 / len(means), dtype=points.dtype)
    spread = torch.cov(points.T, correction=0) * inflation + floor * torch.eye(points.shape[1])
    covariances = spread.expand(len(means), -1, -1)
    for _ in range(steps):
        components = torch.distributions.MultivariateNormal(means, covariances)
        share = torch.softmax(weights.log() + components.log_prob(points[:, None]), dim=1)
        weights, total = share.mean(dim=0), share.sum(dim=0)
        means = (share.T @ points) / total[:, None]
        off = points[:, None] - means
        covariances = torch.einsum("nk,nki,nkj->kij", share, off, off) / total[:, None, None]
        covariances = inflation * covariances + floor * torch.eye(points.shape[1])
    return weights, means, torch.linalg.cholesky(covariances)


@pytest.mark.parametrize("components", [1, 2, 5])
def test_a_mixture_is_what_expectation_maximisation_gives(components):
    points = torch.cat([start(40, 6, seed=1), 0.3 * start(30, 6, seed=2) + 1]).double()
    means = points[:: len(points) // components][:components].clone()
    ours = mixture_numba.fit_mixture_numba(points.numpy(), means.numpy(), 1.3, 1e-3, 5)
    for a, b in zip(ours, fitted_by_torch(points, means, 1.3, 1e-3, 5)):
        np.testing.assert_allclose(a, b.numpy(), atol=1e-9)


def test_draws_have_the_mixtures_moments():
    means = np.array([[0.0, 0.0], [9.0, 4.0]])
    factors = np.array([[[1.0, 0], [0.5, 0.2]], [[0.3, 0], [-0.1, 0.4]]])
    rng = np.random.default_rng(0)
    samples = mixture_numba.draw_from_mixture_numba(
        np.array([0.25, 0.75]), means, factors, rng.random(40_000), rng.normal(size=(40_000, 2))
    )
    near = samples[:, 0] + samples[:, 1] < 7
    assert near.mean() == pytest.approx(0.25, abs=0.02)
    for k, mine in enumerate([samples[near], samples[~near]]):
        np.testing.assert_allclose(mine.mean(axis=0), means[k], atol=0.05)
        np.testing.assert_allclose(np.cov(mine.T), factors[k] @ factors[k].T, atol=0.05)
