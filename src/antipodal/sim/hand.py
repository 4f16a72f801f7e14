"""The cell's gripper: its servos, the forces on it, and what it holds."""

from __future__ import annotations

from typing import Dict, NamedTuple, Optional, Sequence

import mujoco
import numpy as np

from antipodal.sim.world import BODY, CARRIAGE, JAWS

PARKED = 2.0  # height of the parked gripper [m]
GRIPPED = 0.1  # least normal force on each pad that counts as holding [N]


class Forces(NamedTuple):
    """Forces of jaws and palm on objects, on the table and on other parts of the room, summed over contacts [N]."""

    objects: float = 0.0
    table: float = 0.0
    room: float = 0.0

    def at_least(self, other: Forces) -> Forces:
        """The greater of each."""
        return Forces(*map(max, self, other))


class Hand:
    """Moves the gripper of a world (world.py). Positions are of the grasp frame's origin, in the world frame."""

    def __init__(self, model: mujoco.MjModel, data: mujoco.MjData):
        self.model, self.data = model, data
        self._frame = model.body("grasp").id
        self._carriage = [model.joint(name).qposadr[0] for name in CARRIAGE]
        self._jaws = [model.joint(name).qposadr[0] for name in JAWS]
        self._speeds = [model.joint(name).dofadr[0] for name in (*CARRIAGE, *JAWS)]
        self._geoms = {name: model.geom(name).id for name in ("palm", *JAWS)}
        self._is_gripper = np.array([model.geom(i).name in ("palm", BODY, *JAWS) for i in range(model.ngeom)])
        self._table = model.geom("table").id
        self._room = [i for i in range(model.ngeom) if model.geom(i).name.startswith("room")]
        names = (model.body(i).name for i in range(model.nbody))
        self._object = {i: int(name[6:]) for i, name in enumerate(names) if name.startswith("object")}

    def place(self, T_world_grasp: np.ndarray, width: float) -> None:
        """Put the gripper, at rest and open to `width`, at a pose (4, 4), even inside an object."""
        self.turn(T_world_grasp[:3, :3])
        self.data.qpos[self._carriage] = [*T_world_grasp[:3, 3], 0, 0, 0]
        self.data.qpos[self._jaws] = width / 2
        self.data.qvel[self._speeds] = 0
        self.aim(T_world_grasp[:3, 3])
        self.open(width)
        mujoco.mj_forward(self.model, self.data)

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
        """Move the gripper out of the way."""
        T_world_grasp = np.eye(4)
        T_world_grasp[2, 3] = PARKED
        self.place(T_world_grasp, 0.0)

    def aim(self, position: np.ndarray, angles: Sequence[float] = (0, 0, 0)) -> None:
        """Set the goal of the servos: position (3,) [m], and angles (3,) [rad] about the world's axes, from the placed
        orientation."""
        self.data.ctrl[:3], self.data.ctrl[3:6] = position, angles

    def open(self, width: float) -> None:
        """Set the goal of the jaws: distance between the pads [m]; a negative one closes with full force."""
        self.data.ctrl[6:8] = width / 2

    def position(self) -> np.ndarray:
        """Position (3,) of the grasp frame's origin in the world [m]."""
        return self.data.qpos[self._carriage[:3]].copy()

    def width(self) -> float:
        """Distance between the pads [m]."""
        return float(self.data.qpos[self._jaws].sum())

    @property
    def timestep(self) -> float:
        return self.model.opt.timestep

    def step(self) -> None:
        mujoco.mj_step(self.model, self.data)

    def forces(self) -> Forces:
        """Current forces, normal and tangential, on jaws and palm together."""
        pairs = self.data.contact.geom
        force, on_object, on_table, on_room = np.zeros(6), 0.0, 0.0, 0.0
        for i in np.flatnonzero(self._is_gripper[pairs].any(axis=1)):
            mujoco.mj_contactForce(self.model, self.data, i, force)
            if self._table in pairs[i]:
                on_table += float(np.linalg.norm(force[:3]))
            elif np.isin(pairs[i], self._room).any():
                on_room += float(np.linalg.norm(force[:3]))
            else:
                on_object += float(np.linalg.norm(force[:3]))
        return Forces(on_object, on_table, on_room)

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
