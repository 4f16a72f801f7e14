"""Counts the operations of a GPU plan, on the CPU, with and without the Triton kernels.

python benchmarks/operations.py
Each torch operation except views counts once. Some start more than one kernel; torch.compile would fuse many.
A Triton kernel counts once; it runs in Triton's interpreter.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Any, Callable, Iterator, List

os.environ["TRITON_INTERPRET"] = "1"  # read when triton is imported
from contextlib import contextmanager

import torch
from scenes import picture
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

from antipodal import backends, networks, resources
from antipodal.grasp import Gripper
from antipodal.grasping import clearance_triton
from antipodal.networks import crops_triton
from antipodal.networks.score_gpu import FusedScore
from antipodal.perception.inputs import check_depth
from antipodal.perception.scene import perceive
from antipodal.planner import PlannerOptions
from antipodal.planning import cem_gpu, gpu_pipeline, mixture_triton
from antipodal.planning.random_draws import RandomDraws

LAUNCHERS = (
    (crops_triton, "stem_triton"),
    (clearance_triton, "widest_opening_triton"),
    (mixture_triton, "fit_mixture_triton"),
)
STAGES = (
    (gpu_pipeline, "make_view_gpu"),
    (gpu_pipeline, "sample_antipodal_gpu"),
    (gpu_pipeline, "distance_to_centroid_gpu"),
    (gpu_pipeline.GpuPipeline, "_fitting"),
    (cem_gpu, "fit_mixture"),
)


class Operations(TorchDispatchMode):
    """Counts operations that are no views, by the stage that was entered last."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter = Counter()
        self.stages: List[str] = ["rest"]

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if not func.is_view and not name.startswith(("empty", "new_empty", "_unsafe_view", "_reshape_alias")):
            self.counts[self.stages[-1]] += 1
        return made

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self.stages.append(name)
        yield
        self.stages.pop()


def main() -> None:
    options, gripper, shown = PlannerOptions(), Gripper(), picture(10, 0)
    network, _ = networks.load(resources.find("models/default.pt"), device="cpu")
    fixed = gpu_pipeline.GpuPipeline(
        FusedScore(network, gripper), gripper, options, shown.camera, gpu_pipeline.GpuOptions()
    )
    depth = check_depth(shown.depth, shown.camera)
    arrays = map(torch.from_numpy, (depth, perceive(depth, shown.camera).graspable))
    scene = gpu_pipeline.SceneTensors(*arrays, torch.eye(3), torch.tensor(0.7), torch.zeros(16, 8))
    draws = RandomDraws.of_seed(0, options.sampling, options.cem)
    take, operations = backends.uses_triton, Operations()
    for module, name in STAGES:
        setattr(module, name, staged(getattr(module, name), name, operations))
    for module, name in LAUNCHERS:
        setattr(module, name, launched(getattr(module, name), operations))
    for title, used in (("in torch alone", lambda tensor: False), ("with Triton kernels", take)):
        backends.uses_triton = used
        operations.counts.clear()
        with torch.inference_mode(), backends.torch_only(), operations:
            fixed(scene, draws)
        parts = ", ".join(f"{stage} {count}" for stage, count in operations.counts.most_common())
        print(f"{title:20} {sum(operations.counts.values())}: {parts}")


def staged(function: Callable, name: str, operations: Operations) -> Callable:
    def inner(*args: Any, **kwargs: Any) -> Any:
        with operations.stage(name):
            return function(*args, **kwargs)

    return inner


def launched(function: Callable, operations: Operations) -> Callable:
    """The launch counts, the interpreter's own operations do not."""

    def inner(*args: Any, **kwargs: Any) -> Any:
        operations.counts[operations.stages[-1]] += 1
        with _disable_current_modes():
            return function(*args, **kwargs)

    return inner


if __name__ == "__main__":
    main()
