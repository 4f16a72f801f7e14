"""One pick: approach, close, lift, shake, and its outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, Optional, Tuple

import numpy as np

from antipodal import transforms
from antipodal.sim.hand import CarriedHand, Forces, Hand

JAW_KINDS = ("held", "approach_collision", "table_collision", "room_collision", "missed", "slipped", "lost_in_shake")
KINDS = (*JAW_KINDS, "no_seal", "pulled_off", "peeled_off")  # the last ones of suction alone
WRONG_OBJECT = "wrong_object"  # held, but not what was asked for
SHUT = -0.05  # goal of the jaws' servos: far enough beyond closed to press with full force [m]
REST = 0.05  # time at the goal before closing [s]


@dataclass(frozen=True)
class PickOptions:
    """How the gripper moves, and what counts as a collision."""

    approach: float = 0.12  # length of the approach along the grasp's z [m]
    speed: float = 0.15  # of the approach [m/s]
    contact_force: float = 2.0  # a larger force on jaws or palm before closing is a collision [N]
    stop_force: float = 30.0  # the approach stops at a larger force [N]
    fully_open: bool = False  # approach fully open, whatever the grasp's width
    close_time: float = 0.4  # [s]
    hold_time: float = 0.15  # rest after closing, and again after lifting [s]
    lift: float = 0.25  # straight up [m]
    retreat: float = 0.0  # back along the approach, after lifting [m]
    lift_time: float = 0.6  # [s]
    shake_time: float = 1.0  # [s]
    shake_rate: float = 3.0  # [Hz]
    shake_distance: float = 0.02  # amplitude along each of the world's axes [m]
    shake_angle: float = 0.15  # amplitude about each of them [rad]


@dataclass(frozen=True)
class Outcome:
    """The outcome of a pick. `kind` counts a collision on the way as a failure; `end` ignores collisions."""

    end: str  # held, missed, slipped, lost_in_shake, no_seal, pulled_off or peeled_off
    collision: Optional[str]  # approach_collision, table_collision, room_collision or None
    object_force: float  # greatest on objects before closing [N]
    table_force: float  # greatest on the table before closing [N]
    picked: Optional[int]  # index of the object between the jaws once closed, or under the sealed cup

    @property
    def kind(self) -> str:
        """One of KINDS."""
        return self.collision or self.end

    @property
    def held(self) -> bool:
        return self.kind == "held"


def pick(hand: Hand, T_world_grasp: np.ndarray, width: float, options: PickOptions = PickOptions()) -> Outcome:
    """Execute a grasp (4, 4) with the jaws opened to `width` [m]."""
    forces = approach(hand, T_world_grasp, width, options)
    end, picked = finish(hand, options)
    return Outcome(end, collision(forces, options), forces.objects, forces.table, picked)


def finish(hand: Hand, options: PickOptions) -> Tuple[str, Optional[int]]:
    """Close, lift and shake. Returns `Outcome.end` and the object between the closed jaws."""
    return carry(hand, close(hand, options), options)


def carry(hand: CarriedHand, picked: Optional[int], options: PickOptions) -> Tuple[str, Optional[int]]:
    """Lift what the hand holds, and shake it. Returns `Outcome.end` and the object."""
    if picked is None:
        return hand.lost or "missed", None
    if lift(hand, options) != picked:
        return hand.lost or "slipped", picked
    return ("held" if shake(hand, options) == picked else hand.lost or "lost_in_shake"), picked


def collision(forces: Forces, options: PickOptions) -> Optional[str]:
    """`Outcome.collision` for the forces before closing."""
    if max(forces) <= options.contact_force:
        return None
    if forces.objects > options.contact_force:
        return "approach_collision"
    return "room_collision" if forces.room > options.contact_force else "table_collision"


def approach(hand: CarriedHand, T_world_grasp: np.ndarray, width: float, options: PickOptions) -> Forces:
    """Move along the grasp's z. Returns the greatest forces on the way; stops at a large force, and once the hand has
    arrived."""
    goal = T_world_grasp[:3, 3]
    start = goal - options.approach * T_world_grasp[:3, 2]
    hand.place(transforms.compose(T_world_grasp[:3, :3], start), width)
    met = Forces()
    for share in _moments(hand, options.approach / options.speed + REST):
        way = min(1.0, share * (1 + REST * options.speed / options.approach))
        hand.aim(start + way * (goal - start))
        met = met.at_least(hand.forces())
        if max(met) > options.stop_force or hand.arrived():
            hand.aim(hand.position())
            break
    return met


def close(hand: Hand, options: PickOptions) -> Optional[int]:
    """Close with full force. Returns the object between the pads."""
    start = hand.width()
    for share in _moments(hand, options.close_time):
        hand.open(start + share * (SHUT - start))
    stand_still(hand, options.hold_time)
    return hand.gripped()


def lift(hand: CarriedHand, options: PickOptions) -> Optional[int]:
    """Lift straight up, then draw back along the approach. Returns the object that is held."""
    _glide(hand, np.array([0, 0, options.lift]), options)
    if options.retreat:
        _glide(hand, -options.retreat * hand.orientation()[:, 2], options)
    return hand.gripped()


def _glide(hand: CarriedHand, way: np.ndarray, options: PickOptions) -> None:
    """Move by `way` (3,) [m], slow at both ends, and rest."""
    start = hand.position()
    for share in _moments(hand, options.lift_time):
        smooth = (1 - np.cos(np.pi * share)) / 2
        hand.aim(start + way * smooth)
    stand_still(hand, options.hold_time)


def shake(hand: CarriedHand, options: PickOptions) -> Optional[int]:
    """Shake along and about all three axes, each a third of a period apart. Returns the object that is held."""
    center = hand.position()
    phase = np.arange(3) * 2 * np.pi / 3
    for share in _moments(hand, options.shake_time):
        swing = np.sin(np.pi * share) * np.sin(2 * np.pi * options.shake_rate * share * options.shake_time + phase)
        hand.aim(center + options.shake_distance * swing, options.shake_angle * swing[::-1])
    return hand.gripped()


def stand_still(hand: CarriedHand, duration: float) -> None:
    """Let the world move for `duration` [s]."""
    for _ in _moments(hand, duration):
        pass


def _moments(hand: CarriedHand, duration: float) -> Iterator[float]:
    """Yields the elapsed share (0, 1] of a duration [s] at each time step, then steps the world."""
    n = max(1, round(duration / hand.timestep))
    for i in range(1, n + 1):
        yield i / n
        hand.step()
