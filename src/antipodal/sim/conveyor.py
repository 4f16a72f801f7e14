"""A conveyor in the frame of its belt: objects rest, while camera and arm move past.

By Galileo's principle that is the same physics, and nothing has to be pushed along by hand.
"""

from __future__ import annotations

from typing import Sequence

import mujoco
import numpy as np
from numpy.typing import ArrayLike

from antipodal import transforms
from antipodal.sim.carriage import CARRIAGE
from antipodal.sim.cell import Cell
from antipodal.sim.hand import Hand


class Conveyor:
    """A cell whose table moves at `velocity` (3,) [m/s] past the camera and the gripper. Camera and gripper base stand
    in the lab frame. Lab and belt (the cell's world) coincide at time 0."""

    def __init__(self, cell: Cell, velocity: np.ndarray):
        self.cell, self.velocity = cell, np.asarray(velocity, dtype=np.float64)
        self.T_lab_cam = cell.T_world_cam.copy()
        self.hand = LabHand(cell.model, cell.data, self.velocity)

    def look(self) -> np.ndarray:
        """Depth (H, W) float32 [m] of the camera now, without noise; the gripper is not in it."""
        T_belt_lab = transforms.compose(np.eye(3), -self.hand.passed())
        self.cell.T_world_cam = T_belt_lab @ self.T_lab_cam
        return self.cell.render()


class LabHand(Hand):
    """The gripper on a moving belt; positions are in the lab frame."""

    def __init__(self, model: mujoco.MjModel, data: mujoco.MjData, velocity: np.ndarray):
        super().__init__(model, data)
        self.velocity, self._start = velocity, data.time
        self._goal, self._drift, self._since = np.zeros(3), np.zeros(3), data.time
        self._angles: Sequence[float] = (0.0, 0.0, 0.0)

    def time(self) -> float:
        """Time since lab and belt coincided [s]."""
        return self.data.time - self._start

    def passed(self) -> np.ndarray:
        """Displacement of the belt (3,) [m]."""
        return self.time() * self.velocity

    def place(self, T_world_grasp: np.ndarray, width: float) -> None:
        super().place(transforms.compose(np.eye(3), -self.passed()) @ T_world_grasp, width)
        self.data.qvel[[self.model.joint(name).dofadr[0] for name in CARRIAGE[:3]]] = -self.velocity
        self.aim(T_world_grasp[:3, 3])

    def aim(
        self, position: np.ndarray, angles: Sequence[float] = (0, 0, 0), drift: ArrayLike = (0.0, 0.0, 0.0)
    ) -> None:
        """Like `Hand.aim`; the goal moves on from `position` at the velocity `drift` (3,) [m/s]."""
        self._goal, self._angles, self._drift = np.array(position), tuple(angles), np.array(drift)
        self._since = self.data.time

    def position(self) -> np.ndarray:
        return super().position() + self.passed()

    def step(self) -> None:
        goal = self._goal + (self.data.time - self._since) * self._drift
        super().aim(goal - self.passed(), self._angles)
        super().step()
