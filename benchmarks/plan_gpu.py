"""Measures whole plans on a GPU, from the host's image to grasps, beside the targets and the machine's lower bound.

python benchmarks/plan_gpu.py [--compiled] [--dry-run] [--json OUT]
Rendered scenes of ten objects, 640 x 480, without a mask. "plan" is all of GraspPlanner.plan; "launch" leaves out its
checks and the building of its answer. The floor is the sum of bytes over the bus, FLOP over the peak and kernels times
the cost of one that does nothing, all measured in the same run. --compiled also measures the plan by torch.compile.
--dry-run plans once in every way on the CPU and gives no times.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Dict, List

import numpy as np
import torch
from gpu import describe, device_or_exit, kernels_in, machine, wall_microseconds
from scenes import Picture, picture

from antipodal import networks, resources
from antipodal.files import write_json
from antipodal.grasp import Gripper
from antipodal.grasping.antipodal_pairs import SamplingOptions
from antipodal.perception.inputs import check_depth
from antipodal.perception.scene import perceive
from antipodal.planner import GraspPlanner, PlannerOptions
from antipodal.planning.cem import CEMOptions
from antipodal.planning.cuda_graph import GpuPlanner
from antipodal.planning.gpu_pipeline import GpuOptions
from antipodal.planning.request import Request

DEFAULT = PlannerOptions()
MANY = PlannerOptions(candidates=2048, sampling=SamplingOptions(pairs=2048), cem=CEMOptions(iterations=3, samples=4096))
BATCH = 16
TARGETS = {"default": 1000.0, "4096 x 3": 2000.0, "batch of 16": BATCH / 4000 * 1e6}  # median [us]
P99 = 2.0  # times the median, at most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=None)
    parser.add_argument("--compiled", action="store_true")
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    device = device_or_exit(args.dry_run)
    model = args.model or resources.find("models/default.pt")
    pictures = [picture(10, seed) for seed in range(2 if args.dry_run else BATCH)]
    rows = [
        row
        for compiled in ([False, True] if args.compiled else [False])
        for row in run(model, device, pictures, compiled)
    ]
    result: Dict[str, Any] = {"rows": rows, "quality": quality(model, device, pictures)}
    if not args.dry_run:
        result["machine"], limits = describe(), machine()
        result["limits"] = limits
        for row in rows:
            row["floor_us"] = 1e6 * floor(row, limits)
    show(result)
    if args.json:
        write_json(args.json, result)


def run(model: Path, device: torch.device, pictures: List[Picture], compiled: bool) -> List[Dict[str, Any]]:
    """One row of figures for every target."""
    network = networks.load(model, str(device))[0]
    requests = [request(p) for p in pictures]
    kinds = (("default", DEFAULT, requests[:1]), ("4096 x 3", MANY, requests[:1]), ("batch of 16", DEFAULT, requests))
    rows = []
    for name, options, batch in kinds:
        planner = GraspPlanner(network, options=options, device=device)
        planner.gpu_planner = GpuPlanner(network, Gripper(), options, device, GpuOptions(compiled=compiled))
        gpu_planner, camera = planner.gpu_planner, pictures[0].camera
        replies = gpu_planner.plan(batch, camera)
        row = {"name": name, "compiled": compiled, "scored": sum(r.counts["scored"] for r in replies)}
        row.update(work(network, options, batch))
        if device.type == "cuda":
            row["launch"] = wall_microseconds(lambda: gpu_planner.plan(batch, camera))  # noqa: B023
            row["kernels"] = kernels_in(lambda: gpu_planner.plan(batch, camera))  # noqa: B023
            if len(batch) == 1:
                row["plan"] = wall_microseconds(lambda: planner.plan(pictures[0].depth, camera))  # noqa: B023
        rows.append(row)
    return rows


def request(shown: Picture) -> Request:
    """What a GPU is asked for, given this image."""
    scene = perceive(check_depth(shown.depth, shown.camera), shown.camera)
    table = float("inf") if scene.support is None else scene.support.offset
    return Request(scene.depth, scene.graspable, scene.approach, table)


def work(network: torch.nn.Module, options: PlannerOptions, batch: List[Request]) -> Dict[str, float]:
    """Bytes that go up and FLOP of the network, of all plans of a batch."""
    first = min(options.candidates, options.sampling.pairs) * options.depths + GpuOptions.starts
    crops = first + options.cem.iterations * options.cem.samples
    return {"bytes": len(batch) * batch[0].depth.nbytes, "flop": len(batch) * crops * networks.flops(network)}


def floor(row: Dict[str, Any], limits: Dict[str, float]) -> float:
    """Seconds that a plan takes at least, as it is built."""
    moved, computed = row["bytes"] / limits["bytes_per_s"], row["flop"] / limits["flop_per_s"]
    return moved + computed + row["kernels"] * limits["s_per_launch"]


def quality(model: Path, device: torch.device, pictures: List[Picture]) -> Dict[str, float]:
    """Best quality of plans on the device and of the CPU's planner, means over the scenes and the largest loss."""
    on_cpu = GraspPlanner.load(model, device="cpu")
    network = networks.load(model, str(device))[0]
    on_gpu = GraspPlanner(network, device=device)
    on_gpu.gpu_planner = GpuPlanner(network, Gripper(), DEFAULT, device)
    best = np.array([[p.plan(s.depth, s.camera)[0].quality for p in (on_gpu, on_cpu)] for s in pictures])
    return {"device": best[:, 0].mean(), "cpu": best[:, 1].mean(), "worst_loss": (best[:, 1] - best[:, 0]).max()}


def show(result: Dict[str, Any]) -> None:
    for row in result["rows"]:
        name = row["name"] + (", compiled" if row["compiled"] else "")
        if "launch" not in row:
            print(f"{name:24} {row['scored']} grasps scored, {row['flop'] / 1e9:.1f} GFLOP, {row['bytes']} bytes")
            continue
        met = row.get("plan", row["launch"])
        reached = met["median_us"] <= TARGETS[row["name"]] and met["p99_us"] <= P99 * met["median_us"]
        print(
            f"{name:24} {met['median_us']:8.0f} us, p99 {met['p99_us']:.0f}; launch {row['launch']['median_us']:.0f}; "
            f"aim {TARGETS[row['name']]:.0f} {'met' if reached else 'MISSED'}; floor {row['floor_us']:.0f}, "
            f"{met['median_us'] / row['floor_us']:.1f} times it; {row['kernels']} kernels"
        )
    q = result["quality"]
    print(f"best quality, mean: device {q['device']:.4f}, CPU {q['cpu']:.4f}; worst loss {q['worst_loss']:.4f}")


if __name__ == "__main__":
    main()
