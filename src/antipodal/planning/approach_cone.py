"""Which ways the hand may come: a cone of directions, and directions spread over it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Iterable, Optional, Sequence, Tuple, Union

import numpy as np

from antipodal import transforms
from antipodal.errors import POSITIVE, InputError
from antipodal.perception.option_limits import Within, check_options
from antipodal.perception.table import AHEAD

NAMES = ("table", "camera", "any")
RIGHT_ANGLE = math.pi / 2
LEVEL = 1e-6  # a direction rises from the support where its cosine with the support's normal is below minus this
GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))


@dataclass(frozen=True)
class ConeOptions:
    """How a cone of approaches is searched."""

    WITHIN: ClassVar[Within] = {"cell": (POSITIVE, 0.02), "hidden": (0, 1)}
    directions: int = 32  # spread over the cone
    pairs: int = 24  # antipodal pairs wanted in each direction
    candidates: int = 6  # of the pairs where the gripper fits, how many are scored in each direction
    cell: float = 0.004  # side of a cell in this first look [m]
    around: int = 0  # directions tried besides between the best one and its neighbours; no gain was measured
    lean: float = 1.5  # log odds that a level approach loses; those between lose as the cosine with the normal falls
    searched: int = 2  # the best directions, which are searched as a single approach is
    hidden: float = 0.06  # share of P that the plan without a cone loses: it takes what is hidden for free; 1: none

    def __post_init__(self) -> None:
        check_options(self, "cone.")


@dataclass(frozen=True)
class ApproachCone:
    """Directions of travel within `angle` [rad] of `axis` (3,), a vector of any length in the camera's frame."""

    axis: Tuple[float, float, float]
    angle: float  # 0 to a right angle

    def __post_init__(self) -> None:
        object.__setattr__(self, "axis", _direction(self.axis))
        object.__setattr__(self, "angle", _cone_angle(self.angle))

    def holds(self, directions: np.ndarray, slack: float = 1e-6) -> np.ndarray:
        """Which of unit vectors (..., 3) lie in the cone, (...) bool; `slack` [rad] for rounding."""
        return np.arccos(np.clip(directions @ np.array(self.axis), -1, 1)) <= self.angle + slack


Approach = Union[str, ApproachCone]


def turned_approach(approach: Optional[Approach], T_frame_cam: np.ndarray) -> Optional[Approach]:
    """An approach whose cone is in a frame, as seen by a camera at `T_frame_cam` (4, 4) in it."""
    if not isinstance(approach, ApproachCone):
        return approach
    x, y, z = np.asarray(T_frame_cam)[:3, :3].T @ np.array(approach.axis)
    return ApproachCone((float(x), float(y), float(z)), approach.angle)


def check_approach(approach: Approach) -> Approach:
    """`approach` itself. Raises InputError where it is neither one of NAMES nor a cone."""
    if isinstance(approach, ApproachCone) or (isinstance(approach, str) and approach in NAMES):
        return approach
    names = ", ".join(map(repr, NAMES))
    raise InputError(f"approach must be {names} or an ApproachCone(axis, angle), got {approach!r}")


def cone_of(approach: Approach, normal: Optional[np.ndarray]) -> Optional[ApproachCone]:
    """The cone that an approach stands for; None for one direction, the support's normal (3,) or the camera's axis."""
    if isinstance(approach, ApproachCone):
        return approach
    if approach != "any":
        return None
    x, y, z = AHEAD if normal is None else normal
    return ApproachCone((float(x), float(y), float(z)), RIGHT_ANGLE)


def spread_over(cone: ApproachCone, count: int) -> np.ndarray:
    """`count` unit directions (count, 3) over a cone, its axis first, each standing for as much of the sphere: a golden
    spiral (Gonzalez, Mathematical Geosciences 2010). The spiral starts on the side that faces along the camera's axis,
    so it turns with the camera."""
    axis = np.array(cone.axis)
    if cone.angle == 0 or count == 1:
        return axis[None]
    k = np.arange(count)
    cosine = 1 - (1 - math.cos(cone.angle)) * k / (count - 1)
    sine, turn = np.sqrt(np.maximum(0, 1 - cosine**2)), GOLDEN_ANGLE * k
    local = np.stack([sine * np.cos(turn), sine * np.sin(turn), cosine], axis=1)
    directions = local @ transforms.rotation_to(axis, AHEAD).T
    directions[0] = axis
    return directions


def free_directions(cone: ApproachCone, count: int, normal: Optional[np.ndarray]) -> np.ndarray:
    """About `count` directions (N, 3) of a cone that do not come from below a support, whose normal (3,) points into
    it. Raises InputError where no direction of the cone is free."""
    if normal is None:
        return spread_over(cone, count)
    many = spread_over(cone, 1000)
    share = float((many @ normal >= -LEVEL).mean())
    found = spread_over(cone, math.ceil(count / max(share, 1e-3)) if cone.angle else 1)
    found = found[found @ normal >= -LEVEL]
    if not len(found):
        lean = math.degrees(math.acos(float(np.clip(np.array(cone.axis) @ normal, -1, 1))))
        raise InputError(
            f"every approach within {math.degrees(cone.angle):g} degrees of {_shown_vector(cone.axis)} comes from below"
            f" the support: the axis is {lean:.1f} degrees from its normal {_shown_vector(normal)}; possible: an axis"
            " within 90 degrees of it, or a wider cone"
        )
    return found


def _cone_angle(angle: float) -> float:
    """`angle` [rad], a right angle in single precision counted as one. Raises InputError where it is no cone's."""
    number = isinstance(angle, (int, float, np.number)) and not isinstance(angle, bool)
    if not number or not 0 <= angle <= RIGHT_ANGLE + LEVEL:
        degrees = f" ({math.degrees(angle):g} degrees)" if number else ""
        raise InputError(f"the cone's angle must be 0 to {RIGHT_ANGLE:.4f} rad (90 degrees), got {angle!r}{degrees}")
    return min(float(angle), RIGHT_ANGLE)


def _direction(axis: Sequence[float]) -> Tuple[float, float, float]:
    """The unit vector along `axis`. Raises InputError where that has no direction."""
    try:
        vector = np.asarray(axis, float)
    except (TypeError, ValueError):
        vector = np.zeros(0)
    if vector.shape != (3,) or not np.isfinite(vector).all():
        raise InputError(f"the cone's axis must be 3 finite numbers, got {axis!r}")
    if not vector.any():
        raise InputError("the cone's axis has no direction: (0, 0, 0); possible: any other vector")
    if abs(float(np.linalg.norm(vector)) - 1) > 1e-12:  # a unit vector stays as it is, to the last bit
        vector = vector / np.abs(vector).max()
        vector = vector / np.linalg.norm(vector)
    x, y, z = vector
    return float(x), float(y), float(z)


def _shown_vector(vector: Iterable[float]) -> str:
    return "(" + ", ".join(f"{v:.3g}" for v in vector) + ")"
