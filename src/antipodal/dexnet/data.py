"""Dex-Net 2.0's published training data as crops like our own (Mahler et al., RSS 2017; the data set's README).

tensors/NAME_00000.npz and on, a thousand samples each: depth_ims_tf_table (32x32 crops [m] along the closing axis),
hand_poses (column 2 is the gripper's depth [m]) and robust_ferrari_canny (success above 0.002). Which object a sample
shows is only known where object_labels is there; else a file stands for an object, as samples are stored by object.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Dict, List, Tuple, Union

import numpy as np
import torch
import torch.nn.functional as F

from antipodal.errors import InputError
from antipodal.grasp import Gripper
from antipodal.networks import crops
from antipodal.networks.pixel_crops import PixelCrops

IMAGES, POSES, QUALITY, OBJECTS = "depth_ims_tf_table", "hand_poses", "robust_ferrari_canny", "object_labels"
DEPTH = 2  # column of the gripper's depth in a hand pose
FILES_KEPT = 64  # about 260 MB of decompressed files

# The opening is published; the jaws' size is not, so these are this package's guess.
YUMI = Gripper(name="dexnet2_yumi", max_width=0.05, jaw_thickness=0.008, jaw_width=0.015)


@dataclass(frozen=True)
class DexNetOptions:
    threshold: float = 0.002  # robust epsilon quality of a success
    focal: float = 525.0 / 3  # of the Carmine, divided by 3 because crops were shrunk from 96 to 32 pixels [pixels]
    gripper: Gripper = field(default_factory=lambda: YUMI)
    pixel_crops: bool = False  # the images as they are, with the gripper's depth, instead of metric crops


class DexNetDataset:
    """Same interface as `synth.shards.ShardDataset`. Random access decompresses a file for each sample; sort the
    indices if speed matters."""

    def __init__(self, folder: Union[str, Path], options: DexNetOptions = DexNetOptions()):
        self.options, self.tensors = options, Path(folder) / "tensors"
        self.pixels = PixelCrops() if options.pixel_crops else None
        self.crop = self.pixels.definition if self.pixels else None
        self.numbers = sorted(re.findall(rf"{IMAGES}_(\d+)\.npz", " ".join(p.name for p in self.tensors.glob("*.npz"))))
        if not self.numbers:
            raise InputError(
                f"{Path(folder).absolute()} is no Dex-Net 2.0 data set: there is no tensors/{IMAGES}_*.npz"
            )
        quality = [self._read(QUALITY, i) for i in range(len(self.numbers))]
        self.starts = np.cumsum([0] + [len(q) for q in quality])
        self.labels = (np.concatenate(quality) > options.threshold).astype(np.float32)
        self.objects = self._read_objects()
        names = [{"name": f"dexnet2/{i}"} for i in range(int(self.objects.max()) + 1)]
        self.manifest = {"run": {"meshes": "Dex-Net 2.0", **asdict(options)}, "samples": len(self), "meshes": names}
        self._file = lru_cache(FILES_KEPT)(self._read_file)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitems__(self, indices: np.ndarray) -> Dict[str, torch.Tensor]:
        """crops (N, 1, 32, 32), conditions (N, 4), labels (N,), objects (N,) of N indices; of pixel crops [m]
        conditions (N, 1), the gripper's depth [m]."""
        index = np.asarray(indices, dtype=np.int64)
        which = np.searchsorted(self.starts, index, side="right") - 1
        images, depths = np.empty((len(index), 32, 32), np.float32), np.empty(len(index), np.float32)
        for i in np.unique(which):
            place = np.flatnonzero(which == i)
            images[place], depths[place] = (a[index[place] - self.starts[i]] for a in self._file(int(i)))
        return {
            **self._inputs(torch.from_numpy(images), torch.from_numpy(depths)),
            "labels": torch.from_numpy(self.labels[index]),
            "objects": torch.from_numpy(self.objects[index].astype(np.int64)),
        }

    def _inputs(self, images: torch.Tensor, depth: torch.Tensor) -> Dict[str, torch.Tensor]:
        if self.pixels:
            return {"crops": images[:, None], "conditions": depth[:, None]}
        return {
            "crops": metric_crops(images, depth, self.options),
            "conditions": self._conditions(len(images)),
        }

    def _conditions(self, count: int) -> torch.Tensor:
        """The conditions; all grasps approach fully open."""
        g = self.options.gripper
        row = torch.tensor([g.max_width, g.jaw_thickness, g.jaw_width, g.jaw_length]) / g.max_width
        return row.expand(count, 4).clone()

    def _read_objects(self) -> np.ndarray:
        if (self.tensors / f"{OBJECTS}_{self.numbers[0]}.npz").exists():
            labels: List[np.ndarray] = [self._read(OBJECTS, i) for i in range(len(self.numbers))]
            return np.unique(np.concatenate(labels), return_inverse=True)[1].astype(np.int32)
        return np.repeat(np.arange(len(self.numbers), dtype=np.int32), np.diff(self.starts))

    def _read_file(self, i: int) -> Tuple[np.ndarray, np.ndarray]:
        """Images (N, 32, 32) and gripper depths (N,) [m] of a file."""
        return self._read(IMAGES, i)[..., 0].astype(np.float32), self._read(POSES, i)[:, DEPTH].astype(np.float32)

    def _read(self, name: str, i: int) -> np.ndarray:
        path = self.tensors / f"{name}_{self.numbers[i]}.npz"
        try:
            with np.load(path, allow_pickle=False) as file:
                return file["arr_0"]
        except (OSError, ValueError, KeyError) as e:
            raise InputError(f"cannot read {path} of the Dex-Net data set: {e}") from e


def metric_crops(images: torch.Tensor, depth: torch.Tensor, options: DexNetOptions) -> torch.Tensor:
    """Our crops (N, 1, SIZE, SIZE) from Dex-Net's images (N, 32, 32) [m] and gripper depths (N,) [m].

    Dex-Net's cover a fixed angle: at a depth z a side is 32 z / focal metres. Ours are EXTENT openings at any depth.
    """
    side = images.shape[-1] * depth / options.focal
    zoom = crops.EXTENT * options.gripper.max_width / side
    theta = torch.zeros(len(images), 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = zoom
    grid = F.affine_grid(theta, [len(images), 1, crops.SIZE, crops.SIZE], align_corners=False)
    surface = F.grid_sample(images[:, None], grid, mode="bilinear", padding_mode="border", align_corners=False)
    return crops.normalise(surface[:, 0], depth, options.gripper)
