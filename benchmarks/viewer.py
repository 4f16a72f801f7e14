"""Measures how long the browser's page takes to plan again after a slider was moved, until all is drawn.

python benchmarks/viewer.py [--repeats 20] [--objects 10] [--depth FILE --camera CAMERA] [--json OUT]
Medians of wall time over moves of one slider to and fro, warm, with the page's server and without a browser. `plan` is
the planner's part.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Dict, List, Tuple

import numpy as np
from scenes import picture

from antipodal.files import write_json
from antipodal.perception.depth_files import read_with_camera
from antipodal.planner import GraspPlanner
from antipodal.viewer.frames import Frame
from antipodal.viewer.plan_tab import PlanTab
from antipodal.viewer.replan import Replanner
from antipodal.viewer.server import make_server
from antipodal.viewer.settings import ALL_INSIDE

APPROACHES: Dict[str, dict] = {
    "table": {},
    "any": {"approach": "any"},
    "cone of 40 degrees": {"approach": "cone", "angle": 40.0},
}
WIDE = {"rectangle": ALL_INSIDE, "rows": (0, 400)}  # what lies in a rectangle may be grasped
ALL = {"rectangle": ALL_INSIDE, "rows": (0, 480)}
NARROW = {"rectangle": ALL_INSIDE, "rows": (140, 340)}
SLIDERS: Dict[str, Tuple[dict, dict]] = {
    "friction": ({"friction": 0.5}, {"friction": 0.55}),
    "under tips": ({"below": 0.002}, {"below": 0.003}),
    "least P": ({"min_quality": 0.05}, {"min_quality": 0.1}),
    "opening": ({"opening": 0.085}, {"opening": 0.08}),
    "seed": ({"seed": 1}, {"seed": 2}),
    "up": ({"up": (0.0, 0.0, -1.0)}, {"up": (0.0, 0.01, -1.0)}),
    "farthest": ({"depths": (0.0, 2.0)}, {"depths": (0.0, 2.1)}),
    "columns of 240": ({**NARROW, "columns": (200, 440)}, {**NARROW, "columns": (210, 440)}),
    "columns of 400": ({**WIDE, "columns": (100, 500)}, {**WIDE, "columns": (110, 500)}),
    "all columns": ({**ALL, "columns": (0, 640)}, {**ALL, "columns": (10, 640)}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20, help="moves of each slider")
    parser.add_argument("--objects", type=int, default=10, help="in the rendered scene")
    parser.add_argument("--depth", type=Path, help="an image in place of the rendered one")
    parser.add_argument("--camera", default="realsense_d435", help="of that image, a file or a name")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    if args.depth:
        frame = Frame(args.depth.name, *read_with_camera(args.depth, args.camera, None))
    else:
        shown = picture(args.objects, 0)
        frame = Frame("rendered", shown.depth, shown.camera)
    result = measure(frame, args.repeats)
    show(result)
    if args.json:
        write_json(args.json, result)


def measure(frame: Frame, repeats: int) -> Dict[str, Dict[str, dict]]:
    """Times [ms] by approach and slider."""
    planner = GraspPlanner.load("default", device="cpu")
    planner.warm_up()
    server = make_server(0, "benchmark")
    tab = PlanTab(server, Replanner(planner), [frame])
    tab.worker.wait()
    tab.worker.end()  # here what it does is called by hand
    try:
        return {name: {s: moved(tab, way, s, repeats) for s in SLIDERS} for name, way in APPROACHES.items()}
    finally:
        server.stop()


def moved(tab: PlanTab, way: dict, slider: str, repeats: int) -> dict:
    """Median times [ms] of moves of a slider to and fro."""
    start = replace(tab.replanner.start, **way)
    rows: List[Tuple[float, float]] = []
    for k in range(-2, repeats):
        settings = replace(start, **SLIDERS[slider][k % 2])
        tab.controls.settings = lambda settings=settings: settings
        began = time.perf_counter()
        tab._work()
        if k >= 0:
            rows.append((1e3 * (time.perf_counter() - began), tab.look.total_ms))
    whole, plan = np.array(rows).T
    return {"ms": float(np.median(whole)), "p90_ms": float(np.percentile(whole, 90)), "plan_ms": float(np.median(plan))}


def show(result: Dict[str, Dict[str, dict]]) -> None:
    print(f"{'approach':20}{'slider':16}{'median':>8}{'p90':>8}{'plan':>8}  [ms]")
    for approach, sliders in result.items():
        for slider, t in sliders.items():
            print(f"{approach:20}{slider:16}{t['ms']:8.0f}{t['p90_ms']:8.0f}{t['plan_ms']:8.0f}")


if __name__ == "__main__":
    main()
