"""A stable answer from one image to the next: which grasp of each new plan to go on with, and where it will be."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import Deque, List, Sequence, Tuple

import numpy as np

from antipodal.errors import InputError
from antipodal.grasp import Grasp
from antipodal.planner import Plan


@dataclass(frozen=True)
class TrackingOptions:
    """What counts as the same grasp, and how much better another must be to take its place."""

    margin: float = 0.15  # of P(success) by which another grasp must be better; 0 = always the best
    distance: float = 0.02  # as far from where it is expected, a grasp is another one [m]
    turn: float = 0.5  # or turned by as much [rad]
    memory: float = 0.5  # a grasp not seen again within this is forgotten [s]
    window: float = 1.0  # velocity is that of the grasp over so long [s]

    def __post_init__(self) -> None:
        for name in ("distance", "turn", "memory", "window"):
            if not getattr(self, name) > 0:
                raise InputError(f"tracking.{name} must be positive, got {getattr(self, name)}")
        if not 0 <= self.margin <= 1:
            raise InputError(f"tracking.margin must be in 0..1, got {self.margin}")


class GraspTracker:
    """Follows one grasp through the plans of a stream. It moves as the objects do against the camera, at constant speed;
    what it is on is not recognised."""

    def __init__(self, options: TrackingOptions = TrackingOptions()):
        self.options = options
        self._seen: Deque[Tuple[float, Grasp]] = deque()  # when [s], and the grasp as it was chosen then

    def expected(self, stamp: float) -> List[Grasp]:
        """The followed grasp where it should be at `stamp` [s], as a plan's `start`; empty where none is followed.

        One that was seen last more than `memory` away from `stamp` is forgotten, as when the clock jumps back.
        """
        self._forget(stamp)
        if not self._seen:
            return []
        when, grasp = self._seen[-1]
        T = grasp.T_cam_grasp.copy()
        T[:3, 3] += (stamp - when) * self.velocity()
        return [replace(grasp, T_cam_grasp=T)]

    def choose(self, plan: Plan, stamp: float) -> Plan:
        """The plan of the image taken at `stamp` [s], its first grasp the one to go on with.

        Every grasp loses up to `margin` of its P(success) with its distance from where the followed one is expected, and
        the one that is left with the most is first. The others, and all P(success), stay as planned.
        """
        expected = self.expected(stamp)
        choices = [*plan.grasps, *plan.candidates] if expected else plan.grasps
        best = max(choices, key=lambda g: g.quality - self.options.margin * self._apart(g, expected))
        if expected and self._apart(best, expected) == 1:
            self._seen.clear()  # another grasp: how it moves is not known
        self._seen.append((stamp, best))
        others = [g for g in plan.grasps if g is not best]
        return Plan([best, *others][: max(1, len(plan.grasps))], plan.candidates, plan.counts, plan.times_ms)

    def velocity(self) -> np.ndarray:
        """Of the followed grasp against the camera (3,) [m/s]: the least-squares line through its places; 0 until it was
        seen for a fifth of `window`."""
        times = np.array([when for when, _ in self._seen])
        if len(times) < 3 or times[-1] - times[0] < self.options.window / 5:
            return np.zeros(3)
        places = np.array([grasp.T_cam_grasp[:3, 3] for _, grasp in self._seen])
        away = times - times.mean()
        return away @ places / (away @ away)

    def _forget(self, stamp: float) -> None:
        if self._seen and not 0 <= stamp - self._seen[-1][0] <= self.options.memory:
            self._seen.clear()
        while self._seen and stamp - self._seen[0][0] > self.options.window:
            self._seen.popleft()

    def _apart(self, grasp: Grasp, expected: Sequence[Grasp]) -> float:
        """How different a grasp is from the expected one: 0 = the same, 1 = another, or nothing to compare it with."""
        if not expected:
            return 1.0
        T, other = grasp.T_cam_grasp, expected[0].T_cam_grasp
        distance = float(np.linalg.norm(T[:3, 3] - other[:3, 3]))
        turn = turned(T, other)
        return min(1.0, max(distance / self.options.distance, turn / self.options.turn))


def turned(T: np.ndarray, other: np.ndarray) -> float:
    """Angle [rad] between two grasps (4, 4) of a gripper that is the same after half a turn about its approach."""
    R = T[:3, :3].T @ other[:3, :3]
    cosine = max(R.trace(), R.trace() - 2 * (R[0, 0] + R[1, 1]))  # of R, and of R after that half turn
    return float(np.arccos(np.clip((cosine - 1) / 2, -1, 1)))
