"""What the page's controls stand at."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Optional, Sequence, Tuple

from antipodal.perception.hints import SceneHints
from antipodal.perception.inputs import MAX_RANGE
from antipodal.planning.approach_cone import NAMES, Approach, ApproachCone

NO_RECTANGLE, GRASPS_INSIDE, ALL_INSIDE = "whole image", "grasps lie inside", "all inside may be grasped"
RECTANGLES = (NO_RECTANGLE, GRASPS_INSIDE, ALL_INSIDE)
CONE = "cone"
APPROACHES = (*NAMES, CONE)
EACH_ITS_OWN = "each hand's own"  # of several hands whose options differ


@dataclass(frozen=True)
class Settings:
    """Lengths in metres. What is of a hand that is not planned for stays 0."""

    opening: float = 0.0  # the gripper's widest
    friction: float = 0.0
    below: float = 0.0  # between tips and the surface under the jaws
    palm: float = 0.0  # between the palm and what is under it
    table: float = 0.0  # between tips and the table, where the object is high enough
    radius: float = 0.0  # of the cup's lip
    travel: float = 0.0  # of the bellows
    rough: float = 0.0  # rms distance from a plane of what still counts as smooth, in radii
    coverage: float = 0.0  # least share of the lip's disc that shows its plane
    beside: float = 0.0  # between the cup, or its body, and what is beside it
    over: float = 0.0  # between the body and the support
    tilt: float = 0.0  # greatest angle between a cup's approach and the surface's normal [rad]
    approach: str = "table"
    axis: Tuple[float, float, float] = (0.0, 0.0, 1.0)  # of a cone of approaches, in the camera's frame
    angle: float = 0.0  # of that cone [degrees]
    min_quality: float = 0.0
    up: Optional[Tuple[float, float, float]] = None
    depths: Tuple[float, float] = (0.0, MAX_RANGE)
    rectangle: str = NO_RECTANGLE
    columns: Tuple[int, int] = (0, 0)  # of the rectangle [px]
    rows: Tuple[int, int] = (0, 0)
    seed: int = 0

    def known(self, hints: SceneHints) -> Settings:
        """These, with what is known of the scene."""
        up = None if hints.up is None else tuple(float(v) for v in hints.up)
        depths = (float(hints.nearest), float(min(hints.farthest, MAX_RANGE)))
        return replace(self, up=up, depths=depths)  # type: ignore[arg-type]

    def coming(self, approach: Optional[Approach], own: Sequence[str]) -> Settings:
        """These, with an approach that was asked for, or None. own: what the hands' options say."""
        if isinstance(approach, ApproachCone):
            return replace(self, approach=CONE, axis=approach.axis, angle=math.degrees(approach.angle))
        return replace(self, approach=approach or (own[0] if len(set(own)) == 1 else EACH_ITS_OWN))

    def way(self) -> Optional[Approach]:
        """Which way the hand comes; None for each hand's own. Raises InputError where the cone's axis has no
        direction."""
        if self.approach == CONE:
            return ApproachCone(self.axis, math.radians(self.angle))
        return None if self.approach == EACH_ITS_OWN else self.approach

    def hints(self, base: SceneHints) -> SceneHints:
        """What is known of the scene, with these in their places."""
        near, far = self.depths
        return replace(base, up=self.up, nearest=near, farthest=far if far < MAX_RANGE else float("inf"))

    def window(self) -> Tuple[int, int, int, int]:
        """The rectangle as (u0, v0, width, height) [px]."""
        return self.columns[0], self.rows[0], self.columns[1] - self.columns[0], self.rows[1] - self.rows[0]
