"""The cell's hands: their servos, the forces on them, and what the jaws hold; the cup is in cup_hand.py."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Dict, NamedTuple, Optional, Sequence

import mujoco
import numpy as np

from antipodal.sim.carriage import CARRIAGE
from antipodal.sim.world import BODY, JAWS

PARKED = 2.0  # height of the parked gripper [m]
GRIPPED = 0.1  # least normal force on each pad that counts as holding [N]


class Forces(NamedTuple):
    """Forces of a hand on objects, on the table and on other parts of the room, summed over contacts [N]."""

    objects: float = 0.0
    table: float = 0.0
    room: float = 0.0

    def at_least(self, other: Forces) -> Forces:
        """The greater of each."""
        return Forces(*map(max, self, other))


class CarriedHand(ABC):
    """What every hand of a world (carriage.py) does: go, turn, and tell the forces on it. Positions are of the grasp
    frame's origin, in the world frame."""

    lost: Optional[str] = None  # why the hand holds nothing, where it knows; an end of Outcome

    def __init__(
        self, model: mujoco.MjModel, data: mujoco.MjData, prefix: str, joints: Sequence[str], geoms: Sequence[str]
    ):
        """prefix: begins the carriage's names. joints, geoms: the hand's own."""
        self.model, self.data = model, data
        self._frame = model.body(f"{prefix}grasp").id
        names = [prefix + name for name in CARRIAGE]
        self._carriage = [model.joint(name).qposadr[0] for name in names]
        self._servos = [model.actuator(name).id for name in names]
        self._own = [model.joint(name).qposadr[0] for name in joints]
        self._speeds = [model.joint(name).dofadr[0] for name in (*names, *joints)]
        self._is_hand = np.array([model.geom(i).name in geoms for i in range(model.ngeom)])
        self._table = model.geom("table").id
        self._room = [i for i in range(model.ngeom) if model.geom(i).name.startswith("room")]
        names = [model.body(i).name for i in range(model.nbody)]
        self._object = {i: int(name[6:]) for i, name in enumerate(names) if name.startswith("object")}

    def stand(self, T_world_grasp: np.ndarray, own: float) -> None:
        """Put the hand, at rest, at a pose (4, 4), its own joints at `own`, even inside an object."""
        self.turn(T_world_grasp[:3, :3])
        self.data.qpos[self._carriage] = [*T_world_grasp[:3, 3], 0, 0, 0]
        self.data.qpos[self._own] = own
        self.data.qvel[self._speeds] = 0
        self.aim(T_world_grasp[:3, 3])

    @abstractmethod
    def place(self, T_world_grasp: np.ndarray, width: float) -> None:
        """Put the hand, at rest and open to `width`, at a pose (4, 4), even inside an object."""

    @abstractmethod
    def width(self) -> float:
        """Distance between what it closes with [m]."""

    def turn(self, R_world_grasp: np.ndarray) -> None:
        """Set the gripper's orientation (3, 3) at once; use it in free space and in small steps."""
        quaternion = np.empty(4)
        mujoco.mju_mat2Quat(quaternion, R_world_grasp.ravel())
        self.model.body_quat[self._frame] = quaternion

    def orientation(self) -> np.ndarray:
        """The orientation (3, 3) that was set last."""
        R = np.empty(9)
        mujoco.mju_quat2Mat(R, self.model.body_quat[self._frame])
        return R.reshape(3, 3)

    def park(self) -> None:
        """Move the hand out of the way."""
        T_world_grasp = np.eye(4)
        T_world_grasp[2, 3] = PARKED
        self.place(T_world_grasp, 0.0)

    def aim(self, position: np.ndarray, angles: Sequence[float] = (0, 0, 0)) -> None:
        """Set the goal of the servos: position (3,) [m], and angles (3,) [rad] about the world's axes, from the placed
        orientation."""
        self.data.ctrl[self._servos] = [*position, *angles]

    def position(self) -> np.ndarray:
        """Position (3,) of the grasp frame's origin in the world [m]."""
        return self.data.qpos[self._carriage[:3]].copy()

    @property
    def timestep(self) -> float:
        return self.model.opt.timestep

    def step(self) -> None:
        mujoco.mj_step(self.model, self.data)

    def arrived(self) -> bool:
        """Whether the hand feels that it has come far enough, short of its goal."""
        return False

    @abstractmethod
    def gripped(self) -> Optional[int]:
        """The object that the hand holds now, or None."""

    def forces(self) -> Forces:
        """Current forces, normal and tangential, of the hand's parts together; those of a seal not counted."""
        pairs = self.data.contact.geom
        force, on_object, on_table, on_room = np.zeros(6), 0.0, 0.0, 0.0
        for i in np.flatnonzero(self._is_hand[pairs].any(axis=1)):
            mujoco.mj_contactForce(self.model, self.data, i, force)
            if self._table in pairs[i]:
                on_table += float(np.linalg.norm(force[:3]))
            elif np.isin(pairs[i], self._room).any():
                on_room += float(np.linalg.norm(force[:3]))
            elif not self._meant(i):
                on_object += float(np.linalg.norm(force[:3]))
        return Forces(on_object, on_table, on_room)

    def _meant(self, contact: int) -> bool:
        """Whether a contact with an object is the one that the approach is for."""
        return False


class Hand(CarriedHand):
    """The gripper."""

    def __init__(self, model: mujoco.MjModel, data: mujoco.MjData):
        super().__init__(model, data, "", JAWS, ("palm", BODY, *JAWS))
        self._geoms = {name: model.geom(name).id for name in JAWS}
        self._jaw_servos = [model.actuator(name).id for name in JAWS]

    def place(self, T_world_grasp: np.ndarray, width: float) -> None:
        self.stand(T_world_grasp, width / 2)
        self.open(width)
        mujoco.mj_forward(self.model, self.data)

    def open(self, width: float) -> None:
        """Set the goal of the jaws: distance between the pads [m]; a negative one closes with full force."""
        self.data.ctrl[self._jaw_servos] = width / 2

    def width(self) -> float:
        """Distance between the pads [m]."""
        return float(self.data.qpos[self._own].sum())

    def gripped(self) -> Optional[int]:
        """The object that both pads press on (of several, the one pressed hardest), or None."""
        left, right = (self._pressed(self._geoms[name]) for name in JAWS)
        both = {i: min(left[i], right[i]) for i in left if i in right and min(left[i], right[i]) > GRIPPED}
        return max(both, key=lambda i: both[i]) if both else None

    def _pressed(self, geom: int) -> Dict[int, float]:
        """Normal force [N] of a geom on each object that it touches."""
        pressed: Dict[int, float] = {}
        force = np.zeros(6)
        for i, pair in enumerate(self.data.contact.geom):
            if geom in pair and self._table not in pair and not np.isin(pair, self._room).any():
                mujoco.mj_contactForce(self.model, self.data, i, force)
                other = self._object[self.model.geom_bodyid[pair.sum() - geom]]
                pressed[other] = pressed.get(other, 0.0) + float(force[0])
        return pressed
