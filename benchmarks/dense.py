"""Compares the dense and the sampling policy: ranking of held-out grasps, time of a scan, quality in equal time.

python benchmarks/dense.py --data SHARDS [--dense models/dense.pt] [--model models/default.pt] [--json OUT]
Times are CPU time of one thread. Both networks rank the same samples of objects that were held out of both trainings;
intervals are 95 %, bootstrapped over objects. Quality is the crop network's P(success)
of the best grasp, which both policies maximise, in the same scenes.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import numpy as np
import torch
from scenes import picture

from antipodal import networks, resources
from antipodal.files import write_json
from antipodal.grasping.antipodal_pairs import SamplingOptions
from antipodal.grasping.balance import distance_to_centroid
from antipodal.networks import quantised
from antipodal.networks.dense_net import DenseNet
from antipodal.perception.view import View
from antipodal.planner import GraspPlanner, PlannerOptions
from antipodal.planning import dense_scan
from antipodal.planning.cem import CEMOptions
from antipodal.planning.dense_scan import DenseOptions
from antipodal.training.metrics import roc_auc
from antipodal.training.samples import open_folders, split_by_object

BUDGETS = {  # pairs or peaks, samples and iterations of the refinement
    "no refinement": (40, 0, 0),
    "short": (60, 32, 1),
    "as by default": (PlannerOptions().sampling.pairs, CEMOptions().samples, CEMOptions().iterations),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=None)
    parser.add_argument("--dense", type=Path, default=None)
    parser.add_argument("--data", nargs="+", required=True)
    parser.add_argument("--samples", type=int, default=20_000)
    parser.add_argument("--scenes", type=int, default=12)
    parser.add_argument("--objects", type=int, default=5)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = args.model or resources.find("models/default.pt")
    path = args.dense or resources.find("models/dense.pt")
    result: Dict[str, Any] = {"ranking": ranking(model, path, args.data, args.samples)}
    planners = make_planners(model, path)
    result["scan"] = scans(planners["dense"], args.objects)
    result["runtimes"] = runtimes(planners["dense"], args.objects)
    result["plans"] = plans(planners, args.scenes, args.objects)
    if args.json:
        write_json(args.json, result)


@torch.inference_mode()
def ranking(model: Path, path: Path, data: List[str], count: int) -> List[dict]:
    """AUC of both networks on the same samples of the test part."""
    samples = open_folders(data)
    test = split_by_object(samples, seed=0).test
    batch = samples.__getitems__(np.random.default_rng(0).permutation(test)[:count])
    rows, success = [], batch["labels"].numpy() >= 0.5
    for file in (model, path):
        network, _ = networks.load(file, device="cpu")
        columns = [batch["conditions"], batch["heights"][:, None]][: network.conditions - 3]
        conditions = torch.cat(columns, dim=1)
        start = time.thread_time()
        parts = zip(batch["crops"].split(512), conditions.split(512))
        logits = torch.cat([network(c, k) for c, k in parts]).numpy()
        rate = len(logits) / (time.thread_time() - start)
        auc, low, high = with_interval(success, logits, batch["objects"].numpy())
        rows.append({"model": file.name, "samples": len(logits), "auc": auc, "low": low, "high": high, "rate": rate})
        print(f"{file.name:12} AUC {auc:.4f} [{low:.4f}, {high:.4f}] of {len(logits):,} samples, {rate:,.0f} a second")
    return rows


def with_interval(success: np.ndarray, logits: np.ndarray, objects: np.ndarray) -> Tuple[float, float, float]:
    """AUC and its 95 % interval by the bootstrap over objects."""
    rng, names = np.random.default_rng(0), np.unique(objects)
    members = [np.flatnonzero(objects == name) for name in names]
    drawn = []
    for _ in range(200):
        index = np.concatenate([members[k] for k in rng.integers(len(names), size=len(names))])
        drawn.append(roc_auc(success[index], logits[index]))
    return roc_auc(success, logits), *np.quantile(drawn, [0.025, 0.975])


def make_planners(model: Path, path: Path) -> Dict[str, GraspPlanner]:
    sampling = GraspPlanner.load(model, device="cpu")
    scanner = dense_scan.load_dense(path, torch.device("cpu"))
    options = PlannerOptions(policy="dense")
    return {"sample": sampling, "dense": GraspPlanner(sampling.network, options=options, dense=scanner)}


@torch.inference_mode()
def scans(planner: GraspPlanner, objects: int) -> List[dict]:
    """Candidates and CPU time of scans of one object and of several."""
    rows = []
    for count in (1, objects):
        view = view_of(planner, count)
        cost, openings = distance_to_centroid(view), planner.options.openings
        arguments = (planner.dense, view, planner.gripper, openings, cost, planner.options.dense)
        scanned = dense_scan.scan(*arguments)
        heights = dense_scan.height_images(view, scanned.frames, planner.gripper)
        conditions = torch.rand(len(openings), 4)
        steps: Dict[str, Callable[[], object]] = {
            "network_ms": lambda: planner.dense.scan(heights, conditions),  # noqa: B023
            "propose_ms": lambda: dense_scan.propose_by_scan(*arguments),  # noqa: B023
        }
        row = {"objects": count, "pixels": scanned.frames.size, "candidates": scanned.candidates}
        row["scored"] = scanned.logits.numel()
        rows.append({**row, **{name: cpu_ms(step) for name, step in steps.items()}})
        print(", ".join(f"{k} {v:,.1f}" if isinstance(v, float) else f"{k} {v:,}" for k, v in rows[-1].items()))
    return rows


@torch.inference_mode()
def runtimes(planner: GraspPlanner, objects: int) -> List[dict]:
    """CPU time of the network alone on a scene's height images, one opening, by each runtime that is installed, and
    how far its P(success) is from torch's."""
    view = view_of(planner, objects)
    frames = dense_scan.turned_images(view, planner.gripper, planner.options.dense.angles)
    inputs = dense_scan.height_images(view, frames, planner.gripper), torch.tensor([[1.0, 0.12, 0.26, 0.7]])
    network = Scan(planner.dense)
    exact = torch.sigmoid(network(*inputs))
    rows = [{"runtime": "torch", "candidates": exact.numel(), "ms": cpu_ms(lambda: network(*inputs)), "error": 0.0}]
    try:
        import openvino
    except ImportError:
        print("OpenVINO is not installed: torch alone is measured")
        openvino = None
    for bits in (32, 8) if openvino else ():
        run = compiled(openvino, network, inputs, bits)
        wrong = float((torch.sigmoid(torch.from_numpy(run()).view_as(exact)) - exact).abs().mean())
        rows.append(
            {"runtime": f"OpenVINO {bits} bits", "candidates": exact.numel(), "ms": cpu_ms(run), "error": wrong}
        )
    for row in rows:
        print(
            "{runtime:16} {candidates:,} candidates in {ms:.1f} ms, P(success) off by {error:.4f} on average".format(
                **row
            )
        )
    return rows


class Scan(torch.nn.Module):
    """A dense network as a module that maps images and conditions to logits."""

    def __init__(self, network: DenseNet):
        super().__init__()
        self.network = network

    def forward(self, heights: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
        return self.network.scan(heights, conditions)[0]


def compiled(openvino: Any, network: Scan, inputs: Tuple[torch.Tensor, ...], bits: int) -> Callable[[], np.ndarray]:
    """A call of the network on one thread of OpenVINO; 8 bits are calibrated on the inputs themselves."""
    shapes, arrays = [list(i.shape) for i in inputs], [i.numpy() for i in inputs]
    model = openvino.convert_model(network, example_input=inputs, input=shapes)
    if bits == 8:
        layers = [op for op in model.get_ordered_ops() if quantised._is_convolution(op)]
        outputs = openvino.Model([op.input_value(0) for op in layers], model.get_parameters())
        seen = openvino.Core().compile_model(outputs, "CPU")(arrays)
        for k, op in enumerate(layers):
            quantised._round_layer(openvino, op, float(seen[k].min()), float(seen[k].max()))
    options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": 1}
    request = openvino.Core().compile_model(model, "CPU", options).create_infer_request()

    def run() -> np.ndarray:
        request.infer(arrays)
        return request.get_output_tensor(0).data

    return run


def view_of(planner: GraspPlanner, objects: int) -> View:
    """The view that the planner makes of a scene."""
    made: List[View] = []
    pipeline = planner.cpu_pipeline
    make = pipeline._view
    pipeline._view = lambda *a: made.append(make(*a)) or made[-1]  # type: ignore[method-assign,func-returns-value]
    scene = picture(objects, seed=1)
    planner.plan(scene.depth, scene.camera)
    del pipeline._view  # the class's own again
    return made[0]


def cpu_ms(step: Callable[[], object], repeats: int = 7) -> float:
    """Median CPU time of one call [ms], after one to warm up."""
    step()
    times = []
    for _ in range(repeats):
        start = time.thread_time()
        step()
        times.append(1e3 * (time.thread_time() - start))
    return float(np.median(times))


def plans(planners: Dict[str, GraspPlanner], scenes: int, objects: int) -> List[dict]:
    """CPU time of whole plans and the quality of their best grasp, for several budgets of both policies."""
    pictures = [picture(objects, seed) for seed in range(scenes)]
    rows = []
    for name, planner in planners.items():
        planner.warm_up()
        for budget, (starts, samples, iterations) in BUDGETS.items():
            planner.tune(
                replace(
                    planner.options,
                    sampling=SamplingOptions(pairs=starts),
                    dense=DenseOptions(proposals=starts),
                    cem=CEMOptions(samples=max(1, samples), iterations=iterations),
                )
            )
            odds, times = zip(*(best_of(planner, p, seed) for seed, p in enumerate(pictures)))
            row = {"policy": name, "budget": budget, "ms": float(np.median(times)), "log_odds": float(np.mean(odds))}
            row["standard_error"] = float(np.std(odds) / np.sqrt(scenes))
            rows.append(row)
            spread = f"log odds {row['log_odds']:.2f} +- {row['standard_error']:.2f}"
            print(f"{name:7} {budget:14} {row['ms']:6.1f} ms, {spread}")
    return rows


def best_of(planner: GraspPlanner, scene: Any, seed: int) -> Tuple[float, float]:
    """Log odds of the best grasp of a plan, and its CPU time [ms]."""
    start = time.thread_time()
    quality = planner.plan(scene.depth, scene.camera, seed=seed)[0].quality
    spent = 1e3 * (time.thread_time() - start)
    quality = min(max(quality, 1e-6), 1 - 1e-6)
    return float(np.log(quality / (1 - quality))), spent


if __name__ == "__main__":
    main()
