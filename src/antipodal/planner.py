"""The grasp planner: a depth image in, ranked grasps out. After Dex-Net 2.0 (Mahler et al., RSS 2017, section IV.C)."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, Optional, Sequence, Tuple, Type, Union, cast

import numpy as np
import torch

from antipodal import networks
from antipodal.camera import Camera
from antipodal.errors import InputError, ModelError, NoGraspFound
from antipodal.grasp import Grasp, Gripper
from antipodal.grasping.openings import usable_openings
from antipodal.grasping.view_grasps import ViewGrasps, to_camera
from antipodal.networks.dense_net import DenseNet
from antipodal.networks.score import CropScore, PixelScore, make_score
from antipodal.networks.threads import single_threaded_opencv, single_threaded_torch
from antipodal.perception.hints import SceneHints
from antipodal.perception.inputs import Region, check_depth, check_gripper, check_mask, check_region, check_seed
from antipodal.perception.scene import Scene, perceive, why_nothing
from antipodal.perception.table import AHEAD
from antipodal.planning import warm_up
from antipodal.planning.cpu_pipeline import CpuPipeline
from antipodal.planning.cuda_graph import GpuPlanner
from antipodal.planning.dense_scan import load_dense
from antipodal.planning.options import PlannerOptions
from antipodal.planning.ranking import centered_in, distinct, likely_enough
from antipodal.planning.request import Request
from antipodal.planning.result import Clock, Plan, refuse_empty
from antipodal.planning.trace import Trace


class GraspPlanner:
    """Plans parallel-jaw grasps with one network and one gripper."""

    def __init__(
        self,
        network: torch.nn.Module,
        gripper: Optional[Gripper] = None,
        options: Optional[PlannerOptions] = None,
        device: Union[str, torch.device] = "cpu",
        dense: Optional[DenseNet] = None,
    ):
        """network: maps crops (N, 1, 32, 32) and conditions (N, 4) to logits (N,), see crops.py; on `device`, as is
        `dense`, which the policy "dense" needs. Sets OpenCV to one thread in this process."""
        single_threaded_opencv()
        self.network = network
        self.dense = dense
        self.gripper = gripper or Gripper()
        self.options = options or PlannerOptions()
        self.device = torch.device(device)
        if self.options.policy == "dense" and dense is None:
            raise ModelError("the policy 'dense' needs a dense network; GraspPlanner.load reads it")
        self._process = os.getpid()
        self._crop: Optional[Dict[str, Any]] = None  # what the network is fed, where a model file told
        self._use(CropScore(network, self.gripper))

    def __reduce__(self) -> tuple:
        """Pickled as the network and what it was told; compiled and recorded anew where it is unpickled."""
        told = (self.network, self.gripper, self.options, str(self.device), self.dense)
        return _restored_planner, (type(self), told, self._crop)

    @classmethod
    def load(
        cls,
        model: Union[str, Path],
        gripper: Optional[Gripper] = None,
        device: str = "auto",
        options: Optional[PlannerOptions] = None,
    ) -> GraspPlanner:
        """The planner with the network of a model file. Raises ModelError when the file is no model that it can feed.

        device: "auto" (CUDA where there is one), "cpu", "cuda" or "cuda:N". The policy "dense" reads `dense.pt` beside
        the model.
        """
        chosen = networks.pick_device(device)
        network, meta = networks.load(model, device=str(chosen))
        scans = options is not None and options.policy == "dense"
        dense = load_dense(Path(model).with_name("dense.pt"), chosen) if scans else None
        return _restored_planner(cls, (network, gripper, options, chosen, dense), meta["crop"])

    def _use(self, score: Union[CropScore, PixelScore]) -> None:
        """Rank grasps by this score; on a GPU by a recorded graph, which knows sampled pairs and metric crops alone."""
        self.score: Union[CropScore, PixelScore] = score
        self.cpu_pipeline = CpuPipeline(score, self.gripper, self.options, self.device, self.dense)
        self.gpu_planner: Optional[GpuPlanner] = None
        if self.device.type == "cuda" and isinstance(score, CropScore) and self.dense is None:
            self.gpu_planner = GpuPlanner(self.network, self.gripper, self.options, self.device)

    def tune(self, options: PlannerOptions, gripper: Optional[Gripper] = None) -> None:
        """Plan with other options from now on, and for another gripper where one is given; a graph on a GPU is recorded
        anew by the next plan."""
        self.options, self.gripper = options, gripper or self.gripper
        self._use(self.score.for_gripper(self.gripper))

    def warm_up(self) -> None:
        """Plan in a few pictures, so that what is compiled or loaded at first use delays no later plan."""
        for depth, hints in warm_up.pictures():  # more than one: torch compiles for a shape when it meets it again
            with suppress(NoGraspFound, InputError):  # a gripper may be too large or too small for the box in them
                self.plan(depth, warm_up.CAMERA, hints=hints)

    @torch.inference_mode()
    def plan(
        self,
        depth: np.ndarray,
        camera: Camera,
        mask: Optional[np.ndarray] = None,
        max_grasps: int = 10,
        seed: int = 0,
        region: Optional[Region] = None,
        start: Optional[Sequence[Grasp]] = None,
        hints: Optional[SceneHints] = None,
        trace: Optional[Trace] = None,
    ) -> Plan:
        """Grasps on what `depth` shows, best first.

        depth: (H, W) float [m] along the optical axis; 0, NaN and Inf are missing. mask: (H, W), nonzero = may be
        grasped; when not given, what stands on the table may. region: a window (u0, v0, width, height) [px], or (H, W)
        bool, in which the grasps' centres lie, whichever of the two says what may be grasped. start: grasps of an
        earlier plan, in the frame of this camera; they are candidates beside the sampled ones. hints: what is known of
        the scene, such as which way is up. trace: filled with what the plan looked at; it changes nothing. Raises
        InputError, or NoGraspFound with the reason.
        """
        if self.device.type == "cuda" and os.getpid() != self._process:
            raise InputError("a planner on a GPU serves only the process that made it, not one forked from it")
        if not isinstance(max_grasps, (int, np.integer)) or max_grasps < 1:
            raise InputError(f"max_grasps must be a whole number of at least 1, got {max_grasps!r}")
        check_seed(seed)
        clock = Clock()
        counts: Dict[str, int] = {}
        depth = check_depth(depth, camera)
        narrowest = min(usable_openings(self.gripper, self.options.openings)) * self.gripper.max_width
        check_gripper(self.gripper, narrowest, camera, depth)
        mask, window = check_mask(mask, depth), check_region(region, depth)
        plan = self.cpu_pipeline if self.gpu_planner is None else self._plan_on_gpu
        with single_threaded_torch():
            with clock("table"):
                scene = perceive(depth, camera, mask, hints, seed, self.options.table, self.options.segmentation)
                if trace is not None:
                    trace.scene = scene
                request = self._request(scene, window, start or (), counts)
            ranked, T_cam_view = plan(request, camera, seed, counts, clock, trace)
        with clock("ranking"):
            ranked = centered_in(window, ranked, T_cam_view, camera, counts)
            likely = likely_enough(ranked, self.options.min_quality, counts)
            chosen = distinct(likely, max_grasps, self.options.distinct_distance, self.options.distinct_angle)
            if trace is not None:
                trace.ranked, trace.chosen = likely, chosen
            grasps = to_camera(likely[chosen], T_cam_view, camera)
            candidates = likely[:: max(1, len(likely) // 100)]
        return Plan(grasps, lambda: to_camera(candidates, T_cam_view, camera), counts, clock.times_ms, scene)

    def _request(
        self, scene: Scene, window: Optional[np.ndarray], start: Sequence[Grasp], counts: Dict[str, int]
    ) -> Request:
        """What is planned for: the graspable pixels of the window. Raises NoGraspFound where it has none."""
        graspable = scene.graspable if window is None else scene.graspable & window
        counts["pixels"] = int(np.count_nonzero(graspable))
        if counts["pixels"] == 0 and scene.graspable.any():
            before = int(np.count_nonzero(scene.graspable))
            raise NoGraspFound(f"0 of {before} graspable pixels lie in the region", counts)
        if counts["pixels"] == 0:
            raise NoGraspFound(why_nothing(scene), {**counts, **scene.counts})
        if scene.support is None or self.options.approach == "camera":
            return Request(scene.depth, graspable, AHEAD, float("inf"), start)
        return Request(scene.depth, graspable, scene.support.normal, scene.support.offset, start)

    def _plan_on_gpu(
        self,
        request: Request,
        camera: Camera,
        seed: int,
        counts: Dict[str, int],
        clock: Clock,
        trace: Optional[Trace] = None,
    ) -> Tuple[ViewGrasps, np.ndarray]:
        """As the CPU pipeline, by one launch on the GPU, which leaves no trace."""
        assert self.gpu_planner is not None
        with clock("device"):
            reply = self.gpu_planner.plan([request], camera, seed)[0]
        counts.update(reply.counts)
        if self.gripper.min_width == 0:
            del counts["wide_enough"]
        refuse_empty(counts, self.options.sampling.friction, self.gripper)
        return reply.grasps, reply.T_cam_view


def _restored_planner(cls: Type[GraspPlanner], told: tuple, crop: Optional[Dict[str, Any]]) -> GraspPlanner:
    """A planner of the arguments that it was told, and of what its model file says that the network is fed."""
    planner = cls(*told)
    planner._crop = crop
    if crop is not None:
        planner._use(make_score(cast(networks.GraspNetwork, planner.network), crop, planner.gripper))
    return planner
