"""Where the gripper fits: jaws and palm against the surface that the camera saw.

A parallel jaw that touches the object on its way down is the commonest failure of grasp planners; a jaw's footprint
kept above the highest surface under it is the rule that avoids it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Sequence, Tuple

import torch
import torch.nn.functional as F

from antipodal.grasp import Gripper, ViewGrasps
from antipodal.views import View


@dataclass(frozen=True)
class ClearanceOptions:
    """Distances kept between the gripper and what was seen [m]."""

    below: float = 0.003  # between the tips and the highest surface under the jaws
    beside: float = 0.002  # added to every side of a jaw's footprint
    palm: float = 0.005  # between the palm and the highest surface under it
    table: float = 0.0015  # between the tips and the table, where a flat object leaves no choice
    table_wanted: float = 0.006  # the same, where the object is high enough
    flat: float = 0.003  # what is seen lower than this above the table is taken for table
    reach: float = 0.012  # of the tips below the object's top, at least
    reach_wanted: float = 0.018  # the same, before the tips come nearer the table than `table_wanted`
    reach_share: float = 0.4  # of the object's height, which is enough where that is less than `reach`


@dataclass(frozen=True)
class DepthRange:
    """Depths of the grasp's origin at which N grasps fit; none where `deepest` < `shallowest`."""

    shallowest: torch.Tensor  # (N,) [m]
    deepest: torch.Tensor  # (N,) [m]

    @property
    def feasible(self) -> torch.Tensor:
        return self.deepest >= self.shallowest


def depth_range(
    view: View, grasps: ViewGrasps, gripper: Gripper, options: ClearanceOptions = ClearanceOptions()
) -> DepthRange:
    """Depths at which the pads reach the object while jaws and palm stay clear of every surface seen, and of the table.

    The depths of `grasps` themselves do not matter.
    """
    nearest = _obstacles(view, options)
    under_jaws = _highest(nearest, view, grasps, _jaw_footprint(grasps.width, gripper, options, view.cell))
    top = _highest(view.depth, view, grasps, _between_jaws(grasps.width, gripper, view.cell))
    under_palm = torch.minimum(top, _highest(nearest, view, grasps, _palm_footprint(grasps, gripper)))
    height = (view.table - top).clamp_min(0)
    shallowest = top + torch.minimum(height * options.reach_share, torch.full_like(top, options.reach))
    comfortable = torch.maximum(top + options.reach_wanted, torch.full_like(top, view.table - options.table_wanted))
    deepest = torch.stack(
        [
            under_jaws - options.below,
            under_palm + gripper.jaw_length - options.palm,
            comfortable.clamp(max=view.table - options.table),
        ]
    ).amin(dim=0)
    return DepthRange(shallowest - gripper.tip, deepest - gripper.tip)


def widest_opening(
    view: View, grasps: ViewGrasps, gripper: Gripper, openings: Sequence[float], options: ClearanceOptions
) -> Tuple[ViewGrasps, DepthRange]:
    """`grasps` at the first of the `openings` [widest openings] at which they fit, and their depths there.

    A grasp that fits at none keeps the last opening and an empty range.
    """
    width = torch.full_like(grasps.angle, openings[0] * gripper.max_width)
    grasps = replace(grasps, width=width)
    found = depth_range(view, grasps, gripper, options)
    for share in openings[1:]:
        lost = ~found.feasible
        if not bool(lost.any()):
            break
        narrower = replace(grasps[lost], width=torch.full_like(width[lost], share * gripper.max_width))
        again = depth_range(view, narrower, gripper, options)
        width[lost], found.shallowest[lost], found.deepest[lost] = narrower.width, again.shallowest, again.deepest
    return grasps, found


def _obstacles(view: View, options: ClearanceOptions) -> torch.Tensor:
    """Depth (H, W) of the nearest surface in every cell's neighbourhood; a noisy table is no obstacle (its plane is),
    and what lies outside the image is one of any height."""
    seen = torch.where(view.inside, view.depth, torch.full_like(view.depth, -torch.inf))
    nearest = -F.max_pool2d(-seen[None, None], 3, stride=1, padding=1)[0, 0]  # no thin ridge slips through
    return torch.where(nearest > view.table - options.flat, torch.full_like(nearest, view.table + 1.0), nearest)


def _highest(depth: torch.Tensor, view: View, grasps: ViewGrasps, offsets: torch.Tensor) -> torch.Tensor:
    """Smallest depth (N,) among points `offsets` (N or 1, K, 2), along and across each grasp's closing axis [m]."""
    c, s = torch.cos(grasps.angle)[:, None], torch.sin(grasps.angle)[:, None]
    x = grasps.center[:, :1] + c * offsets[..., 0] - s * offsets[..., 1]
    y = grasps.center[:, 1:2] + s * offsets[..., 0] + c * offsets[..., 1]
    cells = view.to_cells(torch.stack([x, y], dim=-1)).round().long()
    column = cells[..., 0].clamp(0, depth.shape[1] - 1)
    row = cells[..., 1].clamp(0, depth.shape[0] - 1)
    return depth[row, column].amin(dim=1)


def _jaw_footprint(width: torch.Tensor, gripper: Gripper, options: ClearanceOptions, cell: float) -> torch.Tensor:
    """Points (N, K, 2) that cover both jaws at opening `width` (N,) [m]."""
    inner, outer = -options.beside, gripper.jaw_thickness + options.beside
    along, across = _grid(inner, outer, gripper.jaw_width / 2 + options.beside, 2 * cell, width)
    one = torch.stack([width[:, None] / 2 + along, across.expand(len(width), -1)], dim=-1)
    return torch.cat([one, -one], dim=1)


def _between_jaws(width: torch.Tensor, gripper: Gripper, cell: float) -> torch.Tensor:
    """Points (N, K, 2) that cover what lies between the jaws."""
    along, across = _grid(-0.5, 0.5, gripper.jaw_width / 2, 2 * cell, width, steps=int(gripper.max_width / cell / 2))
    return torch.stack([width[:, None] * along, across.expand(len(width), -1)], dim=-1)


def _palm_footprint(grasps: ViewGrasps, gripper: Gripper) -> torch.Tensor:
    """Points (1, K, 2) that cover the palm coarsely."""
    half = gripper.palm_size[1] / 2
    along, across = _grid(-half, half, gripper.palm_size[0] / 2, 0.008, grasps.width)
    return torch.stack([along, across], dim=-1)[None]


def _grid(
    start: float, stop: float, half_across: float, pitch: float, like: torch.Tensor, steps: int = 0
) -> Tuple[torch.Tensor, torch.Tensor]:
    """Flat coordinates (K,) along [start, stop] and across [-half_across, half_across], at most `pitch` apart."""
    steps = steps or int((stop - start) / pitch) + 2
    along = torch.linspace(start, stop, steps, device=like.device, dtype=like.dtype)
    across = torch.linspace(
        -half_across, half_across, int(2 * half_across / pitch) + 2, device=like.device, dtype=like.dtype
    )
    return along.repeat_interleave(len(across)), across.repeat(len(along))
