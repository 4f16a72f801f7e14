"""What stands beside the things and does not give way, such as the wall of a bin: jaws that close would stop at it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Optional

import cv2
import numpy as np
import torch

from antipodal import backends
from antipodal.grasping.antipodal_pairs import grow
from antipodal.grasping.fixed_pieces_gpu import fixed_surface_gpu
from antipodal.perception.view import View


@dataclass(frozen=True)
class FixedOptions:
    """What counts as fixed."""

    height: float = 0.015  # above the table, at least [m]
    length: float = 0.15  # of a piece, at least [m]; shorter ones may be pushed aside
    blur: int = 1  # cells by which what may be grasped may be wrong at its outline


def fixed_surface(view: View, options: FixedOptions = FixedOptions()) -> Optional[torch.Tensor]:
    """Depth (H, W) [m] of long pieces that stand on the table and may not be grasped, inf elsewhere; None where there
    is none."""
    if not backends.uses_numba(view.depth):
        return fixed_surface_gpu(view, options)
    if not math.isfinite(view.table):
        return None
    standing = (view.depth < view.table - options.height) & ~grow(view.graspable, options.blur)
    _, label, box, _ = cv2.connectedComponentsWithStats(standing.numpy().view(np.uint8), connectivity=4)
    long = np.hypot(box[:, cv2.CC_STAT_WIDTH], box[:, cv2.CC_STAT_HEIGHT]) * view.cell >= options.length
    long[0] = False
    return torch.where(torch.from_numpy(long[label]), view.depth, torch.inf) if long.any() else None
