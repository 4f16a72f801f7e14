"""Meshes that a URDF scales and places: objects are often kept as one mesh file and a URDF with its true size."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, List, Tuple

import numpy as np
from defusedxml import DefusedXmlException, ElementTree
from scipy.spatial.transform import Rotation

from antipodal import transforms
from antipodal.errors import InputError

NAMES = re.compile(r'<mesh[^>]*filename\s*=\s*["\']([^"\']+)')  # in a file that is no XML


def mesh_parts(path: Path) -> List[Tuple[Path, np.ndarray]]:
    """The mesh files of a URDF's only link with geometry, and the transforms (4, 4), scale included, into its frame.

    Collision geometry where it is made of meshes, else visual geometry. Raises InputError where there are several such
    links, or neither geometry is made of meshes alone.
    """
    links = [link for link in root(path).findall("link") if link.findall("collision") or link.findall("visual")]
    if len(links) != 1:
        raise InputError(f"{path}: {len(links)} links with geometry; an object to grasp is one rigid link")
    for kind in ("collision", "visual"):
        meshes = [(e, e.find("geometry/mesh")) for e in links[0].findall(kind)]
        if meshes and all(mesh is not None for _, mesh in meshes):
            return [
                (mesh_file(path, mesh.get("filename", "")), placed(e, mesh)) for e, mesh in meshes if mesh is not None
            ]
    raise InputError(f"{path}: its link is not made of meshes")


def referenced_meshes(path: Path) -> List[Path]:
    """All mesh files that a URDF names, in any link, whether it can be used as an object or not."""
    try:
        names = [mesh.get("filename", "") for mesh in root(path).iter("mesh")]
    except (InputError, OSError):  # loading it says why
        names = NAMES.findall(path.read_text(errors="replace")) if path.is_file() else []
    return [mesh_file(path, name) for name in names if name]


def root(path: Path) -> Any:
    """The root element of a URDF. Raises InputError."""
    try:
        return ElementTree.parse(path).getroot()
    except ElementTree.ParseError as e:
        raise InputError(f"{path}: no XML ({e})") from e
    except DefusedXmlException as e:  # entities may make gigabytes of a few lines
        raise InputError(f"{path}: XML with entities of its own is not read ({type(e).__name__})") from e


def mesh_file(urdf: Path, name: str) -> Path:
    """A mesh's file, beside the URDF or, for package://NAME/..., under a folder NAME above it."""
    scheme, _, rest = name.rpartition("://")
    if scheme != "package":
        return urdf.parent / rest
    package, _, inside = rest.partition("/")
    above = [p / inside for p in urdf.resolve().parents if p.name == package]
    return above[0] if above else urdf.parent / inside


def placed(element: Any, mesh: Any = None) -> np.ndarray:
    """The transform (4, 4) of an element's origin, with the scale of a mesh where one is given."""
    origin = element.find("origin")
    place = {} if origin is None else origin.attrib
    R = Rotation.from_euler("xyz", numbers(place.get("rpy", "0 0 0"))).as_matrix()
    scale = numbers("1" if mesh is None else mesh.get("scale", "1 1 1"))
    return transforms.compose(R * (scale if len(scale) == 3 else scale[0]), numbers(place.get("xyz", "0 0 0")))


def numbers(text: str) -> np.ndarray:
    """Numbers with blanks between them. Raises InputError."""
    try:
        return np.array([float(word) for word in text.split()])
    except ValueError as e:
        raise InputError(f"URDF: {text!r} should be numbers") from e
