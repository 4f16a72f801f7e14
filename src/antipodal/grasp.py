"""Grasps, and the parallel-jaw gripper; suction_cup.py has the other kind of hand."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, List, Optional, Sequence, Tuple, Union

import numpy as np

from antipodal import resources, suction_cup
from antipodal.errors import InputError
from antipodal.files import MOST, is_number, shown
from antipodal.suction_cup import SuctionCup, check_name, hand_mapping, hand_of

JAWS = "jaws"  # Grasp.kind of a parallel-jaw gripper, and `type` in its file, which may leave it out


@dataclass(frozen=True)
class Gripper:
    """A parallel-jaw gripper as boxes. Grasp frame: origin between the jaws, x across the jaws' width, y closing,
    z approach. All lengths in metres.

    The jaws are boxes that end `tip` beyond the origin along the approach; the palm is a box behind them.
    """

    name: str = "robotiq_2f85"
    max_width: float = 0.085  # widest opening between the pads
    min_width: float = 0.0  # narrowest opening
    jaw_thickness: float = 0.010  # one jaw along y, at the tip
    jaw_width: float = 0.022  # one jaw along x
    jaw_length: float = 0.060  # from the palm's face to the tips, along z
    pad_length: float = 0.030  # from the tip backwards, the part that may touch the object
    tip: float = 0.0  # how far the jaws reach past the origin along the approach
    palm_size: Tuple[float, float] = (0.060, 0.140)  # palm along x and y
    force: float = 40.0  # closing force [N]
    kind: ClassVar[str] = JAWS
    hand_box: Optional[Tuple[float, float, float]] = (0.075, 0.075, 0.063)  # behind the palm, x, y, z; None: nothing

    def __post_init__(self) -> None:
        check_name("gripper", self.name)
        object.__setattr__(self, "palm_size", self._box("palm_size", "xy"))
        object.__setattr__(self, "hand_box", None if self.hand_box is None else self._box("hand_box", "xyz"))
        for field in ("max_width", "jaw_thickness", "jaw_width", "jaw_length", "pad_length"):
            self._check(field, getattr(self, field), 0, 1, "between 0 and 1 metre")
        self._check("tip", self.tip, -1, 1, "between -1 and 1 metre")
        self._check("force", self.force, 0, MOST, "above 0 N and below 1e9")
        if not (is_number(self.min_width) and 0 <= self.min_width < self.max_width):
            got = f"{shown(self.min_width)} and {self.max_width}"
            raise InputError(f"gripper {self.name}: min_width must be in [0, max_width), got {got}")

    def _box(self, field: str, axes: str) -> Tuple[float, ...]:
        """The lengths of a box along these axes. Raises InputError."""
        lengths = getattr(self, field)
        if not isinstance(lengths, (list, tuple)) or len(lengths) != len(axes):
            wanted = f"{field} must be {len(axes)} lengths along {', '.join(axes)}"
            raise InputError(f"gripper {self.name}: {wanted}, got {shown(lengths)}")
        for i, length in enumerate(lengths):
            self._check(f"{field}[{i}]", length, 0, 1, "between 0 and 1 metre")
        return tuple(lengths)

    def _check(self, field: str, value: Any, low: float, high: float, possible: str) -> None:
        """Raises InputError where a value is no number between two others."""
        if not (is_number(value) and low < value < high):
            raise InputError(f"gripper {self.name}: {field} must be a number {possible}, got {shown(value)}")

    @classmethod
    def load(cls, path: Union[str, Path]) -> Gripper:
        """Read a gripper from YAML whose keys are this class's fields, all of them but `hand_box`: no other gripper's
        length stands in for a missing one. path: a file, or a name such as "franka_hand". `source` may name where the
        figures are from, and `moveit` is ros.moveit's."""
        path = resources.locate("grippers", path)
        data = hand_mapping(path)
        kind = data.pop("type", JAWS)
        if kind != JAWS:
            raise InputError(f"{path} describes a hand of type {shown(kind)}; parallel jaws are needed here")
        return hand_of(cls, {"hand_box": None, **data}, path)

    def to_dict(self) -> dict:
        return asdict(self)


Hand = Union[Gripper, SuctionCup]


def load_hand(path: Union[str, Path]) -> Hand:
    """The gripper or suction cup of a YAML file, by its `type`: "jaws", also where it names none, or "suction".

    path: a file, or a name in config/grippers. Raises InputError.
    """
    kind = hand_mapping(resources.locate("grippers", path)).get("type", JAWS)
    if kind not in (JAWS, suction_cup.KIND):
        raise InputError(f"{path}: unknown type {shown(kind)}; possible: {JAWS}, {suction_cup.KIND}")
    return SuctionCup.load(path) if kind == suction_cup.KIND else Gripper.load(path)


@dataclass(frozen=True)
class Grasp:
    """One grasp in the camera's optical frame; of a plan in a cloud or in several views, its pose is in their frame."""

    T_cam_grasp: np.ndarray  # (4, 4), origin between the jaws, y closing axis; or middle of the lip; z approach
    width: float  # opening of the jaws on approach [m]; 0 of a cup
    quality: float  # P(success) in [0, 1]
    center_px: Tuple[float, float]  # (u, v) of the origin in the given depth image
    angle: float  # closing axis in the image from +u, in [-pi/2, pi/2)
    depth: float  # z of the origin in the optical frame [m]
    object_width: float = float("nan")  # of what is between the jaws, along the closing axis [m]; NaN where not known
    label: int = 0  # of the object that it is on, in the label image; 0 where none was given
    hand: str = ""  # name of the gripper or cup that it is for; "" where its maker did not say
    kind: str = JAWS  # of that hand: "jaws" or "suction"

    def to_dict(self) -> dict:
        """Plain lists and floats, the form of the command line's JSON."""
        return {
            "T_cam_grasp": self.T_cam_grasp.tolist(),
            "center_cam": self.T_cam_grasp[:3, 3].tolist(),
            "closing_axis_cam": self.T_cam_grasp[:3, 1].tolist(),
            "approach_cam": self.T_cam_grasp[:3, 2].tolist(),
            "width": self.width,
            "quality": self.quality,
            "center_px": list(self.center_px),
            "angle": self.angle,
            "depth": self.depth,
            "object_width": self.object_width if np.isfinite(self.object_width) else None,
            "label": self.label,
            "hand": self.hand,
            "kind": self.kind,
        }


def probability(quality: float) -> str:
    """P(success) in two digits, which never claims certainty."""
    return "P > 0.99" if quality > 0.995 else f"P = {quality:.2f}"


def moved_grasps(grasps: Sequence[Grasp], T: np.ndarray) -> List[Grasp]:
    """Grasps with their poses moved by T (4, 4), such as into another frame."""
    return [replace(g, T_cam_grasp=T @ g.T_cam_grasp) for g in grasps]
