"""A planner that goes on, on the CPU, while its GPU fails. Imports no ROS."""

from __future__ import annotations

import time
from typing import Any, Callable

from antipodal.errors import AntipodalError
from antipodal.planner import GraspPlanner, Plan, PlannerOptions

RETRY = 30.0  # after a failure, the GPU is left alone for so long [s]


class FallbackPlanner:
    """Plans as `planner` does; where that fails for a reason of its device, as `spare` does."""

    def __init__(
        self,
        planner: GraspPlanner,
        spare: GraspPlanner,
        warn: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ):
        """spare: the same on the CPU, loaded before anything fails: from a lost GPU nothing can be fetched."""
        self._planner, self._spare, self._warn, self._clock = planner, spare, warn, clock
        self._failed_at = -RETRY
        self.trouble = ""  # why the spare plans, "" while it does not

    @property
    def device(self) -> str:
        """Where plans are made at present."""
        return str((self._spare if self.trouble else self._planner).device)

    def plan(self, *arguments: Any, **keywords: Any) -> Plan:
        """GraspPlanner.plan, on either device."""
        if self.trouble and self._clock() - self._failed_at < RETRY:
            return self._spare.plan(*arguments, **keywords)
        try:
            plan = self._planner.plan(*arguments, **keywords)
        except AntipodalError:
            self._recovered()
            raise
        except RuntimeError as e:  # CUDA's errors, running out of its memory among them
            self._failed(e)
            return self._spare.plan(*arguments, **keywords)
        self._recovered()
        return plan

    def tune(self, options: PlannerOptions) -> None:
        """GraspPlanner.tune, of both."""
        for planner in (self._planner, self._spare):
            planner.tune(options)

    def _failed(self, error: RuntimeError) -> None:
        self._failed_at = self._clock()
        reason = (str(error).splitlines() or [repr(error)])[0]
        self.trouble = f"planning on the CPU, because {self._planner.device} failed: {reason}"
        self._warn(f"{self.trouble}; it is tried again in {RETRY:g} s")

    def _recovered(self) -> None:
        if self.trouble:
            self._warn(f"{self._planner.device} works again")
        self.trouble = ""
