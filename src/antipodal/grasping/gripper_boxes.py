"""The hand as boxes in the grasp frame: two jaws at an opening, and the palm behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional

import numpy as np

from antipodal.grasp import Gripper

PALM_DEPTH = 0.04  # of the palm along the approach [m]; simulated and shown alike: what is seen is what collides


@dataclass(frozen=True)
class Box:
    """An axis-aligned box in the grasp frame: x across the jaws' width, y closing axis, z approach."""

    low: np.ndarray  # (3,) corner [m]
    high: np.ndarray  # (3,) opposite corner [m]

    @property
    def center(self) -> np.ndarray:
        """(3,) [m]"""
        return (self.low + self.high) / 2

    @property
    def size(self) -> np.ndarray:
        """(3,) lengths of the edges [m]."""
        return self.high - self.low

    def swept(self) -> Box:
        """What the box passes through on its way along the approach: the box, drawn out backwards without end."""
        return Box(np.array([self.low[0], self.low[1], -np.inf]), self.high)

    def holds(self, points: np.ndarray, margin: float = 0.0) -> np.ndarray:
        """Which of the points (N, 3) [m] lie inside the box grown by `margin` [m] on every side, (N,) bool."""
        inside = np.ones(len(points), bool)
        for along, low, high in zip(np.asarray(points).T, self.low - margin, self.high + margin):
            inside &= (along > low) & (along < high)
        return inside


def jaw_boxes(gripper: Gripper, width: float) -> List[Box]:
    """The jaws at +y and -y, open to `width` [m]."""
    x, inner, outer = gripper.jaw_width / 2, width / 2, width / 2 + gripper.jaw_thickness
    back, front = gripper.tip - gripper.jaw_length, gripper.tip
    return [
        Box(np.array([-x, inner, back]), np.array([x, outer, front])),
        Box(np.array([-x, -outer, back]), np.array([x, -inner, front])),
    ]


def palm_box(gripper: Gripper) -> Box:
    """The palm; its front face is where the jaws begin."""
    x, y = gripper.palm_size[0] / 2, gripper.palm_size[1] / 2
    front = gripper.tip - gripper.jaw_length
    return Box(np.array([-x, -y, front - PALM_DEPTH]), np.array([x, y, front]))


def body_box(gripper: Gripper) -> Optional[Box]:
    """The bounding box of the hand behind the palm, `Gripper.hand_box`; None where the gripper names none."""
    if gripper.hand_box is None:
        return None
    x, y, length = gripper.hand_box
    front = gripper.tip - gripper.jaw_length - PALM_DEPTH
    return Box(np.array([-x / 2, -y / 2, front - length]), np.array([x / 2, y / 2, front]))


def whole_hand_boxes(gripper: Gripper, width: float) -> List[Box]:
    """`hand_boxes`, and the box behind the palm where the gripper names one."""
    body = body_box(gripper)
    return [*hand_boxes(gripper, width), *([] if body is None else [body])]


def hand_boxes(gripper: Gripper, width: float) -> List[Box]:
    """Both jaws, open to `width` [m], and the palm."""
    return [*jaw_boxes(gripper, width), palm_box(gripper)]


def reach_across(gripper: Gripper) -> float:
    """Greatest distance [m] of any part of the widest open hand from the approach axis through the grasp's origin."""
    corners = [box.high[:2] for box in hand_boxes(gripper, gripper.max_width)]
    corners += [box.low[:2] for box in hand_boxes(gripper, gripper.max_width)]
    return float(np.linalg.norm(corners, axis=1).max())


def in_the_way(
    points: np.ndarray, gripper: Gripper, width: float, margin: float = 0.0, whole: bool = False
) -> np.ndarray:
    """Which of the points (N, 3) [m] in the grasp frame lie where the open hand passes, or nearer to it than `margin`
    [m], (N,) bool. whole: the box behind the palm passes too."""
    boxes = whole_hand_boxes(gripper, width) if whole else hand_boxes(gripper, width)
    return np.any([box.swept().holds(points, margin) for box in boxes], axis=0)


def gripper_lengths(gripper: Gripper) -> np.ndarray:
    """Jaw thickness, width and length, pad length, palm along x and y, narrowest and widest opening: (8,) [m], the
    boxes for compiled functions."""
    g = gripper
    return np.array([g.jaw_thickness, g.jaw_width, g.jaw_length, g.pad_length, *g.palm_size, g.min_width, g.max_width])
