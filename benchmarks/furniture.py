"""Grasps among furniture: python benchmarks/furniture.py [-n 100] [--kinds tray,tray+arm] [--json FILE].

Rendered boxes on tables with walls, arms, trays, bins and boards (tests/rooms.py), and in bins whose floor hides under
a heap, the camera tilted by up to 75 degrees. Nothing is given to the planner but depth and camera. Rooms in which no
object is seen do not count.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Dict, Iterator, List, Sequence

import numpy as np

REPO = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPO), str(REPO / "tests")]
import rooms  # noqa: E402

from antipodal import resources  # noqa: E402
from antipodal.errors import HandTooWide  # noqa: E402
from antipodal.files import write_json  # noqa: E402
from antipodal.grasp import Gripper  # noqa: E402
from antipodal.planner import GraspPlanner  # noqa: E402
from antipodal.sim.report import wilson  # noqa: E402
from benchmarks import real  # noqa: E402

KINDS = "table,endless,small,wall,arm,wall+arm,board,tray,tray+wall,tray+arm,bin,bin+arm,funnel,full_bin,full_bin+arm"
UPRIGHT = 25.0  # of the vertical, for the hand to come down onto the support [degrees]
OUTCOMES = ("hand comes down", "on an object", "on something else", "no grasp")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=100, help="rooms of each kind")
    parser.add_argument("--kinds", default=KINDS, help="comma-separated (default: all)")
    parser.add_argument("--seed", type=int, default=1000, help="of the first")
    parser.add_argument("--model", type=Path, default=resources.find("models/default.pt"))
    parser.add_argument("--gripper", type=Path, default=resources.find("config/grippers/robotiq_2f85.yaml"))
    parser.add_argument("--json", type=Path, help="write every room's result here")
    args = parser.parse_args()
    planner = GraspPlanner.load(args.model, Gripper.load(args.gripper), "cpu")
    rows = {kind: list(judged(kind, range(args.seed, args.seed + args.n), planner)) for kind in args.kinds.split(",")}
    if args.json is not None:
        write_json(args.json, rows)
    print(table(rows))
    return 0


def judged(kind: str, seeds: Sequence[int], planner: GraspPlanner) -> Iterator[Dict[str, float]]:
    """What became of the rooms of a kind in which an object is seen."""
    for seed in seeds:
        name, *others = kind.split("+")
        room = rooms.full_bin(seed, bool(others)) if name == "full_bin" else _room(kind, seed)
        if room.objects.any():
            yield {"seed": seed, **judge(room, planner)}


def _room(kind: str, seed: int) -> rooms.Room:
    return rooms.room(seed, furniture=() if kind == "table" else kind.split("+"))


def judge(room: rooms.Room, planner: GraspPlanner) -> Dict[str, float]:
    """What became of one room, as of a real image: shares of pixels, whether the hand comes down, where the best grasp
    lies."""
    image = real.Image("room", room.depth, room.camera, room.kind == rooms.OBJECT, None, [])
    try:
        row, scene, _ = real.judge(planner, image)
    except HandTooWide:  # an arm before the camera's lens
        return {**dict.fromkeys(OUTCOMES, False), "no grasp": True, "kept": 0.0, "taken": 0.0}
    return {
        "hand comes down": bool(scene.approach @ room.down > np.cos(np.radians(UPRIGHT))),
        "on an object": row["on_object"],
        "on something else": row["planned"] and not row["on_object"],
        "no grasp": not row["planned"],
        "kept": row["kept"],
        "taken": row["taken"],
    }


def table(rows: Dict[str, List[Dict[str, float]]]) -> str:
    """Shares of the rooms, with Wilson's intervals (95 %) where they are counts, and means of shares of pixels."""
    lines = [f"| | rooms | {' | '.join(OUTCOMES)} | kept | taken |", "|---" * (len(OUTCOMES) + 4) + "|"]
    for kind, some in rows.items():
        shares = [_share(sum(r[name] for r in some), len(some)) for name in OUTCOMES]
        pixels = [f"{100 * np.mean([r[name] for r in some]):.1f} %" for name in ("kept", "taken")]
        lines.append(f"| {kind} | {len(some)} | {' | '.join(shares + pixels)} |")
    return "\n".join(lines)


def _share(count: float, total: int) -> str:
    low, high = wilson(int(count), total)
    return f"{100 * count / total:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


if __name__ == "__main__":
    sys.exit(main())
