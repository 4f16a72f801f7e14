"""Follow one grasp from image to image: each plan begins with the grasp that continues the last one."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Deque, List, Optional, Sequence, Tuple

import numpy as np

from antipodal.camera import Camera
from antipodal.errors import POSITIVE
from antipodal.grasp import Grasp
from antipodal.perception.option_limits import Within, check_options
from antipodal.planner import Plan
from antipodal.tracking.patch import Patch


@dataclass(frozen=True)
class TrackingOptions:
    """When two grasps count as the same, and how much better another must be to replace the current one."""

    WITHIN: ClassVar[Within] = {
        "margin": (0, 1),
        **dict.fromkeys(("distance", "turn", "memory", "window"), (POSITIVE, math.inf)),
    }
    margin: float = 0.15  # of P(success) by which another grasp must be better; 0 = always the best
    distance: float = 0.02  # a grasp this far from the expected one is another [m]
    turn: float = 0.5  # a grasp turned by this much is another [rad]
    memory: float = 0.5  # a grasp is forgotten when its object was not seen for so long [s]
    window: float = 1.0  # velocity is fitted to so long a time [s]

    def __post_init__(self) -> None:
        check_options(self, "tracking.")


class GraspTracker:
    """Plans in one image after another and keeps to one grasp, which moves with its object (patch.py)."""

    def __init__(self, planner: Any, options: TrackingOptions = TrackingOptions()):
        """planner: a GraspPlanner, or an object with the same `plan`."""
        self.options, self._planner = options, planner
        self._grasp: Optional[Grasp] = None  # as it was planned last
        self._patch: Optional[Patch] = None  # what it is on
        self._shifts: Deque[Tuple[float, np.ndarray]] = deque()  # times [s], and the patch's shifts (2,) [m]

    def plan(self, depth: np.ndarray, camera: Camera, stamp: float, *arguments: Any, **keywords: Any) -> Plan:
        """GraspPlanner.plan in the image taken at `stamp` [s]; the first grasp is the one to follow.

        Each grasp is ranked by its P(success) less a penalty, up to `margin`, that grows with its difference from
        where the last grasp is now. The best of these comes first; the others and every P(success) stay as planned.
        Raises what planning raises.
        """
        self._follow_patch(depth, camera, stamp)
        expected = [] if self._grasp is None else [self._grasp]
        plan = self._planner.plan(depth, camera, *arguments, start=expected, **keywords)
        plan = choose(plan, expected, self.options)
        self._continue_with(plan[0], depth, camera, stamp)
        return plan

    def velocity(self) -> np.ndarray:
        """The grasp's velocity in the camera's frame (3,) [m/s], a least-squares fit to the patch's positions; 0 until
        these span a fifth of `window`."""
        times = np.array([when for when, _ in self._shifts])
        if self._patch is None or len(times) < 3 or times[-1] - times[0] < self.options.window / 5:
            return np.zeros(3)
        since_mean = times - times.mean()
        return self._patch.along(
            since_mean @ np.array([shift for _, shift in self._shifts]) / (since_mean @ since_mean)
        )

    def _follow_patch(self, depth: np.ndarray, camera: Camera, stamp: float) -> None:
        """Move the grasp with its patch; forget it when the patch is not found, was seen too long ago, or the clock has
        jumped back."""
        if self._patch is None or self._grasp is None:
            return
        when, last = self._shifts[-1]
        shift = None
        if 0 <= stamp - when <= self.options.memory:
            around = last + (stamp - when) * (self.velocity() @ self._patch.T_cam_patch[:3, :2])
            shift = self._patch.find(depth, camera, around)
        if shift is None:
            self.forget()
            return
        self._grasp = moved(self._grasp, self._patch.along(shift - last))
        self._shifts.append((stamp, shift))
        while stamp - self._shifts[0][0] > self.options.window:
            self._shifts.popleft()

    def _continue_with(self, grasp: Grasp, depth: np.ndarray, camera: Camera, stamp: float) -> None:
        """Follow this grasp: on the same patch if it covers the grasp, else on a new one."""
        self._grasp = grasp
        if self._patch is None or not self._patch.covers(grasp.T_cam_grasp, self._shifts[-1][1]):
            self._patch = Patch(depth, camera, grasp.T_cam_grasp)
            self._shifts = deque([(stamp, np.zeros(2))])

    def forget(self) -> None:
        """Start anew with the next image."""
        self._grasp, self._patch = None, None
        self._shifts.clear()


def choose(plan: Plan, expected: Sequence[Grasp], options: TrackingOptions) -> Plan:
    """The plan with the grasp to follow first (see GraspTracker.plan); the plan itself where none is expected."""
    if not expected:
        return plan
    pool = [*plan.grasps, *plan.candidates]
    best = max(pool, key=lambda g: g.quality - options.margin * min(difference(g, e, options) for e in expected))
    others: List[Grasp] = [g for g in plan.grasps if g is not best]
    return Plan([best, *others][: len(plan.grasps)], lambda: plan.candidates, plan.counts, plan.times_ms, plan.scene)


def difference(grasp: Grasp, other: Grasp, options: TrackingOptions) -> float:
    """Difference of two grasps, from 0 = the same to 1 = another."""
    distance = float(np.linalg.norm(grasp.T_cam_grasp[:3, 3] - other.T_cam_grasp[:3, 3]))
    return min(
        1.0, max(distance / options.distance, angle_between(grasp.T_cam_grasp, other.T_cam_grasp) / options.turn)
    )


def moved(grasp: Grasp, way: np.ndarray) -> Grasp:
    """The grasp moved by (3,) [m] in the camera's frame; its place in the image stays as it was."""
    T = grasp.T_cam_grasp.copy()
    T[:3, 3] += way
    return replace(grasp, T_cam_grasp=T)


def angle_between(T: np.ndarray, other: np.ndarray) -> float:
    """Angle [rad] between two grasps (4, 4) of a gripper that is the same after half a turn about its approach."""
    R = T[:3, :3].T @ other[:3, :3]
    cosine = max(R.trace(), R.trace() - 2 * (R[0, 0] + R[1, 1]))  # of R, and of R after that half turn
    return float(np.arccos(np.clip((cosine - 1) / 2, -1, 1)))
