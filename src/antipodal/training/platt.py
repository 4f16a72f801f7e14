"""Fits the numbers of a `PickCalibration` to executed picks, and measures how well probabilities are calibrated."""

from __future__ import annotations

from dataclasses import replace
from typing import List

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, logit

from antipodal.networks.pick_calibration import SUREST, PickCalibration
from antipodal.training.metrics import calibration_error, log_loss, resample_objects

BINS = 10
RESAMPLES = 1000


def log_odds(quality: np.ndarray) -> np.ndarray:
    """Log odds (N,) of scores (N,) in [0, 1], as far as single precision tells them apart."""
    return logit(np.clip(np.asarray(quality, float), SUREST, 1 - SUREST))


def calibrated(quality: np.ndarray, best: np.ndarray, by: PickCalibration) -> np.ndarray:
    """P(a pick holds) (N,) of scores (N,) in plans whose best scores are `best` (N,), as `PickCalibration` computes
    it."""
    return expit(_calibrated_odds(quality, best, by))


def _calibrated_odds(quality: np.ndarray, best: np.ndarray, by: PickCalibration) -> np.ndarray:
    odds, most = (by.scale * log_odds(q) + by.shift for q in (quality, best))
    return odds if by.lift == 0 else odds + by.lift * np.log1p(np.maximum(most - odds, 0) / by.lift)


def fit_platt(quality: np.ndarray, held: np.ndarray) -> PickCalibration:
    """The scale and shift that minimise the log loss of N picks, `held` (N,) of 0 and 1 (Platt, 1999).

    Platt's targets stand in for 0 and 1, so that picks that a threshold separates do not make the scale infinite.
    """
    odds, good = log_odds(quality), float(np.sum(held))
    target = np.where(held, (good + 1) / (good + 2), 1 / (len(held) - good + 2))
    best = minimize(lambda v: log_loss(np.exp(v[0]) * odds + v[1], target), np.zeros(2), method="BFGS")
    return PickCalibration(float(np.exp(best.x[0])), float(best.x[1]))


def fit_lift(quality: np.ndarray, best: np.ndarray, held: np.ndarray, by: PickCalibration) -> PickCalibration:
    """The calibration with the lift that minimises the log loss of N picks, `held` (N,) of 0 and 1, of plans whose best
    scores are `best` (N,)."""

    def lifted(exponent: float) -> PickCalibration:
        return replace(by, lift=float(np.exp(exponent)))

    found = minimize_scalar(lambda e: loss_by(quality, best, held, lifted(e)), bounds=(-5.0, 5.0), method="bounded")
    return lifted(found.x)


def loss_by(quality: np.ndarray, best: np.ndarray, held: np.ndarray, by: PickCalibration) -> float:
    """Log loss of N picks, as `calibrated` takes them, `held` (N,) of 0 and 1."""
    return log_loss(_calibrated_odds(quality, best, by), held.astype(float))


def error_with_interval(probability: np.ndarray, held: np.ndarray, scenes: np.ndarray) -> List[float]:
    """Expected calibration error of N picks in BINS bins, and its 95 % interval by resampling whole scenes (N,)."""
    held = held.astype(float)
    resampled = [calibration_error(probability[i], held[i], BINS) for i in resample_objects(scenes, RESAMPLES)]
    return [calibration_error(probability, held, BINS), *np.percentile(resampled, [2.5, 97.5])]


def error_by_chance(probability: np.ndarray, seed: int = 0) -> float:
    """The mean calibration error of as many picks whose probabilities are exactly right: what chance alone makes."""
    rng = np.random.default_rng(seed)
    draws = (rng.random(len(probability)) < probability for _ in range(RESAMPLES))
    return float(np.mean([calibration_error(probability, d.astype(float), BINS) for d in draws]))
