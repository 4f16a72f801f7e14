"""Point clouds of meshes: python -m antipodal.synth.meshes FILES... --points N --out DIR. Also the public face of
objects.meshes, which reads and repairs the files."""

from __future__ import annotations

from antipodal.errors import BAD_INPUT, AntipodalError, end_when_interrupted, run_command

if __name__ == "__main__":
    end_when_interrupted()  # before the imports, which take seconds

import argparse
import sys
from pathlib import Path
from typing import List, Optional, Sequence

import numpy as np

from antipodal.synth.objects.meshes import (
    UNITS,
    MeshError,
    MeshOptions,
    NamedMesh,
    load,
    mesh_source,
    time_limit,
)
from antipodal.synth.objects.point_clouds import FORMATS, METHODS, sample_points, write_cloud

__all__ = ["MeshError", "MeshOptions", "NamedMesh", "load", "mesh_source"]


def main(arguments: Optional[Sequence[str]] = None) -> int:
    args = _parser().parse_args(arguments)
    options = MeshOptions(scale=args.scale * UNITS[args.units], time_limit=args.time_limit)
    failed: List[str] = []
    for i, file in enumerate(args.files):
        try:
            mesh, rng = load(file, options), np.random.default_rng([args.seed, i])
            with time_limit(args.time_limit):
                points = sample_points(mesh, args.points, rng, args.method)
            write_cloud(args.out / f"{file.stem}.{args.format}", points)
        except AntipodalError as e:
            failed.append(f"{file}: {e}" if str(file) not in str(e) else str(e))
    for reason in failed:
        print(f"meshes: {reason}", file=sys.stderr)
    print(f"{len(args.files) - len(failed)} point clouds in {args.out}, {len(failed)} files not used")
    return BAD_INPUT if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m antipodal.synth.meshes", description="Sample point clouds from meshes."
    )
    parser.add_argument("files", nargs="+", type=Path, help="meshes")
    parser.add_argument("--points", required=True, type=int, help="a mesh")
    parser.add_argument("--method", default="uniform", choices=METHODS)
    parser.add_argument("--format", default="ply", choices=FORMATS)
    parser.add_argument("--out", required=True, type=Path, help="folder; clouds are named like the meshes")
    parser.add_argument("--units", default="m", choices=sorted(UNITS), help="of the mesh files")
    parser.add_argument("--scale", type=float, default=1.0, help="further factor on the mesh files")
    parser.add_argument(
        "--time-limit", type=float, default=20.0, help="seconds for reading a file, and for sampling it"
    )
    parser.add_argument("--seed", type=int, default=0)
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
