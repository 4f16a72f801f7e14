"""As `Clearance.widest_opening`, where the view lies."""

from __future__ import annotations

from typing import Dict, Sequence, Tuple

import torch

from antipodal import backends
from antipodal.grasping.clearance import Clearance, DepthRange, footprints, widest_opening
from antipodal.grasping.view_grasps import ViewGrasps


class OpeningSearch:
    """Openings and depths at which one gripper fits, by the fused kernel where there is one."""

    def __init__(self, openings: Sequence[float], spare: float = 0.0):
        """openings: [widest openings], tried in order; spare: as in `Clearance.widest_opening`."""
        self.openings, self.spare = openings, spare
        self._points: Dict[torch.device, Tuple[torch.Tensor, ...]] = {}  # what the kernel reads, put there once

    def __call__(self, clearance: Clearance, grasps: ViewGrasps) -> Tuple[ViewGrasps, DepthRange]:
        """`grasps` at the first opening at which they fit, else the last, and their depths there, perhaps none."""
        view = clearance.view
        if not backends.uses_triton(view.depth):
            return widest_opening(clearance, grasps, self.openings, self.spare)
        from antipodal.grasping import clearance_triton

        widths, *points = self._points_on_device(clearance)
        table = torch.as_tensor(view.table, dtype=view.depth.dtype, device=view.depth.device)
        width, *depths = clearance_triton.widest_opening_triton(
            clearance.obstacles,
            clearance.palm_obstacles,
            view.depth,
            clearance.fixed,
            view.frame(),
            table,
            grasps.center,
            grasps.angle,
            widths,
            points,
            clearance.limits,
        )
        return ViewGrasps(grasps.center, grasps.angle, width, grasps.quality), DepthRange(*depths)

    def _points_on_device(self, clearance: Clearance) -> Tuple[torch.Tensor, ...]:
        device = clearance.view.depth.device
        if device not in self._points:
            widths = torch.tensor([share * clearance.gripper.max_width for share in self.openings])
            points = footprints(clearance.gripper, clearance.options, clearance.view.min_cell, widths, self.spare)
            self._points[device] = tuple(p.contiguous().to(device) for p in (widths, *points))
        return self._points[device]
