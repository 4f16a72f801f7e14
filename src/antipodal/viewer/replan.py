"""Plans of one frame under settings that a person moves about, with all that the plan looked at."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Optional, Protocol, Sequence, Tuple, cast

import numpy as np

from antipodal.errors import InputError, NoGraspFound
from antipodal.grasp import Hand
from antipodal.perception.hints import SceneHints
from antipodal.planning.approach_cone import Approach
from antipodal.planning.image_planner import ImagePlanner
from antipodal.planning.last_result import Perceived
from antipodal.planning.result import Plan
from antipodal.planning.trace import Trace
from antipodal.viewer.both_look import BothLook
from antipodal.viewer.frames import Frame
from antipodal.viewer.hand_pages import HAND_PAGES
from antipodal.viewer.look import Look
from antipodal.viewer.settings import ALL_INSIDE, GRASPS_INSIDE, Settings

Tuned = Tuple[Hand, Any]  # a hand, and the options that it is planned for with


class OneHanded(Protocol):
    """A planner for one hand."""

    hands: Tuple[Hand, ...]
    options: Any

    def tune(self, __options: Any, __hand: Any = None) -> None:
        """Plan with other options, and for another hand of the same kind."""


class Replanner:
    """Plans again when a setting or the frame changes; the networks are loaded once."""

    def __init__(
        self,
        planner: ImagePlanner,
        hints: Optional[SceneHints] = None,
        max_grasps: int = 10,
        seed: int = 0,
        approach: Optional[Approach] = None,
    ):
        """approach: that the controls start from, in place of the hands' own."""
        self.planner, self.hints, self.max_grasps = planner, hints or SceneHints(), max_grasps
        self.perceived = {hand.kind: Perceived() for hand in planner.hands}  # what settings of a hand do not change
        self.planners = cast(Sequence[OneHanded], planner.parts)
        self.tuned: List[Tuned] = [(p.hands[0], p.options) for p in self.planners]  # those that settings start from
        self.start = self._start(seed, approach)

    @property
    def hands(self) -> List[Hand]:
        """What is planned for, as the settings start from it."""
        return [hand for hand, _ in self.tuned]

    def _start(self, seed: int, approach: Optional[Approach]) -> Settings:
        """Settings with which a plan is the command line's."""
        values: Dict[str, Any] = {"min_quality": min(options.min_quality for _, options in self.tuned)}
        for hand, options in self.tuned:
            values.update(HAND_PAGES[hand.kind].tuning.values(hand, options))
        start = Settings(**values, seed=seed).known(self.hints)
        return start.coming(approach, [options.approach for _, options in self.tuned])

    def use(self, hand: Hand) -> None:
        """Plan for another hand in place of the one of its kind."""
        self.tuned = [(hand if hand.kind == old.kind else old, options) for old, options in self.tuned]

    def look(self, frame: Frame, settings: Settings) -> Look:
        """The plan of a frame, or the reason why there is none, and what it looked at."""
        start = time.perf_counter()
        look = self._look_of(frame, settings, self.tuned)
        try:
            tuned = [HAND_PAGES[hand.kind].tuning.tuned(settings, hand, options) for hand, options in self.tuned]
            look = self._look_of(frame, settings, tuned)
            for planner, (hand, options) in zip(self.planners, tuned):
                if (hand, options) != (planner.hands[0], planner.options):
                    planner.tune(options, hand)
            start = time.perf_counter()
            look.plan = self._plan(frame, settings, look.trace)
            look.counts, look.times_ms = look.plan.counts, look.plan.times_ms
        except NoGraspFound as e:
            look.reason, look.counts = str(e), e.counts
        except InputError as e:
            look.reason = str(e)
        look.total_ms = 1e3 * (time.perf_counter() - start)
        look.planned()
        return look

    def _plan(self, frame: Frame, settings: Settings, trace: Trace) -> Plan:
        region, mask = None, frame.mask
        if settings.rectangle == GRASPS_INSIDE:
            region = settings.window()
        if settings.rectangle == ALL_INSIDE:
            mask = np.zeros(frame.depth.shape, bool)
            mask[slice(*settings.rows), slice(*settings.columns)] = True
        hints = settings.hints(self.hints)
        seen, way = (frame.depth, frame.camera, mask), settings.way()
        return self.planner.plan(*seen, self.max_grasps, settings.seed, region, hints=hints, trace=trace, approach=way)

    def _look_of(self, frame: Frame, settings: Settings, tuned: Sequence[Tuned]) -> Look:
        """A look at a plan for these hands, which is still to be made."""
        looks = [
            HAND_PAGES[hand.kind].look(frame, settings, hand, options, Trace(perceived=self.perceived[hand.kind]))
            for hand, options in tuned
        ]
        if len(looks) == 1:
            return looks[0]
        hand, options = tuned[0]
        trace = Trace(hands={look.hand.kind: look.trace for look in looks})
        return BothLook(frame, settings, hand, options, trace, alone=looks)
