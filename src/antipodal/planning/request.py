"""What a plan is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

import numpy as np

from antipodal.grasp import Grasp


@dataclass(frozen=True)
class Request:
    """One image to plan for, all in main memory."""

    depth: np.ndarray  # (H, W) float32 [m], 0 = missing
    graspable: np.ndarray  # (H, W) bool, True somewhere where depth is valid
    approach: np.ndarray  # (3,) unit, in the camera frame
    table: float  # depth of the table along the approach [m], inf where none is known
    start: Sequence[Grasp] = ()  # of an earlier plan, in the frame of this camera
