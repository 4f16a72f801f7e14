"""Plan in every depth image of a recording: python -m antipodal.ros.bag BAG. Needs no ROS and no master.

BAG: a .bag file of ROS 1, or of ROS 2 a folder, an .mcap or a .db3 file. Writes a CSV of the best grasps, and a picture
of each image with grasps. Exit code 0: done, 2: bad input.
"""

from __future__ import annotations

from antipodal.errors import (
    AntipodalError,
    InputError,
    NoGraspFound,
    check_outputs,
    command_parser,
    end_when_interrupted,
    number_within,
    run_command,
)

if __name__ == "__main__":
    end_when_interrupted()  # before the imports, which take seconds

import argparse
import csv
import sys
import time
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

import numpy as np

from antipodal.backends import say_when_compiling
from antipodal.both_hands import load_planner
from antipodal.files import write_result
from antipodal.grasping import draw
from antipodal.plan import add_hand_options
from antipodal.planning.image_planner import ImagePlanner
from antipodal.ros.images import camera_from
from antipodal.ros.recording import depth_of, open_recording, stamp_of
from antipodal.transforms import quaternion

COLUMNS = "stamp reason message grasps quality width u v angle x y z qx qy qz qw total_ms".split()
PROGRESS_PERIOD = 2.0  # [s]


def replay(
    path: Path,
    planner: ImagePlanner,
    out: Path,
    depth: str = "",
    info: str = "",
    rectified: bool = True,
    stride: int = 1,
    progress: Callable[[int], None] = lambda _: None,
) -> str:
    """Plan in every `stride`-th depth image of a recording; writes `out`/grasps.csv and pictures. Returns a summary.

    depth, info: topics, as in Recording.depth_pairs. progress: called with the number of images planned in.
    """
    if stride < 1:
        raise InputError(f"stride must be at least 1, got {stride}")
    rows: List[Dict[str, Any]] = []
    with open_recording(path) as recording:
        pairs = islice(recording.depth_pairs(depth, info), 0, None, stride)
        first = next(pairs, None)  # before anything is written: the topics are checked here
        out.mkdir(parents=True, exist_ok=True)
        with (out / "grasps.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            while first is not None:
                rows.append(_row(*first, planner, out / f"{stride * len(rows):06d}.png", rectified))
                writer.writerow(rows[-1])
                progress(len(rows))
                first = next(pairs, None)
    return summary(rows)


def summary(rows: List[Dict[str, Any]]) -> str:
    """How many images had grasps, why the others had none, and the time of a plan."""
    if not rows:
        return "0 images"
    reasons = [row["reason"] for row in rows]
    others = ", ".join(f"{reasons.count(r)} {r}" for r in sorted(set(reasons) - {""})) or "none without"
    p50, p99 = np.percentile([row["total_ms"] for row in rows], [50, 99])
    return f"{reasons.count('')} of {len(rows)} images with grasps; {others}; p50 {p50:.0f} ms, p99 {p99:.0f} ms"


def _row(image: Any, info: Any, planner: ImagePlanner, picture: Path, rectified: bool) -> Dict[str, Any]:
    """The CSV's row of one image. Writes its picture."""
    row: Dict[str, Any] = {"stamp": f"{stamp_of(image):.6f}", "reason": "", "grasps": 0}
    start = time.perf_counter()
    try:
        depth, camera = depth_of(image), camera_from(info, rectified)
        plan = planner.plan(depth, camera)
    except AntipodalError as e:
        row.update(reason=e.reason, message=str(e), total_ms=round(1e3 * (time.perf_counter() - start), 1))
        if isinstance(e, NoGraspFound) and e.scene is not None:
            draw.write_png(picture, draw.overlay(e.scene.depth, e.camera, [], planner.hands, [], e.scene))
        return row
    row["total_ms"] = round(1e3 * (time.perf_counter() - start), 1)
    best = plan[0]
    values = [best.quality, best.width, *best.center_px, best.angle, *best.T_cam_grasp[:3, 3]]
    names = COLUMNS[COLUMNS.index("quality") : COLUMNS.index("total_ms")]
    row.update(zip(names, np.round([*values, *quaternion(best.T_cam_grasp[:3, :3])], 6).tolist()), grasps=len(plan))
    draw.write_png(picture, draw.overlay(depth, camera, plan.grasps, planner.hands, plan.candidates, plan.scene))
    return row


class _Progress:
    """A line on standard error now and then."""

    def __init__(self) -> None:
        self._next = time.monotonic() + PROGRESS_PERIOD

    def __call__(self, images: int) -> None:
        if time.monotonic() >= self._next:
            print(f"{images} images", file=sys.stderr, flush=True)
            self._next = time.monotonic() + PROGRESS_PERIOD


def _counts(table: Path) -> Dict[str, Any]:
    """Images, and how often each reason for no grasp, of the CSV that `replay` wrote."""
    with table.open(newline="") as file:
        reasons = [row["reason"] for row in csv.DictReader(file)]
    without = Counter(reason for reason in reasons if reason)
    return {"images": len(reasons), "with_grasps": reasons.count(""), "reasons": dict(without)}


def _parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "bag",
        "Plan in every depth image of a recording. Needs no ROS.",
        "recording.bag",
        "recording.mcap --depth /camera/depth/image_rect --gripper franka_hand --stride 10 --out out/recording",
    )
    parser.add_argument("bag", type=Path, help="a .bag file of ROS 1, or of ROS 2 a folder, an .mcap or a .db3 file")
    parser.add_argument("--depth", default="", help="topic of the depth images; default: the only one")
    parser.add_argument("--info", default="", help="topic of their camera_info; default: the one beside the images")
    parser.add_argument("--raw", action="store_true", help="the images are not rectified: K describes them, not P")
    parser.add_argument("--stride", type=number_within(int, 1), default=1, help="plan in every N-th image (default: 1)")
    add_hand_options(parser)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    parser.add_argument("--out", type=Path, help="folder for grasps.csv and pictures; default: the bag's name")
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON; -: to standard output")
    return parser


def main(argv: Optional[List[str]] = None) -> int:
    args = _parser().parse_args(argv)
    bag, progress = args.bag.absolute(), _Progress()
    out = args.out = args.out or (bag.with_suffix("") if bag.suffix else bag.with_name(f"{bag.name}_grasps"))
    inputs = ("bag", "gripper", "cup", "model", "suction_model")
    check_outputs(args, ("json",), ("out",), inputs, {"the table": out / "grasps.csv"})
    say_when_compiling()
    planner = load_planner(args.gripper, args.cup, args.model, args.suction_model, args.device)
    said = replay(bag, planner, out, args.depth, args.info, not args.raw, args.stride, progress)
    if args.json:
        write_result(args.json, {"summary": said, "folder": str(out.absolute()), **_counts(out / "grasps.csv")})
    if args.json != "-":
        print(f"{said}\nin {out}")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
