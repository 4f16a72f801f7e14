"""A plan on a CPU: each stage keeps what is left of the one before, so that little work is done on what is dropped."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, List, Optional, Tuple, Union

import numpy as np
import torch

from antipodal.camera import Camera
from antipodal.grasp import Gripper
from antipodal.grasping.antipodal_pairs import Pairs, sample_antipodal
from antipodal.grasping.balance import balance_penalty, distance_to_centroid
from antipodal.grasping.clearance import Clearance, DepthRange, view_margin
from antipodal.grasping.fixed_pieces import fixed_surface
from antipodal.grasping.neighbours import closes_on_one, in_turn, labels_of, pairs_along_axes
from antipodal.grasping.object_width import object_width, oblique_penalty, wide_enough
from antipodal.grasping.openings import SPARE, first_that_fits, snug_openings, usable_openings
from antipodal.grasping.view_grasps import ViewGrasps, at_depth, decode, encode, to_view
from antipodal.networks.dense_net import DenseNet
from antipodal.networks.score import CropScore, PixelScore, Score
from antipodal.perception.fusion import fused_view, with_labels
from antipodal.perception.view import View, make_view
from antipodal.planning.cem import maximise
from antipodal.planning.dense_scan import propose_by_scan
from antipodal.planning.options import PlannerOptions
from antipodal.planning.request import Request
from antipodal.planning.result import Clock, refuse_empty
from antipodal.planning.trace import Stages, Trace


class CpuPipeline:
    """Plans for one network and gripper, stage after stage."""

    def __init__(
        self,
        score: Union[CropScore, PixelScore],
        gripper: Gripper,
        options: PlannerOptions,
        device: torch.device,
        dense: Optional[DenseNet] = None,
    ):
        """device: where views and samples lie, which is the network's. dense: what the policy "dense" scans with."""
        self.score, self.gripper, self.options, self.device, self.dense = score, gripper, options, device, dense
        self.openings, self.snug = usable_openings(gripper, options.openings), snug_openings(gripper)

    def __call__(
        self,
        request: Request,
        camera: Camera,
        seed: int,
        counts: Dict[str, int],
        clock: Clock,
        trace: Optional[Trace] = None,
    ) -> Tuple[ViewGrasps, np.ndarray]:
        """All grasps that were scored, best first, in a view, and its `T_cam_view`."""
        generator = torch.Generator(device=self.device).manual_seed(seed)
        with clock("view"):
            view = self._view(request, camera)
        with clock("sampling"):
            distance = distance_to_centroid(view)
            pairs = self._pairs(view, distance, generator, counts)
        with clock("clearance"):
            clearance = Clearance(view, self.gripper, self.options.clearance, fixed_surface(view, self.options.fixed))
            if trace is not None:
                trace.stages = Stages(view, distance, pairs, clearance)
            candidates = self._candidates(clearance, pairs, counts)
        with clock("refinement"):
            first = [encode(g, self.gripper) for g in (candidates, to_view(request.start, view))]
            score = self.score.of_image(request.depth, camera)
            if trace is not None:
                trace.score = score
            batches = None if trace is None else trace.batches
            samples, quality = maximise(
                lambda s: self.evaluate(clearance, distance, score, s, batches),
                torch.cat(first),
                generator,
                self.options.cem,
            )
            counts["scored"] = int(torch.isfinite(quality).sum())
        return self.feasible(view, samples, quality), view.T_cam_view

    def feasible(self, view: View, samples: torch.Tensor, quality: torch.Tensor) -> ViewGrasps:
        """The grasps of those samples (N, 6) whose quality (N,) is finite, with what they close on."""
        finite = torch.isfinite(quality)
        grasps = decode(samples[finite], self.gripper)
        width = object_width(view, grasps, self.gripper)
        grasps = replace(grasps, quality=quality[finite], object_width=width)
        return grasps if view.labels is None else replace(grasps, label=labels_of(view, grasps))

    def _refuse_empty(self, counts: Dict[str, int]) -> None:
        refuse_empty(counts, self.options.sampling.friction, self.gripper)

    def _view(self, request: Request, camera: Camera) -> View:
        """The view along the approach of what may be grasped and of all that the gripper could touch there."""
        margin = view_margin(self.gripper)
        if request.others:
            o, views = self.options, request.views(camera)
            view = fused_view(views, request.approach, request.table, margin, o.view, o.fusion).to(self.device)
        else:
            depth, mask = (torch.from_numpy(a).to(self.device) for a in (request.depth, request.graspable))
            view = make_view(depth, camera, mask, request.approach, request.table, margin, self.options.view)
        return view if request.labels is None else with_labels(view, request.views(camera))

    def _pairs(self, view: View, distance: torch.Tensor, generator: torch.Generator, counts: Dict[str, int]) -> Pairs:
        """Where the search starts: sampled antipodal pairs, or the best places and angles of a dense scan."""
        if self.options.policy == "dense" and self.dense is not None:
            o = self.options
            penalty = balance_penalty(distance, o.balance)
            peaks, counts["scanned"] = propose_by_scan(self.dense, view, self.gripper, self.openings, penalty, o.dense)
            pairs = Pairs(peaks.center[:, :2], peaks.angle, peaks.width)
        else:
            pairs, counts["edges"] = sample_antipodal(view, self.gripper, generator, self.options.sampling)
            if view.labels is not None:
                pairs = pairs_along_axes(view).before(pairs)
        counts["pairs"] = len(pairs.angle)
        return pairs

    def _candidates(self, clearance: Clearance, pairs: Pairs, counts: Dict[str, int]) -> ViewGrasps:
        """Grasps at several depths on every pair where the gripper fits. Raises NoGraspFound."""
        self._refuse_empty(counts)
        center = torch.nn.functional.pad(pairs.center, (0, 1))
        grasps, depths = self.at_opening(clearance, ViewGrasps(center, pairs.angle, pairs.extent))
        fits = depths.feasible & clearance.view.lookup(clearance.view.graspable, grasps.center[:, :2])
        counts["fitting"] = int(fits.sum())
        self._refuse_empty(counts)
        fits &= wide_enough(clearance.view, at_depth(grasps, depths.deepest), self.gripper)
        counts["wide_enough"] = int(fits.sum())
        self._refuse_empty(counts)
        if clearance.view.labels is not None:
            fits &= closes_on_one(clearance.view, at_depth(grasps, depths.shallowest), self.gripper)
            counts["alone"] = int(fits.sum())
            self._refuse_empty(counts)
        kept = torch.nonzero(fits)[:, 0]  # pairs come in random order
        if clearance.view.labels is not None:
            kept = kept[in_turn(labels_of(clearance.view, grasps[kept]))]
        kept = kept[: self.options.candidates]
        grasps, low, high = grasps[kept], depths.shallowest[kept], depths.deepest[kept]
        share = torch.linspace(0, 1, self.options.depths, device=low.device).repeat_interleave(len(grasps))
        grasps = grasps[torch.arange(len(grasps), device=low.device).repeat(self.options.depths)]
        return at_depth(grasps, torch.lerp(low.repeat(self.options.depths), high.repeat(self.options.depths), share))

    def at_opening(self, clearance: Clearance, grasps: ViewGrasps) -> Tuple[ViewGrasps, DepthRange]:
        """Grasps (N) at the opening that was asked for, and the depths at which they fit."""
        widest = clearance.widest_opening(grasps, self.openings)
        if self.options.opening == "widest":
            return widest
        return first_that_fits(clearance.widest_opening(grasps, self.snug, SPARE), widest)

    def evaluate(
        self,
        clearance: Clearance,
        distance: torch.Tensor,
        score: Score,
        samples: torch.Tensor,
        batches: Optional[List[ViewGrasps]] = None,
    ) -> Tuple[torch.Tensor, torch.Tensor]:
        """Samples moved to the nearest depth at which the gripper fits, and P(success); -inf where it fits at none.

        batches: what was looked at is appended here.
        """
        grasps, depths = self.at_opening(clearance, decode(samples, self.gripper))
        grasps = at_depth(grasps, grasps.center[:, 2].clamp(depths.shallowest, depths.deepest))
        quality = torch.full_like(grasps.angle, -torch.inf)
        fits = depths.feasible & clearance.view.lookup(clearance.view.graspable, grasps.center[:, :2])
        fits &= wide_enough(clearance.view, grasps, self.gripper)
        if clearance.view.labels is not None:
            fits &= closes_on_one(clearance.view, grasps, self.gripper)
        if bool(fits.any()):
            quality[fits] = self.quality(clearance.view, distance, score, grasps[fits])
        if batches is not None:
            batches.append(replace(grasps, quality=quality))
        return encode(grasps, self.gripper), quality

    def quality(self, view: View, distance: torch.Tensor, score: Score, grasps: ViewGrasps) -> torch.Tensor:
        """P(success) (N,) of grasps (N): the network's, less what it costs to hold an object far from its middle and to
        close on it at a slant."""
        penalty = balance_penalty(view.lookup(distance, grasps.center[:, :2]), self.options.balance)
        penalty = penalty + oblique_penalty(view, grasps, self.gripper, self.options.oblique)
        return torch.sigmoid(score(view, grasps) - penalty)
