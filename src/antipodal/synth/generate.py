"""Make a training set: python -m antipodal.synth.generate --meshes DIR|procedural[:N] --gripper G.yaml --camera C.yaml
--samples N --out DIR. The same command resumes a run that was stopped, and its bytes do not depend on the workers."""

# ruff: noqa: E402
from __future__ import annotations

from antipodal.errors import (
    POSITIVE,
    InputError,
    check_outputs,
    command_parser,
    end_when_interrupted,
    interrupts_wait,
    number_within,
    run_command,
)

RESUMES = "the same command goes on with the run"
if __name__ == "__main__":
    end_when_interrupted(RESUMES)  # before the imports, which take seconds

import argparse
import os
import shutil
import sys
from concurrent.futures import as_completed
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Iterator, List, Optional, Sequence

import torch

from antipodal import resources
from antipodal.backends import say_when_compiling
from antipodal.camera import Camera
from antipodal.files import nested, only_writer, read_names, read_yaml, remove_leftovers, with_values, write_result
from antipodal.grasp import load_hand
from antipodal.perception.inputs import MAX_SEED
from antipodal.synth.cluster import make_on_cluster
from antipodal.synth.images.noise import load_noise
from antipodal.synth.objects.meshes import UNITS, MeshOptions, mesh_source
from antipodal.synth.objects.piles import MOST_OBJECTS
from antipodal.synth.options import PRESETS, GenerateOptions, for_sensor, preset
from antipodal.synth.run import Run, close_run, keep_shard, load_setup, missing_shards, open_run
from antipodal.synth.run_setup import Setup
from antipodal.synth.sample import make_shard
from antipodal.synth.workers import worker_pool

MOST_SAMPLES = 10**10
SAMPLE_BYTES = 2150  # on disk


def generate(folder: Path, run: Run, mesh_options: MeshOptions, workers: int = 1, ray: Optional[str] = None) -> dict:
    """Make all samples of the run that `folder` lacks and return its manifest. Raises InputError."""
    sources = mesh_source(run.meshes, mesh_options, run.seed)
    unknown = sorted(set(run.exclude) - {s.name for s in sources})
    if unknown:
        raise InputError(f"{len(unknown)} names to exclude are no meshes of {run.meshes}, e.g. {unknown[0]}")
    _make_folder(folder)
    with only_writer(folder):
        remove_leftovers(folder)
        try:
            manifest = open_run(folder, run, sources, workers, mesh_options)
            if not manifest["complete"]:
                _make_shards(folder, manifest, run, workers, ray)
                close_run(folder, manifest)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(RESUMES) from None
    return manifest


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise InputError(f"cannot make {folder}: {e.strerror}") from e
    if not os.access(folder, os.W_OK):
        raise InputError(f"cannot write into {folder}")


def _make_shards(folder: Path, manifest: dict, run: Run, workers: int, ray: Optional[str]) -> None:
    from tqdm import tqdm

    todo = missing_shards(folder, run)
    needed = min(run.samples, len(todo) * run.options.shard_samples) * SAMPLE_BYTES
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise InputError(f"{needed / 1e9:.1f} GB are needed in {folder}, {free / 1e9:.1f} GB are free")
    done = (run.shards - len(todo)) * run.options.shard_samples
    if ray is None:
        counts = _by_processes(folder, manifest, run, todo, workers)
    else:
        counts = make_on_cluster(folder, load_setup(folder, manifest, run), run, todo, ray)
    with ExitStack() as bar:
        with interrupts_wait():  # a bar half made complains when it is dropped
            made = min(done, run.samples)
            progress = bar.enter_context(tqdm(total=run.samples, initial=made, unit="sample", unit_scale=True))
        for count in counts:
            progress.update(count)


def _by_processes(folder: Path, manifest: dict, run: Run, todo: List[int], workers: int) -> Iterator[int]:
    """Make shards in processes of this machine; yields how many samples each held."""
    with worker_pool(workers, _start, (folder, manifest, run)) as pool:
        futures = [pool.submit(_work, index) for index in todo]
        for future in as_completed(futures):
            yield future.result()


_state: List = []  # of a worker process: folder, setup, run


def _start(folder: Path, manifest: dict, run: Run) -> None:
    torch.set_num_threads(1)  # the machine is shared out by processes already
    _state[:] = [folder, load_setup(folder, manifest, run), run]


def _work(index: int) -> int:
    folder, setup, run = _state
    assert isinstance(setup, Setup)
    return keep_shard(folder, run, index, make_shard(setup, index))


def main(arguments: Optional[Sequence[str]] = None) -> int:
    args = _parser().parse_args(arguments)
    inputs = ("meshes", "gripper", "camera", "options", "exclude", "noise")
    check_outputs(args, ("json",), ("out",), inputs, {"the manifest": Path(args.out) / "manifest.json"})
    say_when_compiling()
    run = Run(
        args.meshes,
        read_names(args.exclude),
        load_hand(args.gripper),
        Camera.load(args.camera),
        _generate_options(args),
        args.samples,
        args.seed,
    )
    options = MeshOptions(scale=args.scale * UNITS[args.units])
    manifest = generate(Path(args.out), run, options, args.workers, args.ray)
    used = sum(m["status"] == "used" for m in manifest["meshes"])
    others = {m["name"]: m["status"] for m in manifest["meshes"] if m["status"] != "used"}
    if args.json:
        folder = str(Path(args.out).absolute())
        write_result(args.json, {"folder": folder, "samples": manifest["samples"], "used": used, "not_used": others})
    if args.json != "-":
        print(f"{manifest['samples']} samples of {used} meshes in {args.out}; {len(others)} not used")
    return 0


def _generate_options(args: argparse.Namespace) -> GenerateOptions:
    """The preset, of which the default one takes its noise from the camera's file; then what else is given: --noise,
    --clutter, --options, --set, in this order."""
    options = preset(args.preset)
    options = for_sensor(options, Path(args.camera)) if args.preset == "default" else options
    options = replace(options, noise=load_noise(args.noise)) if args.noise else options
    options = replace(options, piles=replace(options.piles, objects=args.clutter))
    options = with_values(options, read_yaml(resources.locate("options", args.options))) if args.options else options
    return with_values(options, nested(args.set))


def _parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "generate",
        "Make training data. The same command goes on with a run that was stopped; the bytes do not depend on workers.",
        "--meshes procedural:400 --gripper franka_hand --camera realsense_d435 --samples 100000 --out data/mine",
        "--meshes parts/ --units mm --gripper mine.yaml --camera mine.json --samples 1000000 --out data/mine",
        "--meshes parts/ --gripper yumi --camera primesense --samples 1000 --out data/few --set cameras.polar=[0,0.3]",
    )
    parser.add_argument("--meshes", required=True, help="folder of meshes, or procedural[:N]")
    parser.add_argument("--gripper", required=True, help="YAML file, or a name in config/grippers")
    parser.add_argument("--camera", required=True, help="YAML file, or a name in config/cameras")
    parser.add_argument("--samples", required=True, type=number_within(int, 1, MOST_SAMPLES), help="how many to make")
    parser.add_argument("--out", required=True, help="folder, new or of the same run")
    cores = len(os.sched_getaffinity(0))
    parser.add_argument(
        "--workers", type=number_within(int, 1, 4096), default=cores, help="processes (default: one for each core)"
    )
    parser.add_argument(
        "--seed", type=number_within(int, 0, MAX_SEED), default=0, help="same seed, same samples (default: %(default)s)"
    )
    parser.add_argument(
        "--preset",
        default="default",
        choices=sorted(PRESETS),
        help="set of options to start from (default: %(default)s)",
    )
    parser.add_argument(
        "--clutter", type=number_within(int, 1, MOST_OBJECTS), default=1, help="objects dropped together in a scene"
    )
    parser.add_argument("--noise", help="none, dexnet2 or a camera's YAML, in place of the preset's")
    parser.add_argument(
        "--options",
        metavar="FILE",
        help="YAML of GenerateOptions (synth/options.py), nested, or a name in config/generate",
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="one of them, such as cameras.polar=[0,0.3]"
    )
    parser.add_argument("--exclude", help="file with names of meshes to keep out, one a line")
    parser.add_argument("--units", default="m", choices=sorted(UNITS), help="of the mesh files")
    parser.add_argument(
        "--scale", type=number_within(float, POSITIVE), default=1.0, help="further factor on the mesh files"
    )
    parser.add_argument("--ray", help="make shards on a Ray cluster: auto, or its address")
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON; -: to standard output")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
