"""Measures a plan on a CPU, stage by stage, and compares it with a plan as the reference makes it.

python benchmarks/plan.py [--repeats 40] [--reference 3] [--depth FOLDER] [--scaling] [--json OUT]
Times are medians over repeated plans of rendered scenes, the image in memory to the grasps out, warm, without a mask,
in CPU time (which other processes disturb little) and wall time. Our plan and the reference's alternate,
with equal numbers of candidates and samples: the default's and four times as many.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Callable, Dict, List, Tuple

import cv2
import numpy as np
import torch
from reference import ReferencePlanner
from scenes import Picture, picture, scaled

from antipodal import resources
from antipodal.camera import Camera
from antipodal.errors import NoGraspFound
from antipodal.files import write_json
from antipodal.grasping.antipodal_pairs import SamplingOptions, sample_antipodal
from antipodal.grasping.view_grasps import ViewGrasps
from antipodal.networks import crops
from antipodal.networks.model import flops, load
from antipodal.networks.score import CropScore
from antipodal.planner import GraspPlanner

SIZES = ((320, 240), (640, 480), (848, 480), (1280, 720), (1920, 1200))
PAIRS = (32, 128, 512, 2048, 8192)  # two depths each: 64 to 16,384 candidates
OBJECTS = (1, 2, 5, 10, 20, 50)
MORE = (1, 4)  # times as many candidates and samples as by default, against the reference


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=None)
    parser.add_argument("--repeats", type=int, default=40, help="plans of each kind of scene")
    parser.add_argument("--reference", type=int, default=3, help="plans made as the reference makes them; 0 for none")
    parser.add_argument("--depth", type=Path, help="folder with real images, NAME.npy beside NAME.json")
    parser.add_argument("--scaling", action="store_true", help="also how the time grows")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    model = args.model or resources.find("models/default.pt")
    result = {"threads": {}, "runtime": type(planner_of(model).score.network.network).__name__}
    scenes = {"one object": [picture(1, s) for s in range(4)], "10 objects": [picture(10, s) for s in range(4)]}
    if args.depth:
        scenes["real images"] = real(args.depth)
    for threads in (1, 2):
        use_threads(threads)
        result["threads"][threads] = times_of_scenes(planner_of(model), scenes, args.repeats, threads)
    use_threads(1)
    planner = planner_of(model)
    result["parts"] = parts(planner, model, scenes["10 objects"][0])
    show(result)
    if args.reference:
        result["reference"] = [against_reference(planner, scenes["10 objects"], args.reference, k) for k in MORE]
    if args.scaling:
        result["scaling"] = scaling(planner, max(5, args.repeats // 4))
    if args.json:
        write_json(args.json, result)


def planner_of(model: Path) -> GraspPlanner:
    planner = GraspPlanner.load(model, device="cpu")
    planner.warm_up()
    return planner


def use_threads(count: int) -> None:
    torch.set_num_threads(count)
    cv2.setNumThreads(count)


def real(folder: Path) -> List[Picture]:
    return [
        Picture(np.load(file).astype(np.float32).squeeze(), Camera.load(file.with_suffix(".json")))
        for file in sorted(folder.glob("*.npy"))
    ]


def times_of_scenes(
    planner: GraspPlanner, scenes: Dict[str, List[Picture]], repeats: int, threads: int
) -> Dict[str, dict]:
    return {name: times(planner, pictures, repeats, threads) for name, pictures in scenes.items()}


def times(planner: GraspPlanner, pictures: List[Picture], repeats: int, threads: int = 1) -> dict:
    """Wall and CPU time [ms] of whole plans, wall time of every stage and what they scored; the median of each."""
    rows, stages, scored, refused = [], [], [], 0
    for k in range(-len(pictures), repeats):  # each is planned once before it counts
        shown = pictures[k % len(pictures)]
        start = time.perf_counter(), time.process_time()
        try:
            plan = planner.plan(shown.depth, shown.camera, seed=k + len(pictures))
        except NoGraspFound:
            refused += k >= 0
            continue
        took = time.perf_counter() - start[0], time.process_time() - start[1]
        if k >= 0:
            rows.append([1e3 * t for t in took])
            stages.append(plan.times_ms)
            scored.append(plan.counts["scored"])
    wall, cpu = np.array(rows).T
    return {
        "plans": len(rows),
        "no_grasp": refused,
        "scored": float(np.median(scored)),
        "wall_ms": {"median": float(np.median(wall)), "p99": float(np.percentile(wall, 99))},
        "cpu_ms": {"median": float(np.median(cpu)), "p99": float(np.percentile(cpu, 99))},
        "stages_ms": {name: float(np.median([s[name] for s in stages])) for name in stages[0]},
    }


def parts(planner: GraspPlanner, model: Path, shown: Picture) -> dict:
    """One thread's CPU time of the sampler, of a crop and of the network, and the machine's matrix product."""
    view = view_of(planner, shown)
    many = SamplingOptions(pairs=1000)
    generator = torch.Generator().manual_seed(0)
    pairs, _ = sample_antipodal(view, planner.gripper, generator, many)
    centre = torch.nn.functional.pad(pairs.center, (0, 1), value=0.68)
    grasps = ViewGrasps(centre, pairs.angle, torch.full_like(pairs.angle, planner.gripper.max_width))
    made = crops.relative_crops(view.depth, view.origin, view.cell, grasps, planner.gripper)
    given = made, crops.conditions(grasps.width, planner.gripper)
    n = len(pairs.angle)
    gflop = flops(load(model, "cpu")[0]) / 1e9
    peak = gemm_peak()
    network = clocked(lambda: planner.score.network(*given)) / n
    return {
        "pairs": n,
        "sampler_ms": 1e3 * clocked(lambda: sample_antipodal(view, planner.gripper, generator, many)),
        "crop_us": 1e6
        * clocked(lambda: crops.relative_crops(view.depth, view.origin, view.cell, grasps, planner.gripper))
        / n,
        "network_us": 1e6 * network,
        "network_gflops": gflop / network,
        "gemm_gflops": peak,
        "network_share_of_gemm": gflop / network / peak,
    }


def view_of(planner: GraspPlanner, shown: Picture):
    """The view that the planner makes of a picture."""

    class Recording(CropScore):
        def __call__(self, view, grasps):
            self.seen = view
            return super().__call__(view, grasps)

    pipeline = planner.cpu_pipeline
    score, pipeline.score = pipeline.score, Recording(planner.score.network, planner.gripper)
    planner.plan(shown.depth, shown.camera)
    score, pipeline.score = pipeline.score, score
    return score.seen


def gemm_peak(side: int = 1024) -> float:
    """GFLOP/s of one thread's single-precision matrix product."""
    a, b, out = (torch.rand(side, side) for _ in range(3))
    return 2e-9 * side**3 / clocked(lambda: torch.mm(a, b, out=out))


@torch.inference_mode()
def clocked(call: Callable[[], object], repeats: int = 15) -> float:
    """Median CPU time of the calling thread [s]."""
    call()
    took = []
    for _ in range(repeats):
        start = time.thread_time()
        call()
        took.append(time.thread_time() - start)
    return float(np.median(took))


def against_reference(planner: GraspPlanner, pictures: List[Picture], repeats: int, more: int) -> dict:
    """CPU times of plans made in turns, ours and the reference's, with equal counts: `more` times the default's."""
    planner = with_counts(planner, more * planner.options.candidates, more * planner.options.cem.samples)
    reference, cem = ReferencePlanner(planner.gripper), planner.options.cem
    ours, theirs = [], []
    for k in range(repeats):
        shown = pictures[k % len(pictures)]
        start = time.process_time()
        plan = planner.plan(shown.depth, shown.camera)
        between = time.process_time()
        candidates = min(plan.counts["fitting"], planner.options.candidates) * planner.options.depths
        reference.plan(shown.depth, shown.camera, candidates, cem.samples, cem.iterations)
        ours.append(between - start)
        theirs.append(time.process_time() - between)
    ratio = float(np.median(np.array(theirs) / ours))
    a, b = 1e3 * float(np.median(ours)), 1e3 * float(np.median(theirs))
    scored = planner.options.candidates * planner.options.depths + cem.samples * cem.iterations
    print(f"\nup to {scored} crops: reference-style plan {b:.0f} ms of CPU, ours {a:.1f} in turns: {ratio:.0f} times")
    return {"crops": scored, "ours_ms": a, "reference_ms": b, "ratio": ratio, "plans": repeats}


def with_counts(planner: GraspPlanner, candidates: int, samples: int) -> GraspPlanner:
    """The planner with other numbers of candidates and of samples an iteration."""
    sampling = SamplingOptions(pairs=max(planner.options.sampling.pairs, 2 * candidates))
    cem = replace(planner.options.cem, samples=samples)
    options = replace(planner.options, candidates=candidates, sampling=sampling, cem=cem)
    return GraspPlanner(planner.score.network, planner.gripper, options)


def scaling(planner: GraspPlanner, repeats: int) -> Dict[str, List[Tuple[str, float, float]]]:
    """CPU time [ms] and crops scored of plans with more candidates, pixels and objects."""
    tables: Dict[str, List[Tuple[str, float, float]]] = {"candidates": [], "pixels": [], "objects": []}
    pictures = [picture(10, s) for s in range(2)]
    for pairs in PAIRS:
        many = with_counts(planner, pairs, pairs // 2)
        tables["candidates"].append(row(str(2 * pairs), times(many, pictures, repeats)))
    for width, height in SIZES:
        shown = [picture(10, s, scaled(width, height)) for s in range(2)]
        tables["pixels"].append(row(f"{width} x {height}", times(planner, shown, repeats)))
    for objects in OBJECTS:
        shown = [picture(objects, s) for s in range(4)]
        tables["objects"].append(row(str(objects), times(planner, shown, repeats)))
    for name, rows in tables.items():
        print(f"\n{name:>12} {'CPU ms':>8} {'scored':>8}")
        for label, ms, scored in rows:
            print(f"{label:>12} {ms:8.1f} {scored:8.0f}")
    return tables


def row(label: str, measured: dict) -> Tuple[str, float, float]:
    return label, measured["cpu_ms"]["median"], measured["scored"]


def show(result: dict) -> None:
    print(f"network runs in {result['runtime']}")
    for threads, scenes in result["threads"].items():
        for name, m in scenes.items():
            wall, cpu = m["wall_ms"], m["cpu_ms"]
            print(f"\n{name}, {threads} thread(s), {m['scored']:.0f} crops scored, {m['plans']} plans")
            print(
                f"  wall {wall['median']:.1f} ms, p99 {wall['p99']:.1f}; CPU {cpu['median']:.1f}, p99 {cpu['p99']:.1f}"
            )
            print("  " + ", ".join(f"{stage} {ms:.2f}" for stage, ms in m["stages_ms"].items()))
    p = result["parts"]
    print(f"\nsampler {p['sampler_ms']:.2f} ms for {p['pairs']} pairs; a crop {p['crop_us']:.1f} us")
    print(
        f"network {p['network_us']:.1f} us a crop, {p['network_gflops']:.0f} G operations/s, "
        f"{p['network_share_of_gemm']:.0%} of the matrix product's {p['gemm_gflops']:.0f} GFLOP/s in single precision"
    )


if __name__ == "__main__":
    main()
