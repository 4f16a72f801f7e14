"""A plan for a suction cup as the page shows it."""

from __future__ import annotations

from typing import List, Optional, Tuple, cast

import numpy as np
import torch

from antipodal.grasp import Grasp
from antipodal.grasping.view_grasps import grasps_at
from antipodal.planning.suction_trace import SuctionTrace
from antipodal.suction_cup import SuctionCup
from antipodal.viewer.look import Look, batch_names, batch_of, poses_apart

POINTS = "points"


class CupLook(Look):
    """The search keeps the points that were drawn on what may be grasped, and batches of contacts."""

    @property
    def cup(self) -> SuctionCup:
        """The hand."""
        return cast(SuctionCup, self.hand)

    @property
    def search(self) -> Optional[SuctionTrace]:
        """What was looked at in the frame's image; None where the plan ended before."""
        return self.trace.suction[0] if self.trace.suction else None

    def steps(self) -> List[str]:
        """See `Look`."""
        if self.search is None or self.search.drawn is None:
            return ["result"]
        return ["result", POINTS, *batch_names(len(self.search.batches))]

    def grasps(self, step: str) -> List[Grasp]:
        """See `Look`; of the drawn points, which nothing has scored, those where a plane was found."""
        poses, quality = self._found(step)
        if not len(poses):
            return []
        camera, cup = self.frame.camera, self.cup
        return grasps_at(poses, np.zeros(len(poses)), quality.numpy(), camera=camera, hand=cup.name, kind=cup.kind)

    def places(self, step: str) -> np.ndarray:
        """Which of a step's contacts (N,) the grasps of `grasps` are; of the result, which of the ranked ones."""
        search = self.search
        if step == "result" or search is None or step not in self.steps():
            return np.array(self.ranks(), int)
        if step == POINTS:
            assert search.drawn is not None
            return np.flatnonzero(search.drawn.approach.any(axis=1))
        quality = search.batches[batch_of(step)].quality
        order = torch.argsort(quality, descending=True, stable=True)
        return order[torch.isfinite(quality[order])].numpy()

    def _found(self, step: str) -> Tuple[np.ndarray, torch.Tensor]:
        """Poses (N, 4, 4) and P(success) (N,) of a step, NaN where nothing was scored."""
        search, ranked, places = self.search, self.trace.ranked, self.places(step)
        nothing = np.empty((0, 4, 4)), torch.empty(0)
        if search is None or step not in self.steps():
            return nothing
        if step == "result":
            if ranked is None or self.trace.frames is None:
                return nothing
            return self.trace.frames[ranked.view[places].numpy()], ranked.quality[places]
        if step == POINTS:
            assert search.drawn is not None
            return search.drawn.poses[places], torch.full((len(places),), float("nan"))
        contacts, quality = search.batches[batch_of(step)]
        return contacts.poses[places], quality[places]

    def dropped(self, step: str) -> str:
        """See `Look`."""
        search = self.search
        if search is None or step in ("result", POINTS) or step not in self.steps():
            return ""
        unfit = int((~torch.isfinite(search.batches[batch_of(step)].quality)).sum())
        return f"the cup cannot come, or the surface is none to seal on, for {unfit} more" if unfit else ""

    def apart(self, a: int, b: int) -> Tuple[float, float]:
        """See `Look`."""
        assert self.trace.ranked is not None and self.trace.frames is not None
        return poses_apart(*(self.trace.frames[int(self.trace.ranked.view[k])] for k in (a, b)))
