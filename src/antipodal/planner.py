"""The grasp planner: a depth image in, ranked grasps out. After Dex-Net 2.0 (Mahler et al., RSS 2017, section IV.C)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Dict, Optional, Sequence, Tuple, Union

import numpy as np
import torch

from antipodal import networks
from antipodal.architectures import DenseNet
from antipodal.balance import distance_to_middle
from antipodal.camera import Camera
from antipodal.cem import maximise
from antipodal.clearance import Clearance
from antipodal.clock import Clock
from antipodal.dense import load_dense, propose
from antipodal.device.planner import DevicePlanner, Request
from antipodal.encoding import decode, encode
from antipodal.errors import InputError, ModelError, NoGraspFound
from antipodal.grasp import Grasp, Gripper, ViewGrasps
from antipodal.inputs import Region, check_depth, check_gripper, check_mask, check_region
from antipodal.placing import centred_in, distinct, to_camera, to_view
from antipodal.planner_options import PlannerOptions
from antipodal.result import Plan
from antipodal.sampling import Pairs, sample_antipodal
from antipodal.scoring import CropScore, PixelScore, Score, make_score
from antipodal.segmentation import segment_objects
from antipodal.stages import refuse_empty
from antipodal.table import Table, find_table
from antipodal.threads import torch_alone
from antipodal.views import View, make_view


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
        `dense`, which the policy "dense" needs."""
        self.network = network
        self.dense = dense
        self.gripper = gripper or Gripper()
        self.options = options or PlannerOptions()
        self.device = torch.device(device)
        if self.options.policy == "dense" and dense is None:
            raise ModelError("the policy 'dense' needs a dense network; GraspPlanner.load reads it")
        self._use(CropScore(network, self.gripper))

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
        planner = cls(network, gripper, options, chosen, dense)
        planner._use(make_score(network, meta["crop"], planner.gripper))
        return planner

    def _use(self, score: Union[CropScore, PixelScore]) -> None:
        """Rank grasps by this score; on a GPU by a recorded graph, which knows sampled pairs and metric crops alone."""
        self.score: Union[CropScore, PixelScore] = score
        self.there: Optional[DevicePlanner] = None
        if self.device.type == "cuda" and isinstance(score, CropScore) and self.dense is None:
            self.there = DevicePlanner(self.network, self.gripper, self.options, self.device)

    def tune(self, options: PlannerOptions) -> None:
        """Plan with other options from now on; a graph on a GPU is recorded anew by the next plan."""
        self.options = options
        self._use(self.score)

    def warm_up(self) -> None:
        """Plan on a box on a table, so that what is compiled or loaded at first use delays no later plan."""
        camera = Camera(525.0, 525.0, 319.5, 239.5, 640, 480)
        depth = np.full((480, 640), 0.7, np.float32)
        depth[220:260, 280:360] = 0.65
        for _ in range(2):  # torch compiles a traced network for a shape when it meets it again
            with suppress(NoGraspFound, InputError):  # a gripper may be too large or too small for this box
                self.plan(depth, camera)

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
    ) -> Plan:
        """Grasps on what `depth` shows, best first.

        depth: (H, W) float [m] along the optical axis; 0, NaN and Inf are missing. mask: (H, W), nonzero = may be
        grasped; when not given, what stands on the table may. region: a window (u0, v0, width, height) [px], or (H, W)
        bool, in which the grasps' centres lie, whichever of the two says what may be grasped. start: grasps of an
        earlier plan, in the frame of this camera; they are candidates beside the sampled ones. Raises InputError, or
        NoGraspFound with the reason.
        """
        if max_grasps < 1:
            raise InputError(f"max_grasps must be at least 1, got {max_grasps}")
        clock = Clock()
        counts: Dict[str, int] = {}
        depth = check_depth(depth, camera)
        check_gripper(self.gripper, min(self.options.openings) * self.gripper.max_width, camera, depth)
        mask, window = check_mask(mask, depth), check_region(region, depth)
        plan = self._plan_here if self.there is None else self._plan_there
        with torch_alone():
            ranked, T_cam_view = plan(Request(depth, mask, window, start or ()), camera, seed, counts, clock)
        with clock("ranking"):
            ranked = ranked if window is None else centred_in(window, ranked, T_cam_view, camera, counts)
            likely = self._likely(ranked, counts)
            chosen = distinct(likely, max_grasps, self.options.distinct_distance, self.options.distinct_angle)
            grasps = to_camera(likely[chosen], T_cam_view, camera)
            some = likely[:: max(1, len(likely) // 100)]
        return Plan(grasps, lambda: to_camera(some, T_cam_view, camera), counts, clock.times_ms)

    def _likely(self, ranked: ViewGrasps, counts: Dict[str, int]) -> ViewGrasps:
        """Those grasps (best first) that are likely enough. Raises NoGraspFound."""
        least, count = self.options.min_quality, int((ranked.quality >= self.options.min_quality).sum())
        if count == 0:
            best = f"the best of {len(ranked)} grasps succeeds with a probability of {float(ranked.quality[0]):.2f}"
            raise NoGraspFound(f"{best}, below min_quality {least:g}", counts)
        return ranked[:count]

    def _plan_there(
        self, request: Request, camera: Camera, seed: int, counts: Dict[str, int], clock: Clock
    ) -> Tuple[ViewGrasps, np.ndarray]:
        """As `_plan_here`, by one launch on the GPU."""
        assert self.there is not None
        with clock("device"):
            reply = self.there.plan([request], camera, seed)[0]
        counts.update(reply.counts)
        self._refuse_empty(counts, counts.pop("standing"))
        return reply.grasps, reply.T_cam_view

    def _plan_here(
        self, request: Request, camera: Camera, seed: int, counts: Dict[str, int], clock: Clock
    ) -> Tuple[ViewGrasps, np.ndarray]:
        """All grasps that were scored, best first, in a view, and its `T_cam_view`."""
        depth, mask = request.depth, request.mask
        generator = torch.Generator(device=self.device).manual_seed(seed)
        with clock("table"):
            table = find_table(depth, camera, np.random.default_rng(seed), _background(mask), self.options.table)
            mask = self._graspable(depth, camera, mask, request.window, table, counts)
        with clock("view"):
            view = self._view(depth, camera, mask, table)
        with clock("sampling"):
            away = distance_to_middle(view)
            pairs = self._pairs(view, away, generator, counts)
        with clock("clearance"):
            clearance = Clearance(view, self.gripper, self.options.clearance)
            candidates = self._candidates(clearance, pairs, counts)
        with clock("refinement"):
            first = [encode(g, self.gripper) for g in (candidates, to_view(request.start, view))]
            score = self.score.of_image(depth, camera)
            samples, quality = maximise(
                lambda s: self._evaluate(clearance, away, score, s), torch.cat(first), generator, self.options.cem
            )
            counts["scored"] = int(torch.isfinite(quality).sum())
        found = torch.isfinite(quality)
        return replace(decode(samples[found], self.gripper), quality=quality[found]), view.T_cam_view

    def _refuse_empty(self, counts: Dict[str, int], standing: int = 0) -> None:
        refuse_empty(counts, standing, self.options.sampling.friction, self.gripper.max_width)

    def _graspable(
        self,
        depth: np.ndarray,
        camera: Camera,
        mask: Optional[np.ndarray],
        window: Optional[np.ndarray],
        table: Optional[Table],
        counts: Dict[str, int],
    ) -> np.ndarray:
        """Pixels (H, W) bool of the window that may be grasped: the mask, what stands on the table, or everything."""
        if mask is None and table is not None:
            mask = segment_objects(depth, camera, table, self.options.segmentation)
        mask = depth > 0 if mask is None else mask & (depth > 0)
        standing = int(np.count_nonzero(mask))
        mask = mask if window is None else mask & window
        counts["pixels"] = int(np.count_nonzero(mask))
        self._refuse_empty(counts, standing)
        return mask

    def _view(self, depth: np.ndarray, camera: Camera, mask: np.ndarray, table: Optional[Table]) -> View:
        """The view along the approach of what the mask covers and of all that the gripper could touch there."""
        along_normal = table is not None and self.options.approach == "table"
        approach = table.normal if table is not None and along_normal else np.array([0.0, 0.0, 1.0])
        margin = self.gripper.max_width / 2 + self.gripper.jaw_thickness + 0.01
        depths, masks = torch.from_numpy(depth).to(self.device), torch.from_numpy(mask).to(self.device)
        table_depth = table.offset if table is not None and along_normal else float("inf")
        return make_view(depths, camera, masks, approach, table_depth, margin, self.options.view)

    def _pairs(self, view: View, away: torch.Tensor, generator: torch.Generator, counts: Dict[str, int]) -> Pairs:
        """Where the search starts: sampled antipodal pairs, or the best places and angles of a dense scan."""
        if self.options.policy == "dense" and self.dense is not None:
            lever, o = (away / self.options.balance) ** 2, self.options
            peaks, counts["scanned"] = propose(self.dense, view, self.gripper, o.openings, lever, o.dense)
            pairs = Pairs(peaks.center[:, :2], peaks.angle, peaks.width)
        else:
            pairs, counts["edges"] = sample_antipodal(view, self.gripper, generator, self.options.sampling)
        counts["pairs"] = len(pairs.angle)
        return pairs

    def _candidates(self, clearance: Clearance, pairs: Pairs, counts: Dict[str, int]) -> ViewGrasps:
        """Grasps at several depths on every pair where the gripper fits. Raises NoGraspFound."""
        self._refuse_empty(counts)
        centre = torch.nn.functional.pad(pairs.centre, (0, 1))
        grasps, depths = clearance.widest_opening(ViewGrasps(centre, pairs.angle, pairs.extent), self.options.openings)
        fits = depths.feasible & clearance.view.lookup(clearance.view.graspable, grasps.center[:, :2])
        counts["fitting"] = int(fits.sum())
        self._refuse_empty(counts)
        kept = torch.nonzero(fits)[: self.options.candidates, 0]  # pairs come in random order
        grasps, low, high = grasps[kept], depths.shallowest[kept], depths.deepest[kept]
        share = torch.linspace(0, 1, self.options.depths, device=low.device).repeat_interleave(len(grasps))
        grasps = grasps[torch.arange(len(grasps), device=low.device).repeat(self.options.depths)]
        z = torch.lerp(low.repeat(self.options.depths), high.repeat(self.options.depths), share)
        return replace(grasps, center=torch.cat([grasps.center[:, :2], z[:, None]], dim=1))

    def _evaluate(
        self, clearance: Clearance, away: torch.Tensor, score: Score, samples: torch.Tensor
    ) -> Tuple[torch.Tensor, torch.Tensor]:
        """Samples moved to the nearest depth at which the gripper fits, and P(success); -inf where it fits at none."""
        grasps, depths = clearance.widest_opening(decode(samples, self.gripper), self.options.openings)
        z = grasps.center[:, 2].clamp(depths.shallowest, depths.deepest)
        grasps = replace(grasps, center=torch.cat([grasps.center[:, :2], z[:, None]], dim=1))
        quality = torch.full_like(z, -torch.inf)
        fits = depths.feasible & clearance.view.lookup(clearance.view.graspable, grasps.center[:, :2])
        if bool(fits.any()):
            quality[fits] = self._quality(clearance.view, away, score, grasps[fits])
        return encode(grasps, self.gripper), quality

    def _quality(self, view: View, away: torch.Tensor, score: Score, grasps: ViewGrasps) -> torch.Tensor:
        """P(success) (N,) of grasps (N): the network's, less what holding an object far from its middle costs."""
        lever = view.lookup(away, grasps.center[:, :2]) / self.options.balance
        return torch.sigmoid(score(view, grasps) - lever**2)


def _background(mask: Optional[np.ndarray]) -> Optional[np.ndarray]:
    """Pixels that may be table: those outside the mask, where enough are left to tell."""
    return ~mask if mask is not None and mask.mean() < 0.8 else None
