"""Grasps that failed, and where the next one should not be: without a memory a planner tries the same place again.
After Dex-Net 4.0, whose policy leaves out what failed (Mahler et al., Science Robotics 2019, "memory")."""

from __future__ import annotations

from dataclasses import replace
from typing import List, Sequence

import numpy as np

from antipodal import transforms
from antipodal.grasp import Grasp
from antipodal.perception.fusion import CameraView

RADIUS = 0.02  # around the axis of a failed grasp, where no other grasp has its middle [m]
REACH = 0.06  # of that axis, from the grasp's origin along the approach and back [m]


def without_failed(views: Sequence[CameraView], failed: Sequence[Grasp]) -> List[CameraView]:
    """Views in which what lies around the axes of failed grasps may not be grasped. failed: in the frame of the first
    camera."""
    return [replace(view, graspable=_away_from(view, failed)) for view in views]


def _away_from(view: CameraView, failed: Sequence[Grasp]) -> np.ndarray:
    """The graspable pixels (H, W) bool of a view further than RADIUS from the axes."""
    graspable = view.graspable & (view.depth > 0)
    kept = view.graspable.copy()
    kept[graspable] = ~near_failed(view.points(graspable), failed)
    return kept


def near_failed(points: np.ndarray, failed: Sequence[Grasp]) -> np.ndarray:
    """Whether (N,) bool points (N, 3) [m] lie around the axes of failed grasps, in their frame."""
    near = np.zeros(len(points), bool)
    for grasp in failed:
        x, y, z = transforms.apply(transforms.invert(grasp.T_cam_grasp), points).T
        near |= (np.hypot(x, y) < RADIUS) & (np.abs(z) < REACH)
    return near
