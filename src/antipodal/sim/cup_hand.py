"""The cell's suction cup: it presses its lip on, seals or not, and holds until the force on the seal is too large."""

from __future__ import annotations

from dataclasses import replace
from typing import List, Optional, Sequence, Tuple

import mujoco
import numpy as np

from antipodal import transforms
from antipodal.sim.cup_body import CUP, LIP, SEAL, TRAVEL
from antipodal.sim.hand import CarriedHand
from antipodal.sim.pick import Outcome, PickOptions, approach, carry, collision, stand_still
from antipodal.sim.seal import SEALED, SealOptions, seal_on
from antipodal.suction_cup import SuctionCup

PRESSED = 0.5  # the approach stops where the bellows are pushed back by this share of their travel
FACING = 0.5  # contacts of the lip whose normal has this cosine with the approach press it on

Surface = Tuple[np.ndarray, np.ndarray]  # vertices (V, 3) [m] in the object's frame, faces (F, 3)


def suck(hand: CupHand, T_world_grasp: np.ndarray, options: PickOptions = PickOptions()) -> Outcome:
    """Execute a suction grasp (4, 4): press the cup on, seal, lift and shake."""
    travel = hand.cup.travel
    reached = transforms.compose(T_world_grasp[:3, :3], T_world_grasp[:3, 3] + travel * T_world_grasp[:3, 2])
    forces = approach(hand, reached, 0.0, replace(options, approach=options.approach + travel))
    stand_still(hand, options.hold_time)
    end, picked = carry(hand, hand.seal(), options)
    hand.release()
    return Outcome(end, collision(forces, options), forces.objects, forces.table, picked)


class CupHand(CarriedHand):
    """Moves the cup of a world (cup_body.py)."""

    def __init__(
        self,
        model: mujoco.MjModel,
        data: mujoco.MjData,
        cup: SuctionCup,
        surfaces: Sequence[Surface],
        options: SealOptions = SealOptions(),
    ):
        """surfaces: of the objects `object0`, ..., on which the cup may seal."""
        names = [model.geom(i).name for i in range(model.ngeom)]
        geoms = [name for name in names if name.startswith(CUP)]
        super().__init__(model, data, CUP, (TRAVEL, f"{CUP}tilt_x", f"{CUP}tilt_y"), geoms)
        self.cup, self.surfaces, self.options = cup, list(surfaces), options
        self._lip = np.array([i for i, name in enumerate(names) if name.startswith(LIP)])
        self._held: Optional[int] = None

    def place(self, T_world_grasp: np.ndarray, width: float = 0.0) -> None:
        self.release()
        self.lost = None
        self._let_lip_touch(True)
        self.stand(T_world_grasp, 0.0)
        mujoco.mj_forward(self.model, self.data)

    def arrived(self) -> bool:
        return self.pressed() >= PRESSED * self.cup.travel

    def width(self) -> float:
        """0: a cup has no jaws."""
        return 0.0

    def pressed(self) -> float:
        """How far the lip is pushed back [m]."""
        return float(self.data.qpos[self._own[0]])

    def gripped(self) -> Optional[int]:
        return self._held

    def seal(self) -> Optional[int]:
        """Hold the object that the lip seals on. Returns it; None where there is no seal, and `lost` says why."""
        mujoco.mj_forward(self.model, self.data)
        found = seal_on(self.cup, *self.objects_under(self._frame_pose()), self.options)
        if found.state != SEALED:
            self.lost = found.state
            return None
        assert found.owner is not None
        self._weld(found.owner)
        return found.owner

    def release(self) -> None:
        """Let go of what is held."""
        if self._held is not None:
            self.data.eq_active[self._weld_of(self._held)] = 0
            self._held = None

    def step(self) -> None:
        super().step()
        if self._held is not None:
            self.lost = broken(self.cup, *self.wrench())
            if self.lost:
                self.release()

    def wrench(self) -> Tuple[np.ndarray, np.ndarray]:
        """Force (3,) [N] and moment (3,) [Nm] about the middle of the lip that the seal exerts on what is held, in the
        grasp frame."""
        assert self._held is not None
        rows = np.where(self.data.efc_type == mujoco.mjtConstraint.mjCNSTR_EQUALITY, self.data.efc_id, -1)
        forces = np.where(rows == self._weld_of(self._held), self.data.efc_force, 0.0)
        generalised = np.zeros(self.model.nv)
        mujoco.mj_mulJacTVec(self.model, self.data, generalised, forces)
        start = self.model.joint(f"object{self._held}").dofadr[0]
        body, cup = self.data.body(f"object{self._held}"), self._frame_pose()
        force, moment = generalised[start : start + 3], body.xmat.reshape(3, 3) @ generalised[start + 3 : start + 6]
        moment = moment + np.cross(body.xpos - cup[:3, 3], force)
        return cup[:3, :3].T @ force, cup[:3, :3].T @ moment

    def _frame_pose(self) -> np.ndarray:
        return transforms.compose(self.data.xmat[self._frame].reshape(3, 3), self.data.xpos[self._frame])

    def objects_under(self, T_world_grasp: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """All objects' triangles (F, 3, 3) [m] in the grasp frame of a pose (4, 4), and the object (F,) of each."""
        T_grasp_world = transforms.invert(T_world_grasp)
        triangles: List[np.ndarray] = [np.zeros((0, 3, 3))]
        for i, (vertices, faces) in enumerate(self.surfaces):
            triangles.append(transforms.apply(T_grasp_world @ self._object_pose(i), vertices)[faces])
        owners = np.repeat(np.arange(-1, len(self.surfaces)), [len(t) for t in triangles])
        return np.concatenate(triangles), owners

    def _weld(self, i: int) -> None:
        """Fix object `i` where it is now, at the middle of the lip."""
        T_object_grasp = transforms.invert(self._object_pose(i)) @ self._frame_pose()
        weld, turn = self._weld_of(i), np.empty(4)
        mujoco.mju_mat2Quat(turn, np.ascontiguousarray(T_object_grasp[:3, :3].T).ravel())
        self.model.eq_data[weld, :10] = [*T_object_grasp[:3, 3], 0, 0, 0, *turn]
        self.data.eq_active[weld] = 1
        self._let_lip_touch(False)  # the weld carries what the lip would
        self._held = i

    def _object_pose(self, i: int) -> np.ndarray:
        body = self.data.body(f"object{i}")
        return transforms.compose(body.xmat.reshape(3, 3), body.xpos)

    def _weld_of(self, i: int) -> int:
        return int(self.model.equality(f"{SEAL}{i}").id)

    def _let_lip_touch(self, on: bool) -> None:
        self.model.geom_contype[self._lip], self.model.geom_conaffinity[self._lip] = 2 * int(on), int(on)

    def _meant(self, contact: int) -> bool:
        pair, normal = self.data.contact.geom[contact], self.data.contact.frame[contact][:3]
        return bool(np.isin(pair, self._lip).any()) and abs(normal @ self.orientation()[:, 2]) > FACING


def broken(cup: SuctionCup, force: np.ndarray, moment: np.ndarray) -> Optional[str]:
    """How a seal breaks under the force (3,) [N] and the moment (3,) [Nm] about the middle of the lip that it exerts on
    the object, in the grasp frame; None where it holds.

    What is left of the vacuum's force once the object is pulled, N, presses the lip on. It carries friction * N across
    and friction * N * radius about the approach, and no more than N * radius about an axis across: then one side of the
    lip lifts off.
    """
    left = cup.force + force[2]
    if left < 0:
        return "pulled_off"
    if np.hypot(*moment[:2]) > left * cup.radius:
        return "peeled_off"
    carried = cup.friction * left
    return "slipped" if np.hypot(*force[:2]) > carried or abs(moment[2]) > carried * cup.radius else None
