"""A plan for a suction cup: points on smooth surface, the cup's way there, P(success), and a search round the best.

All is computed in the image of the camera that shows a point: with several cameras each is searched, and what any of
them sees is an obstacle.
"""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
import torch

from antipodal import transforms
from antipodal.camera import Camera
from antipodal.errors import NoGraspFound
from antipodal.grasping.balance import balance_penalty
from antipodal.grasping.cup_clearance import cup_is_free, obstacle_points
from antipodal.grasping.neighbours import in_turn
from antipodal.grasping.suction_points import draw_pixels, drawn_order, is_smooth, planes_at, seen_too_small, values_at
from antipodal.grasping.view_grasps import ViewGrasps
from antipodal.networks.suction_crops import suction_axes
from antipodal.networks.suction_score import SuctionScore
from antipodal.perception.components import connected_components
from antipodal.perception.fusion import CameraView, all_carved
from antipodal.planning.approach_cone import ApproachCone, turned_approach
from antipodal.planning.cem import maximise
from antipodal.planning.contacts import Contacts
from antipodal.planning.request import Request
from antipodal.planning.result import Clock
from antipodal.planning.suction_options import SuctionOptions
from antipodal.planning.suction_trace import ScoredContacts, SuctionTrace
from antipodal.planning.trace import Trace
from antipodal.suction_cup import SuctionCup


class SuctionPipeline:
    """Plans for one score and cup."""

    def __init__(self, score: SuctionScore, cup: SuctionCup, options: SuctionOptions):
        self.score, self.cup, self.options = score, cup, options

    def __call__(
        self,
        request: Request,
        camera: Camera,
        seed: int,
        counts: Dict[str, int],
        clock: Clock,
        trace: Optional[Trace] = None,
    ) -> Tuple[ViewGrasps, np.ndarray]:
        """All grasps that were scored, best first, and their frames (N, 4, 4) in that of the first camera. Raises
        NoGraspFound."""
        with clock("clearance"):
            views = request.views(camera)
            if request.others:
                standing = request.approach, request.table - self.options.fusion.step
                views = all_carved(views, self.options.fusion, standing)
            obstacles = obstacle_points(views, request.support, self.options.clearance)
            searches = [SuctionSearch(self, request, view, obstacles, seed) for view in views]
        if trace is not None:
            trace.suction = [search.trace for search in searches]
        with clock("sampling"):
            started = [search.candidates(counts) for search in searches]
            _refuse_without(counts, self.cup, views)
        with clock("refinement"):
            found = [search.maximised(samples) for search, samples in zip(searches, started) if len(samples)]
        counts["scored"] = sum(len(quality) for _, quality, _ in found)
        return _as_view_grasps(found, request.labels is not None)


class SuctionSearch:
    """The search in the image of one camera."""

    def __init__(self, of: SuctionPipeline, request: Request, view: CameraView, obstacles: np.ndarray, seed: int):
        """obstacles: (M, 3) float32 [m] in the frame of the first camera, as is the request."""
        self.cup, self.options, self.view = of.cup, of.options, view
        T_cam_first = transforms.invert(view.T_first_cam)
        self.support = None if request.support is None else request.support.seen_from(view.T_first_cam)
        self.down = T_cam_first[:3, :3] @ request.approach
        self.score = of.score.of_image(view.depth, view.camera, self.down, self.cup)
        self.cone = turned_approach(request.cone, view.T_first_cam)
        self.obstacles = transforms.apply(T_cam_first, obstacles).astype(np.float32)
        self.start = [T_cam_first @ g.T_cam_grasp for g in request.start]
        self.rng, self.generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
        self.trace = SuctionTrace(view, self.score, _distance_to_middle(view))
        self.scale = 1.0  # pixels that are one unit of a sample

    def candidates(self, counts: Dict[str, int]) -> torch.Tensor:
        """Samples (N, 4) where the search starts: points that the cup comes to freely; counted stage by stage."""
        drawn = self.at(draw_pixels(self.view, self.options.points.drawn, self.rng))
        free = self.is_free(drawn)
        self.trace.drawn, self.trace.free = drawn, free
        stages = {
            "points": len(drawn.px),
            "smooth": drawn.smooth.sum(),
            "facing": drawn.allowed.sum(),
            "fitting": free.sum(),
        }
        for name, count in stages.items():
            counts[name] = counts.get(name, 0) + int(count)
        kept = np.flatnonzero(free)
        if not len(kept):
            return torch.empty(0, 4)
        kept = kept[drawn_order(drawn.residual[kept], self.cup, self.options.points, self.rng)]
        if self.view.labels is not None:
            kept = kept[in_turn(torch.from_numpy(values_at(self.view.labels, drawn.px[kept]))).numpy()]
        kept = kept[: self.options.candidates]
        self.scale = 2 * self.cup.radius * self.view.camera.fx / float(np.median(drawn.point[kept, 2]))
        tilt = self.rng.normal(0, 0.5, (len(kept), 2))
        tilt[::2] = 0
        earlier = [(*self.view.camera.project(T[:3, 3]), 0.0, 0.0) for T in self.start if T[2, 3] > 0]
        px = [np.column_stack([drawn.px[kept] / self.scale, tilt])]
        px += [np.array(earlier) / [self.scale, self.scale, 1, 1]] if earlier else []
        return torch.from_numpy(np.concatenate(px))

    def maximised(self, samples: torch.Tensor) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Poses (N, 4, 4) in the first camera's frame, P(success) (N,) and labels (N,) of all that was scored."""
        samples, quality = maximise(self.evaluate, samples, self.generator, self.options.cem)
        finite = torch.isfinite(quality)
        contacts = self._decoded(samples[finite])
        labels = values_at(self.view.labels, contacts.px) if self.view.labels is not None else np.empty(0)
        return self.view.T_first_cam @ contacts.poses, quality[finite].numpy(), labels

    def evaluate(self, samples: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
        """The samples and P(success) (N,), -inf where the cup cannot come or the surface is none to seal on."""
        contacts = self._decoded(samples)
        free = self.is_free(contacts)
        quality = torch.full((len(samples),), -torch.inf, dtype=samples.dtype)
        if free.any():
            quality[torch.from_numpy(free)] = self.quality(contacts, free).to(quality)
        self.trace.batches.append(ScoredContacts(contacts, quality))
        return samples, quality

    def quality(self, contacts: Contacts, wanted: np.ndarray) -> torch.Tensor:
        """P(success) of the wanted contacts: the network's, less what it costs to hold a thing far from its middle."""
        point, approach = contacts.point[wanted], contacts.approach[wanted]
        away = self.trace.away(contacts.px[wanted], point[:, 2])
        return torch.sigmoid(self.score(point, approach) - balance_penalty(away, self.options.balance))

    def at(self, px: np.ndarray, tilt: Optional[np.ndarray] = None) -> Contacts:
        """Contacts at pixels (N, 2), turned from the normal there by `tilt` (N, 2) [rad] about y and x."""
        planes = planes_at(self.view, px, self.cup, self.options.points)
        approach = -planes.normal
        if tilt is not None:
            axes = suction_axes(np.where(approach.any(axis=1, keepdims=True), approach, [0.0, 0.0, 1.0]))
            approach = approach + tilt[:, :1] * axes[..., 0] + tilt[:, 1:] * axes[..., 1]
            approach = approach / np.maximum(np.linalg.norm(approach, axis=1, keepdims=True), 1e-9)
        smooth = is_smooth(planes, self.cup, self.options.points) & values_at(self.view.graspable, px)
        allowed = smooth if not isinstance(self.cone, ApproachCone) else smooth & self.cone.holds(approach)
        if self.support is not None:
            allowed = allowed & (approach @ self.support.normal >= -1e-6)
        return Contacts(px, planes.point, approach, planes.residual, smooth, allowed)

    def is_free(self, contacts: Contacts) -> np.ndarray:
        """Which of the contacts (N,) bool are allowed, and the cup comes to them freely."""
        free = contacts.allowed.copy()
        poses = contacts.poses[free]
        free[free] = cup_is_free(poses, self.cup, self.obstacles, self.support, self.options.clearance)
        return free

    def _decoded(self, samples: torch.Tensor) -> Contacts:
        """Contacts of samples (N, 4): pixel in units of `scale`, and tilt in units of the greatest one."""
        values = samples.numpy()
        turned = values[:, 2:] / np.maximum(1.0, np.linalg.norm(values[:, 2:], axis=1, keepdims=True))
        return self.at(values[:, :2] * self.scale, self.options.tilt * turned)


def _distance_to_middle(view: CameraView) -> np.ndarray:
    """Distance (H, W) float32 [px] of every graspable pixel from the middle of the region that it lies in, or of its
    object where there are labels."""
    if view.labels is None:
        return connected_components(view.graspable, diagonal=True).distances()
    row, column = np.nonzero(view.graspable)
    _, own, count = np.unique(view.labels[row, column], return_inverse=True, return_counts=True)
    away = [x - (np.bincount(own, x) / count)[own] for x in (row, column)]
    distance = np.zeros(view.graspable.shape, np.float32)
    distance[row, column] = np.hypot(*away)
    return distance


def _as_view_grasps(
    found: List[Tuple[np.ndarray, np.ndarray, np.ndarray]], labelled: bool
) -> Tuple[ViewGrasps, np.ndarray]:
    """The grasps of several images in one ranking: each is the origin of a view of its own, whose frame is its pose."""
    poses, quality, label = (np.concatenate(column) for column in zip(*found))
    order = np.argsort(-quality, kind="stable")
    count = len(order)
    return ViewGrasps(
        torch.zeros(count, 3, dtype=torch.float64),
        torch.full((count,), np.pi / 2, dtype=torch.float64),
        torch.zeros(count),
        torch.from_numpy(quality[order]),
        label=torch.from_numpy(label[order]) if labelled else torch.empty(0),
        view=torch.arange(count),
    ), poses[order]


def _refuse_without(counts: Dict[str, int], cup: SuctionCup, views: Sequence[CameraView]) -> None:
    """Raises NoGraspFound for the first of the stages that was left with nothing."""
    lip = f"the lip of {cup.name} (radius {1e3 * cup.radius:g} mm)"
    if counts["smooth"] == 0:
        reason = f"0 of {counts['points']} points lie on surface that is smooth over {lip}, seen well enough to tell"
        small = [seen_too_small(view, cup) for view in views if view.graspable.any()]
        note = small[0] if small and all(small) else ""
        raise NoGraspFound(f"{counts['pixels']} graspable pixels, {reason}{note}", counts)
    if counts["facing"] == 0:
        raise NoGraspFound(f"0 of {counts['smooth']} smooth points face an approach that is allowed", counts)
    if counts["fitting"] == 0:
        where = "where cup and body clear what the image shows and the support"
        raise NoGraspFound(f"0 of {counts['facing']} smooth points {where}", counts)
