"""Compares the network with the hand-made score: which feasible grasps will hold in simulation.

python benchmarks/ranking.py --objects DIR|procedural[:N] [--objects-list NAMES] -n 60 [--clutter 5-8] [--lean 30-60]
Both scores rank the same random feasible grasps in the scenes of `antipodal.sim.evaluate`; each grasp is executed in
the simulated cell from the same state. A planner takes the best of many grasps, where both scores are nearly always
right; this benchmark ranks all of them, which matters if few fit. With --lean the hand comes along one direction a
scene, drawn at random so far from straight down. Intervals are bootstrapped over scenes, since picks of one scene are
not independent.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Callable, Dict, List, Sequence, Tuple

import numpy as np
import torch
from tqdm import tqdm

from antipodal import networks
from antipodal.errors import AntipodalError, NoGraspFound
from antipodal.files import read_names, write_json
from antipodal.grasp import Gripper
from antipodal.planner import GraspPlanner, PlannerOptions
from antipodal.planning.approach_cone import Approach, ApproachCone
from antipodal.sim.cell import Cell
from antipodal.sim.evaluate import _clutter
from antipodal.sim.geometric import GeometricScore
from antipodal.sim.trials import Runner, TrialOptions
from antipodal.synth.images.noise import NAMED, sensor_errors
from antipodal.training.metrics import calibration_error, reliability, roc_auc

BINS = 5
RESAMPLES = 1000
SCORES = ("network", "geometry")


class Rated(torch.nn.Module):
    """Chance's logits, so that the best grasps are random ones; what the scores say of the same crops is kept."""

    def __init__(self, network: torch.nn.Module, seed: int):
        super().__init__()
        self.raters = dict(zip(SCORES, (network, GeometricScore())))
        self.generator = torch.Generator().manual_seed(seed)
        self.said: Dict[float, Dict[str, float]] = {}

    def forward(self, crops: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
        logits = torch.randn(len(crops), generator=self.generator)
        quality = torch.sigmoid(logits)
        scores = {name: torch.sigmoid(rate(crops, conditions)) for name, rate in self.raters.items()}
        for i, key in enumerate(quality.tolist()):
            self.said[key] = {name: float(score[i]) for name, score in scores.items()}
        return logits

    def of(self, quality: float) -> Dict[str, float]:
        """What both scores said of the grasp whose random P is `quality`, which may have been rounded since."""
        return self.said[min(self.said, key=lambda key: abs(key - quality))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--model", type=Path, default=Path("models/default.pt"))
    add("--objects", default="procedural:200")
    add("--objects-list", type=Path)
    add("-n", type=int, default=60, help="scenes")
    add("--picks", type=int, default=8, help="a scene")
    add("--clutter", type=_clutter, default=(1, 1))
    add("--lean", type=_degrees, default=(0.0, 0.0), help="of the approach from straight down, LOW-HIGH [degrees]")
    add("--noise", choices=sorted(NAMED), default="real")
    add("--gripper", type=Path)
    add("--seed", type=int, default=0)
    add("--json", type=Path)
    args = parser.parse_args()
    gripper = Gripper.load(args.gripper) if args.gripper else Gripper()
    options = TrialOptions(
        args.objects,
        tuple(read_names(args.objects_list)),
        gripper=gripper,
        clutter=args.clutter,
        noise=args.noise,
        seed=args.seed,
    )
    runner, rows = Runner(options), []  # type: Tuple[Runner, List[dict]]
    network = networks.load(args.model, "cpu")[0]
    for scene in tqdm(range(args.n), unit="scene"):
        rows += picks_of(runner, scene, network, args.picks, args.lean)
    result = summarise(rows)
    show(result)
    if args.json:
        write_json(args.json, {**result, "picks": rows})


def picks_of(runner: Runner, scene: int, network: torch.nn.Module, count: int, lean: Tuple[float, float]) -> List[dict]:
    """Random feasible grasps of a scene: what both scores say, and whether they hold."""
    rated = Rated(network, scene)
    plain = PlannerOptions(balance=1e9)
    still = dataclasses.replace(
        plain, cem=dataclasses.replace(plain.cem, iterations=0), cone=dataclasses.replace(plain.cone, lean=0.0)
    )
    try:
        cell = runner.make_cell(scene)
        depth = sensor_errors(runner.options.noise)(cell.render(), cell.camera, np.random.default_rng([scene, 2]))
        planner = GraspPlanner(rated, runner.options.gripper, still)
        approach = leaning(cell, lean, np.random.default_rng([scene, 3]))
        plan = planner.plan(depth, cell.camera, cell.mask(), count, scene, approach=approach)
    except NoGraspFound:
        return []
    except AntipodalError as e:  # a mesh that cannot be used
        print(f"scene {scene}: {e}")
        return []
    outcomes = [cell.rehearse(grasp.T_cam_grasp, grasp.width) for grasp in plan]
    return [
        {"scene": scene, "kind": o.kind, "held": o.held, **rated.of(grasp.quality)} for grasp, o in zip(plan, outcomes)
    ]


def leaning(cell: Cell, lean: Tuple[float, float], rng: np.random.Generator) -> Approach:
    """One direction that is between these angles [rad] from straight down, to any side, in the camera's frame."""
    if lean[1] == 0:
        return "table"
    angle, side = rng.uniform(*lean), rng.uniform(0, 2 * np.pi)
    direction = np.array([np.sin(angle) * np.cos(side), np.sin(angle) * np.sin(side), -np.cos(angle)])
    x, y, z = cell.T_world_cam[:3, :3].T @ direction
    return ApproachCone((x, y, z), 0.0)


def _degrees(text: str) -> Tuple[float, float]:
    low, _, high = text.partition("-")
    return float(np.radians(float(low))), float(np.radians(float(high or low)))


def summarise(rows: Sequence[dict]) -> dict:
    held, network = np.array([r["held"] for r in rows]), np.array([r["network"] for r in rows])
    table = reliability(network, held.astype(float), BINS)
    return {
        "grasps": len(rows),
        "scenes": len({r["scene"] for r in rows}),
        "held": round(float(held.mean()), 4),
        "auc": {name: interval(rows, lambda some, name=name: auc(some, name)) for name in SCORES},
        "auc_gained": interval(rows, lambda some: auc(some, "network") - auc(some, "geometry")),
        "best_half_held": {name: interval(rows, lambda some, name=name: best_half(some, name)) for name in SCORES},
        "reliability": [[round(float(v), 4) for v in row] for row in zip(*table)],
        "calibration_error": round(calibration_error(network, held.astype(float), BINS), 4),
    }


def auc(rows: Sequence[dict], name: str) -> float:
    return roc_auc(np.array([r["held"] for r in rows]), np.array([r[name] for r in rows]))


def best_half(rows: Sequence[dict], name: str) -> float:
    """The share that holds of the half with the highest scores."""
    order = np.argsort([-r[name] for r in rows], kind="stable")[: len(rows) // 2]
    return float(np.mean([rows[i]["held"] for i in order]))


def interval(rows: Sequence[dict], measure: Callable[[Sequence[dict]], float]) -> List[float]:
    """A measure, and its 95 % interval by resampling scenes."""
    rng, of_scene = np.random.default_rng(0), {}  # type: ignore[var-annotated]
    for row in rows:
        of_scene.setdefault(row["scene"], []).append(row)
    scenes = list(of_scene)
    draws = (rng.choice(len(scenes), len(scenes)) for _ in range(RESAMPLES))
    values = [measure([r for i in draw for r in of_scene[scenes[i]]]) for draw in draws]
    return [round(float(v), 4) for v in (measure(rows), *np.nanpercentile(values, [2.5, 97.5]))]


def show(result: dict) -> None:
    print(f"{result['grasps']} grasps of {result['scenes']} scenes, {result['held']:.1%} held")
    for name in SCORES:
        for what, measure in (("AUC", "auc"), ("held of its best half", "best_half_held")):
            value, low, high = result[measure][name]
            print(f"{name:9} {what:22} {value:.3f} [{low:.3f}, {high:.3f}]")
    value, low, high = result["auc_gained"]
    print(f"AUC gained by the network {value:.3f} [{low:.3f}, {high:.3f}]")
    print("P(success)  held  grasps")
    print("\n".join(f"{p:10.2f} {a:5.2f} {int(n):7d}" for p, a, n in result["reliability"]))


if __name__ == "__main__":
    main()
