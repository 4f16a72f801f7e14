"""Where a suction cup might be pressed on a surface."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from antipodal import transforms
from antipodal.networks.suction_crops import suction_axes


@dataclass(frozen=True, eq=False)
class Contacts:
    """N contacts that a cup might be pressed on, in the frame of a camera."""

    px: np.ndarray  # (N, 2) as (u, v)
    point: np.ndarray  # (N, 3) middle of the lip [m]
    approach: np.ndarray  # (N, 3) unit
    residual: np.ndarray  # (N,) rms distance of the surface from its plane [m]
    smooth: np.ndarray  # (N,) bool, on smooth surface that may be grasped
    allowed: np.ndarray  # (N,) bool, and the approach is one that was asked for

    def __len__(self) -> int:
        return len(self.px)

    @cached_property
    def poses(self) -> np.ndarray:
        """(N, 4, 4), z along the approach."""
        return transforms.compose(suction_axes(self.approach), self.point)
