"""Measure picks from a conveyor, with and without following the object:
`python -m antipodal.sim.follow --objects DIR -n N --json OUT`.

Each scene's object passes by at each speed; each mode (chase.py) picks it once, from the same start.
"""

from __future__ import annotations

from antipodal.errors import POSITIVE, InputError, check_outputs, end_when_interrupted, number_within, run_command

if __name__ == "__main__":
    end_when_interrupted()  # before the imports, which take seconds

import argparse
import json
import sys
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Dict, List, Optional, Sequence

import numpy as np

from antipodal import resources
from antipodal.files import read_json, read_names, result_file, write_json, write_result
from antipodal.grasp import Gripper
from antipodal.planner import GraspPlanner
from antipodal.sim.chase import MODES, ChaseOptions, chase
from antipodal.sim.conveyor import Conveyor
from antipodal.sim.report import wilson
from antipodal.sim.trials import Runner, TrialOptions
from antipodal.synth.images.noise import NAMED, sensor_errors
from antipodal.synth.objects.meshes import UNITS


def main(argv: Optional[List[str]] = None) -> int:
    """Run all trials, write them and their summary. Raises InputError or ModelError."""
    args = _parser().parse_args(argv)
    check_outputs(args, ("json",), inputs=("objects", "objects_list", "model"))
    model = str(resources.locate("models", args.model))
    names = tuple(read_names(args.objects_list))
    trials = TrialOptions(args.objects, names, model, noise=args.noise, seed=args.seed, units=args.units)
    options = ChaseOptions(period=1 / args.rate, latency=args.latency / 1e3, hover=args.hover)
    with result_file(args.json) as out:
        rows = evaluate_following(trials, options, args.speeds, args.modes.split(","), args.n, out)
        if args.json == "-":
            write_result(args.json, read_json(out))
        else:
            print(following_table(summarise_following(rows)))
    return 0


def evaluate_following(
    trials: TrialOptions, options: ChaseOptions, speeds: Sequence[float], modes: Sequence[str], n: int, out: Path
) -> List[dict]:
    """One row for each trial: scene, object, speed, mode, outcome (Outcome.kind or no_grasp), end, times of plans.

    Finished scenes are written to `out`, and a stopped run continues there. Raises InputError if `out` holds trials of
    other options.
    """
    about = json.loads(json.dumps({"trials": asdict(trials), "options": asdict(options)}))
    runner, planner = Runner(trials), GraspPlanner.load(str(trials.model), Gripper(), "cpu")
    planner.warm_up()
    rows = _read_rows(out, about)
    done = {(row["scene"], row["speed"], row["mode"]) for row in rows}
    for scene in range(n):
        jobs = [(scene, speed, mode) for speed in speeds for mode in modes if (scene, speed, mode) not in done]
        rows += [_trial(runner, planner, replace(options, mode=mode), scene, speed) for _, speed, mode in jobs]
        if jobs:
            write_json(out, {**about, "summary": summarise_following(rows), "rows": rows})
    return rows


def _read_rows(out: Path, about: dict) -> List[dict]:
    if not out.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        return []
    content = read_json(out)
    if not isinstance(content, dict) or any(content.get(name) != values for name, values in about.items()):
        raise InputError(f"{out} holds trials of other options; give another --json, or delete it")
    return content["rows"]


def _trial(runner: Runner, planner: GraspPlanner, options: ChaseOptions, scene: int, speed: float) -> dict:
    """One pick. The same scene and speed give every mode the same objects, direction and noise."""
    rng = np.random.default_rng([runner.options.seed, scene, 3])
    direction, cell = 2 * np.pi * rng.random(), runner.make_cell(scene)
    conveyor = Conveyor(cell, speed * np.array([np.cos(direction), np.sin(direction), 0.0]))
    noise = sensor_errors(runner.options.noise)
    outcome, plan_ms = chase(conveyor, planner, options, lambda depth: noise(depth, cell.camera, rng))
    kind, end = ("no_grasp", "no_grasp") if outcome is None else (outcome.kind, outcome.end)
    row = {"scene": scene, "object": runner.objects(scene)[0], "speed": speed, "mode": options.mode}
    return {**row, "kind": kind, "end": end, "plan_ms": [round(t, 1) for t in plan_ms]}


def summarise_following(rows: Sequence[dict]) -> List[dict]:
    """For each speed and mode: how many were held, of how many, Wilson's 95 % interval, the other outcomes, CPU time of
    a plan [ms]."""
    found = []
    for speed in sorted({row["speed"] for row in rows}):
        for mode in [m for m in MODES if m in {row["mode"] for row in rows}]:
            own = [row for row in rows if (row["speed"], row["mode"]) == (speed, mode)]
            kinds = Counter(row["kind"] for row in own)
            low, high = wilson(kinds["held"], len(own))
            times = [t for row in own for t in row["plan_ms"]] or [0.0]
            others: Dict[str, int] = {kind: count for kind, count in sorted(kinds.items()) if kind != "held"}
            figures: dict = {"held": kinds["held"], "n": len(own), "low": low, "high": high, "others": others}
            figures.update(plan_ms_p50=float(np.median(times)), plan_ms_p99=float(np.percentile(times, 99)))
            found.append({"speed": speed, "mode": mode, **figures})
    return found


def following_table(summary: Sequence[dict]) -> str:
    """One line for each speed and mode."""
    lines = [f"{'cm/s':>5} {'mode':<8}{'held':>8}  {'95 %':<16}{'of':>4}  plan p50, p99 (CPU ms)  other outcomes"]
    for s in summary:
        interval = f"{100 * s['low']:.1f} to {100 * s['high']:.1f} %"
        others = ", ".join(f"{kind} {count}" for kind, count in s["others"].items())
        lines.append(
            f"{100 * s['speed']:5.1f} {s['mode']:<8}{100 * s['held'] / s['n']:6.1f} %  {interval:<16}{s['n']:>4}  "
            f"{s['plan_ms_p50']:8.0f}, {s['plan_ms_p99']:<13.0f}{others}"
        )
    return "\n".join(lines)


def _speeds(text: str) -> List[float]:
    """Comma-separated numbers."""
    return [float(speed) for speed in text.split(",")]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m antipodal.sim.follow", description="Picks from a conveyor, following the object or not."
    )
    add = parser.add_argument
    add("--objects", required=True, help='folder of meshes, or "procedural[:N]"')
    add("--units", default="m", choices=sorted(UNITS), help="of the mesh files (default: m)")
    add("--objects-list", type=Path, help="file with the names of those to use, one a line; default: all")
    add("-n", type=number_within(int, 1), required=True, help="number of scenes, the same for each speed and mode")
    add("--speeds", type=_speeds, default="0,0.02,0.05", help="of the conveyor [m/s] (default: %(default)s)")
    add("--modes", default=",".join(MODES), help="comma-separated (default: %(default)s)")
    add("--rate", type=number_within(float, POSITIVE), default=15.0, help="images a second (default: %(default)s)")
    add("--latency", type=float, default=50.0, help="from an image to its grasp [ms] (default: %(default)s)")
    add("--hover", type=float, default=1.2, help="time with images before the descent, 0.85 s more [s]")
    add("--noise", choices=sorted(NAMED), default="real", help="of the depth images (default: real)")
    add("--model", default="default", help="model file, or a name (default: %(default)s)")
    add("--seed", type=int, default=0, help="same seed, same scenes (default: 0)")
    add("--json", metavar="FILE", required=True, help="write trials and summary as JSON; -: to standard output")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
