"""What hands hang on in the simulated cell: a carriage of servos, and the contacts of everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

import mujoco
import numpy as np

from antipodal.grasping.gripper_boxes import Box

CARRIAGE = ("x", "y", "z", "roll", "pitch", "yaw")  # joints and actuators, in this order
DAMPING_RATIO = 1.0  # of the servos; MuJoCo takes a positive third bias for it


@dataclass(frozen=True)
class WorldOptions:
    """The physics. A contact has the friction of the pad if a pad touches, else of the object."""

    friction: float = 0.5  # object on table and on object
    grip_friction: float = 0.6  # pad on object
    torsion: float = 0.003  # torque that a pad's contact resists, per newton of force [m]
    rolling: float = 0.0005  # the same for rolling on the table [m]
    heap: float = 0.13  # half-side of the square whose walls hold several objects while they fall [m]
    timestep: float = 0.002  # outcomes agree with those at 0.0005 [s]
    noslip: int = 3  # solver iterations that remove the creep of soft contacts


def add_carriage(spec: mujoco.MjSpec, prefix: str = "") -> Any:
    """Three slides and three hinges along the world's axes, each a stiff servo; `prefix` begins their names. Returns
    the body that hangs on them, `grasp`, which is turned to the grasp's orientation before each pick."""
    carriage = spec.worldbody.add_body(name=f"{prefix}carriage", gravcomp=1)
    for i, name in enumerate(CARRIAGE):
        slide = i < 3
        joint = carriage.add_joint(name=prefix + name, axis=np.eye(3)[i % 3], armature=0.2 if slide else 0.005)
        joint.type = mujoco.mjtJoint.mjJNT_SLIDE if slide else mujoco.mjtJoint.mjJNT_HINGE
        add_servo(spec, prefix + name, 5e4 if slide else 500.0, 150.0 if slide else 20.0)
    return carriage.add_body(name=f"{prefix}grasp", gravcomp=1)


def add_servo(spec: mujoco.MjSpec, joint: str, stiffness: float, force: float) -> None:
    """A servo of a joint with a stiffness [N/m or Nm/rad] and a largest force [N or Nm]."""
    servo = set_values(spec.add_actuator(), name=joint, target=joint, trntype=mujoco.mjtTrn.mjTRN_JOINT)
    if hasattr(servo, "set_to_position"):
        servo.set_to_position(kp=stiffness, dampratio=DAMPING_RATIO)
    else:  # MuJoCo 3.2
        servo.gaintype, servo.biastype = mujoco.mjtGain.mjGAIN_FIXED, mujoco.mjtBias.mjBIAS_AFFINE
        servo.gainprm[0], servo.biasprm[:3] = stiffness, [0.0, -stiffness, DAMPING_RATIO]
    servo.forcelimited, servo.forcerange = True, [-force, force]


def hand_box_geom(body: Any, name: str, box: Box, mass: float, options: WorldOptions) -> None:
    """A box of a hand."""
    geom = body.add_geom(name=name, type=mujoco.mjtGeom.mjGEOM_BOX, size=box.size / 2, pos=box.center, mass=mass)
    touch_as_hand(geom, options)


def touch_as_hand(geom: Any, options: WorldOptions, friction: Optional[float] = None) -> None:
    """Let a geom of a hand touch table and objects, never a hand. friction: by default a pad's."""
    set_contact(geom, options.grip_friction if friction is None else friction, options, priority=1)
    geom.contype, geom.conaffinity = 2, 1


def set_contact(geom: Any, friction: float, options: WorldOptions, priority: int = 0) -> None:
    """Set how a geom touches others; of two that touch, the higher priority decides."""
    geom.condim, geom.priority = (4 if priority else 6), priority
    geom.friction = [friction, options.torsion, options.rolling]
    geom.solref = [2 * options.timestep, 1.0]  # the stiffest contact that the step allows
    geom.solimp = [0.95, 0.99, 0.0005, 0.5, 2.0]


def set_values(element: Any, **values: Any) -> Any:
    """An element of an MjSpec with these values, which MuJoCo 3.2 takes for some kinds only after it is made."""
    for name, value in values.items():
        setattr(element, name, value)
    return element
