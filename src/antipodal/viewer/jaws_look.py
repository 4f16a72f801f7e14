"""A plan for a gripper as the page shows it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Callable, List, Tuple, cast

import numpy as np
import torch

from antipodal.grasp import Grasp, Gripper
from antipodal.grasping.view_grasps import ViewGrasps, joined, to_camera
from antipodal.planning.trace import Trace
from antipodal.viewer.look import Look, batch_names, batch_of, poses_apart


class JawsLook(Look):
    """The search keeps antipodal pairs, and batches of grasps in one view or, over a cone, in several."""

    @property
    def gripper(self) -> Gripper:
        """The hand."""
        return cast(Gripper, self.hand)

    def steps(self) -> List[str]:
        """See `Look`."""
        longest = max((len(trace.batches) for trace in self.searches()), default=0)
        pairs = ["pairs"] if self.searches() else []
        return ["result", *pairs, *batch_names(longest)]

    def grasps(self, step: str) -> List[Grasp]:
        """See `Look`."""
        return self.in_camera(self.shown(step))

    def shown(self, step: str = "result") -> ViewGrasps:
        """The grasps of a step of the search, best first; of the result first those that were returned."""
        if step not in self.steps():
            return _none()
        if step == "pairs":
            return self._of_views(_pairs)
        if step != "result":
            batch = self._of_views(lambda trace: _fitting(trace, batch_of(step)))
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

    def dropped(self, step: str) -> str:
        """See `Look`."""
        return f"the gripper fits at no depth for {self.unfit(step)} more" if self.unfit(step) else ""

    def unfit(self, step: str) -> int:
        """How many samples of a step were dropped because the gripper fits at no depth."""
        if step in ("result", "pairs") or step not in self.steps():
            return 0
        k = batch_of(step)
        return sum(len(t.batches[k]) - len(t.fitting(k)) for t in self.searches() if k < len(t.batches))

    def in_camera(self, grasps: ViewGrasps) -> List[Grasp]:
        """Grasps of the view in the camera's frame."""
        views = [trace.stages.view for trace in self.searches() if trace.stages is not None]
        if not views or not len(grasps):
            return []
        unknown = torch.full_like(grasps.angle, float("nan"))
        grasps = replace(grasps, object_width=grasps.object_width if len(grasps.object_width) else unknown)
        frames = np.stack([view.T_cam_view for view in views])
        return to_camera(grasps, frames if self.trace.leaning else frames[0], self.frame.camera, self.gripper.name)

    def apart(self, a: int, b: int) -> Tuple[float, float]:
        """See `Look`: in their view, as `planning.ranking.distinct` has it; by their poses where a cone has several."""
        assert self.trace.ranked is not None
        two = self.trace.ranked[[a, b]]
        if not len(two.view):
            turn = abs((float(two.angle[0] - two.angle[1]) + math.pi / 2) % math.pi - math.pi / 2)
            return float(torch.linalg.norm(two.center[0, :2] - two.center[1, :2])), turn
        return poses_apart(*(grasp.T_cam_grasp for grasp in self.in_camera(two)))


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
