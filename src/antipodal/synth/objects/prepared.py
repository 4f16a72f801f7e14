"""Meshes made ready for a run: repaired, their stable poses found, and kept in one folder that all workers map."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple, Optional, Sequence, Union

import numpy as np
import trimesh

from antipodal.errors import AntipodalError
from antipodal.files import checksum, read_array, write_array
from antipodal.synth.objects.meshes import MeshError, NamedMesh, volume_of
from antipodal.synth.objects.own_box import thickness
from antipodal.synth.objects.shape import Shape, shape_of
from antipodal.synth.objects.stable_poses import PoseOptions, stable_poses
from antipodal.synth.scene import SceneOptions


class PreparedObject(NamedTuple):
    """One mesh and the ways it can lie."""

    vertices: np.ndarray  # (V, 3) float32 [m]
    faces: np.ndarray  # (F, 3) int32
    center_of_mass: np.ndarray  # (3,) [m]
    poses: np.ndarray  # (P, 4, 4) T_table_obj
    probability: np.ndarray  # (P,)
    volume: np.ndarray = np.array([np.nan])  # (1,) [m3]; nan in folders of older versions


def prepare(mesh: trimesh.Trimesh, poses: PoseOptions, scene: SceneOptions, thick: float = 0.0) -> PreparedObject:
    """The object ready for a run, scaled to be `thick` [m] where its hull is thinnest (0: left as it is).

    Raises AntipodalError with the reason where no pose can be found or the object is too large.
    """
    factor = thick / thickness(mesh.vertices) if thick > 0 else 1.0
    vertices, com = mesh.vertices * factor, np.asarray(mesh.metadata["center_of_mass"], dtype=np.float64) * factor
    longest = np.ptp(vertices, axis=0).max()
    if longest * np.sqrt(3) > scene.max_side:
        raise MeshError(f"{longest:.3g} m long, at most {scene.max_side / np.sqrt(3):.3g} m can be used")
    T, probability = stable_poses(vertices, com, poses)
    volume = np.array([volume_of(mesh) * factor**3])
    return PreparedObject(vertices.astype(np.float32), mesh.faces.astype(np.int32), com, T, probability, volume)


class Outcome(NamedTuple):
    """What became of a mesh."""

    prepared: Optional[PreparedObject]  # None where it cannot be used
    reason: str = ""  # why it cannot
    shape: Optional[Shape] = None  # of a mesh that was read from a file
    digest: str = ""  # of the content of those files


def prepare_source(source: NamedMesh, poses: PoseOptions, scene: SceneOptions, thick: float = 0.0) -> Outcome:
    """The prepared object of a source, or in words why there is none."""
    try:
        digest = content_digest(source)
        mesh = source.get()
        shape = shape_of(mesh.vertices, mesh.faces) if source.files else None
        return Outcome(prepare(mesh, poses, scene, thick), "", shape, digest)
    except AntipodalError as e:
        return Outcome(None, str(e))


def content_digest(source: NamedMesh) -> str:
    """Sixteen hexadecimal digits that change with the files of a mesh; empty where it is read from none."""
    try:
        sums = [checksum(path) for path in source.files if path.is_file()]
    except OSError as e:
        raise MeshError(f"{source.name}: cannot be read ({e.strerror or e})") from e
    return hashlib.sha256("".join(sums).encode()).hexdigest()[:16] if sums else ""


def save_objects(folder: Path, objects: Sequence[PreparedObject]) -> None:
    """Write the objects end to end, with the ends of each."""
    for name in PreparedObject._fields:
        arrays = [np.atleast_1d(getattr(o, name)) for o in objects]
        write_array(folder / f"{name}.npy", np.concatenate(arrays))
        write_array(folder / f"{name}_end.npy", np.cumsum([len(a) for a in arrays]))


class ObjectFolder:
    """The objects of a folder, mapped into memory; `folder[i]` is the i-th."""

    def __init__(self, folder: Path) -> None:
        kept = [n for n in PreparedObject._fields if (folder / f"{n}.npy").exists() or n != "volume"]
        self._arrays = [read_array(folder / f"{n}.npy") for n in kept]
        self._ends = [np.append(0, read_array(folder / f"{n}_end.npy")) for n in kept]

    def __len__(self) -> int:
        return len(self._ends[0]) - 1

    def __getitem__(self, i: int) -> PreparedObject:
        return PreparedObject(*(np.asarray(a[e[i] : e[i + 1]]) for a, e in zip(self._arrays, self._ends)))


Objects = Union[Sequence[PreparedObject], ObjectFolder]
