"""Where the gripper fits in a view that leans on the support: as clearance.py says, and off the support's plane.

The plane is part of the surface, lifted by what the hand stays off it. The hand behind the palm is a box of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, Optional, Sequence, Tuple

import numpy as np
import torch

from antipodal.grasp import Gripper
from antipodal.grasping.clearance import (
    PALM_PITCH,
    VIEW_BORDER,
    Clearance,
    ClearanceOptions,
    DepthRange,
)
from antipodal.grasping.gripper_boxes import PALM_DEPTH, body_box, reach_across
from antipodal.grasping.oblique_clearance_numba import nearest_under_numba
from antipodal.grasping.view_grasps import ViewGrasps, at_depth, tips
from antipodal.perception.fusion import CameraView
from antipodal.perception.view import View


def oblique_margin(gripper: Gripper) -> float:
    """How far around what may be grasped an oblique view must show the scene [m]."""
    body = body_box(gripper)
    behind = 0.0 if body is None else float(np.hypot(*body.high[:2]))
    return max(reach_across(gripper), behind) + VIEW_BORDER


class ObliqueClearance(Clearance):
    """Where one gripper fits in one view that leans on the support."""

    def __init__(
        self,
        view: View,
        lifted: torch.Tensor,
        gripper: Gripper,
        poses: Callable[[ViewGrasps], np.ndarray],
        cameras: Sequence[CameraView],
        options: ClearanceOptions = ClearanceOptions(),
        fixed: Optional[torch.Tensor] = None,
    ):
        """lifted: (H, W) the view's surface with the support lifted [m]. poses: `T_cam_grasp` (N, 4, 4) of the view's
        grasps. cameras: each tip stays in an image of theirs. fixed: as in `Clearance`."""
        super().__init__(replace(view, depth=lifted), gripper, options, fixed)
        self.view, self.poses, self.cameras = view, poses, cameras
        self._body = _body_points(gripper, view.cell)

    def widest_opening(
        self, grasps: ViewGrasps, openings: Sequence[float], spare: float = 0.0
    ) -> Tuple[ViewGrasps, DepthRange]:
        """As `Clearance.widest_opening`, the hand behind the palm clear too, both tips in an image, and beyond what is
        seen at the grasp's centre: something else may stand between the jaws in front of it."""
        grasps, depths = super().widest_opening(grasps, openings, spare)
        deepest = torch.minimum(depths.deepest, self._deepest_of_body(grasps))
        seen = self._tips_in_image(at_depth(grasps, deepest))
        at_center = self.view.lookup(self.view.depth, grasps.center[:, :2]) - self.gripper.tip
        return grasps, DepthRange(torch.maximum(depths.shallowest, at_center), torch.where(seen, deepest, -torch.inf))

    def _deepest_of_body(self, grasps: ViewGrasps) -> torch.Tensor:
        """Greatest depth (N,) [m] of the origin at which the box behind the palm is clear."""
        if self._body is None:
            return torch.full_like(grasps.angle, torch.inf)
        column, row = self.view.to_cells(grasps.center[:, :2]).T.contiguous()
        places = tuple(a.numpy() for a in (column, row, torch.cos(grasps.angle), torch.sin(grasps.angle)))
        under = torch.from_numpy(nearest_under_numba(self.palm_obstacles.numpy(), places, self._body))
        limits = self.limits
        return under + (limits.jaw_length + PALM_DEPTH - limits.palm - limits.tip)

    def _tips_in_image(self, grasps: ViewGrasps) -> torch.Tensor:
        """Whether (N,) the middles of both tips appear in some camera's image."""
        points = tips(self.poses(grasps), grasps.width.numpy(), self.gripper)
        seen = np.any([view.sees(points) for view in self.cameras], axis=0)
        return torch.from_numpy(seen.all(axis=1))


def _body_points(gripper: Gripper, cell: float) -> Optional[np.ndarray]:
    """Points (K, 2) float32 that cover the box behind the palm [cells], along and across the closing axis; None where
    the palm covers it."""
    body = body_box(gripper)
    if body is None or (body.high[0] <= gripper.palm_size[0] / 2 and body.high[1] <= gripper.palm_size[1] / 2):
        return None
    half_across, half_along = body.high[:2]
    along = np.linspace(-half_along, half_along, int(2 * half_along / PALM_PITCH) + 2)
    across = np.linspace(-half_across, half_across, int(2 * half_across / PALM_PITCH) + 2)
    grid = np.stack(np.meshgrid(along, across, indexing="ij"), axis=-1).reshape(-1, 2)
    return (grid / cell).astype(np.float32)
