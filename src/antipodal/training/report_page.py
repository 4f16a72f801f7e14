"""The HTML report of a training run: headline with intervals, curves, reliability, the card."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import numpy as np
from scipy.special import expit

from antipodal import report
from antipodal.training import metrics
from antipodal.training.report import card, formatted

RESAMPLES = 200  # of the bootstrap over objects
MOST = 300  # points of a curve
MEASURES: Dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "AP": metrics.average_precision,
    "AUC": metrics.roc_auc,
    "precision of the best 1 %": metrics.precision_at_top,
}


def write_training_page(
    path: Path, model: Path, meta: Dict[str, Any], logits: np.ndarray, labels: np.ndarray, objects: np.ndarray
) -> None:
    """Write the report. logits, labels, objects: raw logits of the test part, its labels, its objects (N,)."""
    data = meta["data"]
    lead = f"{data['samples']['test']:,} test samples, {data['objects']['test']:,} objects kept out of training"
    page = report.Report(f"Model {model.name}", lead)
    page.section("Measured", report.cards(headlines(logits, labels, objects)))
    page.section("Training", report.charts(*_history(meta["history"])))
    page.section("On the test part", report.charts(*_curves(logits, labels, meta["metrics"]["temperature"])))
    values = [[name, formatted(value)] for name, value in meta["metrics"].items()]
    page.section("All measures", report.html_table(["measure", "value"], values))
    page.section("Card", report.markdown(card(model, meta)))
    page.write(path)


def headlines(logits: np.ndarray, labels: np.ndarray, objects: np.ndarray) -> List[Tuple[str, str, str]]:
    """Each measure with its 95 % interval by bootstrap over objects."""
    success = labels >= 0.5
    drawn = list(metrics.resample_objects(objects, RESAMPLES))
    rows = []
    for name, measure in MEASURES.items():
        if len(np.unique(objects)) < 2:
            rows.append((name, f"{measure(success, logits):.3f}", "one object: no interval"))
            continue
        low, high = np.nanpercentile([measure(success[i], logits[i]) for i in drawn], [2.5, 97.5])
        rows.append((name, f"{measure(success, logits):.3f}", f"{low:.3f} to {high:.3f}"))
    return rows


def _history(history: List[Dict[str, float]]) -> List[str]:
    """Losses and rates over the samples that were processed."""

    def series(name: str) -> List[Tuple[float, float]]:
        return [(e["samples"], e[name]) for e in history if name in e]

    losses = {"training": series("train_loss"), "validation": series("validation_loss")}
    return [
        report.line_chart("Loss", losses, "samples", "cross-entropy"),
        report.line_chart("Validation AUC", {"": series("validation_auc")}, "samples", "AUC"),
    ]


def _curves(logits: np.ndarray, labels: np.ndarray, temperature: float) -> List[str]:
    success, charts = labels >= 0.5, []
    predicted = {"before calibration": expit(logits), "after": expit(logits / temperature)}
    bins = {
        f"{name} (ECE {metrics.calibration_error(p, labels):.3f})": list(zip(*metrics.reliability(p, labels)[:2]))
        for name, p in predicted.items()
    }
    charts.append(report.line_chart("Reliability", bins, "predicted P(success)", "measured", square=True, dots=True))
    precision, recall = metrics.precision_recall(success, logits)
    charts.append(report.line_chart("Precision and recall", {"": _thinned(recall, precision)}, "recall", "precision"))
    charts.append(report.line_chart("ROC", {"": _thinned(*metrics.roc(success, logits))}, "false", "true", square=True))
    return charts


def _thinned(x: np.ndarray, y: np.ndarray) -> List[Tuple[float, float]]:
    kept = np.unique(np.linspace(0, len(x) - 1, MOST).astype(int))
    return list(zip(x[kept], y[kept]))
