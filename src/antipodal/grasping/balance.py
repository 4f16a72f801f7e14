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
    graspable = view.graspable.cpu().numpy()
    labels = np.zeros(graspable.shape) if view.labels is None else view.labels.cpu().numpy()
    distance = np.zeros(graspable.shape, np.float32)
    for label in np.unique(labels[graspable]) if view.labels is not None else (0,):
        distance += connected_components(graspable & (labels == label), diagonal=True).distances()
    return torch.from_numpy(distance * np.float32(view.cell)).to(view.depth.device)


def balance_penalty(distance: torch.Tensor, scale: float) -> torch.Tensor:
    """Log odds of success (...) that grasps lose at a distance (...) [m] from their object's centroid: one unit at
    `scale` [m], growing with the square."""
    return (distance / scale) ** 2
