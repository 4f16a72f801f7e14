"""How what may be grasped is told from the rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from antipodal.perception.bins import BinOptions
from antipodal.perception.furniture import FurnitureOptions
from antipodal.perception.option_limits import Within
from antipodal.perception.surroundings import SurroundingsOptions


@dataclass(frozen=True)
class SegmentationOptions:
    """What counts as an object."""

    WITHIN: ClassVar[Within] = {
        **dict.fromkeys(("rim", "beyond"), (0, 1)),  # they become pixels
        "min_certain": (0, 3200),
        "gap": (0, 1000),
    }
    min_height: float = 0.004  # above the table, at least [m]
    step: float = 0.01  # jump in depth between neighbouring pixels that parts two pieces [m]
    reach: float = 0.012  # what is barely higher than the table counts this near to what surely is [m]
    rim: float = 0.02  # jumps this near to a piece that is dropped, and nearer to no other piece, go with it [m]
    min_area: float = 0.0001  # smaller pieces are noise [m^2]
    min_certain: int = 16  # and those near which fewer pixels stand out of the table's noise
    near: float = 0.03  # so far to each side [m]
    max_height: float = 0.35  # pieces that reach higher are part of the room or a robot [m]
    entering: float = 0.10  # pieces that are higher than this where the image ends come in from outside [m]
    entering_share: float = 0.2  # of their pixels there
    entering_step: float = 0.07  # jump in depth that parts two pieces of what comes in from outside [m]
    sloping: float = (
        0.02  # where its rim is this near to half of that height, depth slopes down from it to the table [m]
    )
    small: float = 0.001  # smaller pieces beside what comes in belong to it [m^2]
    long: float = 0.15  # pieces that the border cuts in places further apart than this are part of the room [m]
    strip: float = 0.03  # but what reaches further into the image than this [m]
    joint: float = 0.02  # and is joined to such a piece by no more than this [m]
    stretch: float = 0.08  # or to that strip over no more than this is a thing that touches it [m]
    wall: float = 0.012  # distance from a wall within which a pixel belongs to it [m]
    foot: float = 0.025  # and this much more below this height: walls are rounded at their feet [m]
    drop: float = 0.03  # what is this much lower than the table lies beyond its edge [m]
    low: float = 0.02  # pieces lower than this beside the table's edge, where sensors see it bulge, are none [m]
    beyond: float = 0.08  # things stand over the table's surface, or this near to it [m]
    around: float = 0.08  # without a support, what is nearer than its surroundings this far round it is an object [m]
    stands_out: float = 0.015  # by this much [m]
    gap: int = 5  # missing pixels between that do not part a piece
    bins: BinOptions = field(default_factory=BinOptions)
    furniture: FurnitureOptions = field(default_factory=FurnitureOptions)
    surroundings: SurroundingsOptions = field(default_factory=SurroundingsOptions)
