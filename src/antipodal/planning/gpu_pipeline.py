"""A plan as one function from a scene's tensors to the reply's; it never waits for what it computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Tuple

import torch

from antipodal.camera import Camera
from antipodal.grasp import Gripper
from antipodal.grasping.antipodal_pairs_gpu import sample_antipodal_gpu
from antipodal.grasping.balance import balance_penalty
from antipodal.grasping.balance_gpu import distance_to_centroid_gpu
from antipodal.grasping.clearance import Clearance, DepthRange, view_margin
from antipodal.grasping.clearance_gpu import OpeningSearch
from antipodal.grasping.fixed_pieces_gpu import fixed_surface_gpu
from antipodal.grasping.object_width import object_width, oblique_penalty, wide_enough
from antipodal.grasping.openings import SPARE, first_that_fits, snug_openings, usable_openings
from antipodal.grasping.view_grasps import ViewGrasps, at_depth, decode, encode
from antipodal.perception.masked import first_true
from antipodal.perception.view import View
from antipodal.perception.view_gpu import make_view_gpu
from antipodal.planning.cem_gpu import maximise_gpu
from antipodal.planning.options import PlannerOptions
from antipodal.planning.random_draws import RandomDraws

Score = Callable[[View, ViewGrasps], torch.Tensor]
COUNTS = ("edges", "pairs", "fitting", "wide_enough", "scored")
ROW = 7  # numbers of a grasp in the reply


@dataclass(frozen=True)
class GpuOptions:
    """Sizes that are fixed before the image is seen."""

    cells: int = 320  # of the view a side; beyond 0.64 m at the finest cells, cells grow
    ranked: int = 512  # grasps handed back at most, best first
    starts: int = 16  # grasps of an earlier plan that are taken up, the first ones
    compiled: bool = False  # by torch.compile before it is recorded: fewer launches, minutes of compiling


@dataclass(frozen=True)
class SceneTensors:
    """What a plan is made of."""

    depth: torch.Tensor  # (H, W) float32 [m], 0 = missing
    graspable: torch.Tensor  # (H, W) bool, where depth is valid
    rotation: torch.Tensor  # (3, 3) of the view's axes in the camera frame; the last is the approach
    table: torch.Tensor  # () depth of the table along the approach [m], inf where none is known
    start: torch.Tensor  # (GpuOptions.starts, 8): origin, closing axis, opening, 1 where there is a grasp of before


class GpuPipeline:
    """Plans for one network, gripper and camera."""

    def __init__(
        self, score: Score, gripper: Gripper, options: PlannerOptions, camera: Camera, sizes: GpuOptions
    ) -> None:
        """score: maps a view and grasps (N) in it to logits (N,), whatever the grasps."""
        self.score, self.gripper, self.options = score, gripper, options
        self.camera, self.sizes = camera, sizes
        self.widest = OpeningSearch(usable_openings(gripper, options.openings))
        self.snug = OpeningSearch(snug_openings(gripper), SPARE) if options.opening == "object" else None

    def __call__(self, scene: SceneTensors, draws: RandomDraws) -> torch.Tensor:
        """The reply (9 + len(COUNTS) + ROW R,) float32: the view's axes in the camera frame, by rows; COUNTS; R grasps,
        best first, each x, y, z [m], angle [rad], opening [m], quality, which is -inf where there is none, and the
        object's width [m]."""
        view = self._view(scene, draws)
        pairs, met, edges = sample_antipodal_gpu(
            view, self.gripper, draws.starts, draws.cone, draws.choice, self.options.sampling
        )
        fixed = fixed_surface_gpu(view, self.options.fixed)
        clearance = Clearance(view, self.gripper, self.options.clearance, fixed)
        candidates, fits, fitting = self._candidates(clearance, pairs, met)  # fitting: counts, as in COUNTS
        earlier, given = self._earlier(scene, view)
        distance = distance_to_centroid_gpu(view)
        samples, quality = maximise_gpu(
            lambda s: self._evaluate(clearance, distance, s),
            torch.cat([encode(candidates, self.gripper), encode(earlier, self.gripper)]),
            torch.cat([fits, given]),
            draws,
            self.options.cem,
        )
        counts = (edges, met.sum(), *fitting)
        scored = torch.isfinite(quality).sum()
        return self._reply(view, torch.stack([*counts, scored]), samples, quality)

    def _view(self, scene: SceneTensors, draws: RandomDraws) -> View:
        """The view along the approach of what may be grasped and of all that the gripper could touch there."""
        margin = view_margin(self.gripper)
        return make_view_gpu(
            scene.depth,
            self.camera,
            scene.graspable,
            scene.rotation,
            scene.table,
            margin,
            self.sizes.cells,
            draws.judges,
            self.options.view,
        )

    def _fitting(self, clearance: Clearance, grasps: ViewGrasps) -> Tuple[ViewGrasps, DepthRange, torch.Tensor]:
        """Grasps (N) at the opening that was asked for, the depths at which they fit, and (N,) bool where they do, on
        what may be grasped."""
        at_widest = self.widest(clearance, grasps)
        grasps, depths = at_widest if self.snug is None else first_that_fits(self.snug(clearance, grasps), at_widest)
        return grasps, depths, depths.feasible & clearance.view.lookup(clearance.view.graspable, grasps.center[:, :2])

    def _candidates(
        self, clearance: Clearance, pairs: ViewGrasps, met: torch.Tensor
    ) -> Tuple[ViewGrasps, torch.Tensor, torch.Tensor]:
        """Grasps at several depths on the first pairs where the gripper fits, which rows hold one, and the numbers of
        pairs where it fits and of those that are wide enough."""
        grasps, depths, clear = self._fitting(clearance, pairs)
        clear = clear & met
        fits = clear & wide_enough(clearance.view, at_depth(grasps, depths.deepest), self.gripper)
        n, many = min(self.options.candidates, len(grasps)), self.options.depths
        kept = first_true(fits, n)  # pairs come in random order
        grasps, low, high = grasps[kept], depths.shallowest[kept], depths.deepest[kept]
        share = torch.linspace(0, 1, many, device=met.device).repeat_interleave(n)
        z = torch.lerp(low.repeat(many), high.repeat(many), share)
        center = torch.cat([grasps.center[:, :2].repeat(many, 1), z[:, None]], dim=1)
        candidates = ViewGrasps(center, grasps.angle.repeat(many), grasps.width.repeat(many))
        rows = (torch.arange(n, device=kept.device) < fits.sum()).repeat(many)
        return candidates, rows, torch.stack([clear.sum(), fits.sum()])

    def _earlier(self, scene: SceneTensors, view: View) -> Tuple[ViewGrasps, torch.Tensor]:
        """Grasps of an earlier plan in this view, upright in it, and which rows hold one."""
        rotation: Any = view.T_cam_view
        axis = scene.start[:, 3:6] @ rotation
        angle = torch.atan2(axis[:, 1], axis[:, 0])
        return ViewGrasps(scene.start[:, :3] @ rotation, angle, scene.start[:, 6]), scene.start[:, 7] > 0

    def _evaluate(
        self, clearance: Clearance, distance: torch.Tensor, samples: torch.Tensor
    ) -> Tuple[torch.Tensor, torch.Tensor]:
        """Samples moved to the nearest depth at which the gripper fits, and P(success); -inf where it fits at none."""
        grasps, depths, fits = self._fitting(clearance, decode(samples, self.gripper))
        grasps = at_depth(grasps, grasps.center[:, 2].clamp(depths.shallowest, depths.deepest))
        fits = fits & wide_enough(clearance.view, grasps, self.gripper)
        penalty = balance_penalty(clearance.view.lookup(distance, grasps.center[:, :2]), self.options.balance)
        penalty = penalty + oblique_penalty(clearance.view, grasps, self.gripper, self.options.oblique)
        quality = torch.sigmoid(self.score(clearance.view, grasps) - penalty)
        return encode(grasps, self.gripper), torch.where(fits, quality, -torch.inf)

    def _reply(self, view: View, counts: torch.Tensor, samples: torch.Tensor, quality: torch.Tensor) -> torch.Tensor:
        rotation: Any = view.T_cam_view
        best, index = quality.topk(min(self.sizes.ranked, len(quality)))
        grasps = decode(samples[index], self.gripper)
        between = object_width(view, grasps, self.gripper)
        rows = torch.cat([grasps.center, torch.stack([grasps.angle, grasps.width, best, between], dim=1)], dim=1)
        return torch.cat([rotation.flatten(), counts.float(), rows.flatten()])
