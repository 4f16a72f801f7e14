"""The ground-truth planner of a cup: contacts all over the objects' exact surfaces, tried in a copy of the world."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, List, Optional, Tuple

import numpy as np

from antipodal import transforms
from antipodal.camera import Camera
from antipodal.errors import InputError, NoGraspFound
from antipodal.grasp import Grasp
from antipodal.grasping.cup_clearance import cup_swept
from antipodal.grasping.view_grasps import grasps_at
from antipodal.sim.cell import Cell
from antipodal.sim.cup_hand import PRESSED
from antipodal.sim.oracle import Oracle, room_points
from antipodal.sim.seal import SEALED, seal_on
from antipodal.sim.solids import outer_surface
from antipodal.suction_cup import KIND


@dataclass(frozen=True)
class SuctionOracleOptions:
    """How many contacts are tried, and how much room they need."""

    spacing: float = 0.004  # between the surface points [m]
    room_spacing: float = 0.01  # the same for parts of a room [m]
    steepest: float = 1.2  # largest angle between approach and straight down [rad]
    clearance: float = 0.002  # between cup, body and everything on the way [m]
    apart: float = 0.006  # contacts nearer than this, with approaches within `turned`, are the same [m]
    turned: float = 0.3  # [rad]
    looks: int = 400  # contacts whose seal is computed
    rehearsals: int = 40  # contacts tried in the world


class SuctionOracle:
    """Plans for one cell with a cup; ignores the depth image."""

    def __init__(self, cell: Cell, options: SuctionOracleOptions = SuctionOracleOptions()):
        """Raises InputError where the cell has no cup."""
        if cell.cup is None or cell.cup_hand is None:
            raise InputError("the oracle of suction needs a cell with a cup")
        self.cell, self.cup, self.hand, self.options = cell, cell.cup, cell.cup_hand, options

    def plan(
        self,
        depth: np.ndarray,
        camera: Camera,
        mask: Optional[np.ndarray] = None,
        max_grasps: int = 10,
        seed: int = 0,
        **_: Any,
    ) -> List[Grasp]:
        """The first grasp that holds in a rehearsal. Raises NoGraspFound if none does."""
        rng = np.random.default_rng(seed)
        surfaces = [outer_surface(self.cell.solid(i), self.options.spacing, rng) for i in self.cell.remaining()]
        obstacles = np.concatenate([np.zeros((0, 3)), *(points for points, _ in surfaces), *self._room()])
        T_cam_world = transforms.invert(self.cell.T_world_cam)
        tried = 0
        for T_world_grasp in self._sealing(self._contacts(surfaces), obstacles):
            tried += 1
            if self.cell.rehearse(T_cam_world @ T_world_grasp, 0.0, KIND).held:
                T = (T_cam_world @ T_world_grasp)[None]
                return grasps_at(T, [0.0], [1.0], camera=camera, hand=self.cup.name, kind=KIND)
            if tried == self.options.rehearsals:
                break
        counts = {"objects": len(surfaces), "points": len(obstacles), "rehearsed": tried}
        raise NoGraspFound(f"no grasp held: {counts}", counts)

    def _room(self) -> List[np.ndarray]:
        return room_points(self.cell.room, self.options.room_spacing)

    def _contacts(self, surfaces: List[Tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        """Poses (N, 4, 4) of the cup in the world, against each surface from above; first those over the middle of
        their object, whose weight then pulls straight."""
        found, cost = [np.zeros((0, 4, 4))], [np.zeros(0)]
        for i, (points, normals) in zip(self.cell.remaining(), surfaces):
            above = normals[:, 2] > np.cos(self.options.steepest)
            points, normals = points[above], normals[above]
            across = np.where(np.abs(normals[:, :1]) < 0.9, [[1.0, 0, 0]], [[0, 1.0, 0]])
            found.append(np.array([_pose(-n, x, p) for n, x, p in zip(normals, across, points)]).reshape(-1, 4, 4))
            arm = np.linalg.norm((points - self.cell.pose(i)[:3, 3])[:, :2], axis=1)
            cost.append(arm / self.cup.radius + 2 * (1 - normals[:, 2]))
        return np.concatenate(found)[np.argsort(np.concatenate(cost), kind="stable")]

    def _sealing(self, contacts: np.ndarray, obstacles: np.ndarray) -> Iterator[np.ndarray]:
        """Contacts that the cup reaches and on which it seals, without duplicates."""
        tried: List[np.ndarray] = []
        for T in contacts:
            if len(tried) == self.options.looks:
                return
            if not self._alike(T, tried):
                tried.append(T)
                if self._is_reached(T, obstacles) and self._seals(T):
                    yield T

    def _alike(self, T: np.ndarray, others: List[np.ndarray]) -> bool:
        if not others:
            return False
        known = np.array(others)
        near = np.linalg.norm(known[:, :3, 3] - T[:3, 3], axis=1) < self.options.apart
        return bool((near & (known[:, :3, 2] @ T[:3, 2] > np.cos(self.options.turned))).any())

    def _is_reached(self, T: np.ndarray, obstacles: np.ndarray) -> bool:
        points = transforms.apply(transforms.invert(T), obstacles)
        return not cup_swept(points, self.cup, self.options.clearance).any()

    def _seals(self, T: np.ndarray) -> bool:
        pressed = transforms.compose(T[:3, :3], T[:3, 3] + PRESSED * self.cup.travel * T[:3, 2])
        return seal_on(self.cup, *self.hand.objects_under(pressed), self.hand.options).state == SEALED


class EitherOracle:
    """What the jaws' oracle or the cup's can hold."""

    def __init__(self, cell: Cell):
        self.oracles = (SuctionOracle(cell), Oracle(cell))

    def plan(self, *args: Any, **more: Any) -> List[Grasp]:
        """As `SuctionOracle.plan`; where the cup holds nothing, as `Oracle.plan`."""
        first, second = self.oracles
        try:
            return first.plan(*args, **more)
        except NoGraspFound:
            return second.plan(*args, **more)


def _pose(approach: np.ndarray, across: np.ndarray, point: np.ndarray) -> np.ndarray:
    return transforms.compose(transforms.rotation_to(approach, across), point)
