"""The width of what a grasp closes on, as the view shows it."""

from __future__ import annotations

from typing import Tuple

import torch

from antipodal import backends
from antipodal.grasp import Gripper
from antipodal.grasping.object_width_numba import object_width_numba
from antipodal.grasping.view_grasps import ViewGrasps
from antipodal.perception.view import View

HEIGHT_SHARE = 0.2  # widths are taken this share of the way from the tips up to the highest surface between the jaws
SQUEEZE = 0.001  # jaws that hold something stay this much further open than at their narrowest [m]
SLANTS = (-0.35, 0.0, 0.35)  # jaws turn what they close on at a slant, until it is as thin as it can be [rad]


def object_width(view: View, grasps: ViewGrasps, gripper: Gripper) -> torch.Tensor:
    """Distance (N,) [m] between the jaws at first touch: along the closing axis, from first to last of the cells
    between the open jaws that rise above the tips; 0 where none does. Right to a cell or so."""
    return _widths(view, grasps, gripper)[0]


def wide_enough(view: View, grasps: ViewGrasps, gripper: Gripper) -> torch.Tensor:
    """Whether (N,) what N grasps close on is more than a spike, and thicker than the gripper's narrowest opening: jaws
    that reach below a spike of noise, or the corner of a neighbour, may close over the object itself."""
    if gripper.min_width == 0:
        return _widths(view, grasps, gripper)[2]
    _, line, held = _slanted_widths(view, grasps, gripper)
    return held[SLANTS.index(0.0)] & (line.amin(dim=0) >= gripper.min_width + SQUEEZE)


def oblique_penalty(view: View, grasps: ViewGrasps, gripper: Gripper, weight: float) -> torch.Tensor:
    """Log odds of success (N,) that N grasps lose where what they close on is narrower along an axis a little turned:
    `weight` times the logarithm of how much wider it is along their own. Jaws turn what they close on at a slant."""
    if weight == 0:
        return torch.zeros_like(grasps.angle)
    widths = _slanted_widths(view, grasps, gripper)[0] + view.min_cell
    return weight * torch.log(widths[SLANTS.index(0.0)] / widths.amin(dim=0))


def _slanted_widths(view: View, grasps: ViewGrasps, gripper: Gripper) -> Tuple[torch.Tensor, ...]:
    """As `_widths`, each (len(SLANTS), N): with the grasps turned by each of SLANTS."""
    count, angle = len(SLANTS), torch.cat([grasps.angle + slant for slant in SLANTS])
    turned = ViewGrasps(grasps.center.repeat(count, 1), angle, grasps.width.repeat(count))
    return tuple(found.view(count, -1) for found in _widths(view, turned, gripper))


def _widths(view: View, grasps: ViewGrasps, gripper: Gripper) -> Tuple[torch.Tensor, ...]:
    """Widths (N,) [m] of what N grasps close on: over all lines across the jaws, and in the widest of them alone; and
    whether (N,) more than half as many cells rise between the jaws as there are lines: one or two may be a spike."""
    if not backends.uses_numba(view.depth):
        return object_width_torch(view, grasps, gripper)
    column, row = view.to_cells(grasps.center[:, :2]).T.contiguous()  # of one layout, so that it is compiled once
    places = tuple(a.numpy() for a in (column, row, torch.cos(grasps.angle), torch.sin(grasps.angle)))
    tips = (grasps.center[:, 2] + gripper.tip).numpy()
    widths = (grasps.width / view.cell).numpy()
    found = object_width_numba(view.things().numpy(), places, tips, widths, gripper.jaw_width / view.cell, HEIGHT_SHARE)
    overall, line, held = map(torch.from_numpy, found)
    return overall * view.cell, line * view.cell, held


def object_width_torch(view: View, grasps: ViewGrasps, gripper: Gripper) -> Tuple[torch.Tensor, ...]:
    """As `_widths`, on any device."""
    reach, lines = int(gripper.max_width / view.min_cell / 2) + 1, int(gripper.jaw_width / view.min_cell / 4)
    along = torch.arange(-reach, reach + 1, device=view.depth.device)[:, None]
    beside = torch.linspace(-0.5, 0.5, 2 * lines + 1, device=view.depth.device)[None, :]
    x, y = along * view.cell, beside * gripper.jaw_width
    cos, sin = torch.cos(grasps.angle)[:, None, None], torch.sin(grasps.angle)[:, None, None]
    places = torch.stack([cos * x - sin * y, sin * x + cos * y], dim=-1) + grasps.center[:, None, None, :2]
    surface = view.lookup(view.things(), places.flatten(0, 2)).view(len(grasps), len(along), -1)
    between = (x.abs() < grasps.width[:, None, None] / 2).expand_as(surface)
    tips = (grasps.center[:, 2] + gripper.tip)[:, None, None]
    top = torch.where(between, surface, torch.inf).amin(dim=(1, 2), keepdim=True)
    solid = between & (surface < tips - HEIGHT_SHARE * (tips - top))
    first, last = torch.where(solid, along, reach).amin(dim=1), torch.where(solid, along, -reach).amax(dim=1)
    overall, line = last.amax(dim=1) - first.amin(dim=1), (last - first).amax(dim=1)
    return overall.clamp_min(0) * view.cell, line.clamp_min(0) * view.cell, solid.sum(dim=(1, 2)) > lines
