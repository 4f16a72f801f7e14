"""Everything that tunes a plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Tuple

from antipodal.errors import InputError
from antipodal.files import options_from_dict
from antipodal.grasping.antipodal_pairs import SamplingOptions
from antipodal.grasping.clearance import ClearanceOptions
from antipodal.grasping.fixed_pieces import FixedOptions
from antipodal.perception.fusion import FusionOptions
from antipodal.perception.option_limits import Within, check_options
from antipodal.perception.segmentation_options import SegmentationOptions
from antipodal.perception.solid_scene import SolidOptions
from antipodal.perception.table import TableOptions
from antipodal.perception.view import ViewOptions
from antipodal.planning.approach_cone import NAMES, ConeOptions
from antipodal.planning.cem import CEMOptions
from antipodal.planning.dense_scan import DenseOptions


@dataclass(frozen=True)
class PlannerOptions:
    """Each part is documented beside the function that it tunes."""

    WITHIN: ClassVar[Within] = {"openings": (0.01, 1)}

    policy: str = "sample"  # a search starts at sampled antipodal pairs, or at the peaks of a "dense" scan
    approach: str = "table"  # along the normal of a "table", along the "camera" axis, or from "any" side of the table
    candidates: int = 50  # of the pairs where the gripper fits, how many go on; many more are looked at, which is cheap
    depths: int = 2  # approach depths tried for each of them
    openings: Tuple[float, ...] = (1.0, 0.75, 0.5)  # of the jaws on approach, in widest openings, the first that fits
    opening: str = "widest"  # of the openings that fit; or what suits the "object": the narrowest with room to spare
    min_quality: float = 0.05  # grasps less likely to succeed than this are not returned; 0: all are
    balance: float = 0.06  # this far from an object's middle a grasp loses one unit of log odds [m]
    oblique: float = 8.0  # log odds that a grasp loses per logarithm of the width that a turned axis would spare it
    distinct_distance: float = 0.01  # two returned grasps are further apart than this [m]
    distinct_angle: float = 0.35  # or turned by more than this [rad]
    table: TableOptions = field(default_factory=TableOptions)
    segmentation: SegmentationOptions = field(default_factory=SegmentationOptions)
    view: ViewOptions = field(default_factory=ViewOptions)
    fusion: FusionOptions = field(default_factory=FusionOptions)
    sampling: SamplingOptions = field(default_factory=SamplingOptions)
    dense: DenseOptions = field(default_factory=DenseOptions)
    clearance: ClearanceOptions = field(default_factory=ClearanceOptions)
    fixed: FixedOptions = field(default_factory=FixedOptions)
    cem: CEMOptions = field(default_factory=CEMOptions)
    cone: ConeOptions = field(default_factory=ConeOptions)
    solid: SolidOptions = field(default_factory=SolidOptions)

    def __post_init__(self) -> None:
        check_options(self)
        if self.approach not in NAMES:
            raise InputError(f"approach must be 'table', 'camera' or 'any', got {self.approach!r}")
        if self.opening not in ("widest", "object"):
            raise InputError(f"opening must be 'widest' or 'object', got {self.opening!r}")
        if not 0 <= self.min_quality < 1:
            raise InputError(f"min_quality is a probability below 1, got {self.min_quality:g}")
        if self.policy not in ("sample", "dense"):
            raise InputError(f"policy must be 'sample' or 'dense', got {self.policy!r}")

    @classmethod
    def from_dict(cls, values: dict) -> PlannerOptions:
        """Options from nested plain values, like {"depths": 4, "cem": {"iterations": 2}}; unknown keys are refused."""
        return options_from_dict(cls, values)
