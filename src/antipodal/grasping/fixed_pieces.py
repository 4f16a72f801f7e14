"""What stands beside the things and does not give way, such as the wall of a bin: jaws that close would stop at it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Optional

import cv2
import numpy as np
import torch

from antipodal.grasping.antipodal_pairs import grow
from antipodal.perception.view import View


@dataclass(frozen=True)
class FixedOptions:
    """What counts as fixed."""

    height: float = 0.008  # above the table, at least [m]
    length: float = 0.15  # of a piece, at least [m]; shorter ones may be pushed aside
    blur: int = 1  # cells by which what may be grasped may be wrong at its outline


def fixed_surface(view: View, options: FixedOptions = FixedOptions()) -> Optional[torch.Tensor]:
    """Depth (H, W) [m] of long pieces that stand on the table and may not be grasped, inf elsewhere; None where there
    is none."""
    if not math.isfinite(view.table):
        return None
    standing = (view.depth < view.table - options.height) & ~grow(view.graspable, options.blur)
    _, label, box, _ = cv2.connectedComponentsWithStats(standing.cpu().numpy().view(np.uint8), connectivity=4)
    long = np.hypot(box[:, cv2.CC_STAT_WIDTH], box[:, cv2.CC_STAT_HEIGHT]) * view.cell >= options.length
    long[0] = False
    fixed = torch.from_numpy(long[label]).to(standing.device)
    return torch.where(fixed, view.depth, torch.inf) if long.any() else None
