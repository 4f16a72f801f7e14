"""Plan on the CPU while the GPU fails. Imports no ROS."""

from __future__ import annotations

import time
from typing import Any, Callable

from antipodal.errors import AntipodalError
from antipodal.planning.image_planner import ImagePlanner
from antipodal.planning.options import PlannerOptions
from antipodal.planning.result import Plan
from antipodal.planning.suction_options import SuctionOptions

RETRY = 30.0  # wait after a failure before the GPU is tried again [s]


class FallbackPlanner:
    """Plans with `gpu_planner`, and with `cpu_planner` while the GPU fails."""

    def __init__(
        self,
        gpu_planner: ImagePlanner,
        cpu_planner: ImagePlanner,
        warn: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ):
        """cpu_planner: the same planner on the CPU, loaded in advance: weights cannot be copied from a failed GPU."""
        self._gpu_planner, self._cpu_planner, self._warn, self._clock = gpu_planner, cpu_planner, warn, clock
        self._failed_at = -RETRY
        self.problem = ""  # why the CPU plans; "" while the GPU does

    @property
    def device(self) -> str:
        """The device that makes plans now."""
        return str((self._cpu_planner if self.problem else self._gpu_planner).device)

    def plan(self, *arguments: Any, **keywords: Any) -> Plan:
        """GraspPlanner.plan on the GPU or, while that fails, on the CPU."""
        return self._call("plan", *arguments, **keywords)

    def plan_views(self, *arguments: Any, **keywords: Any) -> Plan:
        """GraspPlanner.plan_views, likewise."""
        return self._call("plan_views", *arguments, **keywords)

    def _call(self, name: str, *arguments: Any, **keywords: Any) -> Plan:
        """What a method of the planner answers."""
        if self.problem and self._clock() - self._failed_at < RETRY:
            return getattr(self._cpu_planner, name)(*arguments, **keywords)
        try:
            plan = getattr(self._gpu_planner, name)(*arguments, **keywords)
        except AntipodalError:
            self._recovered()
            raise
        except RuntimeError as e:  # any CUDA error, out of memory included
            self._failed(e)
            return getattr(self._cpu_planner, name)(*arguments, **keywords)
        self._recovered()
        return plan

    def use_options(self, jaws: PlannerOptions, suction: SuctionOptions) -> None:
        """ImagePlanner.use_options of both planners."""
        for planner in (self._gpu_planner, self._cpu_planner):
            planner.use_options(jaws, suction)

    def _failed(self, error: RuntimeError) -> None:
        self._failed_at = self._clock()
        reason = (str(error).splitlines() or [repr(error)])[0]
        self.problem = f"planning on the CPU, because {self._gpu_planner.device} failed: {reason}"
        self._warn(f"{self.problem}; trying again in {RETRY:g} s")

    def _recovered(self) -> None:
        if self.problem:
            self._warn(f"{self._gpu_planner.device} works again")
        self.problem = ""
