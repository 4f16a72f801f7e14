"""Plans of one frame under settings that a person moves about, with all that the plan looked at."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import Callable, Dict, List, Optional, Tuple

import numpy as np
import torch

from antipodal.errors import InputError, NoGraspFound
from antipodal.grasp import Grasp, Gripper
from antipodal.grasping.view_grasps import ViewGrasps, joined, to_camera
from antipodal.perception.hints import SceneHints
from antipodal.perception.inputs import MAX_RANGE
from antipodal.planner import GraspPlanner, Plan, PlannerOptions
from antipodal.planning.approach_cone import NAMES, Approach, ApproachCone
from antipodal.planning.trace import Trace
from antipodal.viewer.frames import Frame

NO_RECTANGLE, GRASPS_INSIDE, ALL_INSIDE = "whole image", "grasps lie inside", "all inside may be grasped"
RECTANGLES = (NO_RECTANGLE, GRASPS_INSIDE, ALL_INSIDE)
CONE = "cone"
APPROACHES = (*NAMES, CONE)
MOST_SHOWN = 60  # of the ranked grasps beside those returned


@dataclass(frozen=True)
class Settings:
    """What the page's controls stand at; lengths in metres."""

    opening: float  # the gripper's widest
    friction: float
    below: float  # between tips and the surface under the jaws
    palm: float  # between the palm and what is under it
    table: float  # between tips and the table, where the object is high enough
    approach: str = "table"
    axis: Tuple[float, float, float] = (0.0, 0.0, 1.0)  # of a cone of approaches, in the camera's frame
    angle: float = 0.0  # of that cone [degrees]
    min_quality: float = 0.0
    up: Optional[Tuple[float, float, float]] = None
    depths: Tuple[float, float] = (0.0, MAX_RANGE)
    rectangle: str = NO_RECTANGLE
    columns: Tuple[int, int] = (0, 0)  # of the rectangle [px]
    rows: Tuple[int, int] = (0, 0)
    seed: int = 0

    @classmethod
    def of(
        cls,
        gripper: Gripper,
        options: PlannerOptions,
        hints: SceneHints,
        seed: int = 0,
        approach: Optional[Approach] = None,
    ) -> Settings:
        """Those with which a plan is the command line's. approach: in place of the options'."""
        c, up = options.clearance, None if hints.up is None else tuple(float(v) for v in hints.up)
        depths = (float(hints.nearest), float(min(hints.farthest, MAX_RANGE)))
        start = cls(
            gripper.max_width, options.sampling.friction, c.below, c.palm, c.table_wanted,
            min_quality=options.min_quality, up=up, depths=depths, seed=seed,  # type: ignore[arg-type]
        )  # fmt: skip
        approach = options.approach if approach is None else approach
        if isinstance(approach, ApproachCone):
            return replace(start, approach=CONE, axis=approach.axis, angle=math.degrees(approach.angle))
        return replace(start, approach=approach)

    def way(self) -> Approach:
        """Which way the hand comes. Raises InputError where the cone's axis has no direction."""
        return ApproachCone(self.axis, math.radians(self.angle)) if self.approach == CONE else self.approach

    def options(self, base: PlannerOptions) -> PlannerOptions:
        """The planner's options with these in their places."""
        clearance = replace(base.clearance, below=self.below, palm=self.palm, table_wanted=self.table)
        sampling = replace(base.sampling, friction=self.friction)
        return replace(base, min_quality=self.min_quality, clearance=clearance, sampling=sampling)

    def hints(self, base: SceneHints) -> SceneHints:
        """What is known of the scene, with these in their places."""
        near, far = self.depths
        return replace(base, up=self.up, nearest=near, farthest=far if far < MAX_RANGE else float("inf"))

    def window(self) -> Tuple[int, int, int, int]:
        """The rectangle as (u0, v0, width, height) [px]."""
        return self.columns[0], self.rows[0], self.columns[1] - self.columns[0], self.rows[1] - self.rows[0]


@dataclass
class Look:
    """One plan as the page shows it."""

    frame: Frame
    settings: Settings
    gripper: Gripper
    options: PlannerOptions
    trace: Trace
    plan: Optional[Plan] = None
    reason: str = ""  # why there is no grasp
    counts: Dict[str, int] = field(default_factory=dict)
    times_ms: Dict[str, float] = field(default_factory=dict)
    total_ms: float = 0.0

    def steps(self) -> List[str]:
        """What of the search can be shown, the result first."""
        longest = max((len(trace.batches) for trace in self.searches()), default=0)
        batches = [f"iteration {k}" if k else "start" for k in range(longest)]
        pairs = ["pairs"] if self.searches() else []
        return ["result", *pairs, *batches]

    def shown(self, step: str = "result") -> ViewGrasps:
        """The grasps of a step of the search, best first; of the result first those that were returned."""
        if step not in self.steps():
            return _none()
        if step == "pairs":
            return self._of_views(_pairs)
        if step != "result":
            batch = self._of_views(lambda trace: _fitting(trace, self._batch(step)))
            return batch[torch.argsort(batch.quality, descending=True, stable=True)]
        if self.trace.ranked is None:
            return _none()
        return self.trace.ranked[self.ranks()]

    def searches(self) -> List[Trace]:
        """A trace for each direction that was searched in full, in the order of `ViewGrasps.view`."""
        return self.trace.leaning or ([self.trace] if self.trace.stages is not None else [])

    def search_of(self, one: ViewGrasps) -> Trace:
        """The search that a grasp is of."""
        return self.trace.leaning[int(one.view[0])] if len(one.view) else self.trace

    def _of_views(self, grasps: Callable[[Trace], ViewGrasps]) -> ViewGrasps:
        """What `grasps` gives of each search, in one row."""
        parts = [grasps(trace) for trace in self.searches()]
        return joined(parts) if self.trace.leaning else parts[0]

    def ranks(self) -> List[int]:
        """Places among all scored grasps of those that the result shows."""
        if self.trace.ranked is None:
            return []
        spread = range(0, len(self.trace.ranked), max(1, len(self.trace.ranked) // MOST_SHOWN))
        return [*self.trace.chosen, *(k for k in spread if k not in set(self.trace.chosen))]

    def unfit(self, step: str) -> int:
        """How many samples of a step were dropped because the gripper fits at no depth."""
        if step in ("result", "pairs") or step not in self.steps():
            return 0
        k = self._batch(step)
        return sum(len(t.batches[k]) - len(t.fitting(k)) for t in self.searches() if k < len(t.batches))

    def in_camera(self, grasps: ViewGrasps) -> List[Grasp]:
        """Grasps of the view in the camera's frame."""
        views = [trace.stages.view for trace in self.searches() if trace.stages is not None]
        if not views or not len(grasps):
            return []
        unknown = torch.full_like(grasps.angle, float("nan"))
        grasps = replace(grasps, object_width=grasps.object_width if len(grasps.object_width) else unknown)
        frames = np.stack([view.T_cam_view for view in views])
        return to_camera(grasps, frames if self.trace.leaning else frames[0], self.frame.camera)

    def _batch(self, step: str) -> int:
        return 0 if step == "start" else int(step.split()[1])


def _pairs(trace: Trace) -> ViewGrasps:
    """The antipodal pairs of a search at the surface, which nothing has scored yet."""
    assert trace.stages is not None
    pairs, top = trace.stages.pairs, trace.stages.view
    z = top.lookup(top.depth, pairs.center)
    unknown = torch.full_like(pairs.angle, float("nan"))
    return ViewGrasps(torch.cat([pairs.center, z[:, None]], dim=1), pairs.angle, pairs.extent, unknown)


def _fitting(trace: Trace, batch: int) -> ViewGrasps:
    """A batch of a search, without the samples where the gripper fits at no depth; none where it ended before."""
    return trace.fitting(batch) if batch < len(trace.batches) else _none()


def _none() -> ViewGrasps:
    empty = torch.empty(0)
    return ViewGrasps(torch.empty(0, 3), empty, empty, empty, empty)


class Replanner:
    """Plans again when a setting or the frame changes; the network is loaded once."""

    def __init__(
        self,
        planner: GraspPlanner,
        hints: Optional[SceneHints] = None,
        max_grasps: int = 10,
        seed: int = 0,
        approach: Optional[Approach] = None,
    ):
        """approach: that the controls start from, in place of the planner's."""
        self.planner, self.hints, self.max_grasps = planner, hints or SceneHints(), max_grasps
        self.gripper, self.options = planner.gripper, planner.options  # those that the settings start from
        self.start = Settings.of(self.gripper, self.options, self.hints, seed, approach)

    def look(self, frame: Frame, settings: Settings) -> Look:
        """The plan of a frame, or the reason why there is none, and what it looked at."""
        trace, start = Trace(), time.perf_counter()
        look = Look(frame, settings, self.gripper, self.options, trace)
        try:
            look.gripper = replace(self.gripper, max_width=settings.opening)
            look.options = settings.options(self.options)
            if (look.gripper, look.options) != (self.planner.gripper, self.planner.options):
                self.planner.tune(look.options, look.gripper)
            start = time.perf_counter()
            look.plan = self._plan(frame, settings, trace)
            look.counts, look.times_ms = look.plan.counts, look.plan.times_ms
        except NoGraspFound as e:
            look.reason, look.counts = str(e), e.counts
        except InputError as e:
            look.reason = str(e)
        look.total_ms = 1e3 * (time.perf_counter() - start)
        return look

    def _plan(self, frame: Frame, settings: Settings, trace: Trace) -> Plan:
        region, mask = None, frame.mask
        if settings.rectangle == GRASPS_INSIDE:
            region = settings.window()
        if settings.rectangle == ALL_INSIDE:
            mask = np.zeros(frame.depth.shape, bool)
            mask[slice(*settings.rows), slice(*settings.columns)] = True
        hints = settings.hints(self.hints)
        seen, way = (frame.depth, frame.camera, mask), settings.way()
        return self.planner.plan(*seen, self.max_grasps, settings.seed, region, hints=hints, trace=trace, approach=way)
