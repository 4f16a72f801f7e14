"""The cell as a MuJoCo model: a table (z = 0), free objects, and a free-flying gripper built from `Gripper`'s boxes.

The gripper hangs on a carriage of servos (carriage.py), so that its velocity is real: what it holds is dragged, shaken
and lost by friction alone.
"""

from __future__ import annotations

from typing import Any, Optional, Sequence

import mujoco
import numpy as np

from antipodal.grasp import Gripper
from antipodal.grasping.gripper_boxes import Box, body_box, jaw_boxes, palm_box
from antipodal.sim.carriage import WorldOptions, add_carriage, add_servo, hand_box_geom, set_contact, set_values
from antipodal.sim.cup_body import add_cup, set_springs
from antipodal.sim.objects import Body
from antipodal.sim.room import Part
from antipodal.suction_cup import SuctionCup

BODY = "hand"  # the geom behind the palm, where the gripper has one
JAWS = ("left", "right")  # at +y and -y of the grasp frame
ARENA = 2**27  # memory for the contacts of a large heap; the system provides pages as they are used [bytes]


def build_world(
    gripper: Gripper,
    bodies: Sequence[Body],
    options: WorldOptions = WorldOptions(),
    room: Sequence[Part] = (),
    cup: Optional[SuctionCup] = None,
) -> mujoco.MjModel:
    """Compile the cell. Objects are the bodies `object0`, ...; CARRIAGE and JAWS name the gripper's joints and
    actuators; its frame is the body `grasp`. The table is the room's first part, or endless without a room; the room's
    other parts are the geoms `room1`, ... A cup hangs beside the gripper (cup_body.py).
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
    if cup is not None:
        add_cup(spec, cup, len(bodies), options)
    model = spec.compile()
    _physics(model.opt, options)
    if cup is not None:
        set_springs(model, cup)
    raise_walls(model, False)  # after compiling: geoms that collide with nothing at compile time never will
    return model


def _physics(opt: Any, options: WorldOptions) -> None:
    """Set a compiled model's physics; MuJoCo 3.2 does not show those of an MjSpec."""
    opt.timestep = options.timestep
    opt.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    opt.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    opt.impratio = 10  # friction as hard as ten times the normal: less creep in the grip
    opt.noslip_iterations = options.noslip


def _add_table(spec: mujoco.MjSpec, options: WorldOptions) -> None:
    table = spec.worldbody.add_geom(name="table", type=mujoco.mjtGeom.mjGEOM_PLANE, size=[0, 0, 1])
    set_contact(table, options.friction, options)
    table.contype, table.conaffinity = 1, 3


def _add_room(spec: mujoco.MjSpec, room: Sequence[Part], options: WorldOptions) -> None:
    for i, part in enumerate(room):
        quaternion = np.empty(4)
        mujoco.mju_mat2Quat(quaternion, part.T_world_part[:3, :3].ravel())
        name, place = ("table" if i == 0 else f"room{i}"), part.T_world_part[:3, 3]
        box = mujoco.mjtGeom.mjGEOM_BOX
        geom = spec.worldbody.add_geom(name=name, type=box, size=part.size / 2, pos=place, quat=quaternion)
        set_contact(geom, options.friction, options)
        geom.contype, geom.conaffinity = 1, 3


def _walls(spec: mujoco.MjSpec, options: WorldOptions) -> None:
    """Smooth walls around the heap."""
    for i, (x, y) in enumerate([(1, 0), (-1, 0), (0, 1), (0, -1)]):
        wall = spec.worldbody.add_geom(name=f"wall{i}", type=mujoco.mjtGeom.mjGEOM_PLANE, size=[0, 0, 1])
        wall.pos, wall.quat = [-options.heap * x, -options.heap * y, 0], _turned_to(np.array([x, y, 0.0]))
        set_contact(wall, 0.0, options)


def _turned_to(z: np.ndarray) -> np.ndarray:
    """Quaternion (4,) of a frame with this z axis."""
    quaternion = np.empty(4)
    mujoco.mju_quatZ2Vec(quaternion, z)
    return quaternion


def raise_walls(model: mujoco.MjModel, up: bool) -> None:
    """Switch the walls around the heap on or off."""
    for i in range(4):
        model.geom(f"wall{i}").contype = model.geom(f"wall{i}").conaffinity = int(up)


def _object(spec: mujoco.MjSpec, name: str, body: Body, options: WorldOptions) -> None:
    node = spec.worldbody.add_body(name=name)
    set_values(node.add_freejoint(), name=name)
    for k, part in enumerate(body.parts):
        shape = {"uservert": part.vertices.ravel(), "userface": part.faces.ravel()}
        mesh = set_values(spec.add_mesh(), name=f"{name}_{k}", **shape)
        if hasattr(mesh, "inertia"):  # MuJoCo 3.2 has but one rule, the same for convex parts
            mesh.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_CONVEX
        # MuJoCo moves a mesh to its own centre and turns the geom back: the vertices stay where the body has them
        geom = node.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname=mesh.name, density=body.density)
        set_contact(geom, options.friction, options)
        geom.contype, geom.conaffinity = 1, 3


def _add_gripper(spec: mujoco.MjSpec, gripper: Gripper, options: WorldOptions) -> None:
    grasp = add_carriage(spec)
    hand_box_geom(grasp, "palm", palm_box(gripper), 0.8, options)
    body = body_box(gripper)
    if body is not None:
        hand_box_geom(grasp, BODY, body, 0.0, options)
    for name, side, box in zip(JAWS, (1, -1), jaw_boxes(gripper, 0.0)):
        _jaw(spec, grasp, name, side, box, gripper, options)
    _couple(spec)


def _jaw(spec: mujoco.MjSpec, grasp, name: str, side: int, box: Box, gripper: Gripper, options: WorldOptions) -> None:
    """A jaw's box on a slide; the slide's position is the jaw's distance from the middle."""
    jaw = grasp.add_body(name=name, gravcomp=1)
    joint = jaw.add_joint(name=name, axis=[0, side, 0], type=mujoco.mjtJoint.mjJNT_SLIDE, armature=0.05)
    joint.limited, joint.range = True, [gripper.min_width / 2, gripper.max_width / 2]
    hand_box_geom(jaw, name, box, 0.1, options)
    add_servo(spec, name, 1e4, gripper.force)


def _couple(spec: mujoco.MjSpec) -> None:
    """Couple the jaws, as on a real parallel gripper; two free jaws at their force limit would drift."""
    couple = set_values(spec.add_equality(), name="jaws", type=mujoco.mjtEq.mjEQ_JOINT, name1=JAWS[0], name2=JAWS[1])
    couple.objtype = mujoco.mjtObj.mjOBJ_JOINT
    couple.data[:2] = [0.0, 1.0]
    couple.solref = [0.004, 1.0]
