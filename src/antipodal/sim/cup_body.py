"""The suction cup as bodies of the cell: a box, a cylinder in front of it, and a ring, the lip, that springs back and
tilts as bellows let it. A seal is a weld between the cup and an object, off until the lip seals (cup_hand.py)."""

from __future__ import annotations

from typing import Any, Dict

import mujoco
import numpy as np

from antipodal.grasping.cup_clearance import cup_body
from antipodal.sim.carriage import WorldOptions, add_carriage, hand_box_geom, set_values, touch_as_hand
from antipodal.suction_cup import SuctionCup

CUP = "cup_"  # begins the names of the cup's bodies, joints, actuators and geoms
LIP = "cup_lip"  # begins the names of the lip's geoms
TRAVEL = "cup_travel"  # joint: how far the lip is pushed back [m]
SEAL = "seal"  # begins the names of the welds, one an object
SEGMENTS = 12  # of the lip's ring
LIP_THICKNESS = 0.002  # of the ring along the approach [m]
MOST_TILT = 0.5  # of the lip [rad]
STEPS = 2.5  # time steps in which the lip's spring swings by a radian: the fastest that is stable


def add_cup(spec: mujoco.MjSpec, cup: SuctionCup, objects: int, options: WorldOptions) -> None:
    """Add a cup, and a weld to each of the objects `object0`, ..."""
    grasp = add_carriage(spec, CUP)
    hand_box_geom(grasp, f"{CUP}body", cup_body(cup), 0.8, options)
    if cup.length - cup.travel > 1e-3:
        _cylinder(grasp, cup, options)
    _lip(grasp, cup, options)
    for i in range(objects):
        weld = set_values(spec.add_equality(), name=f"{SEAL}{i}", type=mujoco.mjtEq.mjEQ_WELD, active=False)
        set_values(weld, objtype=mujoco.mjtObj.mjOBJ_BODY, name1=f"{CUP}grasp", name2=f"object{i}")
        weld.data[10], weld.solref = 1.0, [2 * options.timestep, 1.0]


def _cylinder(grasp: Any, cup: SuctionCup, options: WorldOptions) -> None:
    """What stays of the cup when its bellows are pushed back."""
    low, high = -cup.length, -cup.travel
    cylinder = grasp.add_geom(name=f"{CUP}cylinder", type=mujoco.mjtGeom.mjGEOM_CYLINDER, mass=0.05)
    cylinder.size, cylinder.pos = [cup.radius, (high - low) / 2, 0], [0, 0, (low + high) / 2]
    touch_as_hand(cylinder, options)


def _lip(grasp: Any, cup: SuctionCup, options: WorldOptions) -> None:
    """A ring on a spring along the approach, and on two that let it tilt."""
    lip = grasp.add_body(name=LIP, gravcomp=1)
    for (name, stiffness), axis in zip(lip_springs(cup).items(), ([0, 0, -1], [1, 0, 0], [0, 1, 0])):
        joint = _spring(lip, name, axis, stiffness, options)
        joint.type = mujoco.mjtJoint.mjJNT_SLIDE if name == TRAVEL else mujoco.mjtJoint.mjJNT_HINGE
        joint.limited, joint.range = True, [0, cup.travel] if name == TRAVEL else [-MOST_TILT, MOST_TILT]
    thick, turn = LIP_THICKNESS / 2, 2 * np.pi * np.arange(SEGMENTS + 1) / SEGMENTS
    corners = np.column_stack([np.cos(turn), np.sin(turn), np.zeros(len(turn))]) * (cup.radius - thick)
    corners[:, 2] = -thick
    for i, (a, b) in enumerate(zip(corners, corners[1:])):
        ring = lip.add_geom(name=f"{LIP}{i}", type=mujoco.mjtGeom.mjGEOM_CAPSULE, mass=1e-3)
        ring.fromto, ring.size = [*a, *b], [thick, 0, 0]
        touch_as_hand(ring, options, cup.friction)


def _spring(body: Any, name: str, axis: Any, stiffness: float, options: WorldOptions) -> Any:
    """A joint whose inertia suits a spring (`set_springs`) of this stiffness and the time step."""
    return set_values(body.add_joint(name=name, axis=axis), armature=stiffness * (STEPS * options.timestep) ** 2)


def set_springs(model: mujoco.MjModel, cup: SuctionCup) -> None:
    """Give the lip's joints their damped springs in a compiled model; versions of MuJoCo differ in how an MjSpec takes
    them."""
    for name, stiffness in lip_springs(cup).items():
        joint = model.joint(name)
        joint.stiffness[0] = stiffness
        joint.damping[0] = 2 * np.sqrt(stiffness * joint.armature[0])


def lip_springs(cup: SuctionCup) -> Dict[str, float]:
    """Stiffness of the lip's joints [N/m, Nm/rad], that of a ring of springs."""
    tilt = cup.stiffness * cup.radius**2 / 2
    return {TRAVEL: cup.stiffness, f"{CUP}tilt_x": tilt, f"{CUP}tilt_y": tilt}
