"""Measures of a classifier of grasps: ranking, calibration, and the temperature that improves calibration. numpy only.

Labels are P(success) as the generator measured it, in [0, 1]. Where a measure needs a class, a label of at least 0.5
is a success.
"""

from __future__ import annotations

from typing import Dict, Iterator, Tuple

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit
from scipy.stats import rankdata

TOP = 0.01  # a planner executes its best candidate, so precision among the best hundredth matters most
BINS = 15


def all_metrics(logits: np.ndarray, labels: np.ndarray, temperature: float = 1.0) -> Dict[str, float]:
    """Every measure of N logits against N labels, with the calibration error before and after the temperature."""
    success = labels >= 0.5
    return {
        "samples": len(labels),
        "positive": float(success.mean()),
        "ap": average_precision(success, logits),
        "auc": roc_auc(success, logits),
        "accuracy": float(((logits >= 0) == success).mean()),
        "precision_top_1_percent": precision_at_top(success, logits),
        "log_loss": log_loss(logits / temperature, labels),
        "ece_before": calibration_error(expit(logits), labels),
        "ece_after": calibration_error(expit(logits / temperature), labels),
        "temperature": float(temperature),
    }


def precision_recall(success: np.ndarray, scores: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Precision and recall at every distinct threshold, from the highest score down. Tied scores fall together."""
    hits, taken = _counts_down(success, scores)
    return hits / taken, hits / max(success.sum(), 1)


def roc(success: np.ndarray, scores: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """False and true positive rates at every distinct threshold, from (0, 0) to (1, 1)."""
    hits, taken = _counts_down(success, scores)
    false, true = (taken - hits) / max((~success).sum(), 1), hits / max(success.sum(), 1)
    return np.concatenate([[0.0], false]), np.concatenate([[0.0], true])


def average_precision(success: np.ndarray, scores: np.ndarray) -> float:
    """Precision averaged over recall, as a step function (no interpolation); nan without a success."""
    if not success.any():
        return float("nan")
    precision, recall = precision_recall(success, scores)
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def roc_auc(success: np.ndarray, scores: np.ndarray) -> float:
    """P(a success scores higher than a failure), ties count half (Mann-Whitney); nan if a class is missing."""
    positive, negative = int(success.sum()), int((~success).sum())
    if positive == 0 or negative == 0:
        return float("nan")
    above = rankdata(scores)[success].sum() - positive * (positive + 1) / 2
    return float(above / (positive * negative))


def precision_at_top(success: np.ndarray, scores: np.ndarray, share: float = TOP) -> float:
    """Share of successes among the best-scored `share` of all, at least one."""
    count = max(1, round(share * len(scores)))
    best = np.argsort(-scores, kind="stable")[:count]
    return float(success[best].mean())


def log_loss(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean cross-entropy [nat] of labels in [0, 1]."""
    logits = np.asarray(logits, dtype=np.float64)
    return float(np.mean(np.logaddexp(0.0, logits) - labels * logits))


def reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS) -> Tuple[np.ndarray, ...]:
    """Mean probability, mean label and count of each bin of equal width that is not empty."""
    index = np.minimum((probabilities * bins).astype(int), bins - 1)
    count = np.bincount(index, minlength=bins)
    filled = count > 0
    mean = [np.bincount(index, weights=v, minlength=bins)[filled] / count[filled] for v in (probabilities, labels)]
    return mean[0], mean[1], count[filled]


def calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS) -> float:
    """Expected calibration error: mean distance between label and probability over bins (Guo et al., 2017)."""
    predicted, actual, count = reliability(probabilities, labels, bins)
    return float(np.sum(count * np.abs(predicted - actual)) / count.sum())


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature in [0.05, 20] that minimises the log loss of logits / temperature (Guo et al., 2017, 4.2)."""
    best = minimize_scalar(
        lambda log_t: log_loss(logits / np.exp(log_t), labels), bounds=np.log([0.05, 20.0]), method="bounded"
    )
    return float(np.exp(best.x))


def resample_objects(objects: np.ndarray, resamples: int, seed: int = 0) -> Iterator[np.ndarray]:
    """Indices of samples (N,) for the bootstrap over objects (N,): whole objects are drawn with replacement, because
    samples of one object are not independent."""
    rng = np.random.default_rng(seed)
    order = np.argsort(objects, kind="stable")
    where = np.split(order, np.flatnonzero(np.diff(objects[order])) + 1)
    for _ in range(resamples):
        yield np.concatenate([where[i] for i in rng.integers(len(where), size=len(where))])


def _counts_down(success: np.ndarray, scores: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Successes and samples at or above each distinct score, highest first."""
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)  # the last sample of every run of ties
    hits = np.cumsum(success[order])
    return hits[last], np.flatnonzero(last) + 1
