"""Summary of trials: rates with intervals, outcome classes, a table of objects."""

from __future__ import annotations

from collections import Counter
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from antipodal.sim.pick import KINDS, WRONG_OBJECT


def wilson(successes: int, n: int, z: float = 1.96) -> Tuple[float, float]:
    """Wilson score interval of a proportion (Wilson, 1927), 95 % by default; (0, 1) if n is 0."""
    if n == 0:
        return 0.0, 1.0
    p, spread = successes / n, z * z / n
    half = z * np.sqrt(p * (1 - p) / n + spread / (4 * n))
    low, high = (p + spread / 2 - half) / (1 + spread), (p + spread / 2 + half) / (1 + spread)
    return float(max(0.0, low)), float(min(1.0, high))


def summarise(rows: Sequence[dict]) -> dict:
    """Figures of each policy and each object, and the trials that could not be run, as plain values.

    rows: trials as `Runner.run` returns them.
    """
    usable = [row for row in rows if "unusable" not in row]
    policies = sorted({row["policy"] for row in usable})
    return {
        "policies": {p: _policy([row for row in usable if row["policy"] == p]) for p in policies},
        "objects": _object_outcomes(usable),
        "heaps": _objects_of_heaps(usable),
        "unusable": sorted({row["unusable"] for row in rows if "unusable" in row}),
    }


def _policy(rows: List[dict]) -> dict:
    picks = [pick for row in rows for pick in row["picks"]]
    executed = [pick for pick in picks if pick["kind"] != "no_grasp"]
    kinds = Counter(pick["kind"] for pick in picks)
    objects, left = sum(row["reachable"] for row in rows), sum(row["left"] for row in rows)
    return {
        "scenes": len(rows),
        "held": _rate(kinds["held"], len(picks)),
        "held_of_executed": _rate(kinds["held"], len(executed)),
        "held_if_contact_forgiven": _rate(sum(pick["end"] == "held" for pick in picks), len(picks)),
        "outcomes": {kind: kinds[kind] for kind in (*KINDS, WRONG_OBJECT, "no_grasp")},
        "aimed_at": dict(Counter(pick["aimed_at"] for pick in executed if "aimed_at" in pick)),
        "cleared": _rate(sum(pick["end"] == "held" for pick in picks), objects),
        "left_within_reach": left,
        "plan_ms": _median_and_tail([pick["plan_ms"] for pick in executed]),
    }


def _rate(successes: int, n: int) -> dict:
    low, high = wilson(successes, n)
    return {"successes": successes, "n": n, "rate": successes / n if n else None, "low": low, "high": high}


def _median_and_tail(values: List[float]) -> dict:
    if not values:
        return {}
    return {"median": float(np.median(values)), "p95": float(np.percentile(values, 95)), "max": float(max(values))}


def _object_outcomes(rows: List[dict]) -> Dict[str, Dict[str, Dict[str, int]]]:
    """How often each outcome occurred, for each object alone on the table and each policy."""
    table: Dict[str, Dict[str, Dict[str, int]]] = {}
    for row in rows:
        if len(row["objects"]) == 1 and row["picks"]:
            counts = table.setdefault(row["objects"][0], {}).setdefault(row["policy"], {})
            kind = row["picks"][0]["kind"]
            counts[kind] = counts.get(kind, 0) + 1
    return dict(sorted(table.items()))


def _objects_of_heaps(rows: List[dict]) -> Dict[str, Dict[str, Dict[str, int]]]:
    """How often each object was held, and how often it was left, for each policy, where several lay together."""
    table: Dict[str, Dict[str, Dict[str, int]]] = {}
    for row in rows:
        if len(row["objects"]) > 1:
            held = Counter(pick.get("picked") for pick in row["picks"] if pick["end"] == "held")
            for name, count in Counter(row["objects"]).items():
                counts = table.setdefault(name, {}).setdefault(row["policy"], {"held": 0, "left": 0})
                counts["held"] += held[name]
                counts["left"] += count - held[name]
    return dict(sorted(table.items()))


def table(summary: dict) -> str:
    """The policies' figures as text, one line each."""
    columns = f"{'executed':>8}  {'forgiven':>8}  {'cleared':>7}"
    lines = [f"{'policy':<12}{'held':>8}  {'95 %':<15}{'of':>5}  {columns}  outcomes"]
    for name, figures in summary["policies"].items():
        held = figures["held"]
        rates = [percent(figures[k]["rate"]) for k in ("held_of_executed", "held_if_contact_forgiven", "cleared")]
        interval = f"{percent(held['low'])} to {percent(held['high'])}"
        outcomes = ", ".join(f"{kind} {n}" for kind, n in figures["outcomes"].items() if n and kind != "held")
        aims = {f"aimed at {kind}": n for kind, n in figures["aimed_at"].items() if kind not in ("object", "table")}
        outcomes = ", ".join([outcomes] * bool(outcomes) + [f"{text} {n}" for text, n in sorted(aims.items())])
        lines.append(
            f"{name:<12}{percent(held['rate']):>8}  {interval:<15}{held['n']:>5}  "
            f"{rates[0]:>8}  {rates[1]:>8}  {rates[2]:>7}  {outcomes}"
        )
    return "\n".join(lines)


def percent(share: Optional[float]) -> str:
    """A share as text, "-" where there is none."""
    return "-" if share is None else f"{100 * share:.1f} %"
