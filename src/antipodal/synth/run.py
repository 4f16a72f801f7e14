"""A run of the generator in its folder: what it is (manifest), its meshes, and which shards are still to make."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from antipodal import resources
from antipodal.camera import Camera
from antipodal.errors import InputError
from antipodal.files import options_from_dict, read_json, write_json
from antipodal.grasp import Gripper, Hand
from antipodal.suction_cup import SuctionCup
from antipodal.synth.objects import prepared
from antipodal.synth.objects.meshes import MeshOptions, NamedMesh
from antipodal.synth.objects.piles import Pile, PileOptions, drop_pile, load_piles, save_piles
from antipodal.synth.objects.prepared import Outcome
from antipodal.synth.objects.shape import same_object
from antipodal.synth.options import GenerateOptions
from antipodal.synth.run_setup import Setup
from antipodal.synth.shards import (
    EPSILON,
    FIELDS,
    PIXEL_FIELDS,
    SUCTION_FIELDS,
    WHOLE,
    column,
    read_manifest,
    shard_folders,
    write_shard,
)
from antipodal.synth.workers import worker_pool

VERSION = 1


class Run(NamedTuple):
    """What decides every byte of a run's samples."""

    meshes: str  # source as given: a folder or procedural[:N]
    exclude: Sequence[str]  # names of meshes kept out
    gripper: Hand
    camera: Camera
    options: GenerateOptions
    samples: int
    seed: int

    def to_dict(self) -> dict:
        data = {**self._asdict(), "gripper": self.gripper.to_dict(), "camera": self.camera.to_dict()}
        data.update(options=self.options.to_dict(), exclude=sorted(self.exclude))
        return json.loads(json.dumps(data))  # as it reads back: tuples are lists

    @property
    def shards(self) -> int:
        return -(-self.samples // self.options.shard_samples)


def open_run(
    folder: Path, run: Run, sources: Sequence[NamedMesh], workers: int, mesh_options: MeshOptions = MeshOptions()
) -> dict:
    """The manifest of the run in `folder`, which is begun if the folder is empty.

    Raises InputError if the folder holds other data, if a mesh has changed since the run was begun, or if no mesh can
    be used.
    """
    path = folder / "manifest.json"
    if path.exists():
        manifest = read_manifest(folder, WHOLE)
        _check_same(folder, _with_defaults(manifest.get("run", {})), run.to_dict())
        if "mesh_options" in manifest:
            _check_same(folder, manifest["mesh_options"], asdict(mesh_options))
        if not manifest["complete"]:
            _check_meshes(folder, manifest["meshes"], sources)
        return manifest
    if folder.exists() and any(p.name != "objects" for p in folder.iterdir()):
        raise InputError(f"{folder.absolute()} is not empty and holds no manifest.json; give a new folder")
    _check_hand(run)
    manifest = {
        "version": VERSION,
        "run": run.to_dict(),
        "commit": resources.source_commit(),
        "fields": fields_of(run.gripper, run.options),
        "mesh_options": asdict(mesh_options),
        "complete": False,
    }
    manifest["meshes"] = _prepare_meshes(folder, run, sources, workers)
    write_json(path, manifest)
    return manifest


def fields_of(hand: Hand, options: GenerateOptions) -> Dict[str, str]:
    """The fields of a run's samples, each with its meaning."""
    if isinstance(hand, SuctionCup):
        return {**{k: v for k, v in FIELDS.items() if k not in ("angle", "width")}, **SUCTION_FIELDS}
    fields = {**FIELDS, **(PIXEL_FIELDS if options.pixels else {})}
    return {**fields, **(EPSILON if options.labels.wants_epsilon else {})}


def _check_hand(run: Run) -> None:
    """Raises InputError where the options do not serve the hand."""
    o = run.options
    jaws_only = {"fit_opening": o.fit_opening, "pixel_window": o.pixel_window, "lean": max(o.lean)}
    asked = [name for name, value in jaws_only.items() if value]
    if asked and not isinstance(run.gripper, Gripper):
        raise InputError(f"{', '.join(asked)} is for parallel jaws; {run.gripper.name} is a suction cup")


def _with_defaults(run: dict) -> dict:
    """A run's description, completed by the defaults of options that came after it was begun."""
    options = options_from_dict(GenerateOptions, run.get("options", {})).to_dict()
    return {**run, "options": json.loads(json.dumps(options))}


def _check_same(folder: Path, recorded: dict, asked: dict) -> None:
    different = [k for k in asked if recorded.get(k) != asked[k]]
    if different:
        what = "; ".join(f"{k} is {_short(recorded.get(k))} there, {_short(asked[k])} here" for k in different)
        raise InputError(f"{folder.absolute()} holds another run's data: {what}; give a new folder")


def _short(value) -> str:
    text = json.dumps(value)
    return text if len(text) < 60 else text[:57] + "..."


def _check_meshes(folder: Path, listed: Sequence[dict], sources: Sequence[NamedMesh]) -> None:
    """Raises InputError where the mesh files are not those that the run was begun with."""
    begun = {m["name"]: m.get("digest", "") for m in listed}
    names = {s.name for s in sources}
    changed = [s.name for s in sources if begun.get(s.name) and begun[s.name] != prepared.content_digest(s)]
    differ = {"changed": changed, "removed": sorted(set(begun) - names), "added": sorted(names - set(begun))}
    if any(differ.values()):
        what = "; ".join(f"{len(v)} {kind}, e.g. {v[0]}" for kind, v in differ.items() if v)
        raise InputError(f"the meshes are not those that {folder} was begun with: {what}; give a new folder")


def _prepare_meshes(folder: Path, run: Run, sources: Sequence[NamedMesh], workers: int) -> List[dict]:
    """Prepare all meshes into `folder/objects` and list them with what became of each."""
    wanted = [s for s in sources if s.name not in run.exclude]
    with worker_pool(workers) as pool:
        chunk = max(1, len(wanted) // (8 * workers))
        results = pool.map(_prepare, ((s, run) for s in wanted), chunksize=chunk)
        outcomes = dict(zip((s.name for s in wanted), results))
    _drop_copies(outcomes)
    usable = [o.prepared for o in outcomes.values() if o.prepared is not None]
    if not usable:
        reasons = [o.reason for o in outcomes.values()][:3] or ["all are excluded"]
        raise InputError(f"none of {len(sources)} meshes can be used: {'; '.join(reasons)}")
    prepared.save_objects(folder / "objects", usable)
    if run.options.piles.objects > 1:
        _make_piles(folder / "objects", run, workers)
    return [_entry(s.name, outcomes.get(s.name)) for s in sources]


def _drop_copies(outcomes: Dict[str, Outcome]) -> None:
    """Drop all but the first of the files that hold the same object."""
    kept: List[str] = []
    for name, outcome in outcomes.items():
        if outcome.prepared is None or outcome.shape is None:
            continue
        first = next((k for k in kept if same_object(outcomes[k].shape, outcome.shape)), None)  # type: ignore[arg-type]
        if first is None:
            kept.append(name)
        else:
            outcomes[name] = outcome._replace(prepared=None, reason=f"the same object as {first}")


def _entry(name: str, outcome: Optional[Outcome]) -> dict:
    """A mesh in the manifest."""
    if outcome is None:
        return {"name": name, "status": "excluded"}
    entry: dict = {"name": name, "status": "used" if outcome.prepared is not None else outcome.reason}
    if outcome.digest:
        entry["digest"] = outcome.digest
    if outcome.shape is not None:
        entry["shape"] = [round(float(v), 5) for v in outcome.shape.numbers]
    return entry


def _make_piles(folder: Path, run: Run, workers: int) -> None:
    with worker_pool(workers) as pool:
        make = partial(_make_pile, folder, run.options.piles, run.seed)
        save_piles(folder, list(pool.map(make, range(run.options.piles.piles), chunksize=8)))


def _make_pile(folder: Path, options: PileOptions, seed: int, index: int) -> Pile:
    return drop_pile(prepared.ObjectFolder(folder), options, seed, index)


def _prepare(task: Tuple[NamedMesh, Run]) -> Outcome:
    source, run = task
    o = run.options
    thick = o.fit_opening * run.gripper.max_width if isinstance(run.gripper, Gripper) else 0.0
    return prepared.prepare_source(source, o.poses, o.scene, thick)


def load_setup(folder: Path, manifest: dict, run: Run) -> Setup:
    index = [i for i, m in enumerate(manifest["meshes"]) if m["status"] == "used"]
    objects, piles = prepared.ObjectFolder(folder / "objects"), load_piles(folder / "objects")
    return Setup(objects, index, run.gripper, run.camera, run.options, run.seed, piles)


def missing_shards(folder: Path, run: Run) -> List[int]:
    done = {int(p.name) for p in shard_folders(folder)}
    return [i for i in range(run.shards) if i not in done]


def keep_shard(folder: Path, run: Run, index: int, arrays: Dict[str, np.ndarray]) -> int:
    """Write one shard, of which the last holds what is left of the samples asked for. Returns how many."""
    count = min(run.options.shard_samples, run.samples - index * run.options.shard_samples)
    write_shard(folder, index, {name: a[:count] for name, a in arrays.items()})
    return count


def close_run(folder: Path, manifest: dict) -> None:
    """Complete the manifest: samples and positives of each mesh, the checksums of every shard's arrays."""
    which, labels = column(folder, "objects"), column(folder, "labels")
    count = np.bincount(which, minlength=len(manifest["meshes"]))
    positive = np.bincount(which, weights=labels, minlength=len(manifest["meshes"]))
    for mesh, n, p in zip(manifest["meshes"], count, positive):
        mesh.update(samples=int(n), positive=round(float(p / max(n, 1)), 4))
    manifest["shards"] = {p.name: read_json(p / "shard.json") for p in shard_folders(folder)}
    manifest.update(complete=True, samples=len(labels))
    write_json(folder / "manifest.json", manifest)
