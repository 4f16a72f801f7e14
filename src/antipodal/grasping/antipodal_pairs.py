"""Antipodal pairs of depth edges, after Dex-Net 2.0 (Mahler et al., RSS 2017, section IV.C and appendix).

Where the reference pairs every edge pixel with every other, here each edge marches through the object along a
direction drawn from its friction cone and pairs with an opposing edge that it meets: time linear in the pairs wanted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, List, Optional, Tuple, Union

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from antipodal import backends
from antipodal.grasp import Gripper
from antipodal.grasping.antipodal_pairs_numba import depth_edges_numba, march_numba
from antipodal.perception.option_limits import Within
from antipodal.perception.view import View

NO_CELLS = np.zeros((0, 0), bool)


@dataclass(frozen=True)
class SamplingOptions:
    """How depth edges are found and paired."""

    WITHIN: ClassVar[Within] = {"blur": (0.01, 100)}  # a smoothing has a width
    pairs: int = 150  # pairs wanted
    friction: float = 0.8  # half-angle of the cone is atan(friction)
    slope: float = 0.6  # smallest depth gradient of an edge [m/m]
    blur: float = 1.0  # standard deviation of the smoothing [cells]
    starts_per_pair: int = 8  # marches begun for every pair wanted


@dataclass(frozen=True)
class Pairs:
    """N antipodal pairs in a view."""

    center: torch.Tensor  # (N, 2) midpoint in the view [m]
    angle: torch.Tensor  # (N,) of the line through both contacts from the view's x [rad]
    extent: torch.Tensor  # (N,) distance between the contacts [m]

    def before(self, others: Pairs) -> Pairs:
        """These pairs, then others."""
        both = zip((self.center, self.angle, self.extent), (others.center, others.angle, others.extent))
        return Pairs(*(torch.cat(one) for one in both))


def sample_antipodal(
    view: View, gripper: Gripper, generator: torch.Generator, options: SamplingOptions = SamplingOptions()
) -> Tuple[Pairs, int]:
    """Antipodal pairs whose contacts lie on depth edges and fit between the jaws, and the number of edge cells.

    A pair is antipodal when the line between its contacts lies inside both friction cones.
    """
    edges, normals = depth_edges(view.depth, view.cell, options, view.bare)
    starts = _cells_of(edges & grow(view.graspable, 2))
    count = len(starts[0])
    if count == 0:
        return _no_pairs(view), 0
    start, direction = _draw_rays(starts, normals, generator, options)
    step = _march_any(start, direction, edges, normals, gripper.max_width / view.cell, generator, options)
    chosen = torch.nonzero(step)[:, 0]
    extent = step[chosen].to(view.depth.dtype)
    center = start[chosen] + direction[chosen] * extent[:, None] / 2
    angle = torch.atan2(direction[chosen, 1], direction[chosen, 0])
    return Pairs(view.to_metres(center), angle, extent * view.cell), count


def depth_edges(
    depth: torch.Tensor,
    cell: float,
    options: SamplingOptions = SamplingOptions(),
    bare: Optional[torch.Tensor] = None,
) -> Tuple[torch.Tensor, torch.Tensor]:
    """Edge cells (H, W) and unit normals (2, H, W) as (x, y), pointing outwards, to where it is deeper.
    bare: (H, W) bool, cells that are no edges, however much their plane leans.

    Edges are the ridges of the smoothed gradient's size that exceed the least slope (Canny's non-maximum suppression).
    """
    if backends.uses_numba(depth):
        steps = np.float32(0.5 / cell), np.float32(options.slope), _taps(options.blur)
        edges, normals = depth_edges_numba(depth.numpy(), *steps, NO_CELLS if bare is None else bare.numpy())
        return torch.from_numpy(edges), torch.from_numpy(normals)
    smooth = _gaussian(depth, options.blur)
    padded = F.pad(smooth[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
    gx = (padded[1:-1, 2:] - padded[1:-1, :-2]) * (0.5 / cell)
    gy = (padded[2:, 1:-1] - padded[:-2, 1:-1]) * (0.5 / cell)
    size = (gx * gx + gy * gy).double().sqrt().float()  # single precision roots differ between libraries
    normals = torch.stack([gx, gy]) / size.clamp_min(1e-9)
    edges = (size > options.slope) & _is_ridge(size, normals)
    return edges if bare is None else edges & ~bare, normals


def grow(mask: torch.Tensor, cells: int) -> torch.Tensor:
    """`mask` (H, W) bool dilated by a square of `cells` to every side."""
    if backends.uses_numba(mask):
        square = np.ones((2 * cells + 1,) * 2, np.uint8)
        return torch.from_numpy(cv2.dilate(mask.numpy().view(np.uint8), square)).view(torch.bool)
    return F.max_pool2d(mask[None, None].float(), 2 * cells + 1, stride=1, padding=cells)[0, 0] > 0


def _taps(sigma: float) -> np.ndarray:
    """Weights (2 r + 1,) float32 of the smoothing."""
    return np.array(_weights(sigma), np.float32)


def _weights(sigma: float) -> List[float]:
    radius = max(1, math.ceil(2.5 * sigma))
    taps = [math.exp(-0.5 * (k / sigma) ** 2) for k in range(-radius, radius + 1)]
    return [t / sum(taps) for t in taps]


def _gaussian(image: torch.Tensor, sigma: float) -> torch.Tensor:
    """`image` (H, W) smoothed, its border repeated; summed in one order on every device."""
    taps: Any = _weights(sigma)
    for axis in (1, 0):
        pad = (len(taps) // 2,) * 2
        padded = F.pad(image[None, None], (*pad, 0, 0) if axis == 1 else (0, 0, *pad), mode="replicate")[0, 0]
        image = sum(t * padded.narrow(axis, k, image.shape[axis]) for k, t in enumerate(taps))
    return image


def _is_ridge(size: torch.Tensor, normals: torch.Tensor) -> torch.Tensor:
    """Cells (H, W) whose gradient is no smaller than its two neighbours' along the gradient."""
    H, W = size.shape
    v, u = torch.meshgrid(torch.arange(H, device=size.device), torch.arange(W, device=size.device), indexing="ij")
    du, dv = normals[0].round().long(), normals[1].round().long()
    ahead = size[(v + dv).clamp(0, H - 1), (u + du).clamp(0, W - 1)]
    behind = size[(v - dv).clamp(0, H - 1), (u - du).clamp(0, W - 1)]
    return (size >= ahead) & (size >= behind)


def _cells_of(mask: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
    """Rows and columns (K,) of the true cells of a mask (H, W), row by row."""
    if not backends.uses_numba(mask):
        v, u = torch.nonzero(mask, as_tuple=True)
        return v, u
    rows, columns = np.divmod(np.flatnonzero(mask.numpy()), mask.shape[1])  # several times faster than torch's
    return torch.from_numpy(rows), torch.from_numpy(columns)


def _draw_rays(
    starts: Tuple[torch.Tensor, torch.Tensor],
    normals: torch.Tensor,
    generator: torch.Generator,
    options: SamplingOptions,
) -> Tuple[torch.Tensor, torch.Tensor]:
    """Edge cells (M, 2) as (column, row), drawn with replacement from those at rows and columns `starts` (K,), and
    inward directions (M, 2) from their cones."""
    v, u = starts
    picked = torch.randint(len(u), (options.pairs * options.starts_per_pair,), generator=generator, device=u.device)
    u, v = u[picked], v[picked]
    return cone_rays(u, v, normals, torch.rand(len(u), generator=generator, device=u.device), options)


def cone_rays(
    u: torch.Tensor, v: torch.Tensor, normals: torch.Tensor, share: torch.Tensor, options: SamplingOptions
) -> Tuple[torch.Tensor, torch.Tensor]:
    """Edge cells (M, 2) at columns u and rows v (M,), and inward directions (M, 2) at `share` (M,) in [0, 1) of the way
    across their friction cones."""
    inward = torch.atan2(-normals[1, v, u], -normals[0, v, u])
    angle = inward + (2 * share - 1) * math.atan(options.friction)
    start = torch.stack([u, v], dim=-1).to(angle.dtype)
    return start, torch.stack([torch.cos(angle), torch.sin(angle)], dim=-1)


def _march_any(
    start: torch.Tensor,
    direction: torch.Tensor,
    edges: torch.Tensor,
    normals: torch.Tensor,
    reach: float,
    generator: torch.Generator,
    options: SamplingOptions,
) -> torch.Tensor:
    """Steps (M,) from each start to one of the opposing edges on its way, drawn at random; 0 where it meets none."""
    choice = torch.rand(len(start), generator=generator, device=start.device)
    least_facing = math.cos(math.atan(options.friction))
    if backends.uses_numba(start):
        s, d, e, n = (a.numpy() for a in (start, direction, edges, normals))
        steps = march_numba(s, d, e, n, int(reach), np.float32(least_facing), choice.numpy(), options.pairs)
        return torch.from_numpy(steps)
    return march(start, direction, edges, normals, int(reach), least_facing, choice, options.pairs)


def march(
    start: torch.Tensor,
    direction: torch.Tensor,
    edges: torch.Tensor,
    normals: torch.Tensor,
    reach: Union[int, torch.Tensor],
    least_facing: float,
    choice: torch.Tensor,
    wanted: int,
    longest: Optional[int] = None,
) -> torch.Tensor:
    """As `march_numba`, for any device. A reach that only the device knows needs `longest`, its upper
    bound."""
    steps = torch.arange(2, max(2, int(reach) if longest is None else longest) + 1, device=start.device)
    column, row = ((start[:, k, None] + direction[:, k, None] * steps).round().long() for k in range(2))
    inside = (column >= 0) & (column < edges.shape[1]) & (row >= 0) & (row < edges.shape[0])
    column, row = column.clamp(0, edges.shape[1] - 1), row.clamp(0, edges.shape[0] - 1)
    facing = normals[0, row, column] * direction[:, :1] + normals[1, row, column] * direction[:, 1:]
    opposes = inside & edges[row, column] & (facing > least_facing) & (steps <= reach)
    count = opposes.sum(dim=1)
    nth = (choice * count).long() + 1
    taken = opposes & (opposes.cumsum(dim=1) == nth[:, None])
    met = (taken * steps).sum(dim=1)
    return torch.where((met > 0).cumsum(dim=0) <= wanted, met, torch.zeros_like(met))


def _no_pairs(view: View) -> Pairs:
    none = view.depth.new_zeros(0)
    return Pairs(none.view(0, 2), none, none)
