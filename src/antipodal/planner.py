"""The grasp planner: a depth image in, ranked grasps out. After Dex-Net 2.0 (Mahler et al., RSS 2017, section IV.C)."""

from __future__ import annotations

import copy
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Optional, Tuple, Type, Union, cast

import numpy as np
import torch

from antipodal import networks
from antipodal.backends import keep_freed_memory
from antipodal.camera import Camera
from antipodal.errors import InputError, ModelError
from antipodal.grasp import JAWS, Gripper, Hand
from antipodal.grasping.openings import usable_openings
from antipodal.grasping.view_grasps import ViewGrasps
from antipodal.networks.dense_net import DenseNet
from antipodal.networks.pick_calibration import PickCalibration
from antipodal.networks.score import CropScore, PixelScore, make_score
from antipodal.networks.threads import single_threaded_opencv, single_threaded_torch
from antipodal.perception.inputs import check_gripper
from antipodal.planning.approach_cone import check_approach
from antipodal.planning.asked import Asked, check_kind
from antipodal.planning.cone_pipeline import ConePipeline
from antipodal.planning.cpu_pipeline import CpuPipeline
from antipodal.planning.cuda_graph import GpuPlanner
from antipodal.planning.dense_scan import load_dense
from antipodal.planning.image_planner import Chosen, ImagePlanner
from antipodal.planning.options import PlannerOptions
from antipodal.planning.ranking import apart_from_failed, centered_in, tips_in_image
from antipodal.planning.request import Request, along, apart_from, make_request
from antipodal.planning.result import Clock, Plan, refuse_empty, told_of
from antipodal.planning.suction_options import SuctionOptions
from antipodal.planning.trace import Trace


class GraspPlanner(ImagePlanner):
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
        keep_freed_memory()
        check_kind("gripper", gripper, Gripper)
        check_kind("options", options, PlannerOptions)
        self.network = network
        self.dense = dense
        self.gripper = gripper or Gripper()
        self.options = options or PlannerOptions()
        self.device = torch.device(device)
        if self.options.policy == "dense" and dense is None:
            raise ModelError("the policy 'dense' needs a dense network; GraspPlanner.load reads it")
        self._process = os.getpid()
        self._file: Dict[str, Any] = {}  # what the network is fed and how it is calibrated, where a model file told
        self.calibration = PickCalibration()
        self._use(CropScore(network, self.gripper))

    def __reduce__(self) -> tuple:
        """Pickled as the network and what it was told; compiled and recorded anew where it is unpickled."""
        told = (self.network, self.gripper, self.options, str(self.device), self.dense)
        return _restored_planner, (type(self), told, self._file)

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
        scans = isinstance(options, PlannerOptions) and options.policy == "dense"
        dense = load_dense(Path(model).with_name("dense.pt"), chosen) if scans else None
        return _restored_planner(cls, (network, gripper, options, chosen, dense), meta)

    def _use(self, score: Union[CropScore, PixelScore]) -> None:
        """Rank grasps by this score; on a GPU by a recorded graph, which knows sampled pairs and metric crops alone."""
        self.score: Union[CropScore, PixelScore] = score
        self.cpu_pipeline = CpuPipeline(score, self.gripper, self.options, self.device, self.dense)
        self.cone_pipeline: Optional[ConePipeline] = None  # made when the first cone is asked for
        self.gpu_planner: Optional[GpuPlanner] = None
        if self.device.type == "cuda" and isinstance(score, CropScore) and self.dense is None:
            self.gpu_planner = GpuPlanner(self.network, self.gripper, self.options, self.device)

    def tune(self, options: PlannerOptions, gripper: Optional[Gripper] = None) -> None:
        """Plan with other options from now on, and for another gripper where one is given; a graph on a GPU is recorded
        anew by the next plan."""
        self.options, self.gripper = options, gripper or self.gripper
        if gripper is not None:
            self.calibration = PickCalibration.of_model(self._file, gripper.name)
        self._use(self.score.for_gripper(self.gripper))

    @torch.inference_mode()
    def plan_asked(self, asked: Asked) -> Plan:
        """Grasps in the frame of the first view's camera. Raises InputError or NoGraspFound."""
        if self.device.type == "cuda" and os.getpid() != self._process:
            raise InputError("a planner on a GPU serves only the process that made it, not one forked from it")
        clock, options, trace = Clock(), self.options, asked.trace
        counts: Dict[str, int] = {}
        camera = asked.camera
        narrowest = min(usable_openings(self.gripper, options.openings)) * self.gripper.max_width
        approach = check_approach(options.approach if asked.approach is None else asked.approach)
        with single_threaded_torch():
            with clock("table"):
                scene, seen = asked.observed(options.table, options.segmentation, options.fusion)
            check_gripper(self.gripper, narrowest, camera, scene.depth)
            with told_of(scene, camera):
                start = [g for g in asked.start if g.kind == JAWS]
                request = make_request(scene, asked.window, start, counts, seen, asked.labels)
                failed = [g for g in asked.avoid if g.kind == JAWS]
                request = apart_from(request, failed, camera, counts)
                request = along(request, approach, scene.support, options.cone.directions)
                if request.cone is not None:
                    ranked, T_cam_view = self._cone_pipeline()(request, camera, asked.seed, counts, clock, trace)
                else:
                    plan = self._plan_on_gpu if self._fits_gpu(request) else self.cpu_pipeline
                    ranked, T_cam_view = plan(request, camera, asked.seed, counts, clock, trace)
        with clock("ranking"), told_of(scene, camera):
            calibration = self.calibration.beside(ranked.quality)
            ranked = replace(ranked, quality=calibration(ranked.quality))
            if trace is not None:
                trace.calibrate(calibration)
            ranked = apart_from_failed(ranked, T_cam_view, failed, counts)
            ranked = centered_in(asked.window, ranked, T_cam_view, camera, counts, asked.beside(seen))
            ranked = tips_in_image(ranked, T_cam_view, request.views(camera), self.gripper, counts)
            chosen = Chosen(ranked, T_cam_view, asked, options, counts)
        return chosen.plan(scene, clock, self.gripper.name)

    @property
    def hands(self) -> Tuple[Hand, ...]:
        """What it plans for."""
        return (self.gripper,)

    def use_options(self, jaws: PlannerOptions, suction: SuctionOptions) -> None:
        """Plan with other options from now on, those for jaws."""
        if jaws != self.options:
            self.tune(jaws)

    def _fits_gpu(self, request: Request) -> bool:
        """Whether the graph on a GPU knows all that is asked for; the CPU plans the rest."""
        return self.gpu_planner is not None and request.labels is None and not request.others

    def _cone_pipeline(self) -> ConePipeline:
        """What plans over cones: on the CPU, whatever the device. Raises InputError for a model or a policy that knows
        one direction alone."""
        if not isinstance(self.score, CropScore):
            raise InputError("this model sees the camera's own image: it plans along one direction; approach: 'camera'")
        if self.options.policy == "dense":
            raise InputError("the policy 'dense' scans along one direction; for a cone of approaches use 'sample'")
        if self.cone_pipeline is None:
            upright = self.cpu_pipeline
            if self.device.type != "cpu":
                network = copy.deepcopy(self.network).cpu()
                if self._file:
                    network = networks.for_planning(cast(networks.GraspNetwork, network))
                upright = CpuPipeline(CropScore(network, self.gripper), self.gripper, self.options, torch.device("cpu"))
            self.cone_pipeline = ConePipeline(upright)
        return self.cone_pipeline

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
        refuse_empty(counts, self.options.sampling.friction, self.gripper)
        return reply.grasps, reply.T_cam_view


def _restored_planner(cls: Type[GraspPlanner], told: tuple, meta: Dict[str, Any]) -> GraspPlanner:
    """A planner of the arguments that it was told, and of what its model file says, if it came from one."""
    planner = cls(*told)
    if meta:
        planner._file = {name: meta[name] for name in ("crop", "picks") if name in meta}
        planner.calibration = PickCalibration.of_model(meta, planner.gripper.name)
        planner._use(make_score(cast(networks.GraspNetwork, planner.network), meta["crop"], planner.gripper))
    return planner
