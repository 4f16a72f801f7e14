"""As `sampling.sample_antipodal`, where the view lies: as many rows for every view, with a mask."""

from __future__ import annotations

import math
from typing import Any, Tuple

import torch

from antipodal.device.draws import Draws, first, pick
from antipodal.grasp import Gripper, ViewGrasps
from antipodal.sampling import SamplingOptions, cone_rays, depth_edges, grow, march
from antipodal.views import View


def sample_antipodal(
    view: View, gripper: Gripper, draws: Draws, options: SamplingOptions = SamplingOptions()
) -> Tuple[ViewGrasps, torch.Tensor, torch.Tensor]:
    """Grasps (options.pairs) on antipodal pairs of depth edges, at no depth; which rows hold one (options.pairs,) bool;
    and the number of edge cells ()."""
    edges, normals = depth_edges(view.depth, view.cell, options)
    starts = edges & grow(view.graspable, 2)
    cell = pick(starts.flatten(), draws.starts)
    u, v = cell % starts.shape[1], cell // starts.shape[1]
    start, direction = cone_rays(u, v, normals, draws.cone, options)
    facing = math.cos(math.atan(options.friction))
    reach: Any = gripper.max_width / view.cell
    longest = int(gripper.max_width / view.pitch)
    steps = march(start, direction, edges, normals, reach, facing, draws.choice, options.pairs, longest)
    met = (steps > 0) & starts.any()
    chosen = first(met, options.pairs)
    extent, heading = steps[chosen].to(view.depth.dtype), direction[chosen]
    centre = view.to_metres(start[chosen] + heading * extent[:, None] / 2)
    grasps = ViewGrasps(
        torch.nn.functional.pad(centre, (0, 1)), torch.atan2(heading[:, 1], heading[:, 0]), extent * view.cell
    )
    return grasps, torch.arange(options.pairs, device=met.device) < met.sum(), starts.sum()
