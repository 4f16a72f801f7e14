"""A hand from a mesh or a URDF: its surface at any position of its joints, to be measured and shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

import numpy as np
import trimesh
from scipy.spatial.transform import Rotation

from antipodal import transforms
from antipodal.errors import InputError
from antipodal.synth.objects.meshes import UNITS, MeshOptions, load
from antipodal.synth.objects.urdf import mesh_file, numbers, placed, root

MOVING = ("prismatic", "revolute")
AXES: Dict[str, Tuple[int, int, int]] = {
    "x": (1, 0, 0), "y": (0, 1, 0), "z": (0, 0, 1), "-x": (-1, 0, 0), "-y": (0, -1, 0), "-z": (0, 0, -1),
}  # fmt: skip


@dataclass(frozen=True)
class Joint:
    """How a link hangs on another."""

    parent: str
    T: np.ndarray  # (4, 4) where the joint is at 0
    kind: str
    axis: np.ndarray  # (3,) unit
    limits: Tuple[float, float]  # [m] or [rad]
    mimics: Optional[Tuple[str, float, float]] = None  # another joint, factor, offset


class Hand:
    """The links of a hand; a mesh is one link without joints."""

    def __init__(self, links: Dict[str, trimesh.Trimesh], joints: Dict[str, Joint], children: Dict[str, str]):
        """children: the joint that each link hangs on, by the link's name."""
        self.links, self.joints, self.children = links, joints, children

    @property
    def moves(self) -> bool:
        """Whether it has joints."""
        return any(j.kind in MOVING for j in self.joints.values())

    def at(self, share: float, approach: str = "z", closing: str = "y") -> trimesh.Trimesh:
        """The surface [m] with every joint at a share, 0 to 1, of the way from its lower to its upper limit, turned so
        that z is the `approach` and y the `closing` axis of the file's."""
        parts = [mesh.copy().apply_transform(self._pose(name, share)) for name, mesh in self.links.items()]
        whole: Any = trimesh.util.concatenate(parts)
        return whole.apply_transform(_to_grasp_axes(approach, closing))

    def _pose(self, link: str, share: float) -> np.ndarray:
        T = np.eye(4)
        for _ in range(len(self.children)):  # no more links lie above it
            if link not in self.children:
                break
            joint = self.joints[self.children[link]]
            T = joint.T @ _moved(joint, self._value(joint, share)) @ T
            link = joint.parent
        return T

    def _value(self, joint: Joint, share: float) -> float:
        if joint.mimics is not None:
            name, factor, offset = joint.mimics
            low, high = self.joints[name].limits
            return factor * (low + share * (high - low)) + offset
        return joint.limits[0] + share * (joint.limits[1] - joint.limits[0])


def read_hand(path: Path, units: str = "m") -> Hand:
    """A hand from a URDF with meshes, boxes and cylinders, or from one mesh file. Raises InputError."""
    try:
        if path.suffix.lower() != ".urdf":
            return Hand({"hand": load(path, MeshOptions(scale=UNITS[units]))}, {}, {})
        robot = root(path)
    except OSError as e:
        raise InputError(f"cannot read {path}: {e.strerror or e}") from e
    links = {e.get("name", ""): _surface(path, e) for e in robot.findall("link")}
    found = {name: mesh for name, mesh in links.items() if mesh is not None}
    if not found:
        raise InputError(f"{path.absolute()}: no link has geometry")
    joints = {e.get("name", ""): _joint(e) for e in robot.findall("joint")}
    children = {_link(e, "child"): e.get("name", "") for e in robot.findall("joint")}
    unknown = [j.mimics[0] for j in joints.values() if j.mimics is not None and j.mimics[0] not in joints]
    if unknown:
        raise InputError(f"{path.absolute()}: a joint mimics {unknown[0]}, which is none")
    return Hand(found, joints, children)


def _surface(path: Path, link: Any) -> Optional[trimesh.Trimesh]:
    """A link's surface in its frame, of collision geometry where there is some."""
    for kind in ("collision", "visual"):
        parts = [_shape(path, element) for element in link.findall(kind)]
        if parts:
            whole: Any = trimesh.util.concatenate(parts)
            return whole
    return None


def _shape(path: Path, element: Any) -> trimesh.Trimesh:
    mesh, box, cylinder = (element.find(f"geometry/{name}") for name in ("mesh", "box", "cylinder"))
    if mesh is not None:
        return load(mesh_file(path, mesh.get("filename", ""))).apply_transform(placed(element, mesh))
    if box is not None:
        return trimesh.creation.box(numbers(box.get("size", ""))).apply_transform(placed(element))
    if cylinder is not None:
        radius, length = (float(cylinder.get(name, "nan")) for name in ("radius", "length"))
        return trimesh.creation.cylinder(radius, length).apply_transform(placed(element))
    raise InputError(f"{path.absolute()}: geometry must be a mesh, a box or a cylinder")


def _joint(element: Any) -> Joint:
    axis, limit, mimic = (element.find(name) for name in ("axis", "limit", "mimic"))
    way = numbers("1 0 0" if axis is None else axis.get("xyz", "1 0 0"))
    limits = (0.0, 0.0) if limit is None else (float(limit.get("lower", 0)), float(limit.get("upper", 0)))
    copied = None
    if mimic is not None:
        copied = (mimic.get("joint", ""), float(mimic.get("multiplier", 1)), float(mimic.get("offset", 0)))
    length = max(float(np.linalg.norm(way)), 1e-9)
    return Joint(_link(element, "parent"), placed(element), element.get("type", ""), way / length, limits, copied)


def _link(joint: Any, which: str) -> str:
    found = joint.find(which)
    if found is None:
        raise InputError(f"URDF: joint {joint.get('name', '')} names no {which}")
    return found.get("link", "")


def _moved(joint: Joint, value: float) -> np.ndarray:
    if joint.kind == "prismatic":
        return transforms.compose(np.eye(3), value * joint.axis)
    if joint.kind == "revolute":
        return transforms.compose(Rotation.from_rotvec(value * joint.axis).as_matrix(), np.zeros(3))
    return np.eye(4)


def _to_grasp_axes(approach: str, closing: str) -> np.ndarray:
    """The rotation (4, 4) that brings the file's axes to z and y. Raises InputError where they are one axis."""
    if approach not in AXES or closing not in AXES or approach[-1] == closing[-1]:
        raise InputError(f"approach and closing must be two different axes, got {approach} and {closing}")
    y, z = np.array(AXES[closing], float), np.array(AXES[approach], float)
    return transforms.compose(np.stack([np.cross(y, z), y, z]), np.zeros(3))
