"""Training samples on disk: a folder of shards, each a folder of arrays with one row a sample, and their reader."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Union

import numba
import numpy as np
import torch
from torch.utils.data import Dataset

from antipodal import suction_cup
from antipodal.errors import InputError
from antipodal.files import checksum, read_array, read_json, temporary_name, write_array, write_json
from antipodal.networks.pixel_crops import PixelCrops
from antipodal.networks.suction_crops import suction_crop_definition

WHOLE = ("run", "meshes", "complete")  # of a manifest that `generate` wrote
LEVELS = 65535  # crops in [-1, 1] are stored as whole numbers 0..LEVELS
FIELDS = {
    "crops": "(32, 32) uint16: clip((surface - grasp depth) / widest opening, -1, 1) as 0..65535",
    "conditions": "(4,) float32: crops.conditions of the grasp",
    "labels": "float32 in [0, 1]: by the option quality, e.g. share of draws of pose and friction that hold",
    "free": "float32 in [0, 1]: share of those draws in which nothing is hit on the way down",
    "collision": "bool: something is hit on the way down at the nominal pose",
    "friction": "float32: least friction coefficient that holds at the nominal pose, 10 = none does",
    "center": "(3,) float32: grasp origin in the view frame [m]; the third is the grasp's depth",
    "angle": "float32: closing axis from the view's x [rad]",
    "width": "float32: opening on approach [m]",
    "height": "float32: grasp origin above the table [m]",
    "objects": "int32: index of the mesh in the manifest, in clutter of the one nearest to the jaws' tips",
    "pose": "int16: which of the object's stable poses, in clutter which pile",
    "scene": "int32: which pose of the shard; samples with the same scene and grasp are views of one grasp",
    "view": "int16: which view of that pose",
    "grasp": "int16: which grasp of that pose",
}
PIXEL_MIDDLE = 1.0  # pixel crops of 0 to 2 m are stored as depths around this [m]
PIXEL_FIELDS = {
    "crops": "(S, S) uint16: depth of the camera's image, 0 to 2 m as 0..65535",
    "conditions": "(1,) float32: the gripper's depth in the camera [m]",
}  # where crops are Dex-Net's
EPSILON = {
    "epsilon": "float32: mean over the draws of Ferrari and Canny's quality"
}  # where the labels are made from it
SUCTION_FIELDS = {
    "crops": "(32, 32) uint16: networks.suction_crops.crop_suction, -1 to 1 as 0..65535",
    "conditions": "(4,) float32: suction_crops.suction_conditions of the grasp",
    "labels": "float32 in [0, 1]: share of draws of pose, friction and centre of mass that hold",
    "stretch": "float32: largest relative change of a spring of the lip at the nominal pose, infinite over a hole",
    "center": "(3,) float32: middle of the lip on the observed surface, in the camera's frame [m]",
    "approach": "(3,) float32: unit, in the camera's frame",
    "height": "float32: middle of the lip above the table [m]",
    "view": "int16: which view of that pose; each has grasps of its own",
}  # where the hand is a suction cup


def quantise(crops: np.ndarray) -> np.ndarray:
    """Crops (N, ...) float32 in [-1, 1] as uint16."""
    out = np.empty(crops.shape, dtype=np.uint16)
    _quantise(np.ascontiguousarray(crops, dtype=np.float32).reshape(-1), out.reshape(-1))
    return out


@numba.njit(cache=True)
def _quantise(crops, out):
    for i in range(len(out)):
        out[i] = np.uint16(np.rint((crops[i] + np.float32(1)) * np.float32(LEVELS / 2)))


def shard_folder(folder: Path, index: int) -> Path:
    return folder / "shards" / f"{index:06d}"


def write_shard(folder: Path, index: int, arrays: Dict[str, np.ndarray]) -> None:
    """Write shard `index` of the run in `folder`, all or nothing."""
    target = shard_folder(folder, index)
    temporary = temporary_name(target)
    try:
        for name, array in arrays.items():
            write_array(temporary / f"{name}.npy", array)
        sums = {name: checksum(temporary / f"{name}.npy") for name in arrays}
        write_json(temporary / "shard.json", {"samples": len(arrays["labels"]), "sha256": sums})
        os.replace(temporary, target)
    except OSError as e:
        raise InputError(f"cannot write shard {target}: {e.strerror or e}") from e
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def shard_folders(folder: Path) -> List[Path]:
    """The shards that are there, in order."""
    return sorted(p for p in (folder / "shards").glob("[0-9]*") if (p / "shard.json").exists())


def damaged(shard: Path) -> List[str]:
    """Names of the arrays of a shard whose checksums are wrong."""
    about = read_json(shard / "shard.json")
    sums = about.get("sha256") if isinstance(about, dict) else None
    if not isinstance(sums, dict):
        return ["shard.json"]
    return [n for n, s in sums.items() if not (shard / f"{n}.npy").exists() or checksum(shard / f"{n}.npy") != s]


def read_manifest(folder: Path, needed: Sequence[str] = ()) -> Dict[str, Any]:
    """What the run in a folder says of itself. Raises InputError where it lacks what is needed or that is no such
    thing."""
    if not (folder / "manifest.json").is_file():
        raise InputError(f"{folder.absolute()} holds no manifest.json; a folder that antipodal generate made is needed")
    manifest = read_json(folder / "manifest.json")
    kinds = {"run": dict, "meshes": list, "complete": bool, "fields": dict}
    told = manifest if isinstance(manifest, dict) else {}
    wrong = [k for k, kind in kinds.items() if (k in told or k in needed) and not isinstance(told.get(k), kind)]
    run = told.get("run")
    if "run" in needed and isinstance(run, dict):
        wrong += [f"run.{key}" for key in ("samples", "seed", "gripper") if key not in run]
    if wrong or manifest is not told:
        lacking = ", ".join(wrong or needed or kinds)
        raise InputError(f"{folder.absolute()}/manifest.json is not of antipodal generate: it has no {lacking}")
    return manifest


def column(folder: Path, name: str) -> np.ndarray:
    """One field of all samples, in memory."""
    known = {**FIELDS, **EPSILON, **SUCTION_FIELDS}
    if name not in known:
        raise InputError(f"unknown field {name!r}; possible: {', '.join(known)}")
    shards = shard_folders(folder)
    if not shards:
        raise InputError(f"{folder.absolute()} holds no finished shard")
    return np.concatenate([read_array(s / f"{name}.npy") for s in shards])


def pixels_of(run: dict) -> Optional[PixelCrops]:
    """The size of a run's pixel crops; None where its crops are metric."""
    options = run.get("options", {})
    return PixelCrops(options["pixel_window"], options["pixel_size"]) if options.get("pixel_window") else None


def _hand_of(run: dict) -> dict:
    """The hand of a run; empty where its manifest has a name alone."""
    hand = run.get("gripper", {})
    return hand if isinstance(hand, dict) else {}


def crop_of(run: dict) -> Optional[Dict[str, Any]]:
    """What a run's crops are, as a model's meta says it; None where they are metric ones of parallel jaws."""
    if _hand_of(run).get("type") == suction_cup.KIND:
        return suction_crop_definition()
    pixels = pixels_of(run)
    return pixels.definition if pixels else None


class ShardDataset(Dataset):
    """All samples of a run; made for batches of random indices (`__getitems__`), which torch's DataLoader asks for.

    objects: (len,) int32 index of each sample's mesh in `manifest["meshes"]`; labels: (len,) float32; pixels: the
    size of Dex-Net's crops, None where crops are others; crop: see `crop_of`.
    Raises InputError where the folder holds no run.
    """

    def __init__(self, folder: Union[str, Path]) -> None:
        self.folder = Path(folder)
        self.manifest = read_manifest(self.folder)
        self.pixels = pixels_of(self.manifest.get("run", {}))
        self.crop = crop_of(self.manifest.get("run", {}))
        self.labels = column(self.folder, "labels")
        self.objects = column(self.folder, "objects")
        self._conditions = column(self.folder, "conditions")
        self._heights = self._heights_in_openings()
        self._crops = [np.asarray(read_array(s / "crops.npy")) for s in shard_folders(self.folder)]
        self._ends = np.cumsum([len(c) for c in self._crops])

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> Dict[str, torch.Tensor]:
        return {name: values[0] for name, values in self.__getitems__([index]).items()}

    def __getitems__(self, indices: Sequence[int]) -> Dict[str, torch.Tensor]:
        """crops (N, 1, 32, 32) float32 in [-1, 1], conditions (N, 4), labels (N,) float32, objects (N,) int64, and
        heights (N,) float32 of the grasps above the table [widest openings], nan where the run did not keep them or
        has a suction cup.

        Pixel crops (N, 1, S, S) are depths [m], with conditions (N, 1), the gripper's depth [m].
        """
        index = np.asarray(indices, dtype=np.int64)
        if len(index) and not (0 <= index.min() and index.max() < len(self)):
            raise IndexError(f"indices {index.min()}..{index.max()} of a dataset of {len(self)} samples")
        crops = self._gathered(index)
        return {
            "crops": torch.from_numpy(crops) if self.pixels is None else torch.from_numpy(crops) + PIXEL_MIDDLE,
            "conditions": torch.from_numpy(self._conditions[index]),
            "labels": torch.from_numpy(self.labels[index]),
            "objects": torch.from_numpy(self.objects[index].astype(np.int64)),
            "heights": torch.from_numpy(self._heights[index]),
        }

    def _gathered(self, index: np.ndarray) -> np.ndarray:
        """Crops (N, 1, S, S) float32 in [-1, 1] of samples (N,)."""
        shards = np.searchsorted(self._ends, index, side="right")
        rows = index - np.append(0, self._ends)[shards]
        crops = np.empty((len(index), 1, *self._crops[0].shape[1:]), dtype=np.float32)
        for n, (shard, row) in enumerate(zip(shards, rows)):
            crops[n, 0] = self._crops[shard][row]
        crops *= np.float32(2 / 65535)
        crops -= np.float32(1)
        return crops

    def _heights_in_openings(self) -> np.ndarray:
        opening = _hand_of(self.manifest.get("run", {})).get("max_width")
        if "height" not in self.manifest.get("fields", {}) or opening is None:
            return np.full(len(self), np.nan, np.float32)
        return column(self.folder, "height") / np.float32(opening)

    def __getstate__(self) -> Path:
        return self.folder  # a loader's worker maps the files itself

    def __setstate__(self, folder: Path) -> None:
        self.__init__(folder)  # type: ignore[misc]
