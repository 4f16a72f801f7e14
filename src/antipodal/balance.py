"""How far from an object's middle it is held: what hangs from one end turns in the jaws, or is shaken out of them.

A crop shows an opening and a half around the grasp, so the network cannot know where the middle of a long object is.
"""

from __future__ import annotations

import numpy as np
import torch

from antipodal.kernels.components import connected_components
from antipodal.views import View


def distance_to_middle(view: View) -> torch.Tensor:
    """Distance (H, W) [m] of every graspable cell from the centroid of the connected region that it lies in."""
    regions = connected_components(view.graspable.cpu().numpy(), diagonal=True)
    away = regions.distances() * np.float32(view.cell)
    return torch.from_numpy(away).to(view.depth.device)
