"""One plan as the page shows it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from antipodal.grasp import Grasp, Hand
from antipodal.perception.segmentation_options import SegmentationOptions
from antipodal.planning.result import Plan
from antipodal.planning.trace import Trace
from antipodal.viewer.frames import Frame
from antipodal.viewer.settings import Settings

MOST_SHOWN = 60  # of the ranked grasps beside those returned


class Entry(NamedTuple):
    """A grasp that the page lists."""

    grasp: Grasp
    look: Any  # that of its hand alone
    place: int  # among the grasps of that look and step


@dataclass
class Look:
    """A plan for one hand, with what it looked at; a subclass knows what the search for its kind of hand keeps."""

    frame: Frame
    settings: Settings
    hand: Hand
    options: Any  # PlannerOptions, or SuctionOptions of a cup
    trace: Trace
    plan: Optional[Plan] = None
    reason: str = ""  # why there is no grasp
    counts: Dict[str, int] = field(default_factory=dict)
    times_ms: Dict[str, float] = field(default_factory=dict)
    total_ms: float = 0.0

    @property
    def hands(self) -> Sequence[Hand]:
        """What was planned for."""
        return (self.hand,)

    @property
    def parts(self) -> Sequence[Look]:
        """The looks of one hand each."""
        return (self,)

    @property
    def segmentation(self) -> SegmentationOptions:
        """By which pixels were told apart."""
        return self.options.segmentation

    @property
    def kinds(self) -> Optional[np.ndarray]:
        """What each pixel (H, W) was taken for, as of `pixel_kinds.kinds_of`; None where nothing was told apart."""
        scene = self.trace.scene
        return None if scene is None else self.trace.perceived.kinds(scene, self.frame.camera, self.segmentation)

    @property
    def leans(self) -> bool:
        """Whether what is behind a palm was kept clear too, as in a cone of approaches."""
        return any(part.trace.leaning for part in self.parts)

    def planned(self) -> None:
        """Take over what the plan kept; called once it is made, or refused."""

    def steps(self) -> List[str]:
        """What of the search can be shown, the result first."""
        raise NotImplementedError

    def grasps(self, step: str) -> List[Grasp]:
        """The grasps of a step of the search in the camera's frame, best first; of the result those returned first."""
        raise NotImplementedError

    def dropped(self, step: str) -> str:
        """What of a step is not shown, and why, in words; "" where all is."""
        raise NotImplementedError

    def apart(self, a: int, b: int) -> Tuple[float, float]:
        """How far apart [m] and turned against each other [rad] two of the ranked grasps are, as the plan had it."""
        raise NotImplementedError

    def entries(self, step: str) -> List[Entry]:
        """The grasps of a step as the page lists them."""
        return [Entry(grasp, self, k) for k, grasp in enumerate(self.grasps(step))]

    def ranks(self) -> List[int]:
        """Places among all scored grasps of those that the result shows."""
        if self.trace.ranked is None:
            return []
        spread = range(0, len(self.trace.ranked), max(1, len(self.trace.ranked) // MOST_SHOWN))
        return [*self.trace.chosen, *(k for k in spread if k not in set(self.trace.chosen))]


def batch_names(count: int) -> List[str]:
    """The steps of a search with so many batches."""
    return [f"iteration {k}" if k else "start" for k in range(count)]


def batch_of(step: str) -> int:
    """The inverse of `batch_names`."""
    return 0 if step == "start" else int(step.split()[1])


def poses_apart(a: np.ndarray, b: np.ndarray) -> Tuple[float, float]:
    """How far apart [m] and turned against each other [rad] two poses (4, 4) are; a hand is the same after half a turn
    about its z."""
    half_turn = np.diag([-1.0, -1.0, 1.0])
    cosines = [(np.trace(a[:3, :3].T @ b[:3, :3] @ other) - 1) / 2 for other in (np.eye(3), half_turn)]
    return float(np.linalg.norm(a[:3, 3] - b[:3, 3])), math.acos(min(1.0, max(cosines)))
