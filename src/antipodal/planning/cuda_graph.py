"""Plans on a GPU by CUDA graphs: one launch uploads a scene, plans and brings the reply back."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, fields
from typing import Callable, Dict, List, Optional, Sequence

import numpy as np
import torch

from antipodal import backends
from antipodal.camera import Camera
from antipodal.errors import InputError
from antipodal.grasp import Gripper
from antipodal.grasping.view_grasps import ViewGrasps
from antipodal.networks.score_gpu import FusedScore
from antipodal.perception.view import look_along
from antipodal.planning.gpu_pipeline import COUNTS, ROW, GpuOptions, GpuPipeline, SceneTensors
from antipodal.planning.options import PlannerOptions
from antipodal.planning.random_draws import RandomDraws
from antipodal.planning.request import Request

MAX_GRAPHS = 4  # graphs, each with its memory: of the cameras and batch sizes that came last


@dataclass(frozen=True)
class Reply:
    """What a plan brought back to main memory."""

    T_cam_view: np.ndarray  # (4, 4)
    counts: Dict[str, int]  # how many survived each stage, by the names in gpu_pipeline.COUNTS
    grasps: ViewGrasps  # best first, on the CPU


class GpuPlanner:
    """Plans with one network and one gripper where the network lies; on a CPU without a graph, slowly."""

    def __init__(
        self,
        network: torch.nn.Module,
        gripper: Gripper,
        options: PlannerOptions,
        device: torch.device,
        sizes: GpuOptions = GpuOptions(),
    ):
        self.score = FusedScore(network, gripper)
        self.gripper, self.options, self.device, self.sizes = gripper, options, device, sizes
        self._recorded: Dict[tuple, RecordedGraph] = {}  # the one used last comes last

    @torch.inference_mode()
    def plan(self, requests: Sequence[Request], camera: Camera, seed: int = 0) -> List[Reply]:
        """The replies to requests for images of one camera, planned beside each other.

        The first call for a camera and a number of requests records a graph, which takes a second or more. Raises
        InputError for a cone of approaches, which the CPU plans.
        """
        if any(request.cone is not None for request in requests):
            raise InputError("a cone of approaches was asked of the GPU pipeline, which plans along one direction")
        with torch.cuda.device(self.device) if self.device.type == "cuda" else nullcontext():
            return self._recording(requests, camera).run(requests, seed)

    def _recording(self, requests: Sequence[Request], camera: Camera) -> RecordedGraph:
        """What plans for so many requests, made where it is missing; the one used longest ago is dropped."""
        key = (camera, len(requests))
        if key not in self._recorded:
            plan = GpuPipeline(self.score, self.gripper, self.options, camera, self.sizes)
            self._recorded[key] = RecordedGraph(plan, self._scene(camera), len(requests), self.device)
        self._recorded[key] = self._recorded.pop(key)
        while len(self._recorded) > MAX_GRAPHS:
            del self._recorded[next(iter(self._recorded))]
        return self._recorded[key]

    def _scene(self, camera: Camera) -> SceneTensors:
        """A scene of nothing, whose tensors have the right shapes."""
        shape = (camera.height, camera.width)
        nowhere, start = torch.zeros(shape, dtype=torch.bool), torch.zeros(self.sizes.starts, 8)
        return SceneTensors(torch.zeros(shape), nowhere, torch.eye(3), torch.tensor(float("inf")), start)


class RecordedGraph:
    """A plan of some scenes at once, with the places that its inputs are read from and its replies written to."""

    def __init__(self, plan: GpuPipeline, scene: SceneTensors, count: int, device: torch.device):
        self.options, self.device, self.seed = plan.options, device, 0
        self.plan = torch.compile(plan, fullgraph=True) if plan.sizes.compiled else plan
        options = plan.options
        self.draws = RandomDraws.of_seed(0, options.sampling, options.cem).to(device)
        self.pinned = [_pinned(scene, device) for _ in range(count)]
        self.scenes = [_map(g, lambda t: t.to(device)) for g in self.pinned]
        self.replies: List[torch.Tensor] = []
        self.graph: Optional[torch.cuda.CUDAGraph] = None
        if device.type == "cuda":
            self._record()

    def run(self, requests: Sequence[Request], seed: int) -> List[Reply]:
        if seed != self.seed:
            options = self.options
            self.draws.copy_(RandomDraws.of_seed(seed, options.sampling, options.cem))
            self.seed = seed
        for pinned, request in zip(self.pinned, requests):
            _fill_scene(pinned, request)
        if self.graph is None:
            self.replies = self._step()
        else:
            self.graph.replay()
            torch.cuda.current_stream(self.device).synchronize()
        return [_unpack_reply(reply) for reply in self.replies]

    def _step(self) -> List[torch.Tensor]:
        """The replies to every scene."""
        return [self._one(pinned, scene) for pinned, scene in zip(self.pinned, self.scenes)]

    def _one(self, pinned: SceneTensors, scene: SceneTensors) -> torch.Tensor:
        for f in fields(SceneTensors):
            getattr(scene, f.name).copy_(getattr(pinned, f.name), non_blocking=True)
        with backends.torch_only():
            return self.plan(scene, self.draws)

    def _record(self) -> None:
        """Record the graph, after runs without it in which kernels are compiled and libraries make their workspaces."""
        main, sides = torch.cuda.Stream(self.device), [torch.cuda.Stream(self.device) for _ in self.scenes]
        main.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(main):
            for _ in range(3):
                example = self._one(self.pinned[0], self.scenes[0])
        main.synchronize()
        self.replies = [torch.empty(example.shape, pin_memory=True) for _ in self.scenes]
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph, stream=main):
            for side, pinned, scene, reply in zip(sides, self.pinned, self.scenes, self.replies):
                side.wait_stream(main)
                with torch.cuda.stream(side):
                    reply.copy_(self._one(pinned, scene), non_blocking=True)
            for side in sides:
                main.wait_stream(side)


def _map(scene: SceneTensors, change: Callable[[torch.Tensor], torch.Tensor]) -> SceneTensors:
    """The scene with every tensor changed."""
    return SceneTensors(**{f.name: change(getattr(scene, f.name)) for f in fields(SceneTensors)})


def _pinned(scene: SceneTensors, device: torch.device) -> SceneTensors:
    """A copy of the scene that the device may read at any time."""
    return _map(scene, lambda t: t.clone().pin_memory() if device.type == "cuda" else t.clone())


def _fill_scene(pinned: SceneTensors, request: Request) -> None:
    """Take over a request's arrays."""
    pinned.depth.numpy()[:] = request.depth
    pinned.graspable.numpy()[:] = request.graspable
    pinned.rotation.numpy()[:] = look_along(request.approach)[:3, :3]
    pinned.table.fill_(request.table)
    rows = pinned.start.numpy()
    rows[:] = 0
    for row, grasp in zip(rows, request.start):
        row[:3], row[3:6], row[6:] = grasp.T_cam_grasp[:3, 3], grasp.T_cam_grasp[:3, 1], (grasp.width, 1)


def _unpack_reply(packed: torch.Tensor) -> Reply:
    """The parts of a reply as GpuPipeline packs them."""
    flat = packed.numpy()
    T_cam_view = np.eye(4)
    T_cam_view[:3, :3] = flat[:9].reshape(3, 3)
    counts = dict(zip(COUNTS, flat[9 : 9 + len(COUNTS)].astype(int).tolist()))
    rows = torch.from_numpy(flat[9 + len(COUNTS) :].reshape(-1, ROW).copy())
    rows = rows[torch.isfinite(rows[:, 5])]
    return Reply(T_cam_view, counts, ViewGrasps(rows[:, :3], *rows[:, 3:].unbind(1)))
