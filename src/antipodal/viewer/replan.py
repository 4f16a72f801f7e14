"""Plans of one frame under settings that a person moves about, with all that the plan looked at."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Dict, List, Optional, Tuple

import numpy as np
import torch

from antipodal.errors import InputError, NoGraspFound
from antipodal.grasp import Grasp, Gripper
from antipodal.grasping.view_grasps import ViewGrasps, to_camera
from antipodal.perception.hints import SceneHints
from antipodal.perception.inputs import MAX_RANGE
from antipodal.planner import GraspPlanner, Plan, PlannerOptions
from antipodal.planning.trace import Trace
from antipodal.viewer.frames import Frame

NO_RECTANGLE, GRASPS_INSIDE, ALL_INSIDE = "whole image", "grasps lie inside", "all inside may be grasped"
RECTANGLES = (NO_RECTANGLE, GRASPS_INSIDE, ALL_INSIDE)
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
    min_quality: float = 0.0
    up: Optional[Tuple[float, float, float]] = None
    depths: Tuple[float, float] = (0.0, MAX_RANGE)
    rectangle: str = NO_RECTANGLE
    columns: Tuple[int, int] = (0, 0)  # of the rectangle [px]
    rows: Tuple[int, int] = (0, 0)
    seed: int = 0

    @classmethod
    def of(cls, gripper: Gripper, options: PlannerOptions, hints: SceneHints, seed: int = 0) -> Settings:
        """Those with which a plan is the command line's."""
        c, up = options.clearance, None if hints.up is None else tuple(float(v) for v in hints.up)
        depths = (float(hints.nearest), float(min(hints.farthest, MAX_RANGE)))
        return cls(
            gripper.max_width, options.sampling.friction, c.below, c.palm, c.table_wanted, options.approach,
            options.min_quality, up, depths, seed=seed,  # type: ignore[arg-type]
        )  # fmt: skip

    def options(self, base: PlannerOptions) -> PlannerOptions:
        """The planner's options with these in their places."""
        clearance = replace(base.clearance, below=self.below, palm=self.palm, table_wanted=self.table)
        sampling = replace(base.sampling, friction=self.friction)
        base = replace(base, approach=self.approach, min_quality=self.min_quality)
        return replace(base, clearance=clearance, sampling=sampling)

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
        batches = [f"iteration {k}" if k else "start" for k in range(len(self.trace.batches))]
        pairs = ["pairs"] if self.trace.stages is not None else []
        return ["result", *pairs, *batches]

    def shown(self, step: str = "result") -> ViewGrasps:
        """The grasps of a step of the search, best first; of the result first those that were returned."""
        trace = self.trace
        if step not in self.steps():
            return _none()
        if step == "pairs" and trace.stages is not None:
            pairs, top = trace.stages.pairs, trace.stages.view
            z = top.lookup(top.depth, pairs.center)
            quality = torch.full_like(pairs.angle, float("nan"))  # nothing was scored yet
            return ViewGrasps(torch.cat([pairs.center, z[:, None]], dim=1), pairs.angle, pairs.extent, quality)
        if step != "result":
            batch = trace.fitting(self._batch(step))
            return batch[torch.argsort(batch.quality, descending=True, stable=True)]
        if trace.ranked is None:
            return _none()
        return trace.ranked[self.ranks()]

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
        return len(self.trace.batches[self._batch(step)]) - len(self.trace.fitting(self._batch(step)))

    def in_camera(self, grasps: ViewGrasps) -> List[Grasp]:
        """Grasps of the view in the camera's frame."""
        if self.trace.stages is None or not len(grasps):
            return []
        unknown = torch.full_like(grasps.angle, float("nan"))
        grasps = replace(grasps, object_width=grasps.object_width if len(grasps.object_width) else unknown)
        return to_camera(grasps, self.trace.stages.view.T_cam_view, self.frame.camera)

    def _batch(self, step: str) -> int:
        return 0 if step == "start" else int(step.split()[1])


def _none() -> ViewGrasps:
    empty = torch.empty(0)
    return ViewGrasps(torch.empty(0, 3), empty, empty, empty, empty)


class Replanner:
    """Plans again when a setting or the frame changes; the network is loaded once."""

    def __init__(self, planner: GraspPlanner, hints: Optional[SceneHints] = None, max_grasps: int = 10, seed: int = 0):
        self.planner, self.hints, self.max_grasps = planner, hints or SceneHints(), max_grasps
        self.gripper, self.options = planner.gripper, planner.options  # those that the settings start from
        self.start = Settings.of(self.gripper, self.options, self.hints, seed)

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
        return self.planner.plan(
            frame.depth, frame.camera, mask, self.max_grasps, settings.seed, region, hints=hints, trace=trace
        )
