"""How far from an object's middle it is held: what hangs from one end turns in the jaws, or is shaken out of them.

A crop shows an opening and a half around the grasp, so the network cannot know where the middle of a long object is.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch

from antipodal.views import View


def distance_to_middle(view: View) -> torch.Tensor:
    """Distance (H, W) [m] of every graspable cell from the centroid of the connected region that it lies in."""
    graspable = view.graspable.cpu().numpy().astype(np.uint8)
    _, labels, _, middle = cv2.connectedComponentsWithStats(graspable, connectivity=8)
    row, column = np.mgrid[: labels.shape[0], : labels.shape[1]]
    away = np.hypot(column - middle[labels, 0], row - middle[labels, 1]) * view.cell
    return torch.from_numpy((away * graspable).astype(np.float32)).to(view.depth.device)
