"""What a hand of either kind looks like at a grasp: boxes and cylinders in its frame, for pictures and markers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Sequence, Union

import numpy as np

from antipodal.errors import InputError
from antipodal.grasp import Grasp, Gripper, Hand
from antipodal.grasping.cup_clearance import cup_body
from antipodal.grasping.gripper_boxes import Box, jaw_boxes, whole_hand_boxes
from antipodal.suction_cup import SuctionCup


@dataclass(frozen=True)
class Cylinder:
    """A cylinder about the grasp frame's z."""

    radius: float  # [m]
    back: float  # where it begins along z [m]
    front: float  # where it ends [m]

    @property
    def center(self) -> np.ndarray:
        """(3,) [m]"""
        return np.array([0.0, 0.0, (self.back + self.front) / 2])

    @property
    def size(self) -> np.ndarray:
        """(3,) lengths of the edges of the box round it [m]."""
        return np.array([2 * self.radius, 2 * self.radius, self.front - self.back])


Solid = Union[Box, Cylinder]
STROKE = 0.03  # how far a hand's lines reach back from its tips or lip [m]
PARTS = ("jaw_left", "jaw_right", "palm", "hand")


def solids_of(hand: Hand, width: float) -> Dict[str, Solid]:
    """The parts of a hand by name: the jaws `width` apart [m], the palm and what is behind it; or cup and body."""
    if isinstance(hand, SuctionCup):
        return {"cup": Cylinder(hand.radius, -hand.length, 0.0), "body": cup_body(hand)}
    return dict(zip(PARTS, whole_hand_boxes(hand, width)))


def hand_for(grasp: Grasp, hands: Union[Hand, Sequence[Hand]]) -> Hand:
    """The hand that a grasp is for. hands: one, or several. Raises InputError where none of them is of its kind."""
    known = [hands] if isinstance(hands, (Gripper, SuctionCup)) else list(hands)
    alike = [hand for hand in known if hand.kind == grasp.kind]
    named = [hand for hand in alike if hand.name == grasp.hand]
    if not alike:
        raise InputError(f"a grasp by {grasp.kind} is for none of {', '.join(h.name for h in known)}")
    return (named or alike)[0]


def outline_of(hand: Hand, width: float, corners: int = 24) -> np.ndarray:
    """What of a hand is drawn on a picture, closed lines (K, C, 3) [m] in the grasp frame: the end faces of both open
    jaws, or the rim of the lip."""
    if isinstance(hand, SuctionCup):
        turn = 2 * np.pi * np.arange(corners) / corners
        return hand.radius * np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=1)[None]
    faces = []
    for jaw in jaw_boxes(hand, width):
        (x0, y0, _), (x1, y1, tip) = jaw.low, jaw.high
        faces.append([[x0, y0, tip], [x1, y0, tip], [x1, y1, tip], [x0, y1, tip]])
    return np.array(faces)


def strokes_of(hand: Hand, width: float) -> np.ndarray:
    """Lines (K, 2, 3) [m] in the grasp frame that stand for a hand where many are drawn, the first for it where more
    are: the bar between the jaws `width` apart [m], and both jaws; or the last stretch of a cup's way, and its lip."""
    if isinstance(hand, SuctionCup):
        (rim,) = outline_of(hand, width)
        way = [[[0.0, 0.0, -min(STROKE, hand.length)], [0.0, 0.0, 0.0]]]
        return np.concatenate([way, np.stack([rim, np.roll(rim, -1, axis=0)], axis=1)])
    half, tip, back = width / 2, hand.tip, hand.tip - min(STROKE, hand.jaw_length)
    left, right = [0.0, -half, back], [0.0, half, back]
    return np.array([[left, right], [[0, -half, tip], left], [right, [0, half, tip]]])
