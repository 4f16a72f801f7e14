"""How far from an object's middle it is held: what hangs from one end turns in the jaws, or is shaken out of them.

A crop shows an opening and a half around the grasp, so the network cannot know where the middle of a long object is.
"""

from __future__ import annotations

import numpy as np
import torch

from antipodal.perception.components import connected_components
from antipodal.perception.view import View


def distance_to_centroid(view: View) -> torch.Tensor:
    """Distance (H, W) [m] of every graspable cell from the centroid of the connected region that it lies in."""
    regions = connected_components(view.graspable.cpu().numpy(), diagonal=True)
    distance = regions.distances() * np.float32(view.cell)
    return torch.from_numpy(distance).to(view.depth.device)


def balance_penalty(distance: torch.Tensor, scale: float) -> torch.Tensor:
    """Log odds of success (...) that grasps lose at a distance (...) [m] from their object's centroid: one unit at
    `scale` [m], growing with the square."""
    return (distance / scale) ** 2
