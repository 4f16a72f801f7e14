"""The fitted map is the one that made the outcomes, and calibration errors are what they are known to be."""

import numpy as np
import pytest
import torch
from scipy.special import expit

from antipodal.networks.pick_calibration import PickCalibration
from antipodal.training.platt import (
    calibrated,
    error_by_chance,
    error_with_interval,
    fit_lift,
    fit_platt,
    log_odds,
)


def drawn(scale, shift, count=20_000, seed=0):
    """Scores, and outcomes with P(held) = sigmoid(scale * log odds + shift)."""
    rng = np.random.default_rng(seed)
    quality = expit(rng.normal(0, 2, count))
    return quality, rng.random(count) < expit(scale * log_odds(quality) + shift)


@pytest.mark.parametrize("scale, shift", [(1.0, 0.0), (1.3, 1.2), (0.6, -0.8)])
def test_the_fit_finds_the_map_that_made_the_outcomes(scale, shift):
    by = fit_platt(*drawn(scale, shift))
    assert by.scale == pytest.approx(scale, rel=0.06) and by.shift == pytest.approx(shift, abs=0.07)


def test_a_threshold_that_separates_leaves_finite_numbers():
    quality = np.linspace(0.01, 0.99, 50)
    by = fit_platt(quality, quality > 0.5)
    assert np.isfinite([by.scale, by.shift]).all() and by.scale > 1


@pytest.mark.parametrize("lift", [0.3, 1.5])
def test_the_lift_that_made_the_outcomes_is_found(lift):
    rng, by = np.random.default_rng(0), PickCalibration(0.8, 0.5, lift)
    best = expit(rng.normal(3, 2, 20_000))
    quality = expit(log_odds(best) - rng.exponential(3, 20_000))
    held = rng.random(20_000) < calibrated(quality, best, by)
    assert fit_lift(quality, best, held, PickCalibration(0.8, 0.5)).lift == pytest.approx(lift, rel=0.15)


@pytest.mark.parametrize("lift", [0.0, 0.7])
def test_planner_and_measure_apply_the_same_map(lift):
    by, quality = PickCalibration(1.4, -0.3, lift), np.linspace(0, 0.9, 101)
    found = by.beside(torch.from_numpy(quality))(torch.from_numpy(quality)).numpy()
    np.testing.assert_allclose(calibrated(quality, np.full(101, 0.9), by), found, atol=1e-6)


def test_the_error_of_right_probabilities_is_that_of_chance():
    quality, held = drawn(1.0, 0.0, 4000)
    error, low, high = error_with_interval(quality, held, np.arange(4000) // 4)
    chance = error_by_chance(quality)
    assert low < error < high and 0.2 * chance < error < 2.5 * chance


def test_a_shift_of_all_probabilities_is_the_error():
    held = np.tile([True, True, True, False], 1000)
    error, low, high = error_with_interval(np.full(4000, 0.45), held, np.arange(4000) // 4)
    assert error == pytest.approx(0.3) and low == pytest.approx(0.3) == pytest.approx(high)  # each scene alike
