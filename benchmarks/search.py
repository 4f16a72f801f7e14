"""Is more search ever worse than less? Agreement of the best grasp with people's, by how long the planner searches.

python benchmarks/search.py [FOLDER] [--times 1 2 4] [--seeds 4] [--model M] [--json OUT]
Plans in the real images that have people's rectangles (see benchmarks/real.py) with so many times the default's
candidates and samples of each iteration. A grasp agrees if it lies within 15 mm of a rectangle's closing axis and is
turned by less than 30 degrees against it. Intervals are of a bootstrap over images, 95 %; of an image the mean over
seeds counts.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Dict, List

import numpy as np
from real import find_folder, near_axis, read

from antipodal import resources
from antipodal.errors import NoGraspFound
from antipodal.files import write_json
from antipodal.planner import GraspPlanner, PlannerOptions

RESAMPLES = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="images and what is known of them")
    parser.add_argument("--times", nargs="+", type=int, default=[1, 2, 4], help="of the default's search")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--model", type=Path, default=resources.find("models/default.pt"))
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    folder = find_folder(args.folder)
    if folder is None:
        raise SystemExit("no folder of real images; name one, or set ANTIPODAL_DATA")
    images = [image for image in read(folder, "*") if image.good]
    planner = GraspPlanner.load(args.model, device="cpu")
    agree: Dict[int, np.ndarray] = {}
    for times in args.times:
        planner.tune(longer(times))
        agree[times] = np.array([[agrees(planner, image, seed) for seed in range(args.seeds)] for image in images])
        print(f"{times}: {agree[times].mean():.3f}", flush=True)
    if args.json:
        write_json(args.json, {"images": [i.name for i in images], **{str(t): a.tolist() for t, a in agree.items()}})
    print(table(agree))


def longer(times: int) -> PlannerOptions:
    """The default options with so many times the candidates and the samples of each iteration."""
    options = PlannerOptions()
    cem = replace(options.cem, samples=times * options.cem.samples)
    return replace(options, candidates=times * options.candidates, cem=cem)


def agrees(planner: GraspPlanner, image, seed: int) -> bool:
    """Whether the best grasp lies on a person's; no grasp does not."""
    try:
        best = planner.plan(image.depth, image.camera, max_grasps=1, seed=seed)[0]
    except NoGraspFound:
        return False
    return any(near_axis(best, rectangle, image.camera) for rectangle in image.good)


def table(agree: Dict[int, np.ndarray]) -> str:
    first = next(iter(agree.values())).mean(axis=1)
    lines = ["| search | agrees | less the first's [95 %] |", "|---|---|---|"]
    for times, of_image in agree.items():
        share, low, high = interval(of_image.mean(axis=1) - first)
        lines.append(f"| {times} x | {of_image.mean():.1%} | {share:+.1%} [{low:+.1%}, {high:+.1%}] |")
    return "\n".join(lines)


def interval(values: np.ndarray) -> List[float]:
    """Mean of values (N,) and its interval by resampling them."""
    drawn = np.random.default_rng(0).choice(values, (RESAMPLES, len(values))).mean(axis=1)
    return [float(values.mean()), *np.percentile(drawn, [2.5, 97.5]).tolist()]


if __name__ == "__main__":
    main()
