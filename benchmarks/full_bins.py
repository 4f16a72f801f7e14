"""Grasps in bins whose floor hides under a heap: python benchmarks/full_bins.py [-n 300] [--seed 1000] [--json FILE].

Rendered boxes in a bin with upright or sloped walls, on a table or on a stand of its own size, the camera tilted by up
to 50 degrees. Nothing is given to the planner but depth and camera.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Dict, List

import numpy as np

REPO = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPO), str(REPO / "tests")]
import rooms  # noqa: E402

from antipodal import resources  # noqa: E402
from antipodal.files import write_json  # noqa: E402
from antipodal.grasp import Gripper  # noqa: E402
from antipodal.planner import GraspPlanner  # noqa: E402
from antipodal.sim.report import wilson  # noqa: E402
from benchmarks import real  # noqa: E402

UPRIGHT = 25.0  # of the vertical, for the hand to come down into the bin [degrees]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=300, help="bins")
    parser.add_argument("--seed", type=int, default=1000, help="of the first")
    parser.add_argument("--model", type=Path, default=resources.find("models/default.pt"))
    parser.add_argument("--gripper", type=Path, default=resources.find("config/grippers/robotiq_2f85.yaml"))
    parser.add_argument("--json", type=Path, help="write every bin's result here")
    args = parser.parse_args()
    planner = GraspPlanner.load(args.model, Gripper.load(args.gripper), "cpu")
    rows = [judge(rooms.full_bin(seed), planner) for seed in range(args.seed, args.seed + args.n)]
    if args.json is not None:
        write_json(args.json, rows)
    print(table(rows))
    return 0


def judge(room: rooms.Room, planner: GraspPlanner) -> Dict[str, float]:
    """What became of one bin, as of a real image: shares of pixels, whether the hand comes down, where the best grasp
    lies."""
    image = real.Image("bin", room.depth, room.camera, room.kind == rooms.OBJECT, None, [])
    row, scene, _ = real.judge(planner, image)
    return {
        "hand comes down": bool(scene.approach @ room.down > np.cos(np.radians(UPRIGHT))),
        "kept": row["kept"],
        "taken": row["taken"],
        "on an object": row["on_object"],
        "on something else": row["planned"] and not row["on_object"],
        "no grasp": not row["planned"],
    }


def table(rows: List[Dict[str, float]]) -> str:
    """Means over the bins; intervals are Wilson's, 95 %."""
    lines = ["| | of the bins |", "|---|---|"]
    for name in ("hand comes down", "on an object", "on something else", "no grasp"):
        count = sum(r[name] for r in rows)
        low, high = wilson(int(count), len(rows))
        lines.append(f"| {name} | {100 * count / len(rows):.1f} % [{100 * low:.1f}, {100 * high:.1f}] |")
    lines += [f"| objects' pixels kept, mean | {100 * np.mean([r['kept'] for r in rows]):.1f} % |"]
    lines += [f"| other pixels taken, mean | {100 * np.mean([r['taken'] for r in rows]):.1f} % |"]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
