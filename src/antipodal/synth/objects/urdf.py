"""Meshes that a URDF scales and places: objects are often kept as one mesh file and a URDF with its true size."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List, Tuple

import numpy as np
from defusedxml import DefusedXmlException, ElementTree
from scipy.spatial.transform import Rotation

from antipodal import transforms
from antipodal.errors import InputError


def mesh_parts(path: Path) -> List[Tuple[Path, np.ndarray]]:
    """The mesh files of a URDF's only link, and the transforms (4, 4), scale included, that take each into its frame.

    Collision geometry, else visual. InputError where there are several links, no mesh, or anything but meshes.
    """
    try:
        links = ElementTree.parse(path).getroot().findall("link")
    except ElementTree.ParseError as e:
        raise InputError(f"{path}: no XML ({e})") from e
    except DefusedXmlException as e:  # entities may make gigabytes of a few lines
        raise InputError(f"{path}: XML with entities of its own is not read ({type(e).__name__})") from e
    if len(links) != 1:
        raise InputError(f"{path}: {len(links)} links; an object to grasp is one rigid link")
    elements = links[0].findall("collision") or links[0].findall("visual")
    meshes = [(e, e.find("geometry/mesh")) for e in elements]
    if not meshes or any(mesh is None for _, mesh in meshes):
        raise InputError(f"{path}: its link is not made of meshes")
    return [(_file(path, mesh.get("filename", "")), _transform(e, mesh)) for e, mesh in meshes if mesh is not None]


def _file(urdf: Path, name: str) -> Path:
    """A mesh's file, beside the URDF or, for package://NAME/..., under a folder NAME above it."""
    scheme, _, rest = name.rpartition("://")
    if scheme != "package":
        return urdf.parent / rest
    package, _, inside = rest.partition("/")
    above = [p / inside for p in urdf.resolve().parents if p.name == package]
    return above[0] if above else urdf.parent / inside


def _transform(element: Any, mesh: Any) -> np.ndarray:
    origin = element.find("origin")
    place = {} if origin is None else origin.attrib
    R = Rotation.from_euler("xyz", _numbers(place.get("rpy", "0 0 0"))).as_matrix()
    scale = _numbers(mesh.get("scale", "1 1 1"))
    return transforms.compose(R * (scale if len(scale) == 3 else scale[0]), _numbers(place.get("xyz", "0 0 0")))


def _numbers(text: str) -> np.ndarray:
    try:
        return np.array([float(word) for word in text.split()])
    except ValueError as e:
        raise InputError(f"URDF: {text!r} should be numbers") from e
