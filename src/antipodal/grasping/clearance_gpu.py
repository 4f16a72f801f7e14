"""As `Clearance.widest_opening`, where the view lies."""

from __future__ import annotations

from typing import Dict, Sequence, Tuple

import torch

from antipodal import backends
from antipodal.grasping.clearance import Clearance, DepthRange, clear_of_fixed, footprints, widest_opening
from antipodal.grasping.view_grasps import ViewGrasps


class OpeningSearch:
    """Openings and depths at which one gripper fits, by the fused kernel where there is one."""

    def __init__(self, openings: Sequence[float], spare: float = 0.0):
        """openings: [widest openings], tried in order; spare: as in `Clearance.widest_opening`."""
        self.openings, self.spare = openings, spare
        # What the kernel reads, put there once.
        self._points: Dict[Tuple[torch.device, int], Tuple[torch.Tensor, ...]] = {}

    def __call__(self, clearance: Clearance, grasps: ViewGrasps) -> Tuple[ViewGrasps, DepthRange]:
        """`grasps` at the first opening at which they fit, else the last, and their depths there, perhaps none."""
        return clear_of_fixed(clearance, lambda k: self._widest_opening(clearance, grasps, k), len(self.openings))

    def _widest_opening(self, clearance: Clearance, grasps: ViewGrasps, first: int) -> Tuple[ViewGrasps, DepthRange]:
        """As by a call, of the openings from the `first` on, whatever stands between the jaws."""
        view = clearance.view
        if not backends.uses_triton(view.depth):
            return widest_opening(clearance, grasps, self.openings[first:], self.spare)
        from antipodal.grasping import clearance_triton

        widths, *points = self._points_on_device(clearance, first)
        table = torch.as_tensor(view.table, dtype=view.depth.dtype, device=view.depth.device)
        width, *depths = clearance_triton.widest_opening_triton(
            clearance.obstacles,
            clearance.palm_obstacles,
            view.depth,
            view.frame(),
            table,
            grasps.center,
            grasps.angle,
            widths,
            points,
            clearance.limits,
        )
        return ViewGrasps(grasps.center, grasps.angle, width, grasps.quality), DepthRange(*depths)

    def _points_on_device(self, clearance: Clearance, first: int) -> Tuple[torch.Tensor, ...]:
        device = clearance.view.depth.device
        if (device, first) not in self._points:
            widths = torch.tensor([share * clearance.gripper.max_width for share in self.openings[first:]])
            points = footprints(clearance.gripper, clearance.options, clearance.view.min_cell, widths, self.spare)
            self._points[device, first] = tuple(p.contiguous().to(device) for p in (widths, *points))
        return self._points[device, first]
