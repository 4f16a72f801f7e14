"""How fast samples are made, where the time goes, and how that compares with a plain loop over trimesh doing the same.

python benchmarks/generate.py --meshes DIR|procedural[:N] [--shards 4]
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import tempfile
import time
from pathlib import Path

import numpy as np
import trimesh

from antipodal import transforms
from antipodal.camera import Camera
from antipodal.grasp import Gripper
from antipodal.synth import candidates, labels, noise, observe, sample, scene, shards
from antipodal.synth.files import read_json
from antipodal.synth.generate import generate
from antipodal.synth.meshes import MeshOptions
from antipodal.synth.options import for_sensor, preset
from antipodal.synth.run import Run, load_setup

CONFIG = Path(__file__).parents[1] / "config"
STAGES = {
    "place and slice": "build_scene",
    "candidates": "sample_grasps",
    "labels": "label_grasps",
    "render": "render_scene",
    "noise": "add_noise",
    "rectify": "rectify",
    "crops": "crop",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meshes", default="procedural:100")
    parser.add_argument("--shards", type=int, default=4)
    args = parser.parse_args()
    camera = CONFIG / "cameras" / "realsense_d435.yaml"
    options = for_sensor(preset("default"), camera)
    gripper = Gripper.load(CONFIG / "grippers" / "robotiq_2f85.yaml")
    run = Run(args.meshes, (), gripper, Camera.load(camera), options, options.shard_samples, 0)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        generate(Path(folder) / "out", run, MeshOptions(), workers=1)
        print(f"\nfirst shard with preparing the meshes and starting up: {time.perf_counter() - began:.1f} s")
        setup = load_setup(Path(folder) / "out", read_json(Path(folder) / "out" / "manifest.json"), run)
        rate = measure(setup, Path(folder), args.shards)
        slow = plain(setup)
        engine = "Embree" if trimesh.ray.has_embree else "numpy"
        print(f"plain loop over trimesh ({engine}): {slow:.1f} samples a core-second; ratio {rate / slow:.0f}")
        reading(Path(folder) / "speed")


def measure(setup: sample.Setup, folder: Path, count: int) -> float:
    """Samples a core-second from objects on disk to shards on disk; prints the shares of the stages."""
    sample.make_shard(setup, 0)
    profile, began = cProfile.Profile(), time.process_time()
    for index in range(count):
        shards.write_shard(folder / "speed", index, sample.make_shard(setup, index))
    rate = count * setup.options.shard_samples / (time.process_time() - began)
    print(f"{rate:.0f} samples a core-second ({setup.options.grasps} grasps and {setup.options.views} views a pose)")
    profile.runcall(sample.make_shard, setup, 0)
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    total = max(v[3] for v in stats.values())
    for stage, function in STAGES.items():
        spent = sum(v[3] for (_, _, name), v in stats.items() if name == function)
        print(f"  {spent / total:5.1%} {stage}")
    return rate


def plain(setup: sample.Setup, views: int = 1, grasps: int = 4) -> float:
    """The same sample made with trimesh: rays for the image and for the pads, boxes of surface points for collision."""
    rng = np.random.default_rng(0)
    placed = sample.place_object(setup.objects[0], 0, setup)
    mesh = trimesh.Trimesh(placed.vertices, placed.faces, process=False)
    drawn = candidates.sample_grasps(placed, setup.gripper, grasps, rng)
    errors = labels.draw_errors(rng, setup.options.labels)
    began = time.process_time()
    for _ in range(views):
        view_by_rays(mesh, placed, setup, rng)
    per_view = (time.process_time() - began) / views
    began = time.process_time()
    for n in range(grasps):
        for error in errors:
            label_by_rays(mesh, setup.gripper, drawn.tips[n] + [*error[:2], 0], drawn.angle[n] + error[3])
    per_grasp = (time.process_time() - began) / grasps
    o = setup.options
    return o.views * o.grasps / (o.views * per_view + o.grasps * per_grasp)


def view_by_rays(mesh: trimesh.Trimesh, placed: scene.Scene, setup: sample.Setup, rng: np.random.Generator) -> None:
    """One depth image of the object's window by trimesh's rays, with noise."""
    drawn, T_cam_table = observe.sample_camera(rng, setup.camera, setup.options.cameras)
    T_cam_view = observe.look_along(-T_cam_table[:3, 2])
    T_view_table = transforms.invert(T_cam_view) @ T_cam_table
    bounds = observe._bounds(placed, T_view_table, setup.options.view.margin * setup.gripper.max_width)
    window = observe.window_around(drawn, T_cam_view, bounds, placed.height, T_view_table[2, 3])
    v, u = np.mgrid[: window.height, : window.width]
    T_table_cam = transforms.invert(T_cam_table)
    rays = window.deproject(np.stack([u, v], axis=-1).reshape(-1, 2).astype(float), 1.0) @ T_table_cam[:3, :3].T
    origins = np.broadcast_to(T_table_cam[:3, 3], rays.shape)
    mesh.ray.intersects_location(origins, rays, multiple_hits=False)
    noise.add_noise(rng, observe.render_scene(placed, T_cam_table, window), window, setup.options.noise)


def label_by_rays(mesh: trimesh.Trimesh, gripper: Gripper, tips: np.ndarray, angle: float) -> None:
    """Collision with one ray a jaw's cell, and first hits of a grid of rays from both pads."""
    closing, across = np.array([np.cos(angle), np.sin(angle), 0]), np.array([np.sin(angle), -np.cos(angle), 0])
    a, b = np.meshgrid(np.arange(0, gripper.jaw_thickness, 0.002), np.arange(0, gripper.jaw_width, 0.002))
    down = tips + a.reshape(-1, 1) * closing + b.reshape(-1, 1) * across + [0, 0, 0.3]
    for side in (-1, 1):
        start = down + side * gripper.max_width / 2 * closing
        mesh.ray.intersects_location(start, np.tile([0, 0, -1.0], (len(start), 1)), multiple_hits=False)
    u, z = np.meshgrid(np.arange(-6, 6) * 0.002, np.arange(0, gripper.jaw_length, 0.0025))
    pad = tips + u.reshape(-1, 1) * across + z.reshape(-1, 1) * [0, 0, 1.0]
    for side in (-1, 1):
        start = pad + side * gripper.max_width / 2 * closing
        mesh.ray.intersects_location(start, np.tile(-side * closing, (len(start), 1)), multiple_hits=False)


def reading(folder: Path, batch: int = 512) -> None:
    """Random samples a core-second into batches."""
    from antipodal.synth.files import write_json

    write_json(folder / "manifest.json", {})
    data, rng, count = shards.ShardDataset(folder), np.random.default_rng(0), 0
    data.__getitems__(rng.integers(len(data), size=batch))
    began = time.process_time()
    while time.process_time() - began < 2:
        data.__getitems__(rng.integers(len(data), size=batch))
        count += batch
    print(f"reading: {count / (time.process_time() - began):.0f} random samples a core-second, batches of {batch}")


if __name__ == "__main__":
    main()
