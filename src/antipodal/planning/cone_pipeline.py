"""A plan over a cone of approaches: a first look along every direction, and a full search along the best.

Each direction is a view of the same solids (perception/solid_scene.py). All candidates of the first look are scored in
one batch. Where the cone holds the support's normal, a plan without a cone is made too, and ranked with the others."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple, cast

import numpy as np
import torch

from antipodal.camera import Camera
from antipodal.errors import NoGraspFound
from antipodal.grasping.antipodal_pairs import Pairs, SamplingOptions, sample_antipodal
from antipodal.grasping.balance import distance_to_centroid
from antipodal.grasping.clearance import ClearanceOptions
from antipodal.grasping.fixed_pieces import fixed_points, points_surface
from antipodal.grasping.neighbours import closes_on_one
from antipodal.grasping.object_width import wide_enough
from antipodal.grasping.oblique_clearance import ObliqueClearance, oblique_margin
from antipodal.grasping.view_grasps import ViewGrasps, at_depth, encode, joined, poses, to_view
from antipodal.networks.score import CropScore
from antipodal.perception.fusion import CameraView, all_carved, with_labels
from antipodal.perception.solid_scene import SolidScene
from antipodal.perception.view_atlas import ObliqueView, ViewAtlas
from antipodal.planning.approach_cone import ApproachCone, spread_over
from antipodal.planning.cem import maximise
from antipodal.planning.cpu_pipeline import CpuPipeline
from antipodal.planning.last_result import LastResult, Perceived
from antipodal.planning.request import Request
from antipodal.planning.result import Clock
from antipodal.planning.trace import Stages, Trace

ALONG = math.cos(1e-6)  # cosine between directions that count as one
Found = Tuple[ViewGrasps, np.ndarray]  # grasps of one view, and its `T_cam_view`
COUNTED = ("edges", "pairs", "fitting")


class FirstLook(NamedTuple):
    """What the first look along one direction found."""

    direction: np.ndarray  # (3,) unit
    candidates: ViewGrasps  # in the view along it, with qualities


class ConePipeline:
    """Plans over cones for the network and gripper of a pipeline on the CPU."""

    def __init__(self, upright: CpuPipeline):
        """upright: what plans along one direction, scoring metric crops."""
        self.upright, self.gripper, self.options = upright, upright.gripper, upright.options
        self.score = cast(CropScore, upright.score)
        self.margin = oblique_margin(self.gripper)

    def __call__(
        self,
        request: Request,
        camera: Camera,
        seed: int,
        counts: Dict[str, int],
        clock: Clock,
        trace: Optional[Trace] = None,
    ) -> Tuple[ViewGrasps, np.ndarray]:
        """All grasps that were searched for in full, best first, and the views' frames `T_cam_view` (V, 4, 4)."""
        directions = request.directions
        assert directions is not None
        counts["directions"] = len(directions)
        if len(directions) == 1 and request.support is not None and len(_along_normal(directions, request)):
            return self.upright(request, camera, seed, counts, clock, trace)
        found = self._leaning(request, directions, camera, seed, counts, clock, trace)
        with clock("upright"):
            found += self._as_without_cone(request, directions, camera, seed, trace)
        counts["scored"] = sum(len(grasps) for grasps, _ in found)
        if not found:
            raise NoGraspFound(_why_none(counts), counts)
        return _ranked_together(found)

    def _leaning(
        self,
        request: Request,
        directions: np.ndarray,
        camera: Camera,
        seed: int,
        counts: Dict[str, int],
        clock: Clock,
        trace: Optional[Trace],
    ) -> List[Found]:
        """The grasps along the best of these directions."""
        cone, generator = self.options.cone, torch.Generator().manual_seed(seed)
        perceived = Perceived() if trace is None else trace.perceived
        with clock("solids"):
            standing = request.approach, request.table - self.options.fusion.step
            cameras = all_carved(request.views(camera), self.options.fusion, standing)
            solids = perceived.solids(cameras, request.support, self.margin, self.options.solid)
        with clock("directions"):
            look = partial(self._look, perceived.atlas, solids, cameras, generator, counts)
            looks = look(directions, cone.cell) or look(directions, self.options.view.cell)
            beside = _around_best(looks, directions, request, cone.around)
            looks += look(beside, cone.cell) if len(beside) else []
            best = sorted(looks, key=_best_quality, reverse=True)[: cone.searched]
        with clock("search"):
            others = [grasp.T_cam_grasp[:3, 2] for grasp in request.start[:2]]
            others += [] if self._has_upright(request) else list(_along_normal(directions, request))
            best += [_bare_look(d) for d in others if all(d @ look.direction <= ALONG for look in best)]
            own = [Trace() for _ in best] if trace is not None else [None] * len(best)
            fixed = fixed_points(solids, self.margin, self.options.fixed)
            found = [self._search(b, request, solids, fixed, cameras, generator, t) for b, t in zip(best, own)]
        if trace is not None:
            trace.leaning = [t for t, (grasps, _) in zip(own, found) if t is not None and len(grasps)]
        return [f for f in found if len(f[0])]

    def _has_upright(self, request: Request) -> bool:
        """Whether the plan without a cone is ranked too where the cone holds the normal."""
        return request.support is not None and self.options.cone.hidden < 1

    def _as_without_cone(
        self, request: Request, directions: np.ndarray, camera: Camera, seed: int, trace: Optional[Trace] = None
    ) -> List[Found]:
        """The grasps of a plan along the support's normal, if the cone holds it, with P less by `cone.hidden`: most
        things are best held from above, also where the jaws go behind them, which views of solids count as occupied."""
        hidden, own = self.options.cone.hidden, None if trace is None else Trace()
        if not self._has_upright(request) or not len(_along_normal(directions, request)):
            return []
        try:
            grasps, T_cam_view = self.upright(request, camera, seed, {}, Clock(), own)
        except NoGraspFound:
            return []
        if not len(grasps):
            return []
        if trace is not None and own is not None:
            trace.leaning.append(own)
        return [(replace(grasps, quality=grasps.quality * (1 - hidden)), T_cam_view)]

    def _look(
        self,
        atlas_of: LastResult,
        solids: SolidScene,
        cameras: Sequence[CameraView],
        generator: torch.Generator,
        counts: Dict[str, int],
        directions: np.ndarray,
        cell: float,
    ) -> List[FirstLook]:
        """The candidates along each direction (V, 3) that has any, all of them scored in one batch, in views with cells
        of a side [m]. atlas_of: `SolidScene.atlas`."""
        cone = self.options.cone
        atlas = atlas_of(solids, directions, self.margin, cell)
        clearance = ObliqueClearance(
            atlas.view,
            atlas.lifted,
            self.gripper,
            lambda g: poses(_in_tiles(atlas, g), atlas.frames),
            cameras,
            self._limits(solids),
        )
        sampling = replace(self.options.sampling, pairs=cone.pairs * len(directions))
        grasps, _ = self._fitting(clearance, generator, sampling, counts)
        grasps = grasps[_first_of_each(atlas.tile(grasps.center[:, :2]), cone.candidates)]
        if not len(grasps):
            return []
        quality = self.upright.quality(atlas.view, distance_to_centroid(atlas.view), self.score, grasps)
        placed = _in_tiles(atlas, grasps)
        lost = self.options.cone.lean * torch.from_numpy(solids.lean(directions))[placed.view]
        placed = replace(placed, quality=_with_odds(quality, lost))
        tiles = placed.view.unique().tolist()
        return [FirstLook(directions[t], replace(placed[placed.view == t], view=torch.empty(0))) for t in tiles]

    def _limits(self, solids: SolidScene) -> ClearanceOptions:
        """The clearances, with the reach that suits the height of what may be grasped."""
        o = self.options.clearance
        return replace(o, reach=min(o.reach, o.reach_share * solids.height))

    def _fitting(
        self,
        clearance: ObliqueClearance,
        generator: torch.Generator,
        sampling: SamplingOptions,
        counts: Dict[str, int],
    ) -> Tuple[ViewGrasps, Pairs]:
        """Those of the sampled pairs at which the gripper fits, each at its deepest depth; and all of the pairs."""
        view = clearance.view
        pairs, edges = sample_antipodal(view, self.gripper, generator, sampling)
        grasps = ViewGrasps(torch.nn.functional.pad(pairs.center, (0, 1)), pairs.angle, pairs.extent)
        fits = torch.zeros(len(grasps), dtype=torch.bool)
        if len(grasps):
            grasps, depths = self.upright.at_opening(clearance, grasps)
            grasps = at_depth(grasps, depths.deepest)
            fits = depths.feasible & view.lookup(view.graspable, grasps.center[:, :2])
            fits &= wide_enough(view, grasps, self.gripper)
            if view.labels is not None:
                fits &= closes_on_one(view, grasps, self.gripper)
        for name, count in zip(COUNTED, (edges, len(grasps), int(fits.sum()))):
            counts[name] = counts.get(name, 0) + count
        return grasps[fits], pairs

    def _search(
        self,
        look: FirstLook,
        request: Request,
        solids: SolidScene,
        fixed: np.ndarray,
        cameras: Sequence[CameraView],
        generator: torch.Generator,
        trace: Optional[Trace] = None,
    ) -> Found:
        """All grasps scored in a full search along one direction, and its frame; starts at the look's candidates. Jaws
        close over none of the fixed points (K, 3) [m]."""
        view, lifted = solids.view(look.direction, self.margin, self.options.view)
        if request.labels is not None:
            view = cast(ObliqueView, with_labels(view, cameras))
        clearance = ObliqueClearance(
            view,
            lifted,
            self.gripper,
            lambda g: poses(g, view.T_cam_view),
            cameras,
            self._limits(solids),
            points_surface(fixed, view),
        )
        distance = distance_to_centroid(view)
        sampled, pairs = self._fitting(clearance, generator, self.options.sampling, {})
        start = sampled[: self.options.candidates], look.candidates, to_view(request.start, view)
        if trace is not None:
            trace.stages, trace.score = Stages(view, distance, pairs, clearance), self.score
        batches = None if trace is None else trace.batches
        samples, quality = maximise(
            lambda s: self.upright.evaluate(clearance, distance, self.score, s, batches),
            torch.cat([encode(s, self.gripper) for s in start]),
            generator,
            self.options.cem,
        )
        grasps = self.upright.feasible(view, samples, quality)
        lost = self.options.cone.lean * torch.from_numpy(solids.lean(look.direction[None]))
        return replace(grasps, quality=_with_odds(grasps.quality, lost)), view.T_cam_view


def _along_normal(directions: np.ndarray, request: Request) -> np.ndarray:
    """Those of directions (V, 3) that are the approach of a plan without a cone, (0 or 1, 3)."""
    return directions[directions @ request.approach > ALONG]


def _with_odds(quality: torch.Tensor, lost: torch.Tensor) -> torch.Tensor:
    """P(success) (N,) with log odds lower by `lost` (N,) or (1,)."""
    return torch.sigmoid(torch.logit(quality, eps=1e-7) - lost)


def _best_quality(look: FirstLook) -> float:
    return float(look.candidates.quality.max())


def _bare_look(direction: np.ndarray) -> FirstLook:
    """A look along a direction, without candidates of its own."""
    none = torch.empty(0)
    return FirstLook(direction, ViewGrasps(none.view(0, 3), none, none))


def _in_tiles(atlas: ViewAtlas, grasps: ViewGrasps) -> ViewGrasps:
    """Grasps of an atlas as grasps of its tiles' views."""
    tile = atlas.tile(grasps.center[:, :2])
    center = torch.cat([atlas.in_tile(grasps.center[:, :2], tile), grasps.center[:, 2:]], dim=1)
    return replace(grasps, center=center, view=tile)


def _first_of_each(group: torch.Tensor, most: int) -> torch.Tensor:
    """Indices of the first `most` members of every group (N,), group by group."""
    order = torch.argsort(group, stable=True)
    _, size = torch.unique_consecutive(group[order], return_counts=True)
    place = torch.arange(len(group)) - (size.cumsum(0) - size).repeat_interleave(size)
    return order[place < most]


def _around_best(looks: List[FirstLook], directions: np.ndarray, request: Request, count: int) -> np.ndarray:
    """Directions (N, 3) between the best one and those around it that the cone and the support allow."""
    if not looks or count == 0 or len(directions) < 2:
        return directions[:0]
    x, y, z = best = max(looks, key=_best_quality).direction
    nearest = float(np.sort(np.clip(directions @ best, -1, 1))[-2])
    around = spread_over(ApproachCone((x, y, z), math.acos(nearest) / 2), count + 1)[1:]
    allowed = np.ones(len(around), bool) if request.cone is None else request.cone.holds(around)
    if request.support is not None:
        allowed &= around @ request.support.normal >= 0
    return around[allowed]


def _ranked_together(found: List[Found]) -> Tuple[ViewGrasps, np.ndarray]:
    """The grasps of several views in one ranking, and the views' frames (V, 4, 4)."""
    grasps = joined([g for g, _ in found])
    return grasps[torch.argsort(grasps.quality, descending=True, stable=True)], np.stack([T for _, T in found])


def _why_none(counts: Dict[str, int]) -> str:
    parts = f"{counts.get('edges', 0)} edge cells, {counts.get('pairs', 0)} antipodal pairs"
    where = "where the gripper clears what the image shows or hides, and the support"
    return f"in {counts['directions']} directions: {parts}, {counts.get('fitting', 0)} {where}"
