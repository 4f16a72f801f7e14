"""Meshes from files, repaired where that is possible, or made on the spot."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Sequence, Tuple, Union

import numpy as np
import trimesh

from antipodal.errors import AntipodalError, InputError
from antipodal.synth.objects.mesh_text import readable
from antipodal.synth.objects.procedural import procedural
from antipodal.synth.objects.urdf import mesh_parts, referenced_meshes

SUFFIXES = (".obj", ".stl", ".ply", ".off", ".glb", ".gltf", ".urdf")
COLLISION_FOLDERS = ("collision", "collisions")  # what they hold belongs to meshes beside them
UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254}


class MeshError(AntipodalError):
    """A mesh cannot be used; the message gives the file and the reason."""


MOST_PROCEDURAL = 1_000_000


@dataclass(frozen=True)
class MeshOptions:
    """What a file may hold."""

    scale: float = 1.0  # file's units to metres, see UNITS
    max_faces: int = 300_000
    max_bytes: int = 200_000_000
    min_size: float = 0.002  # shorter longest sides are taken for a wrong unit [m]
    max_size: float = 2.0  # longer likewise [m]
    min_thickness: float = 1e-4  # thinner shapes are two-dimensional [m]
    time_limit: float = 20.0  # seconds a file; kept where signals can be had (a main thread on POSIX)


@dataclass(frozen=True)
class NamedMesh:
    """A mesh that is made or read when asked for."""

    name: str
    get: Callable[[], trimesh.Trimesh] = field(repr=False)
    files: Tuple[Path, ...] = ()  # that it is read from; none where it is made


def load(path: Union[str, Path], options: MeshOptions = MeshOptions()) -> trimesh.Trimesh:
    """The mesh of a file in metres, outward normals, `metadata["center_of_mass"]` (3,) set.

    Reads SUFFIXES; of a URDF the meshes of its link, scaled as it says. Holes are closed and normals turned where
    trimesh can; a mesh that stays open keeps its surface and takes its hull's centre of mass. Raises MeshError for
    anything that is no solid object of sensible size.
    """
    path = Path(path)
    try:
        if path.stat().st_size > options.max_bytes:
            raise MeshError(f"{path}: {path.stat().st_size} bytes, at most {options.max_bytes} are read")
        if path.suffix.lower() not in SUFFIXES:
            raise MeshError(
                f"{path}: {path.suffix or 'no suffix'} is not a mesh format; possible: {', '.join(SUFFIXES)}"
            )
        with time_limit(options.time_limit):
            return _finish(_repair(_read_mesh(path)), path, options)
    except (MeshError, MemoryError):
        raise
    except Exception as e:  # parsers of seven formats raise whatever they like on a damaged file
        raise MeshError(f"{path}: cannot be read ({type(e).__name__}: {e})") from e


def mesh_source(source: str, options: MeshOptions = MeshOptions(), seed: int = 0) -> List[NamedMesh]:
    """Named meshes of "procedural[:N]" (default 1000) or of every mesh file under a folder, sorted by name.

    Files that a URDF there names belong to it, whether it can be used or not, and are not listed on their own.
    """
    if source == "procedural" or source.startswith("procedural:"):
        count = source.partition(":")[2] or "1000"
        if not (count.isdecimal() and len(count) < 8 and 1 <= int(count) <= MOST_PROCEDURAL):
            raise InputError(f"procedural:N needs a whole number of meshes, 1 to a million, got {source[:40]!r}")
        return [NamedMesh(f"procedural_{seed}_{i:05d}", partial(_make, i, seed)) for i in range(int(count))]
    folder = Path(source)
    if not folder.is_dir():
        raise InputError(f"meshes must be a folder or procedural[:N], got {source!r}")
    files = [p for p in files_below(folder) if p.suffix.lower() in SUFFIXES]
    parts = {p: referenced_meshes(p) for p in files if p.suffix.lower() == ".urdf"}
    named_in_urdfs = {part.resolve() for named in parts.values() for part in named}
    files = [p for p in files if p.resolve() not in named_in_urdfs]
    if not files:
        raise InputError(f"no mesh file under {folder}; possible: {', '.join(SUFFIXES)}")
    return [_named(p, folder, options, parts.get(p, [])) for p in files]


def _named(path: Path, folder: Path, options: MeshOptions, parts: Sequence[Path]) -> NamedMesh:
    """The mesh of a file below `folder`; one that says why not where the file is no object of its own. parts: files
    that it names, where it is a URDF."""
    inside = path.relative_to(folder)
    get = partial(load, path, options)
    if any(part.lower() in COLLISION_FOLDERS for part in inside.parts[:-1]):
        get = partial(_refuse, f"{path}: lies in a folder of collision geometry, so it is no object of its own")
    return NamedMesh(inside.as_posix(), get, (path, *parts))


def _refuse(reason: str) -> trimesh.Trimesh:
    raise MeshError(reason)


def files_below(folder: Path) -> List[Path]:
    """All files under a folder, sorted; folders that are symbolic links are followed, each place once."""
    found, seen = [], set()
    for place, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:  # links that lead in a circle, or twice to one place
            folders.clear()
            continue
        seen.add(real)
        folders.sort()
        found += [Path(place) / name for name in names]
    return sorted(found)


def center_of_mass(mesh: trimesh.Trimesh) -> np.ndarray:
    """Centre of mass (3,) [m] at uniform density: of the volume where it is closed, else of its hull."""
    if "parts" in mesh.metadata:  # a union's parts may overlap: weigh each
        parts = mesh.metadata["parts"]
        return np.average([p.center_mass for p in parts], axis=0, weights=[p.volume for p in parts])
    solid = mesh if mesh.is_watertight and mesh.volume > 0 else mesh.convex_hull
    com = np.asarray(solid.center_mass)
    inside = np.all(com >= mesh.bounds[0]) and np.all(com <= mesh.bounds[1])
    return com if inside else np.asarray(mesh.convex_hull.center_mass)


def volume_of(mesh: trimesh.Trimesh) -> float:
    """Volume [m3]: of the mesh where it is closed, else of its hull; of a union, the sum of its parts."""
    if "parts" in mesh.metadata:
        return float(sum(p.volume for p in mesh.metadata["parts"]))
    return float(mesh.volume if mesh.is_watertight and mesh.volume > 0 else mesh.convex_hull.volume)


def _make(index: int, seed: int) -> trimesh.Trimesh:
    mesh = procedural(index, seed)
    mesh.metadata["center_of_mass"] = center_of_mass(mesh)
    return mesh


def _read_mesh(path: Path) -> trimesh.Trimesh:
    if path.suffix.lower() == ".urdf":
        whole: Any = trimesh.util.concatenate([_read_mesh(part).apply_transform(T) for part, T in mesh_parts(path)])
        return whole
    if path.suffix.lower() in (".glb", ".gltf"):
        mesh = trimesh.load(path, force="mesh", skip_materials=True)
    else:
        file, kind = BytesIO(readable(path)), path.suffix.lower()[1:]
        mesh = trimesh.load(file, file_type=kind, force="mesh", skip_materials=True)
    if not isinstance(mesh, trimesh.Trimesh) or len(mesh.faces) == 0:
        raise MeshError(f"{path}: holds no face")
    return trimesh.Trimesh(mesh.vertices, mesh.faces, process=True)


def _repair(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    finite = np.isfinite(mesh.vertices).all(axis=1)
    mesh.update_faces(finite[mesh.faces].all(axis=1))
    mesh.update_faces(mesh.nondegenerate_faces())
    mesh.update_faces(mesh.unique_faces())
    mesh.remove_unreferenced_vertices()
    if len(mesh.faces) and not (mesh.is_watertight and mesh.is_winding_consistent):
        mesh.fix_normals(multibody=True)
        mesh.fill_holes()
    if mesh.is_watertight and mesh.volume < 0:
        mesh.invert()
    return mesh


def _finish(mesh: trimesh.Trimesh, path: Path, options: MeshOptions) -> trimesh.Trimesh:
    """Scale to metres and refuse what is no graspable solid."""
    if len(mesh.faces) == 0:
        raise MeshError(f"{path}: no face is left after dropping degenerate ones")
    if len(mesh.faces) > options.max_faces:
        raise MeshError(f"{path}: {len(mesh.faces)} faces, at most {options.max_faces} are used; simplify it")
    mesh.apply_scale(options.scale)
    size = mesh.extents.max()
    if not options.min_size <= size <= options.max_size:
        raise MeshError(
            f"{path}: {size:.4g} m long, possible {options.min_size} to {options.max_size} m; is the scale "
            f"{options.scale} right? --units takes {', '.join(UNITS)}"
        )
    spread = np.linalg.svd(mesh.vertices - mesh.vertices.mean(axis=0), compute_uv=False)[-1]
    if spread / np.sqrt(len(mesh.vertices)) < options.min_thickness / 2:
        raise MeshError(f"{path}: two-dimensional, thinner than {options.min_thickness} m")
    mesh.metadata["center_of_mass"] = center_of_mass(mesh)
    return mesh


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise MeshError in the block after `seconds`; without effect outside a main thread."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def stop(signum, frame):
        raise MeshError(f"took longer than {seconds} s")

    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def named_among(meshes: List[NamedMesh], only: Sequence[str]) -> Dict[str, NamedMesh]:
    """Meshes by name: those in `only`, with or without file suffixes; all if it is empty. Raises InputError."""
    named = {mesh.name: mesh for mesh in meshes}
    if not only:
        return named
    full = {str(Path(name).with_suffix("")): name for name in named}
    unknown = [name for name in only if name not in named and name not in full]
    if unknown:
        raise InputError(
            f"no object {unknown[0]} among the {len(named)} given, nor {len(unknown) - 1} more of the list"
        )
    return {name: named[name] for name in (full.get(n, n) for n in only)}
