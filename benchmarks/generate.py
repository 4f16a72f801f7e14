"""Measures the generator: samples a second, time of each stage, and the ratio to a plain loop over trimesh.

python benchmarks/generate.py --meshes DIR|procedural[:N] [--shards 10] [--quick] [--json generate.json]
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import tempfile
import time
from pathlib import Path
from typing import Dict, Tuple

import numpy as np
import plain_loop
import trimesh

from antipodal.camera import Camera
from antipodal.files import write_json
from antipodal.grasp import Gripper
from antipodal.synth import sample, shards
from antipodal.synth.images import render
from antipodal.synth.objects.meshes import MeshOptions, mesh_source
from antipodal.synth.options import for_sensor, preset
from antipodal.synth.run import Run, load_setup, open_run

CONFIG = Path(__file__).parents[1] / "config"
WHOLE = 6_700_000  # samples, as in Dex-Net 2.0
STAGES = {
    "place and slice": "build_scene",
    "candidates": "sample_grasps",
    "labels": "label_grasps",
    "render": "render_scene",
    "noise": "add_noise",
    "rectify": "rectify_numba",
    "crops": "crop",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meshes", default="procedural:100")
    parser.add_argument("--shards", type=int, default=10)
    parser.add_argument("--quick", action="store_true", help="fewer objects and grasps in the plain loop")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    camera = CONFIG / "cameras" / "realsense_d435.yaml"
    options = for_sensor(preset("default"), camera)
    gripper = Gripper.load(CONFIG / "grippers" / "robotiq_2f85.yaml")
    run = Run(args.meshes, (), gripper, Camera.load(camera), options, options.shard_samples, 0)
    with tempfile.TemporaryDirectory() as folder:
        result = whole(run, Path(folder), args.shards)
        result["plain"] = plains(result["setup"], args.quick)
        for engine, slow in result["plain"].items():
            slow["ratio"] = result["rate"] / slow["rate"]
            rate, ratio = slow["rate"], slow["ratio"]
            print(f"plain loop, trimesh with {engine}: {rate:.1f} samples a core-second; ratio {ratio:.0f}")
            print("  " + ", ".join(f"{share:.1%} {stage}" for stage, share in slow["stages"].items()))
        result["image_ms"] = 1e3 * image_time()
        print(f"640x480 image of 5,120 faces: {result['image_ms']:.2f} ms")
        result["reading"] = reading(Path(folder) / "speed")
    del result["setup"]
    if args.json:
        write_json(args.json, result)


def whole(run: Run, folder: Path, count: int) -> dict:
    """Rate from prepared objects, and with the meshes' preparation spread over a run of WHOLE samples."""
    began = cpu_seconds()
    sources = mesh_source(run.meshes, MeshOptions(), 0)
    (folder / "out").mkdir()
    manifest = open_run(folder / "out", run, sources, workers=1)
    prepared = cpu_seconds() - began
    setup = load_setup(folder / "out", manifest, run)
    rate, stages = measure(setup, folder, count)
    spread = WHOLE / (WHOLE / rate + prepared)
    print(f"{spread:.0f} from mesh files in a run of {WHOLE:,}; preparing {len(sources)} took {prepared:.1f} CPU-s")
    return {"rate": rate, "rate_from_files": spread, "prepare_s": prepared, "stages": stages, "setup": setup}


def cpu_seconds() -> float:
    """Of this process and of its children that ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def measure(setup: sample.Setup, folder: Path, count: int) -> Tuple[float, dict]:
    """Samples a core-second from objects on disk to shards on disk, and the shares of the stages; prints both."""
    sample.make_shard(setup, 0)
    profile, began = cProfile.Profile(), time.process_time()
    for index in range(count):
        shards.write_shard(folder / "speed", index, sample.make_shard(setup, index))
    rate = count * setup.options.shard_samples / (time.process_time() - began)
    print(f"{rate:.0f} samples a core-second ({setup.options.grasps} grasps and {setup.options.views} views a pose)")
    profile.runcall(sample.make_shard, setup, 0)
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    total = max(v[3] for v in stats.values())
    spent = {stage: sum(v[3] for (_, _, name), v in stats.items() if name == f) for stage, f in STAGES.items()}
    stages = {stage: round(seconds / total, 3) for stage, seconds in spent.items()}
    for stage, share in stages.items():
        print(f"  {share:5.1%} {stage}")
    return rate, stages


def plains(setup: sample.Setup, quick: bool) -> Dict[str, dict]:
    """The plain loop with each engine for rays that is installed."""
    objects, grasps = {True: ((2, 1), (4, 1)), False: ((8, 3), (20, 2))}[quick]
    measured = {}
    for k, engine in enumerate(("Embree", "numpy")):
        try:
            measured[engine] = plain(setup, engine == "Embree", objects[k], grasps[k])
        except ImportError as e:
            print(f"plain loop, trimesh with {engine}: not measured: {e}")
    return measured


def plain(setup: sample.Setup, embree: bool, objects: int, grasps: int) -> dict:
    """Samples a core-second of the plain loop (plain_loop.py) over poses of several objects, and its stages' shares."""
    chosen = np.linspace(0, len(setup.objects) - 1, objects).astype(int)
    poses = [plain_loop.measure(setup, int(which), embree, grasps) for which in chosen]
    seconds = {stage: sum(p[stage] for p in poses) for stage in poses[0]}
    total, o = sum(seconds.values()), setup.options
    shares = {stage: round(s / total, 3) for stage, s in seconds.items()}
    return {"rate": objects * o.views * o.grasps / total, "stages": shares}


def image_time(faces: int = 5120, repeats: int = 200) -> float:
    """CPU seconds of a whole 640x480 image of a sphere that fills most of its height."""
    sphere = trimesh.creation.icosphere(int(np.log(faces / 20) / np.log(4)), 0.2)
    camera, vertices = Camera(600.0, 600.0, 320.0, 240.0, 640, 480), np.asarray(sphere.vertices) + np.array([0, 0, 0.7])
    render.render_depth(vertices, sphere.faces, camera)
    began = time.process_time()
    for _ in range(repeats):
        render.render_depth(vertices, sphere.faces, camera)
    return (time.process_time() - began) / repeats


def reading(folder: Path, batch: int = 512) -> float:
    """Random samples a core-second into batches."""
    write_json(folder / "manifest.json", {})
    data, rng, count = shards.ShardDataset(folder), np.random.default_rng(0), 0
    data.__getitems__(rng.integers(len(data), size=batch))
    began = time.process_time()
    while time.process_time() - began < 2:
        data.__getitems__(rng.integers(len(data), size=batch))
        count += batch
    rate = count / (time.process_time() - began)
    print(f"reading: {rate:.0f} random samples a core-second, batches of {batch}")
    return rate


if __name__ == "__main__":
    main()
