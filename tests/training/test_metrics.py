"""Metrics against brute force over thresholds and pairs, and against answers that can be worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from antipodal.training import metrics

scored = st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=2, max_size=30).filter(
    lambda rows: len({s for s, _ in rows}) == 2
)


def unpack(rows):
    return np.array([s for s, _ in rows]), np.array([float(x) for _, x in rows])


@given(scored)
@settings(max_examples=200, deadline=None)
def test_auc_is_the_share_of_pairs_in_order(rows):
    success, scores = unpack(rows)
    pairs = [(p > n) + 0.5 * (p == n) for p in scores[success] for n in scores[~success]]
    assert metrics.roc_auc(success, scores) == pytest.approx(np.mean(pairs))


@given(scored)
@settings(max_examples=200, deadline=None)
def test_average_precision_sums_over_thresholds(rows):
    success, scores = unpack(rows)
    total, recall = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        taken = scores >= threshold
        now = success[taken].sum() / success.sum()
        total, recall = total + (now - recall) * success[taken].mean(), now
    assert metrics.average_precision(success, scores) == pytest.approx(total)


@given(scored)
@settings(max_examples=100, deadline=None)
def test_area_under_the_roc_curve_is_the_auc(rows):
    success, scores = unpack(rows)
    x, y = metrics.roc(success, scores)
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    area = np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2)
    assert area == pytest.approx(metrics.roc_auc(success, scores))


def test_known_answers():
    success = np.array([True, False, True, False])
    scores = np.array([4.0, 3.0, 2.0, 1.0])
    assert metrics.average_precision(success, scores) == pytest.approx((1 + 2 / 3) / 2)
    assert metrics.roc_auc(success, scores) == 0.75
    assert metrics.precision_at_top(success, scores, 0.5) == 0.5
    assert metrics.precision_at_top(success, scores, 0.01) == 1.0
    assert np.isnan(metrics.roc_auc(np.ones(3, bool), np.arange(3.0)))
    assert np.isnan(metrics.average_precision(np.zeros(3, bool), np.arange(3.0)))


def test_log_loss_of_soft_labels():
    p, q = np.array([0.2, 0.9]), np.array([0.5, 1.0])
    by_hand = -np.mean(q * np.log(p) + (1 - q) * np.log(1 - p))
    assert metrics.log_loss(logit(p), q) == pytest.approx(by_hand)
    assert metrics.log_loss(np.array([1000.0, -1000.0]), np.array([1.0, 0.0])) == 0.0


def test_calibration_error_by_hand():
    p = np.array([0.1, 0.1, 0.9, 0.9])
    labels = np.array([0.0, 0.4, 1.0, 0.0])
    assert metrics.calibration_error(p, labels, bins=2) == pytest.approx((0.1 + 0.4) / 2)
    assert metrics.calibration_error(np.array([0.0, 1.0]), np.array([0.0, 1.0])) == 0.0
    _, _, count = metrics.reliability(p, labels, bins=10)
    assert count.tolist() == [2, 2]


@pytest.mark.parametrize("true", [0.5, 1.0, 3.0])
def test_the_fitted_temperature_is_the_one_that_the_labels_were_made_with(true):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, 100_000)
    labels = (rng.random(len(logits)) < expit(logits / true)).astype(float)
    temperature = metrics.fit_temperature(logits, labels)
    assert temperature == pytest.approx(true, rel=0.03)
    report = metrics.all_metrics(logits, labels, temperature)
    assert report["ece_after"] < 0.01
    if true != 1.0:
        assert report["ece_before"] > 0.04
    assert report["auc"] == metrics.roc_auc(labels >= 0.5, logits)
    assert report["accuracy"] == pytest.approx(np.mean((logits > 0) == (labels > 0.5)))


def test_the_bootstrap_draws_whole_objects_with_replacement():
    objects = np.array([3, 1, 3, 7, 1, 3])
    drawn = list(metrics.resample_objects(objects, 200, seed=1))
    for index in drawn:
        times = np.bincount(index, minlength=6)
        assert times[0] == times[2] == times[5] and times[1] == times[4]
        assert times[0] + times[1] + times[3] == 3  # as many objects as there are
    assert len({tuple(sorted(i)) for i in drawn}) == 10  # every way to draw three of three
    again = list(metrics.resample_objects(objects, 200, seed=1))
    assert all(np.array_equal(a, b) for a, b in zip(drawn, again))
