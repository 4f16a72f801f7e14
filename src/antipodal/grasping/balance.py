"""How far from an object's middle it is held: what hangs from one end turns in the jaws, or is shaken out of them.

A crop shows an opening and a half around the grasp, so the network cannot know where the middle of a long object is.
"""

from __future__ import annotations

import numpy as np
import torch

from antipodal.perception.components import connected_components
from antipodal.perception.view import View


def distance_to_centroid(view: View) -> torch.Tensor:
    """Distance (H, W) [m] of every graspable cell from the centroid of the connected region that it lies in, or of its
    object where the view has labels."""
    if view.labels is not None:
        return _distance_to_own_centroid(view)
    regions = connected_components(view.graspable.cpu().numpy(), diagonal=True)
    distance = regions.distances() * np.float32(view.cell)
    return torch.from_numpy(distance).to(view.depth.device)


def _distance_to_own_centroid(view: View) -> torch.Tensor:
    """The same where labels tell which object each cell shows: from that object's centroid, whatever touches it."""
    assert view.labels is not None
    graspable, labels = view.graspable.cpu().numpy(), view.labels.cpu().numpy()
    row, column = np.nonzero(graspable)
    _, own, count = np.unique(labels[row, column], return_inverse=True, return_counts=True)
    away = [x - (np.bincount(own, x) / count)[own] for x in (row, column)]
    distance = np.zeros(graspable.shape, np.float32)
    distance[row, column] = np.hypot(*away) * view.cell
    return torch.from_numpy(distance).to(view.depth.device)


def balance_penalty(distance: torch.Tensor, scale: float) -> torch.Tensor:
    """Log odds of success (...) that grasps lose at a distance (...) [m] from their object's centroid: one unit at
    `scale` [m], growing with the square."""
    return (distance / scale) ** 2
