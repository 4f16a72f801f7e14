"""Where the gripper fits: jaws and palm against the surface that the camera saw.

A parallel jaw that touches the object on its way down is the commonest failure of grasp planners; a jaw's footprint
kept above the highest surface under it is the rule that avoids it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar, Dict, NamedTuple, Optional, Sequence, Tuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from antipodal import backends
from antipodal.grasp import Gripper
from antipodal.grasping import clearance_numba
from antipodal.grasping.gripper_boxes import jaw_boxes, palm_box, reach_across
from antipodal.grasping.view_grasps import ViewGrasps
from antipodal.perception.option_limits import Within
from antipodal.perception.view import View

VIEW_BORDER = 0.01  # beyond the hand's reach [m]: cells are rounded, and what was not seen is filled from beside it
NOTHING = np.zeros((0, 0), np.float32)  # in place of what is fixed, where nothing is
PALM_PITCH = 0.008  # between the points that stand for the palm [m]


@dataclass(frozen=True)
class ClearanceOptions:
    """Distances kept between the gripper and what was seen [m]."""

    WITHIN: ClassVar[Within] = {"beside": (0, 1)}  # it becomes points
    below: float = 0.003  # between the tips and the highest surface under the jaws
    beside: float = 0.0  # added to every side of a jaw's footprint
    palm: float = 0.005  # between the palm and the highest surface under it
    table: float = 0.0015  # between the tips and the table, where a flat object leaves no choice
    table_wanted: float = 0.010  # the same, where the object is high enough
    flat: float = 0.003  # what is seen lower than this above the table is taken for table
    reach: float = 0.012  # of the tips below the object's top, at least
    reach_wanted: float = 0.018  # the same, before the tips come nearer the table than `table_wanted`
    reach_share: float = 0.4  # of the object's height, which is enough where that is less than `reach`


class ClearanceLimits(NamedTuple):
    """The lengths [m] of the rule of clearance, in the order in which every twin takes them."""

    below: float
    palm: float
    table: float
    table_wanted: float
    reach: float
    reach_wanted: float
    reach_share: float
    jaw_length: float
    tip: float

    @classmethod
    def of(cls, options: ClearanceOptions, gripper: Gripper) -> ClearanceLimits:
        o = options
        asked = (o.below, o.palm, o.table, o.table_wanted, o.reach, o.reach_wanted, o.reach_share)
        return cls(*asked, gripper.jaw_length, gripper.tip)


@dataclass(frozen=True)
class DepthRange:
    """Depths of the grasp's origin at which N grasps fit; none where `deepest` < `shallowest`."""

    shallowest: torch.Tensor  # (N,) [m]
    deepest: torch.Tensor  # (N,) [m]

    @property
    def feasible(self) -> torch.Tensor:
        return self.deepest >= self.shallowest


def view_margin(gripper: Gripper) -> float:
    """How far around what may be grasped a view must show the scene [m]: as far as any part of the hand reaches."""
    return reach_across(gripper) + VIEW_BORDER


class Clearance:
    """Where one gripper fits in one view."""

    def __init__(
        self,
        view: View,
        gripper: Gripper,
        options: ClearanceOptions = ClearanceOptions(),
        fixed: Optional[torch.Tensor] = None,
    ):
        """fixed: (H, W) [m] as by `fixed_pieces.fixed_surface`: jaws do not close over it."""
        self.view, self.gripper, self.options = view, gripper, options
        self.obstacles = _obstacles(view, options)
        self.palm_obstacles = _palm_obstacles(view, options)
        self.fixed = None if fixed is None else _nearest_around(fixed, 1)
        self.limits = ClearanceLimits.of(options, gripper)
        self._points: Dict[Tuple[Tuple[float, ...], float], Tuple[np.ndarray, ...]] = {}

    @property
    def tops(self) -> torch.Tensor:
        """Depth (H, W) [m] of what the jaws may close on."""
        return self.view.things()

    def widest_opening(
        self, grasps: ViewGrasps, openings: Sequence[float], spare: float = 0.0
    ) -> Tuple[ViewGrasps, DepthRange]:
        """`grasps` at the first of the `openings` [widest openings] at which they fit, and their depths there.

        spare: room that each jaw leaves on its inner side besides [m].
        A grasp that fits at none keeps the last opening and an empty range. The depths of `grasps` do not matter.
        """
        if not backends.uses_numba(self.view.depth):
            return widest_opening(self, grasps, openings, spare)
        column, row = self.view.to_cells(grasps.center[:, :2]).unbind(-1)
        places = tuple(a.numpy() for a in (column, row, torch.cos(grasps.angle), torch.sin(grasps.angle)))
        opening, *depths = clearance_numba.widest_opening_numba(
            self.obstacles.numpy(),
            self.palm_obstacles.numpy(),
            self.tops.numpy(),
            NOTHING if self.fixed is None else self.fixed.numpy(),
            float(self.view.table),
            places,
            self._footprints(tuple(openings), spare),
            self.limits,
        )
        width = np.array([share * self.gripper.max_width for share in openings], np.float32)[opening]
        return replace(grasps, width=torch.from_numpy(width)), DepthRange(*map(torch.from_numpy, depths))

    def depth_range(self, grasps: ViewGrasps, spare: float = 0.0) -> DepthRange:
        """Depths at which the pads reach the object while jaws and palm clear every surface seen, and the table. Where
        something fixed lies between the jaws the tips stay above it, and reach below the surface at the grasp's middle:
        what is higher may not be the object.

        The depths of `grasps` themselves do not matter. spare: as in `widest_opening`.
        """
        limits, gripper, table, cell = self.limits, self.gripper, self.view.table, self.view.min_cell
        under_jaws = self._highest(
            self.obstacles, grasps, _jaw_footprint(grasps.width, gripper, self.options, cell, spare)
        )
        between = _between_jaws(grasps.width, gripper, cell)
        top = self._highest(self.tops, grasps, between)
        under_palm = torch.minimum(
            top, self._highest(self.palm_obstacles, grasps, _palm_footprint(grasps.width, gripper))
        )
        shallowest = self._reached(top)
        comfortable = (top + limits.reach_wanted).clamp(min=table - limits.table_wanted)
        deepest = torch.minimum(under_jaws - limits.below, under_palm + (limits.jaw_length - limits.palm))
        deepest = torch.minimum(deepest, comfortable.clamp(max=table - limits.table))
        if self.fixed is not None:
            least = self._highest(self.fixed, grasps, between) - limits.below
            middle = self._reached(self._highest(self.tops, grasps, torch.zeros_like(between[:, :1])))
            shallowest = torch.where(least < deepest, torch.maximum(shallowest, middle), shallowest)
            deepest = torch.minimum(deepest, least)
        return DepthRange(shallowest - limits.tip, deepest - limits.tip)

    def _reached(self, top: torch.Tensor) -> torch.Tensor:
        """Least depth (N,) of the tips on what has its top at depths (N,) [m]."""
        height = (self.view.table - top).clamp_min(0)
        return top + (height * self.limits.reach_share).clamp(max=self.limits.reach)

    def _highest(self, depth: torch.Tensor, grasps: ViewGrasps, offsets: torch.Tensor) -> torch.Tensor:
        """Smallest depth (N,) among points `offsets` (N or 1, K, 2), along and across each grasp's closing axis [m];
        beyond the border the border counts."""
        offsets = offsets / self.view.cell
        column, row = self.view.to_cells(grasps.center[:, :2])[:, :, None].unbind(1)
        cos, sin = torch.cos(grasps.angle)[:, None], torch.sin(grasps.angle)[:, None]
        x = column + cos * offsets[..., 0] - sin * offsets[..., 1]
        y = row + sin * offsets[..., 0] + cos * offsets[..., 1]
        u, v = x.round().long().clamp(0, depth.shape[1] - 1), y.round().long().clamp(0, depth.shape[0] - 1)
        return depth[v, u].amin(dim=1)

    def _footprints(self, openings: Tuple[float, ...], spare: float) -> Tuple[np.ndarray, ...]:
        """Points that `depth_range` looks at [cells]: under the jaws (O, J, 2) and between them (O, B, 2) at each
        opening, and under the palm (P, 2)."""
        if (openings, spare) not in self._points:
            width = torch.tensor([share * self.gripper.max_width for share in openings])
            points = footprints(self.gripper, self.options, self.view.min_cell, width, spare)
            self._points[openings, spare] = tuple((p / self.view.cell).contiguous().numpy() for p in points)
        return self._points[openings, spare]


def widest_opening(
    clearance: Clearance, grasps: ViewGrasps, openings: Sequence[float], spare: float = 0.0
) -> Tuple[ViewGrasps, DepthRange]:
    """As `Clearance.widest_opening`, on any device."""
    max_width = clearance.gripper.max_width
    grasps = replace(grasps, width=torch.full_like(grasps.angle, openings[0] * max_width))
    depths = clearance.depth_range(grasps, spare)
    for share in openings[1:]:  # of every grasp, so that nothing is read back from the device
        narrower = replace(grasps, width=torch.full_like(grasps.width, share * max_width))
        fits, narrower_depths = depths.feasible, clearance.depth_range(narrower, spare)
        grasps = replace(grasps, width=torch.where(fits, grasps.width, narrower.width))
        shallowest = torch.where(fits, depths.shallowest, narrower_depths.shallowest)
        depths = DepthRange(shallowest, torch.where(fits, depths.deepest, narrower_depths.deepest))
    return grasps, depths


def footprints(
    gripper: Gripper, options: ClearanceOptions, cell: float, width: torch.Tensor, spare: float = 0.0
) -> Tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Points that `depth_range` looks at [m]: under the jaws (O, J, 2) and between them (O, B, 2) at each opening
    `width` (O,) [m], no further apart than two cells, and under the palm (P, 2)."""
    jaws, between = _jaw_footprint(width, gripper, options, cell, spare), _between_jaws(width, gripper, cell)
    return jaws, between, _palm_footprint(width, gripper)[0]


def _obstacles(view: View, options: ClearanceOptions) -> torch.Tensor:
    """Depth (H, W) of the nearest surface that a point of a jaw's footprint stands for; a noisy table is no obstacle
    (its plane is), and what lies outside the image is one of any height."""
    seen = view.depth
    if not (backends.uses_numba(seen) and view.inside.numpy().all()):
        seen = torch.where(view.inside, seen, torch.full_like(seen, -torch.inf))
    return _without_table(_nearest_around(seen, 1), view, options)


def _palm_obstacles(view: View, options: ClearanceOptions) -> torch.Tensor:
    """As `_obstacles`, for the palm: nothing is known of what lies outside the image, where the palm may be. In a
    turned footprint the middle between four points lies half a diagonal from each."""
    cells = math.ceil(PALM_PITCH / math.sqrt(2) / view.min_cell)
    return _without_table(_nearest_around(view.depth, cells), view, options)


def _without_table(nearest: torch.Tensor, view: View, options: ClearanceOptions) -> torch.Tensor:
    if backends.uses_numba(nearest) and math.isinf(view.table):
        return nearest
    return torch.where(nearest > view.table - options.flat, view.table + 1.0, nearest)


def _nearest_around(depth: torch.Tensor, cells: int) -> torch.Tensor:
    """The least depth (H, W) within a square of `cells` to every side: footprints are points, two of these apart."""
    side = 2 * cells + 1
    if backends.uses_numba(depth):
        return torch.from_numpy(cv2.erode(depth.numpy(), np.ones((side, side), np.uint8)))
    return -F.max_pool2d(-depth[None, None], side, stride=1, padding=cells)[0, 0]


def _jaw_footprint(
    width: torch.Tensor, gripper: Gripper, options: ClearanceOptions, cell: float, spare: float
) -> torch.Tensor:
    """Points (N, K, 2) that cover both jaws at opening `width` (N,) [m], and `spare` [m] on their inner sides."""
    jaw = jaw_boxes(gripper, 0.0)[0]
    (_, inner, _), (half, outer, _) = jaw.low - options.beside, jaw.high + options.beside
    along, across = _grid(inner - spare, outer, half, 2 * cell, width)
    one = torch.stack([width[:, None] / 2 + along, across.expand(len(width), -1)], dim=-1)
    return torch.cat([one, -one], dim=1)


def _between_jaws(width: torch.Tensor, gripper: Gripper, cell: float) -> torch.Tensor:
    """Points (N, K, 2) that cover what lies between the jaws."""
    along, across = _grid(-0.5, 0.5, gripper.jaw_width / 2, 2 * cell, width, steps=int(gripper.max_width / cell / 2))
    return torch.stack([width[:, None] * along, across.expand(len(width), -1)], dim=-1)


def _palm_footprint(like: torch.Tensor, gripper: Gripper) -> torch.Tensor:
    """Points (1, K, 2) that cover the palm coarsely."""
    half_across, half_along, _ = palm_box(gripper).high
    along, across = _grid(-half_along, half_along, half_across, PALM_PITCH, like)
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
