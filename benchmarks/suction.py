"""Measures a plan for a suction cup on a CPU, stage by stage, beside one for jaws in the same images.

python benchmarks/suction.py [--cup piab_b30] [--model FILE] [--repeats 40] [--json OUT]
Without a model the score made by hand ranks (networks/flatness.py), or with --drawn a network of weights as they are
drawn, which takes as long as a trained one. Plans of both hands alternate, so that what else runs weighs on both alike.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Dict, List

import torch
from plan import planner_of, times, use_threads
from scenes import Picture, picture

from antipodal import networks, resources
from antipodal.files import write_json
from antipodal.networks.flatness import Flatness
from antipodal.planning.image_planner import ImagePlanner
from antipodal.suction_cup import SuctionCup
from antipodal.suction_planner import SuctionPlanner


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cup", default="piab_b30")
    parser.add_argument("--model", type=Path, default=None)
    parser.add_argument("--drawn", action="store_true", help="a network of random weights")
    parser.add_argument("--repeats", type=int, default=40, help="plans of each kind of scene")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    use_threads(1)
    hands = {"jaws": planner_of(resources.find("models/default.pt")), "suction": suction_planner(args)}
    scenes = {"one object": [picture(1, s) for s in range(4)], "10 objects": [picture(10, s) for s in range(4)]}
    result = {name: measured(hands, pictures, args.repeats) for name, pictures in scenes.items()}
    for name, row in result.items():
        for hand, value in row.items():
            stages = ", ".join(f"{stage} {ms:.1f}" for stage, ms in value["stages_ms"].items())
            cpu, wall = value["cpu_ms"]["median"], value["wall_ms"]["median"]
            print(f"{name}, {hand}: {cpu:.1f} ms CPU, {wall:.1f} ms wall, {value['scored']:.0f} scored ({stages})")
    if args.json:
        write_json(args.json, result)


def suction_planner(args: argparse.Namespace) -> SuctionPlanner:
    cup = SuctionCup.load(args.cup)
    if args.model is not None:
        planner = SuctionPlanner.load(args.model, cup)
    elif args.drawn:
        torch.manual_seed(0)
        planner = SuctionPlanner(networks.for_planning(networks.GraspNetwork("patch").eval()), cup)
    else:
        planner = SuctionPlanner(Flatness(), cup)
    planner.warm_up()
    return planner


def measured(hands: Dict[str, ImagePlanner], pictures: List[Picture], repeats: int) -> Dict[str, dict]:
    """What `plan.times` measures of each hand; the hands take turns, a round of all pictures at a time."""
    rounds: Dict[str, List[dict]] = {name: [] for name in hands}
    for _ in range(max(1, repeats // len(pictures))):
        for name, planner in hands.items():
            rounds[name].append(times(planner, pictures, len(pictures)))
    return {name: min(found, key=lambda row: row["cpu_ms"]["median"]) for name, found in rounds.items()}


if __name__ == "__main__":
    main()
