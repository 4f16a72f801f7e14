"""Triton twin of `clearance.widest_opening`: every footprint at every opening in one launch, one program a grasp.

In torch it is some three hundred launches, and an array of all points under all grasps for each of them. Import only
where `backends.uses_triton` says so.
"""

from __future__ import annotations

from typing import Optional, Sequence, Tuple

import torch
import triton
import triton.language as tl


def widest_opening_triton(
    obstacles: torch.Tensor,
    palm_obstacles: torch.Tensor,
    depth: torch.Tensor,
    fixed: Optional[torch.Tensor],
    frame: torch.Tensor,
    table: torch.Tensor,
    center: torch.Tensor,
    angle: torch.Tensor,
    widths: torch.Tensor,
    points: Sequence[torch.Tensor],
    limits: Sequence[float],
) -> Tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Opening, shallowest and deepest depth (N,) [m] of N grasps at the first opening that fits, else at the last.

    obstacles, palm_obstacles, depth, fixed: (H, W) float32 [m], the last None where nothing is fixed; frame: (3,) x and
    y of cell (0, 0) and the cells' side [m]; table: () its depth [m]; center: (N, 3) [m]; angle: (N,) [rad]; widths:
    (O,) [m], tried in order; points: of `clearance.footprints`; limits: ClearanceLimits.
    """
    jaws, between, palm = points
    results = torch.empty((3, len(angle)), device=depth.device)
    H, W = depth.shape
    counts = {"J": jaws.shape[1], "B": between.shape[1], "P": palm.shape[0]}
    tiles = {f"{name}P": triton.next_power_of_2(count) for name, count in counts.items()}
    arguments = (
        *(image.contiguous() for image in (obstacles, palm_obstacles, depth, depth if fixed is None else fixed)),
        *(frame, table, center.contiguous(), angle.contiguous()),
    )
    rest = (widths, jaws, between, palm, results, len(angle), H, W, *limits)
    _widest_opening_kernel[(len(angle),)](
        *arguments, *rest, OPENINGS=len(widths), FIXED=fixed is not None, **counts, **tiles
    )
    return results[0], results[1], results[2]


@triton.jit
def _widest_opening_kernel(
    obstacles, palm_obstacles, depth, fixed, frame, table, center, angle, widths, jaws, between, palm, out, n, H, W,
    below, palm_clearance, table_clearance, table_wanted, reach, reach_wanted, reach_share, jaw_length, tip,
    OPENINGS: tl.constexpr, FIXED: tl.constexpr, J: tl.constexpr, B: tl.constexpr, P: tl.constexpr,
    JP: tl.constexpr, BP: tl.constexpr, PP: tl.constexpr,
):  # fmt: skip
    i = tl.program_id(0)
    cell, table_depth, a = tl.load(frame + 2), tl.load(table), tl.load(angle + i)
    column = (tl.load(center + 3 * i) - tl.load(frame)) / cell
    row = (tl.load(center + 3 * i + 1) - tl.load(frame + 1)) / cell
    c, s = tl.cos(a), tl.sin(a)
    under_palm = _highest(palm_obstacles, palm, column, row, c, s, cell, H, W, P, PP)
    if FIXED:
        u = tl.minimum(tl.maximum(_round(column), 0.0), W - 1.0).to(tl.int32)
        v = tl.minimum(tl.maximum(_round(row), 0.0), H - 1.0).to(tl.int32)
        middle = tl.load(depth + v * W + u)
        reached = middle + tl.minimum(tl.maximum(table_depth - middle, 0.0) * reach_share, reach) - tip
    width, shallowest, deepest = 0.0, 1.0, 0.0  # fits nowhere yet
    for k in tl.static_range(OPENINGS):
        under_jaws = _highest(obstacles, jaws + 2 * k * J, column, row, c, s, cell, H, W, J, JP)
        top = _highest(depth, between + 2 * k * B, column, row, c, s, cell, H, W, B, BP)
        highest = top + tl.minimum(tl.maximum(table_depth - top, 0.0) * reach_share, reach) - tip
        comfortable = tl.maximum(top + reach_wanted, table_depth - table_wanted)
        lowest = tl.minimum(under_jaws - below, tl.minimum(under_palm, top) + (jaw_length - palm_clearance))
        lowest = tl.minimum(lowest, tl.minimum(comfortable, table_depth - table_clearance)) - tip
        if FIXED:
            least = _highest(fixed, between + 2 * k * B, column, row, c, s, cell, H, W, B, BP) - below - tip
            highest = tl.where(least < lowest, tl.maximum(highest, reached), highest)
            lowest = tl.minimum(lowest, least)
        unfit = deepest < shallowest  # at every opening so far
        width = tl.where(unfit, tl.load(widths + k), width)
        shallowest, deepest = tl.where(unfit, highest, shallowest), tl.where(unfit, lowest, deepest)
    tl.store(out + i, width)
    tl.store(out + n + i, shallowest)
    tl.store(out + 2 * n + i, deepest)


@triton.jit
def _highest(depth, points, column, row, c, s, cell, H, W, COUNT: tl.constexpr, TILE: tl.constexpr):
    """Smallest depth among the cells at COUNT points (along, across) [m] of a grasp; outside, the border's."""
    k = tl.arange(0, TILE)
    along = tl.load(points + 2 * k, mask=k < COUNT, other=0.0) / cell
    across = tl.load(points + 2 * k + 1, mask=k < COUNT, other=0.0) / cell
    u = tl.minimum(tl.maximum(_round(column + c * along - s * across), 0.0), W - 1.0).to(tl.int32)
    v = tl.minimum(tl.maximum(_round(row + s * along + c * across), 0.0), H - 1.0).to(tl.int32)
    return tl.min(tl.load(depth + v * W + u, mask=k < COUNT, other=float("inf")), axis=0)


@triton.jit
def _round(x):
    """The nearest whole number, ties to even as torch rounds: sums above 2^23 have no fraction."""
    return (x + 12582912.0) - 12582912.0
