"""Picks from a moving conveyor: with the plan of the first image, or following plans of new images."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Callable, List, Optional, Tuple

import numpy as np
from scipy.spatial.transform import Rotation

from antipodal import transforms
from antipodal.errors import InputError, NoGraspFound
from antipodal.planner import GraspPlanner
from antipodal.sim.conveyor import Conveyor, LabHand
from antipodal.sim.hand import Forces
from antipodal.sim.pick import REST, Outcome, PickOptions, collision, finish
from antipodal.tracking.tracker import GraspTracker, TrackingOptions

MODES = ("open", "chase", "follow")
ALIGNED = 0.003  # the gripper comes down once it is nearer than this to the point above its goal [m]
HOME = np.array([0.0, 0.0, 0.35])  # where the gripper waits [m]
Seen = Callable[[np.ndarray], np.ndarray]  # adds the camera's noise to a depth image


@dataclass(frozen=True)
class ChaseOptions:
    """Modes: "open" executes the first plan; "chase" goes to the grasp of the newest plan; "follow" goes to where the
    tracker expects the grasp."""

    mode: str = "follow"
    period: float = 1 / 15  # between two images [s]
    latency: float = 0.05  # from an image to its grasp [s]
    hover: float = 1.2  # time above the object with new images; the descent has none [s]
    patience: float = 2.0  # longest wait for a grasp, and for the gripper to be above it [s]
    speed: float = 0.5  # of the gripper before the descent [m/s]
    turn_rate: float = 2.0  # [rad/s]
    tracking: TrackingOptions = field(default_factory=TrackingOptions)
    pick: PickOptions = field(default_factory=PickOptions)

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise InputError(f"no mode {self.mode!r}; possible: {', '.join(MODES)}")
        if not (self.period > 0 and self.latency >= 0):
            raise InputError(f"period must be positive, latency not negative, got {self.period} and {self.latency}")


def chase(
    conveyor: Conveyor, planner: GraspPlanner, options: ChaseOptions, seen: Seen
) -> Tuple[Optional[Outcome], list]:
    """Pick the passing object. Returns the outcome (None if no grasp was found in time) and the CPU time of each plan
    [ms]."""
    delayed, hand = DelayedPlanner(conveyor, planner, options, seen), conveyor.hand
    hand.place(transforms.compose(np.diag([1.0, -1.0, -1.0]), HOME), planner.gripper.max_width)
    forces = approach_moving(hand, delayed, options)
    if forces is None:
        return None, delayed.plan_ms
    place, drift = delayed.goal(hand.time()), delayed.drift
    hand.aim(place[:3, 3], drift=drift)
    end, picked = finish(hand, options.pick)
    return Outcome(end, collision(forces, options.pick), forces.objects, forces.table, picked), delayed.plan_ms


class DelayedPlanner:
    """Plans in new images; each plan becomes known only after its latency."""

    def __init__(self, conveyor: Conveyor, planner: GraspPlanner, options: ChaseOptions, seen: Seen):
        self._conveyor, self._planner, self._options, self._seen = conveyor, planner, options, seen
        self._tracker = GraspTracker(planner, options.tracking)
        self._next = 0.0  # time of the next image [s]
        self._waiting: List[Tuple[float, np.ndarray, float, np.ndarray]] = []  # the plan that is not known yet
        self._known: Optional[Tuple[float, np.ndarray]] = None  # time [s] and T_lab_grasp (4, 4) of the current grasp
        self.drift, self.width = np.zeros(3), 0.0  # velocity of the goal (3,) [m/s], opening on approach [m]
        self.plan_ms: List[float] = []  # CPU time of each plan

    def look(self, now: float) -> None:
        """Take an image if one is due and no plan is pending; take over a plan whose latency has passed."""
        if self._options.mode == "open" and self._known:
            return
        if self._waiting and now >= self._waiting[0][0] + self._options.latency:
            stamp, T, self.width, self.drift = self._waiting.pop()
            self._known = stamp, T
        if not self._waiting and now >= self._next:
            self._next = max(self._next + self._options.period, now)
            self._plan(now)

    def has_grasp(self) -> bool:
        return self._known is not None

    def goal(self, now: float) -> np.ndarray:
        """`T_lab_grasp` (4, 4) of the goal at time `now`."""
        assert self._known is not None, "no grasp was found yet"
        when, T = self._known
        return transforms.compose(T[:3, :3], T[:3, 3] + (now - when) * self.drift)

    def _plan(self, stamp: float) -> None:
        depth, camera = self._seen(self._conveyor.look()), self._conveyor.cell.camera
        start, T_lab_cam = time.thread_time(), self._conveyor.T_lab_cam
        try:
            grasp = self._tracker.plan(depth, camera, stamp, None, 5)[0]
        except NoGraspFound:
            return
        self.plan_ms.append(1e3 * (time.thread_time() - start))
        drift = T_lab_cam[:3, :3] @ self._tracker.velocity() * (self._options.mode == "follow")
        self._waiting.append((stamp, T_lab_cam @ grasp.T_cam_grasp, grasp.width, drift))


def approach_moving(hand: LabHand, delayed: DelayedPlanner, options: ChaseOptions) -> Optional[Forces]:
    """Stay above the object while there are images, then come down. Returns the greatest forces, or None if no grasp
    was found."""
    met, command, height = Forces(), hand.position(), options.pick.approach
    while height > 0:
        now = hand.time()
        if now < options.hover or not delayed.has_grasp():
            delayed.look(now)
        if now > options.hover + options.patience and not delayed.has_grasp():
            return None
        if delayed.has_grasp():
            goal = delayed.goal(now)
            target = goal[:3, 3] - height * goal[:3, 2]
            command = _towards(command, target, options.speed * hand.timestep)
            hand.turn(_turned(hand.orientation(), goal[:3, :3], options.turn_rate * hand.timestep))
            hand.open(delayed.width)
            over = np.linalg.norm(target - command) < ALIGNED or now > options.hover + options.patience
            if now >= options.hover and over:
                height -= options.pick.speed * hand.timestep
        hand.aim(command)
        met = met.at_least(hand.forces())
        if max(met) > options.pick.stop_force:
            return met
        hand.step()
    return _rest_above(hand, delayed, met)


def _rest_above(hand: LabHand, delayed: DelayedPlanner, met: Forces) -> Forces:
    """Wait at the goal before closing."""
    for _ in range(round(REST / hand.timestep)):
        hand.aim(delayed.goal(hand.time())[:3, 3])
        met = met.at_least(hand.forces())
        hand.step()
    return met


def _towards(position: np.ndarray, goal: np.ndarray, most: float) -> np.ndarray:
    """The point towards `goal` that is at most `most` [m] from `position`."""
    way = goal - position
    return position + way * min(1.0, most / max(float(np.linalg.norm(way)), 1e-12))


def _turned(R: np.ndarray, goal: np.ndarray, most: float) -> np.ndarray:
    """R (3, 3) turned by at most `most` [rad] towards `goal`, or towards `goal` turned by half a turn if that is
    nearer."""
    half = goal @ np.diag([-1.0, -1.0, 1.0])
    goal = max((goal, half), key=lambda other: np.trace(R.T @ other))
    turn = Rotation.from_matrix(R.T @ goal).as_rotvec()
    share = min(1.0, most / max(float(np.linalg.norm(turn)), 1e-12))
    return R @ Rotation.from_rotvec(share * turn).as_matrix()
