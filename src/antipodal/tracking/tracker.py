"""A stable answer from one image to the next: which grasp of each new plan to go on with, and where it will be."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import Any, Deque, List, Optional, Sequence, Tuple

import numpy as np

from antipodal.camera import Camera
from antipodal.errors import InputError
from antipodal.grasp import Grasp
from antipodal.planner import Plan
from antipodal.tracking.patch import Patch


@dataclass(frozen=True)
class TrackingOptions:
    """What counts as the same grasp, and how much better another must be to take its place."""

    margin: float = 0.15  # of P(success) by which another grasp must be better; 0 = always the best
    distance: float = 0.02  # as far from where it is expected, a grasp is another one [m]
    turn: float = 0.5  # or turned by as much [rad]
    memory: float = 0.5  # a grasp not seen again within this is forgotten [s]
    window: float = 1.0  # velocity is that over so long [s]

    def __post_init__(self) -> None:
        for name in ("distance", "turn", "memory", "window"):
            if not getattr(self, name) > 0:
                raise InputError(f"tracking.{name} must be positive, got {getattr(self, name)}")
        if not 0 <= self.margin <= 1:
            raise InputError(f"tracking.margin must be in 0..1, got {self.margin}")


class GraspTracker:
    """Plans in one image after another and keeps to one grasp, which moves as what it is on does (patch.py)."""

    def __init__(self, planner: Any, options: TrackingOptions = TrackingOptions()):
        """planner: a GraspPlanner, or what plans as it does."""
        self.options, self._planner = options, planner
        self._grasp: Optional[Grasp] = None  # as it was planned last
        self._patch: Optional[Patch] = None  # what it is on
        self._shifts: Deque[Tuple[float, np.ndarray]] = deque()  # when [s], and how far the patch had moved (2,) [m]

    def plan(self, depth: np.ndarray, camera: Camera, stamp: float, *arguments: Any) -> Plan:
        """GraspPlanner.plan in the image taken at `stamp` [s], its first grasp the one to go on with.

        Every grasp loses up to `margin` of its P(success) with its distance from where the last one is now; the one
        that is left with the most is first. The others, and all P(success), stay as planned. Raises as planning does.
        """
        self._look(depth, camera, stamp)
        expected = [] if self._grasp is None else [self._grasp]
        plan = self._planner.plan(depth, camera, *arguments, start=expected)
        plan = choose(plan, expected, self.options)
        self._keep(plan[0], depth, camera, stamp)
        return plan

    def velocity(self) -> np.ndarray:
        """Of the grasp against the camera (3,) [m/s]: the least-squares line through where its patch was; 0 until that
        was seen for a fifth of `window`."""
        times = np.array([when for when, _ in self._shifts])
        if self._patch is None or len(times) < 3 or times[-1] - times[0] < self.options.window / 5:
            return np.zeros(3)
        away = times - times.mean()
        return self._patch.along(away @ np.array([shift for _, shift in self._shifts]) / (away @ away))

    def _look(self, depth: np.ndarray, camera: Camera, stamp: float) -> None:
        """Move the grasp by what its patch has moved; forget it where it is not found, or was seen too long ago, or the
        clock has jumped back."""
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

    def _keep(self, grasp: Grasp, depth: np.ndarray, camera: Camera, stamp: float) -> None:
        """Go on with this grasp: on the same patch where it lies in it, else on a new one."""
        self._grasp = grasp
        if self._patch is None or not self._patch.covers(grasp.T_cam_grasp, self._shifts[-1][1]):
            self._patch = Patch(depth, camera, grasp.T_cam_grasp)
            self._shifts = deque([(stamp, np.zeros(2))])

    def forget(self) -> None:
        """Start anew with the next image."""
        self._grasp, self._patch = None, None
        self._shifts.clear()


def choose(plan: Plan, expected: Sequence[Grasp], options: TrackingOptions) -> Plan:
    """The plan with the grasp to go on with first, as GraspTracker.plan has it; as it is where none is expected."""
    if not expected:
        return plan
    pool = [*plan.grasps, *plan.candidates]
    best = max(pool, key=lambda g: g.quality - options.margin * min(apart(g, e, options) for e in expected))
    others: List[Grasp] = [g for g in plan.grasps if g is not best]
    return Plan([best, *others][: len(plan.grasps)], lambda: plan.candidates, plan.counts, plan.times_ms, plan.scene)


def apart(grasp: Grasp, other: Grasp, options: TrackingOptions) -> float:
    """How different two grasps are, from 0 = the same to 1 = another."""
    distance = float(np.linalg.norm(grasp.T_cam_grasp[:3, 3] - other.T_cam_grasp[:3, 3]))
    return min(1.0, max(distance / options.distance, turned(grasp.T_cam_grasp, other.T_cam_grasp) / options.turn))


def moved(grasp: Grasp, way: np.ndarray) -> Grasp:
    """The grasp moved by (3,) [m] in the camera's frame; its place in the image stays as it was."""
    T = grasp.T_cam_grasp.copy()
    T[:3, 3] += way
    return replace(grasp, T_cam_grasp=T)


def turned(T: np.ndarray, other: np.ndarray) -> float:
    """Angle [rad] between two grasps (4, 4) of a gripper that is the same after half a turn about its approach."""
    R = T[:3, :3].T @ other[:3, :3]
    cosine = max(R.trace(), R.trace() - 2 * (R[0, 0] + R[1, 1]))  # of R, and of R after that half turn
    return float(np.arccos(np.clip((cosine - 1) / 2, -1, 1)))
