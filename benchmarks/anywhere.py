"""Success in the simulated cell for every shipped camera and gripper, and for openings from 50 to 140 mm, as one table.

python benchmarks/anywhere.py --objects DIR [--objects-list models/heldout.txt] [--model M] -n 20 --out DIR
Each camera looks from the middle of its range, with its own sensor noise. All cells of the table use the same n scenes.
A stopped run continues. Wilson 95 % intervals assume independent picks; cells share objects, so the intervals of whole
rows and columns are slightly too narrow.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Dict, List

import yaml

from antipodal import resources
from antipodal.camera import Camera
from antipodal.files import read_names, write_json
from antipodal.grasp import Gripper, load_hand
from antipodal.sim.evaluate import evaluate
from antipodal.sim.report import wilson
from antipodal.sim.trials import TrialOptions
from antipodal.synth.images.noise import load_noise

OPENINGS = (0.05, 0.065, 0.08, 0.095, 0.11, 0.125, 0.14)  # of the 2F-85's shape [m]
POLICY = "antipodal"

Cell = Dict[str, int]


def main() -> None:
    args = arguments()
    table = {}
    for gripper in grippers(args.grippers, args.openings):
        table[gripper.name] = {Path(c).stem: trials(args, gripper, Path(c)) for c in args.cameras}
        write_json(args.out / "anywhere.json", {"model": str(args.model), "scenes": args.n, "cells": table})
    print(show(table))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", required=True, help='folder of meshes in metres, or "procedural[:N]"')
    parser.add_argument("--objects-list", type=Path, help="file with the names of those to use, one a line")
    parser.add_argument("--model", type=Path, default=resources.find("models/default.pt"))
    parser.add_argument("-n", type=int, default=20, help="scenes a cell of the table")
    parser.add_argument("--cameras", nargs="+", default=shipped("cameras"), help="YAML files (default: all shipped)")
    parser.add_argument("--grippers", nargs="*", default=shipped("grippers"), help="YAML files (default: all shipped)")
    parser.add_argument("--openings", nargs="*", type=float, default=OPENINGS, help="of the 2F-85's shape [m]")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for trials, pictures of failures, and the table"
    )
    return parser.parse_args()


def shipped(kind: str) -> List[str]:
    return sorted(map(str, resources.find(f"config/{kind}").glob("*.yaml")))


def grippers(files: List[str], openings: List[float]) -> List[Gripper]:
    """Those of the files, and the default's shape with other widest openings [m]."""
    scaled = [replace(Gripper(), name=f"2F-85 at {1000 * w:.0f} mm", max_width=w) for w in openings]
    hands = [load_hand(f) for f in files]
    return [hand for hand in hands if isinstance(hand, Gripper)] + scaled


def trials(args: argparse.Namespace, gripper: Gripper, camera: Path) -> Cell:
    """Outcomes of n scenes with one gripper and camera, from the log where they are there."""
    low, high = yaml.safe_load(camera.read_text())["radius"]
    options = TrialOptions(
        objects=args.objects,
        only=tuple(read_names(args.objects_list)),
        model=str(args.model),
        gripper=gripper,
        camera=Camera.load(camera),
        height=(low + high) / 2,
        noise=load_noise(str(camera)),
        mask=False,
    )
    out = args.out / f"{gripper.name.replace(' ', '_')}-{camera.stem}.json"
    figures = evaluate(options, [POLICY], args.n, out, args.workers)["policies"].get(POLICY)
    if figures is None:
        return {"held": 0, "picks": 0, "no_grasp": 0}
    held = figures["held"]
    return {"held": held["successes"], "picks": held["n"], "no_grasp": figures["outcomes"]["no_grasp"]}


def show(table: Dict[str, Dict[str, Cell]]) -> str:
    """A row a gripper, a column a camera: held of picks tried, those for which no grasp was found in brackets."""
    cameras = list(next(iter(table.values())))
    lines = ["| held / picks (no grasp) | " + " | ".join([*cameras, "all [95 %]"]) + " |"]
    lines.append("|---" * (len(cameras) + 2) + "|")
    for name, cells in table.items():
        lines.append(" | ".join([f"| {name}", *map(brief, cells.values()), rate(list(cells.values()))]) + " |")
    columns = [[cells[c] for cells in table.values()] for c in cameras]
    everything = [cell for column in columns for cell in column]
    lines.append(" | ".join(["| all [95 %]", *map(rate, columns), rate(everything)]) + " |")
    return "\n".join(lines)


def brief(cell: Cell) -> str:
    return "{held} / {picks} ({no_grasp})".format(**cell)


def rate(cells: List[Cell]) -> str:
    held, picks = (sum(cell[k] for cell in cells) for k in ("held", "picks"))
    low, high = wilson(held, picks)
    return f"{100 * held / max(picks, 1):.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


if __name__ == "__main__":
    main()
