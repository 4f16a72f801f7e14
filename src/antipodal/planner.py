"""The grasp planner: a depth image in, ranked grasps out. After Dex-Net 2.0 (Mahler et al., RSS 2017, section IV.C)."""

from __future__ import annotations

import copy
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Collection, Dict, Optional, Sequence, Tuple, Type, Union, cast

import numpy as np
import torch

from antipodal import networks, transforms
from antipodal.camera import Camera
from antipodal.errors import InputError, ModelError, NoGraspFound
from antipodal.grasp import Grasp, Gripper, moved_grasps
from antipodal.grasping.openings import usable_openings
from antipodal.grasping.view_grasps import ViewGrasps, to_camera
from antipodal.networks.dense_net import DenseNet
from antipodal.networks.score import CropScore, PixelScore, make_score
from antipodal.networks.threads import single_threaded_opencv, single_threaded_torch
from antipodal.perception.clouds import cloud_view
from antipodal.perception.depth_view import DepthView
from antipodal.perception.hints import SceneHints
from antipodal.perception.inputs import Region, check_gripper, check_region, check_seed
from antipodal.perception.observe import check_view, check_views, observe
from antipodal.planning import warm_up
from antipodal.planning.approach_cone import Approach, check_approach, turned_approach
from antipodal.planning.cone_pipeline import ConePipeline
from antipodal.planning.cpu_pipeline import CpuPipeline
from antipodal.planning.cuda_graph import GpuPlanner
from antipodal.planning.dense_scan import load_dense
from antipodal.planning.options import PlannerOptions
from antipodal.planning.ranking import centered_in, distinct, likely_enough, tips_in_image
from antipodal.planning.request import Request, along, make_request
from antipodal.planning.result import Clock, Plan, refuse_empty, told_of
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
        self.cone_pipeline: Optional[ConePipeline] = None  # made when the first cone is asked for
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
        with suppress(NoGraspFound, InputError):  # a policy may know one direction alone
            self.plan(depth, warm_up.CAMERA, hints=hints, approach="any")

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
        labels: Optional[np.ndarray] = None,
        targets: Optional[Collection[int]] = None,
        per_object: Optional[int] = None,
        approach: Optional[Approach] = None,
    ) -> Plan:
        """Grasps on what `depth` shows, best first.

        depth: (H, W) float [m] along the optical axis; 0, NaN and Inf are missing. mask: (H, W), nonzero = may be
        grasped; when not given, what stands on the table may. region: a window (u0, v0, width, height) [px], or (H, W)
        bool, in which the grasps' centres lie, whichever of the two says what may be grasped. start: grasps of an
        earlier plan, in the frame of this camera; they are candidates beside the sampled ones. hints: what is known of
        the scene, such as which way is up. trace: filled with what the plan looked at; it changes nothing.

        labels: (H, W) whole numbers in place of a mask, the object that each pixel shows, 0 = none. Each grasp then
        closes on one object alone and has its `label`. targets: labels of the objects that may be grasped, all when not
        given; the rest are obstacles. per_object: at most so many grasps of each label. approach: which way the hand
        comes, in place of the options': "table", "camera", "any", or an ApproachCone. Raises InputError, or
        NoGraspFound with the reason."""
        view = DepthView(depth, camera, mask=mask, labels=labels)
        return self._plan([view], max_grasps, seed, region, start, hints, trace, targets, per_object, approach)

    def plan_views(
        self,
        views: Sequence[Tuple[Any, ...]],
        max_grasps: int = 10,
        seed: int = 0,
        region: Optional[Region] = None,
        start: Optional[Sequence[Grasp]] = None,
        hints: Optional[SceneHints] = None,
        trace: Optional[Trace] = None,
        targets: Optional[Collection[int]] = None,
        per_object: Optional[int] = None,
        approach: Optional[Approach] = None,
    ) -> Plan:
        """Grasps on what several cameras show, best first, with their poses in the frame of the cameras' poses.

        views: 1 to 8, each (depth, camera, pose), and perhaps mask, labels and robot, as `DepthView`; pose: (4, 4) of
        the optical frame. The support is that of the first; what any camera sees is an obstacle and may be grasped,
        unless another sees through it. hints, start, a cone of approaches: in the frame of the poses. A region, and a
        mask of the robot in the hints, are of the first image; the rest as in `plan`. Raises InputError, also where the
        cameras disagree about where things are, or NoGraspFound."""
        checked = check_views(views)
        T_frame_cam = np.asarray(checked[0].T_frame_cam, float)
        known = (hints or SceneHints()).seen_from(T_frame_cam, checked[0].robot)
        earlier = moved_grasps(start or (), transforms.invert(T_frame_cam))
        approach = turned_approach(approach, T_frame_cam)
        plan = self._plan(checked, max_grasps, seed, region, earlier, known, trace, targets, per_object, approach)
        return plan.in_frame(T_frame_cam)

    def plan_cloud(
        self,
        points: np.ndarray,
        viewpoint: Sequence[float] = (0.0, 0.0, 0.0),
        camera: Optional[Camera] = None,
        hints: Optional[SceneHints] = None,
        start: Optional[Sequence[Grasp]] = None,
        approach: Optional[Approach] = None,
        **arguments: Any,
    ) -> Plan:
        """Grasps on what a point cloud shows, best first, with their poses in the cloud's frame.

        points: (H, W, 3) of an organised cloud or (N, 3), float [m], not finite where there is none. viewpoint: (3,)
        where the sensor stood, in the cloud's frame. camera: the one whose optical frame the cloud is in, where it is
        known; else `clouds.cloud_view` finds or makes one. hints, start, a cone of approaches: in the cloud's frame.
        arguments: as in `plan`; images such as a mask are of an organised cloud's shape. Raises InputError or
        NoGraspFound."""
        view = cloud_view(points, viewpoint, camera)
        earlier = moved_grasps(start or (), transforms.invert(view.T_frame_cam))
        known = (hints or SceneHints()).seen_from(view.T_frame_cam)
        arguments["approach"] = turned_approach(approach, view.T_frame_cam)
        return self.plan(view.depth, view.camera, hints=known, start=earlier, **arguments).in_frame(view.T_frame_cam)

    @torch.inference_mode()
    def _plan(
        self,
        views: Sequence[DepthView],
        max_grasps: int,
        seed: int,
        region: Optional[Region],
        start: Optional[Sequence[Grasp]],
        hints: Optional[SceneHints],
        trace: Optional[Trace],
        targets: Optional[Collection[int]],
        per_object: Optional[int],
        approach: Optional[Approach],
    ) -> Plan:
        """Grasps in the frame of the first view's camera; hints, start and a cone of approaches are in it too."""
        if self.device.type == "cuda" and os.getpid() != self._process:
            raise InputError("a planner on a GPU serves only the process that made it, not one forked from it")
        _check_count("max_grasps", max_grasps)
        if per_object is not None:
            _check_count("per_object", per_object)
        check_seed(seed)
        clock, options = Clock(), self.options
        counts: Dict[str, int] = {}
        first, *others = [check_view(view, targets) for view in views]
        camera, depth = first.view.camera, first.view.depth
        narrowest = min(usable_openings(self.gripper, options.openings)) * self.gripper.max_width
        check_gripper(self.gripper, narrowest, camera, depth)
        window = check_region(region, depth)
        approach = check_approach(options.approach if approach is None else approach)
        with single_threaded_torch():
            with clock("table"):
                scene, seen = observe(first, others, hints, seed, options.table, options.segmentation, options.fusion)
            if trace is not None:
                trace.scene = scene
            with told_of(scene, camera):
                request = make_request(scene, window, start or (), counts, seen, first.view.labels)
                request = along(request, approach, scene.support, options.cone.directions)
                if request.cone is not None:
                    ranked, T_cam_view = self._cone_pipeline()(request, camera, seed, counts, clock, trace)
                else:
                    plan = self._plan_on_gpu if self._fits_gpu(request) else self.cpu_pipeline
                    ranked, T_cam_view = plan(request, camera, seed, counts, clock, trace)
        with clock("ranking"), told_of(scene, camera):
            ranked = centered_in(window, ranked, T_cam_view, camera, counts, seen if window is None else ())
            ranked = tips_in_image(ranked, T_cam_view, camera, self.gripper, counts, seen)
            likely = likely_enough(ranked, options.min_quality, counts)
            limits = options.distinct_distance, options.distinct_angle, per_object
            chosen = distinct(likely, T_cam_view, max_grasps, *limits)
            if trace is not None:
                trace.ranked, trace.chosen = likely, chosen
            grasps = to_camera(likely[chosen], T_cam_view, camera)
            candidates = likely[:: max(1, len(likely) // 100)]
        return Plan(grasps, lambda: to_camera(candidates, T_cam_view, camera), counts, clock.times_ms, scene, camera)

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
                if self._crop is not None:
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
        if self.gripper.min_width == 0:
            del counts["wide_enough"]
        refuse_empty(counts, self.options.sampling.friction, self.gripper)
        return reply.grasps, reply.T_cam_view


def _check_count(name: str, count: Any) -> None:
    """Raises InputError where a number of grasps is none."""
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
        raise InputError(f"{name} must be a whole number of at least 1, got {count!r}")


def _restored_planner(cls: Type[GraspPlanner], told: tuple, crop: Optional[Dict[str, Any]]) -> GraspPlanner:
    """A planner of the arguments that it was told, and of what its model file says that the network is fed."""
    planner = cls(*told)
    planner._crop = crop
    if crop is not None:
        planner._use(make_score(cast(networks.GraspNetwork, planner.network), crop, planner.gripper))
    return planner
