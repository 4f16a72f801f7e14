"""The HTML report of an evaluation: rates, outcomes, objects, the worst failures replayed, calibration, latency."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Dict, List, Sequence, Tuple

import numpy as np
import trimesh

from antipodal import report
from antipodal.grasp import probability
from antipodal.sim.pick import KINDS, WRONG_OBJECT
from antipodal.sim.picture import THUMBNAIL, object_picture
from antipodal.sim.report import percent, wilson
from antipodal.sim.trials import Job, Replayed, Runner
from antipodal.training import metrics

SHADES = ("#3f9b5d", report.COLOURS[1], *report.COLOURS[3:], "#c58bb0", "#6f7fbf", "#8c564b", "#b8b042", "#4d4d4d")
OUTCOMES = dict(zip((*KINDS, WRONG_OBJECT, "no_grasp"), SHADES))
Replay = Callable[[dict, int], Replayed]  # a trial's attempt again
Mesh = Callable[[str], trimesh.Trimesh]
OF_HEAPS = {"held": SHADES[0], "left": SHADES[1]}
WORST = 6  # failures that are replayed
MOST_OBJECTS = 200
BINS = 10  # of the calibration


def write_evaluation_page(path: Path, summary: dict, rows: Sequence[dict], runner: Runner) -> None:
    """Write the report. rows: the trials; runner: of the same options, which replays the worst of them."""
    page = report.Report("Picks in the simulated cell", _lead(summary))
    page.section("Held", report.cards([_headline(name, p) for name, p in summary["policies"].items()]))
    add_picks(
        page, summary, rows, lambda row, attempt: runner.replay(Job(row["scene"], row["policy"]), attempt), runner.mesh
    )
    page.section("Card", options_table(summary["options"]))
    page.section("Not run", *(report.text(reason) for reason in summary["unusable"]))
    page.write(path)


def add_picks(page: report.Report, summary: dict, rows: Sequence[dict], replay: Replay, mesh: Mesh) -> None:
    """Add the sections on picks. summary: of the trials `rows`; replay: makes an attempt of one of them again;
    mesh: that of an object."""
    policies = summary["policies"]
    page.section("Outcomes", report.key(_colours_used(policies)), _outcome_table(policies))
    page.section("Worst failures", _worst(rows, replay))
    page.section("Objects", _object_table(summary["objects"], mesh, OUTCOMES))
    page.section("Objects of heaps", _object_table(summary["heaps"], mesh, OF_HEAPS))
    page.section("Calibration and latency", report.charts(_reliability(rows), *_latencies(rows)))


def _lead(summary: dict) -> str:
    o = summary["options"]
    hands = " and ".join(o[hand]["name"] for hand in ("gripper", "cup") if o[hand] is not None)
    return f"{summary['scenes']} scenes, objects {o['objects']}, noise {o['noise']}, gripper {hands}"


def _headline(name: str, policy: dict) -> Tuple[str, str, str]:
    held = policy["held"]
    return (
        name,
        percent(held["rate"]),
        f"{100 * held['low']:.1f} to {100 * held['high']:.1f} %, {held['successes']} of {held['n']}",
    )


def _colours_used(policies: dict) -> Dict[str, str]:
    """The colours of the outcomes that occurred."""
    return {k: c for k, c in OUTCOMES.items() if any(p["outcomes"].get(k) for p in policies.values())}


def _outcome_table(policies: dict) -> str:
    rows = []
    for name, p in policies.items():
        latency = f"{p['plan_ms']['median']:.0f} ms, {p['plan_ms']['p95']:.0f}" if p["plan_ms"] else "-"
        others = ", ".join(f"{k} {n}" for k, n in p["outcomes"].items() if n)
        rows.append([name, report.shares(p["outcomes"], OUTCOMES), others, percent(p["cleared"]["rate"]), latency])
    return report.html_table(["policy", "outcomes", "", "cleared", "plan: median, 95 %"], rows, html=(1,))


def _worst(rows: Sequence[dict], replay: Replay) -> str:
    """The failures that the policy thought likeliest to hold, as strips: seen, at the grasp, afterwards. A caption
    names the object that the grasp was aimed at."""
    failed = [(pick, row, k) for row in rows for k, pick in enumerate(row.get("picks", [])) if "quality" in pick]
    failed = [entry for entry in failed if entry[0]["kind"] != "held"]
    failed.sort(key=lambda entry: (entry[1]["policy"] != "antipodal", -entry[0]["quality"]))
    strips = []
    for pick, row, attempt in failed[:WORST]:
        aimed_at, frames = replay(row, attempt)
        what = f"{pick['kind']}, {probability(pick['quality'])}: {aimed_at}"
        strips.append((f"{what}, by {row['policy']} in scene {row['scene']}", frames))
    return report.strips(strips, THUMBNAIL)


def _object_table(objects: Dict[str, Dict[str, Dict[str, int]]], mesh: Mesh, colours: Dict[str, str]) -> str:
    """Each object, those most often lost first; colours: of the outcomes."""
    if not objects:
        return ""
    totals = {name: {k: sum(c.get(k, 0) for c in p.values()) for k in colours} for name, p in objects.items()}
    order = sorted(totals, key=lambda name: totals[name]["held"] / sum(totals[name].values()))
    shown = {name: totals[name] for name in order[:MOST_OBJECTS]}
    meaning = report.key({k: c for k, c in colours.items() if any(counts[k] for counts in shown.values())})
    rows = [_object_row(name, counts, mesh, colours) for name, counts in shown.items()]
    more = report.text(f"{len(order) - MOST_OBJECTS} more") if len(order) > MOST_OBJECTS else ""
    return meaning + report.html_table(["", "object", "held", "95 %", "outcomes"], rows, html=(0, 4)) + more


def _object_row(name: str, counts: Dict[str, int], mesh: Mesh, colours: Dict[str, str]) -> List[str]:
    held, n = counts["held"], sum(counts.values())
    low, high = wilson(held, n)
    picture = report.image(object_picture(mesh(name)), 72)
    return [picture, name, f"{held} of {n}", f"{100 * low:.0f} to {100 * high:.0f} %", report.shares(counts, colours)]


def _scored(rows: Sequence[dict]) -> Dict[str, Tuple[np.ndarray, np.ndarray]]:
    """P and success of each policy's executed grasps."""
    found: Dict[str, List[Tuple[float, bool]]] = {}
    for row in rows:
        picks = [p for p in row.get("picks", []) if "quality" in p]
        found.setdefault(row["policy"], []).extend((p["quality"], p["kind"] == "held") for p in picks)
    return {k: (np.array([q for q, _ in v]), np.array([float(h) for _, h in v])) for k, v in found.items() if v}


def _reliability(rows: Sequence[dict]) -> str:
    series = {}
    for name, (quality, held) in _scored(rows).items():
        if np.ptp(quality) > 0 and quality.min() >= 0 and quality.max() <= 1:  # others claim no probability
            predicted, actual, _ = metrics.reliability(quality, held, BINS)
            error = metrics.calibration_error(quality, held, BINS)
            series[f"{name} (ECE {error:.3f})"] = list(zip(predicted, actual))
    return report.line_chart("Reliability", series, "predicted P(success)", "held", square=True, dots=True)


def _latencies(rows: Sequence[dict]) -> List[str]:
    times: Dict[str, List[float]] = {}
    for row in rows:
        found = [p["plan_ms"] for p in row.get("picks", []) if "plan_ms" in p]
        times.setdefault(row["policy"], []).extend(found)
    return [report.histogram_chart(f"Time of a plan: {name}", values, "ms") for name, values in times.items()]


def options_table(options: dict) -> str:
    """All options of trials as a table, so that they can be run again."""
    return report.html_table(["option", "value"], [[k, _option_text(v)] for k, v in options.items()], numbers=False)


def _option_text(value) -> str:
    words = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else str(value)
    return words if len(words) < 400 else f"{words[:400]} ..."
