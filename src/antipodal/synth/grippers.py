"""A gripper's lengths measured on its mesh, as the YAML that everything else reads:

python -m antipodal.synth.grippers MESH --max-width 0.085 --out config/grippers/mine.yaml

The mesh shows the gripper with its jaws open, in the grasp frame's directions: x across the jaws' width, y closing,
z approach, so that the tips are its highest points. Its origin does not matter.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

import numpy as np
import trimesh
import yaml

from antipodal.errors import InputError, run_command
from antipodal.files import write_text
from antipodal.grasp import Gripper
from antipodal.synth.objects.meshes import UNITS, MeshOptions, load

STEP = 0.0005  # between the cuts across the approach [m]
MIN_GAP = 0.001  # a narrower gap is no opening [m]


@dataclass(frozen=True)
class MeasureOptions:
    """What the mesh does not show, and how far a jaw's box may be from it."""

    max_width: Optional[float] = None  # widest opening [m]; None: the gap in the mesh
    pad_length: Optional[float] = None  # from the tips back [m]; None: half of the jaws' length
    force: float = Gripper.force  # closing force [N]
    tip_depth: float = 0.010  # from the tips back, where the jaws' thickness and width are taken [m]


def measure(mesh: trimesh.Trimesh, name: str, options: MeasureOptions = MeasureOptions()) -> Gripper:
    """The boxes of a gripper's mesh [m]. Raises InputError where it does not show two open jaws on a palm."""
    cuts, below = _cuts(mesh)
    gaps = [_widest_gap(cut[:, :, 1]) for cut in cuts]
    if gaps[0] is None:
        raise InputError(f"{name}: no gap between two jaws along y at the tips (z up); show the jaws open")
    ends = [k for k, gap in enumerate(gaps) if gap is None]
    if not ends:
        raise InputError(f"{name}: the gap between the jaws goes through; the mesh must hold the palm behind them")
    length = float(below[ends[0]] - STEP / 2)
    low, high = gaps[0]
    tips = np.concatenate([cut.reshape(-1, 3) for cut, at in zip(cuts, below) if at < min(options.tip_depth, length)])
    jaws = [tips[tips[:, 1] <= (low + high) / 2], tips[tips[:, 1] > (low + high) / 2]]
    palm = np.ptp(np.concatenate([cut.reshape(-1, 3) for cut in cuts[ends[0] :]]), axis=0)
    pad = length / 2 if options.pad_length is None else options.pad_length
    if pad > length:
        raise InputError(f"{name}: pads of {pad:.4g} m are longer than the jaws, which are {length:.4g} m long")
    opening = jaws[1][:, 1].min() - jaws[0][:, 1].max()
    return Gripper(
        name=name,
        max_width=_rounded(opening if options.max_width is None else options.max_width),
        jaw_thickness=_rounded(max(np.ptp(jaw[:, 1]) for jaw in jaws)),
        jaw_width=_rounded(max(np.ptp(jaw[:, 0]) for jaw in jaws)),
        jaw_length=_rounded(length),
        pad_length=_rounded(pad),
        palm_size=(_rounded(palm[0]), _rounded(palm[1])),
        force=options.force,
    )


def _cuts(mesh: trimesh.Trimesh) -> Tuple[List[np.ndarray], np.ndarray]:
    """Segments (S, 2, 3) of cuts across z, the tips' first, and how far below the tips each lies (K,) [m]."""
    low, top = mesh.bounds[:, 2]
    below = np.arange(STEP / 2, top - low, STEP)
    cuts = [trimesh.intersections.mesh_plane(mesh, [0, 0, 1], [0, 0, top - at]) for at in below]
    kept = [k for k, cut in enumerate(cuts) if len(cut)]
    return [cuts[k] for k in kept], below[kept]


def _widest_gap(spans: np.ndarray) -> Optional[Tuple[float, float]]:
    """The widest range that no span (S, 2) of two ends covers, between some that do."""
    spans = np.sort(spans, axis=1)
    spans = spans[np.argsort(spans[:, 0])]
    reach = np.maximum.accumulate(spans[:-1, 1])
    free = spans[1:, 0] - reach
    if not len(free) or free.max() < MIN_GAP:
        return None
    k = int(free.argmax())
    return float(reach[k]), float(spans[k + 1, 0])


def _rounded(length: float) -> float:
    return round(float(length), 4)


def write_gripper(gripper: Gripper, path: Path, source: str) -> None:
    """The YAML that `Gripper.load` reads, all or nothing."""
    data = {**gripper.to_dict(), "palm_size": list(gripper.palm_size), "source": source}
    write_text(path, yaml.safe_dump(data, sort_keys=False))


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m antipodal.synth.grippers", description=__doc__)
    parser.add_argument("mesh")
    parser.add_argument("--out", required=True, type=Path, help="YAML file to write")
    parser.add_argument("--units", default="m", choices=sorted(UNITS), help="of the mesh file")
    parser.add_argument("--max-width", type=float, help="widest opening [m]; without it, the gap in the mesh")
    parser.add_argument("--pad-length", type=float, help="from the tips back [m]; without it, half of the jaws' length")
    parser.add_argument("--force", type=float, default=MeasureOptions.force, help="closing force [N]")
    args = parser.parse_args(arguments)
    options = MeasureOptions(args.max_width, args.pad_length, args.force)
    gripper = measure(load(args.mesh, MeshOptions(scale=UNITS[args.units])), args.out.stem, options)
    write_gripper(
        gripper, args.out, f"measured on {Path(args.mesh).name}; opening, pads and force are estimates unless given"
    )
    print(args.out.read_text(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
