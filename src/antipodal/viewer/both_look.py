"""A plan for several hands as the page shows it: the grasps of all in one list."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import List, Sequence

from antipodal.grasp import Grasp, Hand
from antipodal.viewer.look import Entry, Look


@dataclass
class BothLook(Look):
    """`hand` and `options` are those of the first hand; each has a look of its own in `alone`."""

    alone: List[Look] = field(default_factory=list)

    @property
    def hands(self) -> Sequence[Hand]:
        """See `Look`."""
        return [look.hand for look in self.alone]

    @property
    def parts(self) -> Sequence[Look]:
        """See `Look`."""
        return self.alone

    def planned(self) -> None:
        """See `Look`."""
        for look in self.alone:
            look.reason = look.trace.refusal

    def steps(self) -> List[str]:
        """See `Look`: those of all hands."""
        each = [look.steps() for look in self.alone]
        batches = max((steps[steps.index("start") :] for steps in each if "start" in steps), key=len, default=[])
        others = dict.fromkeys(step for steps in each for step in steps if step not in batches)
        return [*others, *batches]

    def grasps(self, step: str) -> List[Grasp]:
        """See `Look`."""
        return [entry.grasp for entry in self.entries(step)]

    def entries(self, step: str) -> List[Entry]:
        """See `Look`: those returned first, then those of all hands, best first."""
        found = sorted((e for look in self.alone for e in look.entries(step)), key=lambda e: -e.grasp.quality)
        returned = [e for e in found if step == "result" and self.returns(e)]
        kept = {(id(e.look), e.place) for e in returned}
        return returned + [e for e in found if (id(e.look), e.place) not in kept]

    def returns(self, entry: Entry) -> bool:
        """Whether a grasp of the result is one of the plan's: each hand's best are, as many as the plan has of it."""
        if self.plan is None:
            return False
        return entry.place < sum(grasp.kind == entry.grasp.kind for grasp in self.plan)

    def dropped(self, step: str) -> str:
        """See `Look`."""
        return "; ".join(filter(None, (look.dropped(step) for look in self.alone)))
