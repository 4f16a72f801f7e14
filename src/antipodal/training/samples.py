"""The training samples of several folders as one, and their split by object into training, validation and test."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Protocol, Sequence, Tuple, Union

import numpy as np
import torch

from antipodal.dexnet.data import DexNetDataset, DexNetOptions
from antipodal.errors import InputError
from antipodal.networks.pixel_crops import PixelCrops
from antipodal.synth.objects.shape import first_alike
from antipodal.synth.shards import ShardDataset

Batch = Dict[str, torch.Tensor]


class Dataset(Protocol):
    """What `synth.shards.ShardDataset` and `dexnet.DexNetDataset` have in common."""

    objects: np.ndarray  # (len,) which object each sample shows
    manifest: Dict[str, Any]  # how the data were made: "run", and "meshes" with the "name" of every object
    pixels: Optional[PixelCrops]  # of Dex-Net's crops; None where crops are others
    crop: Optional[Dict[str, Any]]  # what the crops are, as a model's meta says it; None where they are metric

    def __len__(self) -> int: ...

    def __getitems__(self, indices: Any) -> Any: ...


class Samples:
    """Several datasets, one after the other. Meshes of one name, or of one shape in any size or format, are one object.

    names: (O,) of the objects, of several the first in alphabetical order; objects: (len,) the object of each sample;
    pixels: the size of Dex-Net's crops, None where crops are others; crop: what the crops are, None where metric.
    """

    def __init__(self, datasets: Sequence[Dataset]):
        if not any(len(d) for d in datasets):
            raise InputError("there is no training sample in the given folders")
        self.datasets = list(datasets)
        self.pixels, self.crop = datasets[0].pixels, datasets[0].crop
        if any(d.crop != self.crop for d in datasets):
            raise InputError("the folders hold crops of different kinds: train on one kind")
        self.starts = np.cumsum([0] + [len(d) for d in datasets])
        meshes = [list(d.manifest["meshes"]) for d in datasets]
        self.names, number = objects_of([mesh for listed in meshes for mesh in listed])
        first = np.cumsum([0] + [len(m) for m in meshes])
        self.objects: np.ndarray = np.concatenate([number[f + d.objects] for f, d in zip(first, datasets)])

    def __len__(self) -> int:
        return int(self.starts[-1])

    def __getitems__(self, indices: Union[Sequence[int], np.ndarray]) -> Batch:
        """crops (N, 1, 32, 32), conditions (N, 4), labels (N,), objects (N,) of N indices; for pixel crops conditions
        (N, 1)."""
        index = np.asarray(indices, dtype=np.int64)
        if len(self.datasets) == 1:
            return as_tensors(self.datasets[0].__getitems__(index))
        which = np.searchsorted(self.starts, index, side="right") - 1
        batch: Batch = {}
        for i in np.unique(which):
            place = np.flatnonzero(which == i)
            part = as_tensors(self.datasets[i].__getitems__(index[place] - self.starts[i]))
            for name, value in part.items():
                batch.setdefault(name, value.new_empty(len(index), *value.shape[1:]))[place] = value
        return batch

    def digest(self) -> str:
        """Sixteen hex digits that change with any manifest."""
        text = json.dumps([d.manifest for d in self.datasets], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def objects_of(meshes: Sequence[Dict[str, Any]]) -> Tuple[np.ndarray, np.ndarray]:
    """Names (O,) of the objects that M meshes of manifests show, and which of them each mesh is (M,)."""
    names, number = np.unique([mesh["name"] for mesh in meshes], return_inverse=True)
    shapes = {mesh["name"]: mesh["shape"] for mesh in meshes if "shape" in mesh}
    first = np.arange(len(names))
    with_shape = np.array([i for i, name in enumerate(names) if name in shapes], dtype=int)
    if len(with_shape):
        first[with_shape] = with_shape[first_alike(np.array([shapes[names[i]] for i in with_shape]))]
    kept, which = np.unique(first, return_inverse=True)
    return names[kept], which[number]


def as_tensors(batch: Dict[str, Any]) -> Batch:
    return {name: torch.as_tensor(value) for name, value in batch.items()}


def open_folders(folders: Sequence[str], architecture: str = "") -> Samples:
    """Samples of folders of shards (synth.generate), or of Dex-Net 2.0's tensors: their own pixel crops for one of
    Dex-Net's architectures, metric ones for others."""
    options = DexNetOptions(pixel_crops=architecture.startswith("gqcnn"))
    return Samples([DexNetDataset(f, options) if (Path(f) / "tensors").is_dir() else ShardDataset(f) for f in folders])


@dataclass(frozen=True)
class Split:
    """Indices of the samples in each part; no object is in two of them."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def split_by_object(samples: Samples, seed: int, validation: float = 0.1, test: float = 0.1) -> Split:
    """Each object goes to a part by a hash of its name and the seed, so that more data never moves an object."""
    draw = np.array([_uniform_hash(f"{seed}:{name}") for name in samples.names])[samples.objects]
    parts: List[np.ndarray] = [draw < test, (draw >= test) & (draw < test + validation), draw >= test + validation]
    if not all(p.any() for p in parts):
        counts = ", ".join(str(int(p.sum())) for p in parts)
        seen, known = len(np.unique(samples.objects)), len(samples.names)
        fewer = "" if seen == known else f", and of {known} meshes not all have one"
        raise InputError(
            f"{seen} objects are too few to split by object with seed {seed}: test, validation and training got "
            f"{counts} samples{fewer}; "
            "make more samples, add meshes, or data of generated ones beside yours (--meshes procedural:400)"
        )
    in_test, in_validation, in_train = (np.flatnonzero(p) for p in parts)
    return Split(in_train, in_validation, in_test)


def _uniform_hash(text: str) -> float:
    """In [0, 1), the same on every machine."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64
