"""Calibrate P(success) against executed picks: `python -m antipodal.sim.calibrate MODEL --objects DIR --out NEW`.

Grasps of all qualities are executed in the simulated cell, on single objects and in heaps. What they show becomes
numbers of the model file for this hand (networks/pick_calibration.py), kept where they serve objects that they were not
fitted on.
"""

from __future__ import annotations

from antipodal.errors import InputError, check_outputs, command_parser, end_when_interrupted, number_within, run_command

if __name__ == "__main__":
    end_when_interrupted()  # before the imports, which take seconds

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from antipodal import networks, resources
from antipodal.camera import Camera
from antipodal.files import read_names, write_result
from antipodal.networks.pick_calibration import PickCalibration
from antipodal.sim.cell import PRIMESENSE
from antipodal.sim.evaluate import load_hands
from antipodal.sim.spread_picks import spread_picks
from antipodal.sim.trials import Runner, TrialOptions
from antipodal.synth.images.noise import NAMED, load_noise
from antipodal.synth.objects.meshes import UNITS
from antipodal.training import report
from antipodal.training.metrics import reliability
from antipodal.training.platt import (
    BINS,
    calibrated,
    error_by_chance,
    error_with_interval,
    fit_lift,
    fit_platt,
    loss_by,
)

HELD_BACK = 3  # of so many objects one is kept to judge by
HEAP = (5, 8)  # objects
FAILED = 1  # exit code: no calibration helped


@dataclass(frozen=True)
class Scenes:
    """How many scenes of each kind, and how many grasps in each of them."""

    singles: int
    heaps: int
    flats: int  # heaps of which half are flat things
    single_picks: int
    heap_picks: int

    def part(self) -> Scenes:
        """One in HELD_BACK of each kind."""
        singles, heaps, flats = (-(-n // HELD_BACK) for n in (self.singles, self.heaps, self.flats))
        return replace(self, singles=singles, heaps=heaps, flats=flats)

    def without(self, part: Scenes) -> Scenes:
        """The scenes that are not in a part."""
        singles, heaps = self.singles - part.singles, self.heaps - part.heaps
        return replace(self, singles=singles, heaps=heaps, flats=self.flats - part.flats)


Picks = Dict[str, List[dict]]  # of "single" objects, "heaps" and "flat heaps", see `spread_picks`


def execute(options: TrialOptions, scenes: Scenes, folder: Path, name: str) -> Picks:
    """Executed grasps of single objects and heaps; a stopped run goes on from its logs in the folder."""
    heaps = replace(options, clutter=HEAP)
    kinds = {
        "single": (options, scenes.singles, scenes.single_picks),
        "heaps": (heaps, scenes.heaps, scenes.heap_picks),
        "flat heaps": (replace(heaps, scene="flat"), scenes.flats, scenes.heap_picks),
    }
    picks, before = {}, 0
    for kind, (one, count, most) in kinds.items():
        made = spread_picks(one, count, most, folder / f"{name}-{kind.replace(' ', '-')}.jsonl") if count else []
        picks[kind], before = [{**p, "scene": p["scene"] + before} for p in made], before + count
    return picks


def calibrate(options: TrialOptions, scenes: Scenes, folder: Path) -> Tuple[PickCalibration, Dict[str, Any]]:
    """The calibration fitted on the picks of two thirds of the objects, and what was measured on the others."""
    fitted, kept = (replace(options, only=names) for names in halves(Runner(options).names))
    part = scenes.part()
    rest = scenes.without(part)
    known, others = (every(execute(*run)) for run in ((fitted, rest, folder, "fitted"), (kept, part, folder, "kept")))
    by = fit(known, others)
    losses = {name: losses_by(picks, by) for name, picks in (("kept", others), ("kept_first", first_of(others)))}
    told: Dict[str, Any] = {
        "grasps": len(known),
        "kept_grasps": len(others),
        **{f"{k}_losses": pair for k, pair in losses.items()},
    }
    return by, told


def fit(known: List[dict], others: List[dict]) -> PickCalibration:
    """Scale and shift as the known first grasps have them, the lift as the rest has it, either or neither: what serves
    the others' picks best. Log losses decide; that of the others' first grasps, which are what a robot executes, must
    not rise."""
    none, platt = PickCalibration(), fit_platt(*columns(first_of(known))[::2])
    possible = [none, platt, *(fit_lift(*columns(known)[:3], by) for by in (none, platt))]
    first, rest = ({by: loss_of(picks, by) for by in possible} for picks in (first_of(others), others))
    return min((by for by in possible if first[by] <= first[none]), key=lambda by: rest[by])


def every(picks: Picks) -> List[dict]:
    """The picks of all kinds of scenes."""
    return [pick for rows in picks.values() for pick in rows]


def first_of(picks: List[dict]) -> List[dict]:
    """The planner's first grasps."""
    return [pick for pick in picks if pick["best"]]


def losses_by(picks: List[dict], by: PickCalibration) -> List[float]:
    """Log losses of picks without a calibration and with it."""
    return [loss_of(picks, one) for one in (PickCalibration(), by)]


def loss_of(picks: List[dict], by: PickCalibration) -> float:
    return loss_by(*columns(picks)[:3], by)


def halves(names: List[str]) -> Tuple[Tuple[str, ...], Tuple[str, ...]]:
    """Names to fit on, and every third to judge by; the same for the same names. Raises InputError for too few."""
    if len(names) < HELD_BACK:
        raise InputError(f"{len(names)} objects are too few to fit on some and judge by others; at least {HELD_BACK}")
    order = np.random.default_rng(0).permutation(len(names))
    kept = {names[i] for i in order[::HELD_BACK]}
    return tuple(n for n in names if n not in kept), tuple(n for n in names if n in kept)


def columns(picks: List[dict]) -> Tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Quality, that of the scene's first grasp, whether it held, and scene (N,) of picks. Raises InputError where there
    are none."""
    if not picks:
        raise InputError("no grasp was found in any scene, so there is nothing to calibrate by; more scenes are needed")
    first = {p["scene"]: p["quality"] for p in first_of(picks)}
    rows = [(p["quality"], first[p["scene"]], p["kind"] == "held", p["scene"]) for p in picks]
    quality, best, held, scene = map(np.array, zip(*rows))
    return quality, best, held, scene


def errors_of(picks: Picks, by: PickCalibration) -> Dict[str, Any]:
    """Of each kind of scene, and of the first grasps of all scenes: how many, the share that held, and the calibration
    error before and after."""
    measured = {}
    for kind, rows in ((k, r) for k, r in {**picks, "first grasps": first_of(every(picks))}.items() if r):
        quality, best, held, scenes = columns(rows)
        after = calibrated(quality, best, by)
        measured[kind] = {
            "grasps": len(rows),
            "scenes": len(np.unique(scenes)),
            "held": float(held.mean()),
            "error_before": error_with_interval(quality, held, scenes),
            "error_after": error_with_interval(after, held, scenes),
            "error_by_chance": error_by_chance(after),
            "before": np.column_stack(reliability(quality, held.astype(float), BINS)).tolist(),
            "after": np.column_stack(reliability(after, held.astype(float), BINS)).tolist(),
        }
    return measured


def write_calibrated(model: str, out: Path, hand: str, by: PickCalibration, told: Dict[str, Any], command: str) -> None:
    """The model with this calibration of a hand in place of its own, and its card, with what stood below the card
    before."""
    source = resources.locate("models", model)
    network, meta = networks.load(source, "cpu")
    own = {**by.numbers(), **told, "command": command, "commit": resources.source_commit()}
    changed = {**meta, "picks": {**meta.get("picks", {}), hand: own}}
    networks.save(out, network, changed)
    if "history" in meta:  # of a training run; imported weights have no card
        report.rewrite_card(source, out, changed)


def error_table(measured: Dict[str, Any]) -> str:
    lines = ["| scenes | grasps | held | calibration error before | after | by chance alone |", "|---|" + "---|" * 5]
    for kind, m in measured.items():
        errors = ["{:.3f} [{:.3f}, {:.3f}]".format(*m[name]) for name in ("error_before", "error_after")]
        cells = [kind, m["grasps"], f"{m['held']:.1%}", *errors, f"{m['error_by_chance']:.3f}"]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    for name in ("before", "after"):
        lines += ["", f"P(success) {name}: " + "; ".join(f"{k} {_bins(m[name])}" for k, m in measured.items())]
    return "\n".join(lines)


def _bins(rows: List[List[float]]) -> str:
    return ", ".join(f"{p:.2f} held {share:.2f} of {count:.0f}" for p, share, count in rows)


def main(arguments: Optional[List[str]] = None) -> int:
    given = sys.argv[1:] if arguments is None else arguments
    args = _parser().parse_args(given)
    _check_arguments(args)
    options = _trial_options(args)
    hand = (options.cup or options.gripper).name
    scenes = Scenes(args.singles, args.heaps, args.flats, args.single_picks, args.heap_picks)
    if args.out is None:
        by = PickCalibration.of_model(networks.load(str(options.model), "cpu")[1], hand)
        result = {"calibration": by.numbers(), "measured": errors_of(execute(options, scenes, args.logs, "judged"), by)}
        text = error_table(result["measured"])
    else:
        by, told = calibrate(options, scenes, args.logs)
        if by != PickCalibration():
            command = " ".join(["python -m antipodal.sim.calibrate", *given])
            write_calibrated(args.model, args.out, hand, by, told, command)
        result = {"calibration": by.numbers(), **told}
        losses = "log loss of {kept_grasps} kept picks: {kept_losses[0]:.4f} before, {kept_losses[1]:.4f} after; "
        losses += "of the first of each scene: {kept_first_losses[0]:.4f} before, {kept_first_losses[1]:.4f} after"
        found = ", ".join(f"{name} {value:.3f}" for name, value in by.numbers().items())
        if by == PickCalibration():
            found = f"it does not serve objects that it was not fitted on, so {args.out} was not written"
        text = f"{losses.format(**told)}; {found}"
    if args.json:
        write_result(args.json, result)
    if args.json != "-":
        print(text)
    return 0 if args.out is None or by != PickCalibration() else FAILED


def _check_arguments(args: argparse.Namespace) -> None:
    """Raises InputError where there is no scene, and as `check_outputs` does; the model itself may be written anew."""
    if args.singles + args.heaps + args.flats == 0:
        raise InputError("no scene to pick in: give --singles, --heaps or --flats")
    drawn = {} if args.out is None else {f"the {s} beside out": args.out.with_suffix(s) for s in (".md", ".png")}
    inputs = ("objects", "objects_list", "exclude", "noise", "gripper", "camera")
    check_outputs(args, ("json", "out"), ("logs",), inputs, drawn)
    check_outputs(args, ("json",), inputs=("model",))


def _trial_options(args: argparse.Namespace) -> TrialOptions:
    gripper, cup = load_hands(args.gripper)
    options = TrialOptions(
        objects=args.objects,
        units=args.units,
        only=tuple(read_names(args.objects_list)),
        model=str(resources.locate("models", args.model)),
        gripper=gripper,
        cup=cup,
        camera=Camera.load(args.camera) if args.camera else PRIMESENSE,
        noise=args.noise if args.noise in NAMED else load_noise(args.noise),
        mask=False,
        approach=args.approach,
        seed=args.seed,
    )
    if args.exclude is None:
        return options
    left_out = set(read_names(args.exclude))
    names = Runner(options).names
    kept = tuple(n for n in names if not {n, str(Path(n).with_suffix(""))} & left_out)
    if len(kept) in (0, len(names)):
        which = "all" if not kept else "none"
        raise InputError(f"exclude names {which} of the {len(names)} objects in {args.objects}; it must leave some out")
    return replace(options, only=kept)


def _parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "calibrate",
        "Calibrate P(success) of a model against picks of the simulated cell; without --out, measure how well it is.",
        "mine.pt --objects parts/ --exclude kept.txt --out mine.pt --logs out/calibrate",
        "mine.pt --objects parts/ --objects-list kept.txt --logs out/judge",
        "suction --objects procedural:400 --gripper piab_b30 --logs out/cup",
    )
    add, count, picks = parser.add_argument, number_within(int, 0), number_within(int, 1)
    add("model", help="model file, or a name")
    add("--objects", required=True, help='folder of meshes, or "procedural[:N]"')
    add("--units", default="m", choices=sorted(UNITS), help="of the mesh files (default: m)")
    add("--objects-list", type=Path, help="file with the names of those to use, one a line; default: all")
    add("--exclude", type=Path, help="file with names to keep out, one a line")
    add("--singles", type=count, default=300, help="scenes of one object (default: 300)")
    add("--heaps", type=count, default=60, help="scenes of 5 to 8 objects (default: 60)")
    add("--flats", type=count, default=0, help="heaps of 5 to 8 in a bin, half of them flat things (default: 0)")
    add("--single-picks", type=picks, default=5, help="grasps executed in each of the first (default: 5)")
    add("--heap-picks", type=picks, default=20, help="and in each heap (default: 20)")
    add("--noise", default="real", help="of the depth image: none, real, dexnet2, or a camera's YAML (default: real)")
    add("--gripper", help="gripper or suction cup: YAML file, or a name in config/grippers (default: robotiq_2f85)")
    add("--camera", help="camera file, or a name in config/cameras (default: 640 x 480, f = 525)")
    add("--approach", default="table", help="table or camera (default: table)")
    add("--seed", type=int, default=0, help="same seed, same scenes (default: 0)")
    add("--logs", type=Path, required=True, help="folder of the picks; the same command goes on from there")
    add("--out", type=Path, help="model file to write")
    add("--json", metavar="FILE", help="write the result as JSON; -: to standard output")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
