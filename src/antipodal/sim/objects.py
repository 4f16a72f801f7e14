"""Rigid bodies for the cell: convex parts, because MuJoCo collides convex shapes only.

The cell renders these same parts, so what the camera sees is what the jaws touch, whatever the decomposition has done
to the mesh. Decompositions are cached by the content of the mesh.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

import numpy as np
import trimesh

from antipodal.errors import InputError
from antipodal.files import write_file


@dataclass(frozen=True)
class BodyOptions:
    """How a mesh becomes a body."""

    density: float = 500.0  # [kg/m3]
    mass: Tuple[float, float] = (0.02, 1.0)  # limits [kg]
    concavity: float = 0.0015  # hollows shallower than this may be filled by the parts [m]
    fine: float = 0.03  # never finer than this [half-sizes of the mesh]: large meshes would take minutes
    max_parts: int = 32
    convex: float = 0.97  # a mesh that fills this share of its hull counts as convex


@dataclass(frozen=True)
class Part:
    """A convex polyhedron: vertices (V, 3) [m] in the body's frame, faces (F, 3) outward."""

    vertices: np.ndarray
    faces: np.ndarray


@dataclass(frozen=True)
class Body:
    """A rigid object; its frame's origin is the centre of mass."""

    name: str
    parts: Tuple[Part, ...]
    density: float  # [kg/m3], chosen to give the mass
    mass: float  # [kg]

    def surface(self) -> Tuple[np.ndarray, np.ndarray]:
        """Vertices (V, 3) and faces (F, 3) of all parts; some faces may lie inside the union."""
        return join((p.vertices, p.faces) for p in self.parts)

    def radius(self) -> float:
        """Radius of the sphere about the origin that contains the body [m]."""
        return float(max(np.linalg.norm(p.vertices, axis=1).max() for p in self.parts))


def join(meshes: Iterable[Tuple[np.ndarray, np.ndarray]]) -> Tuple[np.ndarray, np.ndarray]:
    """One pair (vertices, faces) from several."""
    vertices: List[np.ndarray] = [np.zeros((0, 3))]
    faces: List[np.ndarray] = [np.zeros((0, 3), dtype=np.int64)]
    start = 0
    for v, f in meshes:
        vertices.append(v)
        faces.append(f + start)
        start += len(v)
    return np.concatenate(vertices), np.concatenate(faces)


def body_from_parts(name: str, points: Sequence[np.ndarray], options: BodyOptions = BodyOptions()) -> Body:
    """Body whose parts are the hulls of point sets (V, 3) [m] in one frame.

    Raises InputError if none has a volume.
    """
    hulls = [hull for hull in map(_hull, points) if hull is not None]
    if not hulls:
        raise InputError(f"object {name} has no volume: {len(points)} parts, each flat or smaller than 0.01 mm3")
    volumes = np.array([hull.volume for hull in hulls])
    center = volumes @ np.array([hull.center_mass for hull in hulls]) / volumes.sum()
    mass = float(np.clip(options.density * volumes.sum(), *options.mass))
    parts = tuple(Part(np.asarray(hull.vertices - center), np.asarray(hull.faces)) for hull in hulls)
    return Body(name, parts, mass / float(volumes.sum()), mass)


def _hull(points: np.ndarray) -> Optional[trimesh.Trimesh]:
    """Convex hull, or None if it has no volume."""
    try:
        hull = trimesh.convex.convex_hull(points)
    except Exception:  # scipy's QhullError has no stable home, and flat input raises several more
        return None
    return hull if hull.volume > 1e-11 else None


def box(name: str, size: Tuple[float, float, float], options: BodyOptions = BodyOptions()) -> Body:
    """A box of the given edges [m]."""
    return body_from_parts(name, [trimesh.creation.box(size).vertices], options)


def body_from_mesh(name: str, mesh: trimesh.Trimesh, options: BodyOptions = BodyOptions()) -> Body:
    """Body of a mesh in metres. Its parts are `metadata["parts"]` if given, else a cached convex decomposition."""
    known = mesh.metadata.get("parts")
    return body_from_parts(name, [p.vertices for p in known] if known else convex_parts(mesh, options), options)


def convex_parts(mesh: trimesh.Trimesh, options: BodyOptions = BodyOptions()) -> List[np.ndarray]:
    """Vertices (V, 3) of each convex part of a mesh, decomposed once and cached by content."""
    if mesh.is_watertight and mesh.volume > options.convex * mesh.convex_hull.volume:
        return [np.asarray(mesh.vertices)]
    threshold = round(max(options.fine, 2 * options.concavity / mesh.extents.max()), 4)
    file = cache_folder() / f"{_parts_digest(mesh, threshold, options.max_parts)}.npz"
    if file.exists():
        with np.load(file, allow_pickle=False) as stored:
            return [stored[key] for key in sorted(stored.files)]
    parts = _decompose(mesh, threshold, options.max_parts)
    _write_parts(file, {f"{i:04d}": part for i, part in enumerate(parts)})
    return parts


def cache_folder() -> Path:
    """Where decompositions are kept: `$XDG_CACHE_HOME/antipodal/parts`, by default under `~/.cache`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "antipodal" / "parts"


def _parts_digest(mesh: trimesh.Trimesh, threshold: float, max_parts: int) -> str:
    digest = hashlib.sha256(np.ascontiguousarray(mesh.vertices, dtype=np.float64).tobytes())
    digest.update(np.ascontiguousarray(mesh.faces, dtype=np.int64).tobytes())
    digest.update(f"{threshold} {max_parts}".encode())
    return digest.hexdigest()[:24]


def _decompose(mesh: trimesh.Trimesh, threshold: float, max_parts: int) -> List[np.ndarray]:
    """Approximate convex decomposition (Wei et al., SIGGRAPH 2022). The search is shallow: a deep one takes ten times
    as long, for parts that differ by less than a millimetre."""
    import coacd

    coacd.set_log_level("error")
    parts = coacd.run_coacd(
        coacd.Mesh(mesh.vertices, mesh.faces),
        threshold=threshold,
        max_convex_hull=max_parts,
        preprocess_resolution=40,
        resolution=500,
        mcts_nodes=8,
        mcts_iterations=20,
        mcts_max_depth=2,
    )
    return [np.asarray(vertices, dtype=np.float64) for vertices, _ in parts]


def _write_parts(file: Path, arrays: Dict[str, np.ndarray]) -> None:
    write_file(file, lambda opened: np.savez_compressed(opened, **arrays))
