"""A small dataset with `ShardDataset`'s interface whose labels can be learned."""

import json

import numpy as np
import torch

from antipodal.synth.shards import quantise, write_shard

SIZE = 32


class Blocks:
    """Crops of a block at a random distance from the centre; it is held if it is near and the opening is wide."""

    pixels = None  # its crops are metric
    crop = None

    def __init__(self, count=2000, objects=40, seed=0, name="blocks"):
        rng = np.random.default_rng(seed)
        self.objects = rng.integers(0, objects, count).astype(np.int32)
        self.manifest = {"run": {"gripper": "toy"}, "meshes": [{"name": f"{name}{i}"} for i in range(objects)]}
        self.offset = rng.uniform(-10, 10, count)
        self.opening = rng.uniform(0.2, 1.0, count).astype(np.float32)
        chance = 1 / (1 + np.exp(2 * (np.abs(self.offset) - 8 * self.opening)))
        self.labels = chance.astype(np.float32)

    def __len__(self):
        return len(self.labels)

    def __getitems__(self, indices):
        index = np.asarray(indices)
        column = np.arange(SIZE) - 15.5
        inside = np.abs(column[None, :] - self.offset[index, None]) < 4
        crops = np.broadcast_to(np.where(inside, 0.0, 0.5)[:, None, None, :], (len(index), 1, SIZE, SIZE))
        conditions = np.stack([self.opening[index]] + 3 * [np.full(len(index), 0.2)], axis=1)
        return {
            "crops": torch.from_numpy(crops.astype(np.float32)),
            "conditions": torch.from_numpy(conditions.astype(np.float32)),
            "labels": torch.from_numpy(self.labels[index]),
            "objects": torch.from_numpy(self.objects[index].astype(np.int64)),
        }

    def write(self, folder):
        """The same samples as a folder of shards."""
        batch = self.__getitems__(np.arange(len(self)))
        arrays = {"conditions": batch["conditions"].numpy(), "labels": self.labels, "objects": self.objects}
        write_shard(folder, 0, {**arrays, "crops": quantise(batch["crops"].numpy()[:, 0])})
        (folder / "manifest.json").write_text(json.dumps(self.manifest))
        return str(folder)
