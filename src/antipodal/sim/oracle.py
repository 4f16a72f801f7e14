"""The ground-truth planner: antipodal grasps from the objects' exact geometry, tried in a copy of the world.

It bounds what any planner can reach in the cell: a scene that it fails has no grasp from above, or within the cone that
it is asked for, or the cell is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from antipodal import transforms
from antipodal.camera import Camera
from antipodal.errors import NoGraspFound
from antipodal.grasp import Grasp
from antipodal.grasping.gripper_boxes import in_the_way, whole_hand_boxes
from antipodal.grasping.view_grasps import grasps_at
from antipodal.planning.approach_cone import Approach, ApproachCone, cone_of, free_directions
from antipodal.sim.baselines import downwards
from antipodal.sim.cell import Cell
from antipodal.sim.room import Part
from antipodal.sim.solids import Solid, outer_surface, through


@dataclass(frozen=True)
class OracleOptions:
    """How many grasps are tried, and how much room they need."""

    lines: int = 1500  # closing axes drawn on each object
    spacing: float = 0.004  # between the surface points that represent obstacles [m]
    room_spacing: float = 0.01  # the same for parts of a room, where a cone is asked for [m]
    friction: float = 0.55  # contacts lie within this cone
    swing: float = 0.3  # largest angle between closing axis and surface normal [rad]
    clearance: float = 0.002  # between jaws and everything on the way down [m]
    openings: Tuple[float, ...] = (0.016, 0.03, 0.008, 0.1)  # tried beyond the object's width [m]
    depths: Tuple[float, ...] = (0.008, 0.015, 0.002, 0.025)  # tips below the contacts [m]
    apart: float = 0.006  # two grasps nearer than this, and turned by less than `turned`, are the same [m]
    turned: float = 0.2  # [rad]
    rehearsals: int = 40  # grasps tried in the world
    directions: int = 48  # of approach, spread over a cone
    ways: int = 6  # of these, tried for each closing axis, evenly over the cone


class Axes(NamedTuple):
    """N closing axes in the world, best first."""

    center: np.ndarray  # (N, 3) midway between the contacts [m]
    direction: np.ndarray  # (N, 3), horizontal unless a cone was asked for
    length: np.ndarray  # (N,) between the contacts [m]
    cost: np.ndarray  # (N,) small if the contacts face each other across the centre of mass


class Oracle:
    """Plans for one cell; ignores the depth image."""

    def __init__(self, cell: Cell, options: OracleOptions = OracleOptions()):
        self.cell, self.options = cell, options
        self._ways: Optional[np.ndarray] = None  # (D, 3) directions of approach in the world; None: straight down
        self._cone: Optional[ApproachCone] = None  # that they are spread over

    def plan(
        self,
        depth: np.ndarray,
        camera: Camera,
        mask: Optional[np.ndarray] = None,
        max_grasps: int = 10,
        seed: int = 0,
        approach: Optional[Approach] = None,
        **_: Any,
    ) -> List[Grasp]:
        """The first grasp that holds in a rehearsal, of those within an approach's cone. Raises NoGraspFound if none
        does."""
        rng = np.random.default_rng(seed)
        self._cone, self._ways = self._spread(approach)
        solids = [self.cell.solid(i) for i in self.cell.remaining()]
        surfaces = [outer_surface(solid, self.options.spacing, rng) for solid in solids]
        room = room_points(self.cell.room, self.options.room_spacing) if self._ways is not None else []
        obstacles = np.concatenate([np.zeros((0, 3)), *(points for points, _ in surfaces), *room])
        axes = _best_first([self._axes(solid, *surface, rng) for solid, surface in zip(solids, surfaces)])
        T_cam_world = transforms.invert(self.cell.T_world_cam)
        tried = 0
        for T_world_grasp, width in self._clear(axes, obstacles):
            tried += 1
            if self.cell.rehearse(T_cam_world @ T_world_grasp, width).held:
                return grasps_at((T_cam_world @ T_world_grasp)[None], [width], [1.0], camera=camera)
        counts = {"objects": len(solids), "axes": len(axes.cost), "rehearsed": tried}
        raise NoGraspFound(f"no grasp held: {counts}", counts)

    def _spread(self, approach: Optional[Approach]) -> Tuple[Optional[ApproachCone], Optional[np.ndarray]]:
        """The cone of an approach, and directions over it that do not come from below the table, in the world."""
        cone = cone_of(approach or "table", -self.cell.T_world_cam[2, :3])
        if cone is None:
            return None, None
        x, y, z = self.cell.T_world_cam[:3, :3] @ np.array(cone.axis)
        turned = ApproachCone((float(x), float(y), float(z)), cone.angle)
        return turned, free_directions(turned, self.options.directions, np.array([0.0, 0.0, -1.0]))

    def _axes(self, solid: Solid, points: np.ndarray, normals: np.ndarray, rng: np.random.Generator) -> Axes:
        """Lines through an object that leave it within the friction cone at both ends; horizontal ones for a hand that
        comes straight down."""
        pick = rng.integers(len(points), size=self.options.lines)
        start, normal = points[pick], normals[pick]
        turn = rng.uniform(-self.options.swing, self.options.swing, len(pick))
        direction = (transforms.about_z(turn) @ -normal[..., None])[..., 0]
        if self._ways is None:
            direction = direction * [1, 1, 0]
        direction /= np.linalg.norm(direction, axis=1, keepdims=True) + 1e-12
        length, exit_normal = through(solid, start, direction)
        facing = np.minimum(-(normal * direction).sum(1), (exit_normal * direction).sum(1))
        longest = self.cell.gripper.max_width - self.options.clearance
        good = (facing > np.cos(np.arctan(self.options.friction))) & (length > 1e-3) & (length < longest)
        start, direction, length, facing = start[good], direction[good], length[good], facing[good]
        center = start + direction * length[:, None] / 2
        off = np.linalg.norm(np.cross(center - solid.center, direction), axis=1)
        return Axes(center, direction, length, off / 0.02 + 4 * (1 - facing))

    def _clear(self, axes: Axes, obstacles: np.ndarray) -> Iterator[Tuple[np.ndarray, float]]:
        """Grasps `T_world_grasp` and widths that touch nothing on the way down, best first, without duplicates."""
        tried: List[int] = []
        for i in range(len(axes.cost)):
            if len(tried) == self.options.rehearsals:
                return
            if not self._alike(axes, i, tried):
                found = self._first_clear(axes, i, obstacles)
                if found is not None:
                    tried.append(i)
                    yield found

    def _alike(self, axes: Axes, i: int, others: List[int]) -> bool:
        near = np.linalg.norm(axes.center[others] - axes.center[i], axis=1) < self.options.apart
        return bool((near & (np.abs(axes.direction[others] @ axes.direction[i]) > np.cos(self.options.turned))).any())

    def _first_clear(self, axes: Axes, i: int, obstacles: np.ndarray) -> Optional[Tuple[np.ndarray, float]]:
        """The first way, depth and opening at which an axis can be reached, or None."""
        gripper, options = self.cell.gripper, self.options
        for T_world_grasp in self._poses(axes, i):
            points = transforms.apply(transforms.invert(T_world_grasp), obstacles)
            for spare in options.openings:
                width = min(axes.length[i] + spare, gripper.max_width)
                if self._ways is not None and self._lowest(T_world_grasp, width) < options.clearance:
                    continue
                if not in_the_way(points, gripper, width, options.clearance, whole=self._ways is not None).any():
                    return T_world_grasp, width
        return None

    def _poses(self, axes: Axes, i: int) -> Iterator[np.ndarray]:
        """Poses (4, 4) that close along an axis, at every depth along every way to it."""
        tip, center, closing = self.cell.gripper.tip, axes.center[i], axes.direction[i]
        if self._ways is None:
            angle = np.arctan2(closing[1], closing[0])
            for depth in self.options.depths:
                tips = max(center[2] - depth, self.options.clearance)
                yield downwards([*center[:2], tips + tip], angle)
            return
        for way in self._ways_across(closing):
            R = np.stack([np.cross(closing, way), closing, way], axis=-1)
            for depth in self.options.depths:
                yield transforms.compose(R, center + (depth - tip) * way)

    def _ways_across(self, closing: np.ndarray) -> np.ndarray:
        """Ways (K, 3) of the cone at right angles to a closing axis (3,), the nearest to the cone's axis first."""
        assert self._ways is not None and self._cone is not None
        across = self._ways - np.outer(self._ways @ closing, closing)
        length = np.linalg.norm(across, axis=1)
        across = across[length > 0.5] / length[length > 0.5, None]
        across = across[self._cone.holds(across) & (across[:, 2] <= 0)]
        order = np.argsort(-across @ np.array(self._cone.axis), kind="stable")
        return across[order[:: max(1, len(across) // self.options.ways)]]

    def _lowest(self, T_world_grasp: np.ndarray, width: float) -> float:
        """Height [m] over the table of the lowest corner of the hand."""
        ends = [(box.low, box.high) for box in whole_hand_boxes(self.cell.gripper, width)]
        corners = [np.where(np.array(list(np.ndindex(2, 2, 2))), high, low) for low, high in ends]
        return float(transforms.apply(T_world_grasp, np.concatenate(corners))[:, 2].min())


def _best_first(axes: List[Axes]) -> Axes:
    if not axes:
        return Axes(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0), np.zeros(0))
    order = np.argsort(np.concatenate([a.cost for a in axes]), kind="stable")
    return Axes(*(np.concatenate(column)[order] for column in zip(*axes)))


def room_points(room: Sequence[Part], spacing: float) -> List[np.ndarray]:
    """Points (P, 3) all over each part of a room but the table, `spacing` [m] apart."""
    found = []
    for part in room[1:]:
        steps = [np.linspace(-s / 2, s / 2, int(s / spacing) + 2) for s in part.size]
        grid = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, 3)
        outer = (np.abs(grid) >= part.size / 2 - 1e-9).any(axis=1)
        found.append(transforms.apply(part.T_world_part, grid[outer]))
    return found
