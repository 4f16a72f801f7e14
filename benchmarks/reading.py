"""Measures how fast storage formats give random batches of training samples.

python benchmarks/reading.py [--samples 20000] [--json OUT]
Every format holds the same random crops (32, 32) uint16, conditions (4,) and labels, in shards of 10,000; each gives
batches of float32 tensors at random indices. The files are warm, so this is the cost of reading, not of the disk.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
import zlib
from pathlib import Path
from typing import Callable, Dict, List

import numpy as np
import torch

from antipodal.files import write_json
from antipodal.synth.shards import ShardDataset, write_shard

SHARD, BATCH = 10_000, 512
Arrays = Dict[str, np.ndarray]
Reader = Callable[[np.ndarray], torch.Tensor]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=2 * SHARD)
    parser.add_argument("--seconds", type=float, default=2.0, help="a format")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    rng, rows = np.random.default_rng(0), []
    shards = [some_samples(rng) for _ in range(max(1, args.samples // SHARD))]
    for make in FORMATS:
        with tempfile.TemporaryDirectory() as folder:
            try:
                read = make(Path(folder), shards)
            except ImportError as e:
                print(f"{make.__name__:22} not measured: {e}")
                continue
            size = sum(p.stat().st_size for p in Path(folder).rglob("*") if p.is_file())
            rate = speed(read, len(shards) * SHARD, args.seconds, rng)
            rows.append({"format": make.__name__, "samples_per_core_second": round(rate), "bytes": size})
            print(
                f"{make.__name__:22} {rate:10,.0f} samples a core-second {size / len(shards) / SHARD:7.0f} bytes each"
            )
    if args.json:
        write_json(args.json, rows)


def some_samples(rng: np.random.Generator) -> Arrays:
    """Crops of a tilted plane with a bump, which compress about as real ones do."""
    x = np.linspace(-1, 1, 32)
    slope, place = rng.normal(scale=0.1, size=(SHARD, 2, 1)), rng.uniform(-0.5, 0.5, (SHARD, 2, 1))
    bump = np.exp(-20 * (x - place[:, 0])[:, :, None] ** 2 - 20 * (x - place[:, 1])[:, None, :] ** 2)
    surface = 0.5 + 0.1 * (slope[:, 0] * x)[:, :, None] + 0.2 * bump + rng.normal(scale=0.002, size=(SHARD, 32, 32))
    return {
        "crops": (np.clip(surface, 0, 1) * 65535).astype(np.uint16),
        "conditions": rng.random((SHARD, 4), dtype=np.float32),
        "labels": rng.random(SHARD, dtype=np.float32),
        "objects": np.zeros(SHARD, np.int32),
    }


def speed(read: Reader, count: int, seconds: float, rng: np.random.Generator) -> float:
    read(rng.integers(count, size=BATCH))
    began, done = time.process_time(), 0
    while time.process_time() - began < seconds:
        assert read(rng.integers(count, size=BATCH)).shape == (BATCH, 1, 32, 32)
        done += BATCH
    return done / (time.process_time() - began)


def as_crops(crops: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(crops[:, None].astype(np.float32) * np.float32(2 / 65535) - np.float32(1))


def by_shard(index: np.ndarray, rows: Callable[[int, np.ndarray], np.ndarray]) -> torch.Tensor:
    """Crops at indices from a function of a shard and the rows wanted of it."""
    out = np.empty((len(index), 32, 32), np.uint16)
    for s in np.unique(index // SHARD):
        place = np.flatnonzero(index // SHARD == s)
        out[place] = rows(int(s), index[place] % SHARD)
    return as_crops(out)


def our_shards(folder: Path, shards: List[Arrays]) -> Reader:
    for i, arrays in enumerate(shards):
        write_shard(folder, i, arrays)
    write_json(folder / "manifest.json", {})
    data = ShardDataset(folder)
    return lambda index: data.__getitems__(index)["crops"]  # type: ignore[arg-type]


def npy_mapped(folder: Path, shards: List[Arrays]) -> Reader:
    for i, arrays in enumerate(shards):
        np.save(folder / f"{i}.npy", arrays["crops"])
    maps = [np.load(folder / f"{i}.npy", mmap_mode="r") for i in range(len(shards))]
    return lambda index: by_shard(index, lambda s, rows: maps[s][rows])


def npz_compressed(folder: Path, shards: List[Arrays]) -> Reader:
    """A shard is decompressed for every batch that needs it, as Dex-Net's files are."""
    for i, arrays in enumerate(shards):
        np.savez_compressed(folder / f"{i}.npz", **arrays)
    return lambda index: by_shard(index, lambda s, rows: np.load(folder / f"{s}.npz")["crops"][rows])


def zlib_rows(folder: Path, shards: List[Arrays]) -> Reader:
    """Every crop compressed by itself, in one file with an index."""
    packed = [zlib.compress(crop.tobytes(), 1) for arrays in shards for crop in arrays["crops"]]
    (folder / "rows.bin").write_bytes(b"".join(packed))
    ends = np.append(0, np.cumsum([len(p) for p in packed]))
    data = np.memmap(folder / "rows.bin", mode="r")

    def read(index: np.ndarray) -> torch.Tensor:
        rows = [np.frombuffer(zlib.decompress(data[ends[i] : ends[i + 1]]), np.uint16) for i in index]
        return as_crops(np.stack(rows).reshape(-1, 32, 32))

    return read


def torch_file(folder: Path, shards: List[Arrays]) -> Reader:
    for i, arrays in enumerate(shards):
        torch.save(torch.from_numpy(arrays["crops"].view(np.int16)), folder / f"{i}.pt")
    maps = [torch.load(folder / f"{i}.pt", mmap=True, weights_only=True) for i in range(len(shards))]
    return lambda index: by_shard(index, lambda s, rows: maps[s][torch.from_numpy(rows)].numpy().view(np.uint16))


def safetensors(folder: Path, shards: List[Arrays]) -> Reader:
    from safetensors import safe_open
    from safetensors.numpy import save_file

    for i, arrays in enumerate(shards):
        save_file(arrays, folder / f"{i}.safetensors")
    files = [safe_open(folder / f"{i}.safetensors", "np") for i in range(len(shards))]
    slices = [file.get_slice("crops") for file in files]
    return lambda index: by_shard(index, lambda s, rows: np.concatenate([slices[s][r : r + 1] for r in rows.tolist()]))


def hdf5(folder: Path, shards: List[Arrays]) -> Reader:
    import h5py

    for i, arrays in enumerate(shards):
        with h5py.File(folder / f"{i}.h5", "w") as file:
            file.create_dataset("crops", data=arrays["crops"], chunks=(16, 32, 32))
    files = [h5py.File(folder / f"{i}.h5", "r")["crops"] for i in range(len(shards))]

    def rows_of(s: int, rows: np.ndarray) -> np.ndarray:  # it wants increasing indices, none twice
        wanted, place = np.unique(rows, return_inverse=True)
        return files[s][wanted][place]

    return lambda index: by_shard(index, rows_of)


def sqlite(folder: Path, shards: List[Arrays]) -> Reader:
    import sqlite3

    base = sqlite3.connect(folder / "crops.db")
    base.execute("create table crops (id integer primary key, crop blob)")
    crops = (crop.tobytes() for arrays in shards for crop in arrays["crops"])
    base.executemany("insert into crops values (?, ?)", enumerate(crops))
    base.commit()

    def read(index: np.ndarray) -> torch.Tensor:
        buffer = io.BytesIO()
        for i in index.tolist():
            buffer.write(base.execute("select crop from crops where id = ?", (i,)).fetchone()[0])
        return as_crops(np.frombuffer(buffer.getvalue(), np.uint16).reshape(-1, 32, 32))

    return read


FORMATS = (our_shards, npy_mapped, torch_file, safetensors, hdf5, sqlite, zlib_rows, npz_compressed)

if __name__ == "__main__":
    main()
