"""Everything that tunes a plan for a suction cup."""

from __future__ import annotations

from dataclasses import dataclass, field

from antipodal.errors import InputError
from antipodal.files import options_from_dict
from antipodal.grasping.cup_clearance import CupClearanceOptions
from antipodal.grasping.suction_points import SuctionPointOptions
from antipodal.perception.fusion import FusionOptions
from antipodal.perception.option_limits import check_options
from antipodal.perception.segmentation_options import SegmentationOptions
from antipodal.perception.table import TableOptions
from antipodal.planning.approach_cone import NAMES
from antipodal.planning.cem import CEMOptions


@dataclass(frozen=True)
class SuctionOptions:
    """Each part is documented beside the function that it tunes."""

    approach: str = "any"  # from "any" side of the table; near to its normal ("table") or to the "camera" axis
    lean: float = 0.5  # how near those are: the greatest angle from them [rad]
    candidates: int = 50  # of the points that the cup comes to freely, how many go on
    tilt: float = 0.12  # greatest angle between the approach and the surface's normal that the search tries [rad]
    min_quality: float = 0.05  # grasps less likely to succeed than this are not returned; 0: all are
    balance: float = 0.06  # this far from an object's middle a grasp loses one unit of log odds [m]
    distinct_distance: float = 0.01  # two returned grasps are further apart than this [m]
    distinct_angle: float = 0.35  # or turned by more than this [rad]
    table: TableOptions = field(default_factory=TableOptions)
    segmentation: SegmentationOptions = field(default_factory=SegmentationOptions)
    fusion: FusionOptions = field(default_factory=FusionOptions)
    points: SuctionPointOptions = field(default_factory=SuctionPointOptions)
    clearance: CupClearanceOptions = field(default_factory=CupClearanceOptions)
    cem: CEMOptions = field(default_factory=CEMOptions)

    def __post_init__(self) -> None:
        check_options(self)
        if self.approach not in NAMES:
            raise InputError(f"approach must be 'table', 'camera' or 'any', got {self.approach!r}")
        if not 0 <= self.min_quality < 1:
            raise InputError(f"min_quality is a probability below 1, got {self.min_quality:g}")
        if self.candidates < 1 or not 0 <= self.tilt <= 0.5 or not 0 <= self.lean <= 1.5 or not self.balance > 0:
            raise InputError(
                "candidates must be at least 1, tilt 0 to 0.5 rad, lean 0 to 1.5 rad and balance above 0 m, got "
                f"{self.candidates}, {self.tilt}, {self.lean}, {self.balance}"
            )

    @classmethod
    def from_dict(cls, values: dict) -> SuctionOptions:
        """Options from nested plain values, like {"points": {"drawn": 800}}; unknown keys are refused."""
        return options_from_dict(cls, values)
