"""What a plan is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence

import numpy as np

from antipodal.grasp import Grasp


@dataclass(frozen=True)
class Request:
    """One image to plan for, all in main memory."""

    depth: np.ndarray  # (H, W) float32 [m], 0 = missing
    mask: Optional[np.ndarray] = None  # (H, W) bool, what may be grasped; what stands on the table when not given
    window: Optional[np.ndarray] = None  # (H, W) bool, where
    start: Sequence[Grasp] = ()  # of an earlier plan, in the frame of this camera
