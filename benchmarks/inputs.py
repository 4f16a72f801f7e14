"""What clouds, labels, views and directions cost, as a table: python benchmarks/inputs.py [--repeats N] [--json FILE].

Ten boxes on a table, a sensor's noise of 1 mm, 640 x 480 pixels where nothing else is said; CPU time of one thread,
median over the repeats, and the fastest, which other programs delay least. The first row of each part is the plan in
the depth image alone.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Dict, List

import numpy as np
import torch

REPO = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPO), str(REPO / "tests")]
from inputs import labels_of, points_of  # noqa: E402
from scenes import box, overhead, render  # noqa: E402

from antipodal import transforms  # noqa: E402
from antipodal.camera import Camera  # noqa: E402
from antipodal.errors import NoGraspFound  # noqa: E402
from antipodal.files import write_json  # noqa: E402
from antipodal.planner import GraspPlanner, Plan  # noqa: E402
from benchmarks.scenes import CAMERA, scaled  # noqa: E402

NOISE = 0.001  # standard deviation of depth [m]
SIZES = [(320, 240), (640, 480), (1280, 960)]
LOOSE = (10_000, 30_000, 100_000, 300_000, 1_000_000)
VIEWS, OBJECTS, DIRECTIONS = (1, 2, 3, 4, 6, 8), (1, 2, 5, 10, 20), (8, 16, 32, 64, 128)


def boxes(count: int) -> list:
    """Boxes on places of a grid, 11 cm apart."""
    rng, side = np.random.default_rng(count), int(np.ceil(np.sqrt(count)))
    places = [np.array(divmod(k, side)) - (side - 1) / 2 for k in range(count)]
    return [box(0.11 * p, (*rng.uniform(0.02, 0.05, 2), rng.uniform(0.03, 0.06)), rng.uniform(0, 3)) for p in places]


def noisy(things: list, tilt: float = 0.0, camera: Camera = CAMERA) -> np.ndarray:
    """Depth (H, W) [m] of boxes."""
    depth, _ = render(things, camera, overhead(tilt))
    return depth + np.random.default_rng(0).normal(0, NOISE, depth.shape).astype(np.float32)


def cpu_ms(plan: Callable[[], Plan], repeats: int) -> Dict[str, Any]:
    """Median and least CPU time [ms] of a plan, after two that warm up, and the times of its stages; 0 grasps where it
    finds none."""
    times, found = [], None
    stages: List[Dict[str, float]] = []
    for k in range(repeats + 2):
        start = time.process_time()
        with contextlib.suppress(NoGraspFound):
            found = plan()
            stages.append(found.times_ms)
        if k >= 2:
            times.append(1e3 * (time.process_time() - start))
    wall = {
        name: round(float(np.median([s[name] for s in stages[2:]])), 2) for name in (found.times_ms if found else ())
    }
    return {
        "cpu_ms": round(float(np.median(times)), 2),
        "fastest_ms": round(min(times), 2),
        "grasps": len(found or ()),
        "stages_ms": wall,
    }


def measure(planner: GraspPlanner, repeats: int) -> Dict[str, List[dict]]:
    """The rows of every part."""
    things = boxes(10)
    depth = noisy(things)
    points = points_of(depth, CAMERA).reshape(-1, 3).astype(float)

    def row(name: str, plan: Callable[[], Plan]) -> dict:
        return {"name": name, **cpu_ms(plan, repeats)}

    image = row("depth image", lambda: planner.plan(depth, CAMERA))
    return {
        "organised cloud": [image, *(organised(planner, things, size, row) for size in SIZES)],
        "loose points": [image, *(loose(planner, points, count, row) for count in LOOSE)],
        "views": [image, *(views(planner, things, count, row) for count in VIEWS)],
        "labelled objects": [image, *(labelled(planner, count, row) for count in OBJECTS)],
        "directions": [image, *(directions(planner, depth, count, row) for count in DIRECTIONS)],
    }


Row = Callable[[str, Callable[[], Plan]], dict]


def organised(planner: GraspPlanner, things: list, size: tuple, row: Row) -> dict:
    cloud = points_of(noisy(things, camera=scaled(*size)), scaled(*size))
    return row(f"{size[0]} x {size[1]}", lambda: planner.plan_cloud(cloud))


def loose(planner: GraspPlanner, points: np.ndarray, count: int, row: Row) -> dict:
    """Points of the image at random, with copies of some, a millimetre off, where more are wanted than it has."""
    rng = np.random.default_rng(count)
    chosen = points[rng.integers(len(points), size=count)] + rng.normal(0, NOISE / 3, (count, 3))
    return row(str(count), lambda: planner.plan_cloud(chosen))


def views(planner: GraspPlanner, things: list, count: int, row: Row) -> dict:
    tilts = np.linspace(0, 0.6, count) * (-1) ** np.arange(count)
    taken = [(noisy(things, tilt), CAMERA, transforms.invert(overhead(tilt))) for tilt in tilts]
    return row(str(count), lambda: planner.plan_views(taken))


def labelled(planner: GraspPlanner, count: int, row: Row) -> dict:
    things = boxes(count)
    depth, labels = noisy(things), labels_of(things, camera=CAMERA)
    return row(str(count), lambda: planner.plan(depth, CAMERA, labels=labels))


def directions(planner: GraspPlanner, depth: np.ndarray, count: int, row: Row) -> dict:
    """From any side, with so many directions in the first look."""
    cone = replace(planner.options.cone, directions=count)
    other = GraspPlanner(planner.network, planner.gripper, replace(planner.options, cone=cone))
    return row(str(count), lambda: other.plan(depth, CAMERA, approach="any"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--json", type=Path, help="write the numbers here too")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    tables = measure(GraspPlanner.load(REPO / "models" / "default.pt", device="cpu"), arguments.repeats)
    for name, rows in tables.items():
        print(f"\n{name:<18} {'CPU ms':>8} {'fastest':>8} {'grasps':>7}  stages [ms]")
        for r in rows:
            stages = ", ".join(f"{stage} {ms:g}" for stage, ms in r["stages_ms"].items())
            print(f"{r['name']:<18} {r['cpu_ms']:8.1f} {r['fastest_ms']:8.1f} {r['grasps']:7}  {stages}")
    if arguments.json:
        write_json(arguments.json, tables)
    return 0


if __name__ == "__main__":
    sys.exit(main())
