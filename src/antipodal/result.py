"""What a planner answers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Callable, Dict, List

from antipodal.grasp import Grasp


class Plan(Sequence):
    """The grasps of one plan, best first, with what it took to find them."""

    def __init__(
        self,
        grasps: List[Grasp],
        scored: Callable[[], List[Grasp]],
        counts: Dict[str, int],
        times: Dict[str, float],
    ):
        """scored: makes `candidates` when they are asked for, which few do."""
        self.grasps = grasps
        self.counts = counts  # how many survived each stage
        self.times_ms = times  # wall time of each stage
        self._scored = scored

    @cached_property
    def candidates(self) -> List[Grasp]:
        """A hundred or two of those that the search scored and found likely enough, best first."""
        return self._scored()

    def __len__(self) -> int:
        return len(self.grasps)

    def __getitem__(self, index):
        return self.grasps[index]
