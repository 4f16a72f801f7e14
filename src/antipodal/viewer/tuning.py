"""What the page may change of each kind of hand, and of the plan for it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Dict, NamedTuple, Protocol, Tuple

from antipodal.grasp import Gripper
from antipodal.planning.options import PlannerOptions
from antipodal.planning.suction_options import SuctionOptions
from antipodal.suction_cup import SuctionCup
from antipodal.viewer.settings import Settings

MM, DEGREES, PERCENT = 1e3, 180 / math.pi, 100.0


class Slider(NamedTuple):
    """A number of a hand or of its plan."""

    name: str  # of the field of Settings
    label: str  # with the unit that is shown
    scale: float  # how many of that unit one of the field's is
    least: float  # of the slider, in the unit that is shown
    most: float
    step: float
    hint: str
    stretch: float = 1.0  # `most` is so many times the start at least

    def shown(self, value: float) -> float:
        """A value of the field in the unit that is shown."""
        return round(self.scale * value, 2)


class Tuning(Protocol):
    """What there is to change for one kind of hand."""

    title: str
    sliders: Tuple[Slider, ...]

    def values(self, hand: Any, options: Any) -> Dict[str, float]:
        """What the sliders start at, by their names."""

    def tuned(self, settings: Settings, hand: Any, options: Any) -> Tuple[Any, Any]:
        """The hand and the options with the settings in their places. Raises InputError for impossible ones."""


class JawsTuning:
    """Of a gripper."""

    title = "Gripper and clearance"
    sliders: Tuple[Slider, ...] = (
        Slider("opening", "Opening [mm]", MM, 10.0, 200.0, 1.0, "widest opening", 2.0),
        Slider("friction", "Friction", 1.0, 0.1, 2.0, 0.05, "half-angle of the cone"),
        Slider("below", "Under tips [mm]", MM, 0.0, 20.0, 0.5, "kept free under the jaws"),
        Slider("palm", "Under palm [mm]", MM, 0.0, 40.0, 0.5, "kept free under the palm"),
        Slider("table", "Over table [mm]", MM, 0.0, 40.0, 0.5, "tips over the table under high objects"),
    )

    def values(self, hand: Gripper, options: PlannerOptions) -> Dict[str, float]:
        """See `Tuning`."""
        c, friction = options.clearance, options.sampling.friction
        return dict(opening=hand.max_width, friction=friction, below=c.below, palm=c.palm, table=c.table_wanted)

    def tuned(self, settings: Settings, hand: Gripper, options: PlannerOptions) -> Tuple[Gripper, PlannerOptions]:
        """See `Tuning`."""
        s = settings
        clearance = replace(options.clearance, below=s.below, palm=s.palm, table_wanted=s.table)
        sampling = replace(options.sampling, friction=s.friction)
        options = replace(options, min_quality=s.min_quality, clearance=clearance, sampling=sampling)
        return replace(hand, max_width=s.opening), options


class CupTuning:
    """Of a suction cup."""

    title = "Suction cup and clearance"
    sliders: Tuple[Slider, ...] = (
        Slider("radius", "Lip radius [mm]", MM, 3.0, 60.0, 0.5, "of the lip; its model knows some sizes alone", 2.0),
        Slider("travel", "Travel [mm]", MM, 0.5, 30.0, 0.5, "how far the bellows give way, at most their length"),
        Slider("rough", "Roughness [%]", PERCENT, 1.0, 50.0, 0.5, "rms of a smooth surface, of the lip's radius"),
        Slider("coverage", "Lip seen [%]", PERCENT, 5.0, 100.0, 1.0, "least share of the lip that shows its plane"),
        Slider("tilt", "Tilt [degrees]", DEGREES, 0.0, 28.0, 0.5, "most between the approach and the surface's normal"),
        Slider("beside", "Beside cup [mm]", MM, 0.0, 20.0, 0.5, "kept free beside the cup and its body"),
        Slider("over", "Over support [mm]", MM, 0.0, 40.0, 0.5, "body over the support"),
    )

    def values(self, hand: SuctionCup, options: SuctionOptions) -> Dict[str, float]:
        """See `Tuning`."""
        p, c = options.points, options.clearance
        cup = dict(radius=hand.radius, travel=hand.travel, rough=p.residual, coverage=p.coverage)
        return dict(**cup, tilt=options.tilt, beside=c.beside, over=c.support)

    def tuned(self, settings: Settings, hand: SuctionCup, options: SuctionOptions) -> Tuple[SuctionCup, SuctionOptions]:
        """See `Tuning`."""
        s = settings
        points = replace(options.points, residual=s.rough, coverage=s.coverage)
        clearance = replace(options.clearance, beside=s.beside, support=s.over)
        options = replace(options, min_quality=s.min_quality, tilt=s.tilt, points=points, clearance=clearance)
        return replace(hand, radius=s.radius, travel=s.travel), options
