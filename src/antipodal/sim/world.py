"""The cell as a MuJoCo model: a table (z = 0), free objects, and a free-flying gripper built from `Gripper`'s boxes.

The gripper hangs on a carriage of three slides and three hinges along the world's axes, each a stiff servo, so that its
velocity is real: what it holds is dragged, shaken and lost by friction alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Sequence

import mujoco
import numpy as np

from antipodal.grasp import Gripper
from antipodal.grasping.gripper_boxes import Box, body_box, jaw_boxes, palm_box
from antipodal.sim.objects import Body
from antipodal.sim.room import Part

CARRIAGE = ("x", "y", "z", "roll", "pitch", "yaw")  # joints and actuators, in this order
BODY = "hand"  # the geom behind the palm, where the gripper has one
JAWS = ("left", "right")  # at +y and -y of the grasp frame
DAMPING_RATIO = 1.0  # of the servos; MuJoCo takes a positive third bias for it
ARENA = 2**27  # memory for the contacts of a large heap; the system provides pages as they are used [bytes]


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


def build_world(
    gripper: Gripper, bodies: Sequence[Body], options: WorldOptions = WorldOptions(), room: Sequence[Part] = ()
) -> mujoco.MjModel:
    """Compile the cell. Objects are the bodies `object0`, ...; CARRIAGE and JAWS name the gripper's joints and
    actuators; its frame is the body `grasp`. The table is the room's first part, or endless without a room; the room's
    other parts are the geoms `room1`, ...
    """
    spec = mujoco.MjSpec()
    spec.memory = ARENA
    if room:
        _add_room(spec, room, options)
    else:
        _add_table(spec, options)
    _walls(spec, options)
    for i, body in enumerate(bodies):
        _object(spec, f"object{i}", body, options)
    _add_gripper(spec, gripper, options)
    model = spec.compile()
    _physics(model.opt, options)
    raise_walls(model, False)  # after compiling: geoms that collide with nothing at compile time never will
    return model


def _physics(opt: Any, options: WorldOptions) -> None:
    """Set a compiled model's physics; MuJoCo 3.2 does not show those of an MjSpec."""
    opt.timestep = options.timestep
    opt.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    opt.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    opt.impratio = 10  # friction as hard as ten times the normal: less creep in the grip
    opt.noslip_iterations = options.noslip


def _with(element: Any, **values: Any) -> Any:
    """An element of an MjSpec with these values, which MuJoCo 3.2 takes for some kinds only after it is made."""
    for name, value in values.items():
        setattr(element, name, value)
    return element


def _add_table(spec: mujoco.MjSpec, options: WorldOptions) -> None:
    table = spec.worldbody.add_geom(name="table", type=mujoco.mjtGeom.mjGEOM_PLANE, size=[0, 0, 1])
    _contact(table, options.friction, options)
    table.contype, table.conaffinity = 1, 3


def _add_room(spec: mujoco.MjSpec, room: Sequence[Part], options: WorldOptions) -> None:
    for i, part in enumerate(room):
        quaternion = np.empty(4)
        mujoco.mju_mat2Quat(quaternion, part.T_world_part[:3, :3].ravel())
        name, place = ("table" if i == 0 else f"room{i}"), part.T_world_part[:3, 3]
        box = mujoco.mjtGeom.mjGEOM_BOX
        geom = spec.worldbody.add_geom(name=name, type=box, size=part.size / 2, pos=place, quat=quaternion)
        _contact(geom, options.friction, options)
        geom.contype, geom.conaffinity = 1, 3


def _walls(spec: mujoco.MjSpec, options: WorldOptions) -> None:
    """Smooth walls around the heap."""
    for i, (x, y) in enumerate([(1, 0), (-1, 0), (0, 1), (0, -1)]):
        wall = spec.worldbody.add_geom(name=f"wall{i}", type=mujoco.mjtGeom.mjGEOM_PLANE, size=[0, 0, 1])
        wall.pos, wall.quat = [-options.heap * x, -options.heap * y, 0], _turned_to(np.array([x, y, 0.0]))
        _contact(wall, 0.0, options)


def _turned_to(z: np.ndarray) -> np.ndarray:
    """Quaternion (4,) of a frame with this z axis."""
    quaternion = np.empty(4)
    mujoco.mju_quatZ2Vec(quaternion, z)
    return quaternion


def raise_walls(model: mujoco.MjModel, up: bool) -> None:
    """Switch the walls around the heap on or off."""
    for i in range(4):
        model.geom(f"wall{i}").contype = model.geom(f"wall{i}").conaffinity = int(up)


def _contact(geom, friction: float, options: WorldOptions, priority: int = 0) -> None:
    geom.condim, geom.priority = (4 if priority else 6), priority
    geom.friction = [friction, options.torsion, options.rolling]
    geom.solref = [2 * options.timestep, 1.0]  # the stiffest contact that the step allows
    geom.solimp = [0.95, 0.99, 0.0005, 0.5, 2.0]


def _object(spec: mujoco.MjSpec, name: str, body: Body, options: WorldOptions) -> None:
    node = spec.worldbody.add_body(name=name)
    _with(node.add_freejoint(), name=name)
    for k, part in enumerate(body.parts):
        shape = {"uservert": part.vertices.ravel(), "userface": part.faces.ravel()}
        mesh = _with(spec.add_mesh(), name=f"{name}_{k}", **shape)
        if hasattr(mesh, "inertia"):  # MuJoCo 3.2 has but one rule, the same for convex parts
            mesh.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_CONVEX
        # MuJoCo moves a mesh to its own centre and turns the geom back: the vertices stay where the body has them
        geom = node.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname=mesh.name, density=body.density)
        _contact(geom, options.friction, options)
        geom.contype, geom.conaffinity = 1, 3


def _add_gripper(spec: mujoco.MjSpec, gripper: Gripper, options: WorldOptions) -> None:
    carriage = spec.worldbody.add_body(name="carriage", gravcomp=1)
    for i, name in enumerate(CARRIAGE):
        slide = i < 3
        joint = carriage.add_joint(name=name, axis=np.eye(3)[i % 3], armature=0.2 if slide else 0.005)
        joint.type = mujoco.mjtJoint.mjJNT_SLIDE if slide else mujoco.mjtJoint.mjJNT_HINGE
        _servo(spec, name, 5e4 if slide else 500.0, 150.0 if slide else 20.0)
    grasp = carriage.add_body(name="grasp", gravcomp=1)  # turned to the grasp's orientation before each pick
    _gripper_geom(grasp, "palm", palm_box(gripper), 0.8, options)
    body = body_box(gripper)
    if body is not None:
        _gripper_geom(grasp, BODY, body, 0.0, options)
    for name, side, box in zip(JAWS, (1, -1), jaw_boxes(gripper, 0.0)):
        _jaw(spec, grasp, name, side, box, gripper, options)
    _couple(spec)


def _jaw(spec: mujoco.MjSpec, grasp, name: str, side: int, box: Box, gripper: Gripper, options: WorldOptions) -> None:
    """A jaw's box on a slide; the slide's position is the jaw's distance from the middle."""
    jaw = grasp.add_body(name=name, gravcomp=1)
    joint = jaw.add_joint(name=name, axis=[0, side, 0], type=mujoco.mjtJoint.mjJNT_SLIDE, armature=0.05)
    joint.limited, joint.range = True, [gripper.min_width / 2, gripper.max_width / 2]
    _gripper_geom(jaw, name, box, 0.1, options)
    _servo(spec, name, 1e4, gripper.force)


def _gripper_geom(body, name: str, box: Box, mass: float, options: WorldOptions) -> None:
    geom = body.add_geom(name=name, type=mujoco.mjtGeom.mjGEOM_BOX, size=box.size / 2, pos=box.center, mass=mass)
    _contact(geom, options.grip_friction, options, priority=1)
    geom.contype, geom.conaffinity = 2, 1  # table and objects, never the gripper itself


def _servo(spec: mujoco.MjSpec, joint: str, stiffness: float, force: float) -> None:
    servo = _with(spec.add_actuator(), name=joint, target=joint, trntype=mujoco.mjtTrn.mjTRN_JOINT)
    if hasattr(servo, "set_to_position"):
        servo.set_to_position(kp=stiffness, dampratio=DAMPING_RATIO)
    else:  # MuJoCo 3.2
        servo.gaintype, servo.biastype = mujoco.mjtGain.mjGAIN_FIXED, mujoco.mjtBias.mjBIAS_AFFINE
        servo.gainprm[0], servo.biasprm[:3] = stiffness, [0.0, -stiffness, DAMPING_RATIO]
    servo.forcelimited, servo.forcerange = True, [-force, force]


def _couple(spec: mujoco.MjSpec) -> None:
    """Couple the jaws, as on a real parallel gripper; two free jaws at their force limit would drift."""
    couple = _with(spec.add_equality(), name="jaws", type=mujoco.mjtEq.mjEQ_JOINT, name1=JAWS[0], name2=JAWS[1])
    couple.objtype = mujoco.mjtObj.mjOBJ_JOINT
    couple.data[:2] = [0.0, 1.0]
    couple.solref = [0.004, 1.0]
