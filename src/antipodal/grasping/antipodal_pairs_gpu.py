"""As `antipodal_pairs.sample_antipodal`, on any device: as many rows for every view, with a mask."""

from __future__ import annotations

import math
from typing import Any, Tuple

import torch

from antipodal.grasp import Gripper
from antipodal.grasping.antipodal_pairs import SamplingOptions, cone_rays, depth_edges, grow, march
from antipodal.grasping.view_grasps import ViewGrasps
from antipodal.perception.masked import first_true, pick_true
from antipodal.perception.view import View


def sample_antipodal_gpu(
    view: View,
    gripper: Gripper,
    starts: torch.Tensor,
    cone: torch.Tensor,
    choice: torch.Tensor,
    options: SamplingOptions = SamplingOptions(),
) -> Tuple[ViewGrasps, torch.Tensor, torch.Tensor]:
    """Grasps (options.pairs) on antipodal pairs of depth edges, at no depth; which rows hold one (options.pairs,) bool;
    and the number of edge cells ().

    starts, cone, choice: uniform numbers in [0, 1), see planning/random_draws.py."""
    edges, normals = depth_edges(view.depth, view.cell, options)
    may_start = edges & grow(view.graspable, 2)
    cell = pick_true(may_start.flatten(), starts)
    u, v = cell % may_start.shape[1], cell // may_start.shape[1]
    start, direction = cone_rays(u, v, normals, cone, options)
    facing = math.cos(math.atan(options.friction))
    reach: Any = gripper.max_width / view.cell
    longest = int(gripper.max_width / view.min_cell)
    steps = march(start, direction, edges, normals, reach, facing, choice, options.pairs, longest)
    met = (steps > 0) & may_start.any()
    chosen = first_true(met, options.pairs)
    extent, heading = steps[chosen].to(view.depth.dtype), direction[chosen]
    center = view.to_metres(start[chosen] + heading * extent[:, None] / 2)
    grasps = ViewGrasps(
        torch.nn.functional.pad(center, (0, 1)), torch.atan2(heading[:, 1], heading[:, 0]), extent * view.cell
    )
    return grasps, torch.arange(options.pairs, device=met.device) < met.sum(), may_start.sum()
