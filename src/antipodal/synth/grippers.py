"""A gripper's lengths measured on its mesh, as the YAML that everything else reads:

python -m antipodal.synth.grippers MESH --max-width 0.085 --out config/grippers/mine.yaml

The mesh shows the gripper with its jaws open, in the grasp frame's directions: x across the jaws' width, y closing,
z approach, so that the tips are its highest points. Its origin does not matter.
"""

from __future__ import annotations

from antipodal.errors import InputError, check_outputs, command_parser, end_when_interrupted, run_command

if __name__ == "__main__":
    end_when_interrupted()  # before the imports, which take seconds

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

import numpy as np
import trimesh
import yaml
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from antipodal.files import write_result, write_text
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
    """The boxes of a gripper's mesh [m]. Raises InputError where it does not show two open jaws on a palm: more
    fingers, or knuckles beside or above the jaws."""
    cuts, below = _cuts(mesh)
    tip_gap = _widest_gap(cuts[0][:, :, 1])
    if tip_gap is None:
        raise InputError(f"{name}: no gap between two jaws along y at the tips (z up); show the jaws open")
    middle = sum(tip_gap) / 2
    gaps = [_gap_about(middle, cut[:, :, 1]) for cut in cuts]
    ends = [k for k, gap in enumerate(gaps) if gap is None]
    if not ends:
        raise InputError(f"{name}: the gap between the jaws goes through; the mesh must hold the palm behind them")
    length = float(below[ends[0]] - STEP / 2)
    _check_two_jaws(name, cuts[: ends[0]], below, middle, min(options.tip_depth, length))
    tips = np.concatenate([cut.reshape(-1, 3) for cut, at in zip(cuts, below) if at < min(options.tip_depth, length)])
    jaws = [tips[tips[:, 1] <= middle], tips[tips[:, 1] > middle]]
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
        hand_box=None,
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


def _gap_about(middle: float, spans: np.ndarray) -> Optional[Tuple[float, float]]:
    """The range about `middle` that no span (S, 2) covers, between some that do; None where one covers it."""
    low, high = spans.min(axis=1), spans.max(axis=1)
    left, right = high[high < middle], low[low > middle]
    if len(left) + len(right) < len(spans) or not len(left) or not len(right):
        return None
    return (float(left.max()), float(right.min())) if right.min() - left.max() >= MIN_GAP else None


def _check_two_jaws(name: str, cuts: List[np.ndarray], below: np.ndarray, middle: float, tip_depth: float) -> None:
    """Raises InputError unless the cuts from the tips to the palm show one jaw on either side of y = `middle`."""
    seen = [_bodies(cut) for cut in cuts]
    for side, word in ((-1, "low"), (1, "high")):
        bodies = [b[side * (b[:, [1, 3]].mean(axis=1) - middle) > 0] for b in seen]
        fewest = min(bodies, key=len)
        if len(fewest) > 1:
            raise InputError(
                f"{name}: {len(fewest)} fingers on the {word} side of y, from the tips to the palm, at "
                f"{_places(fewest)}; possible: one jaw on each side"
            )
        for at, boxes in zip(below, bodies):
            inner = at < below[len(cuts) - 1] / 2 and len(boxes) > len(bodies[0]) and _in_front(boxes, bodies[0], side)
            if (at < tip_depth and _rows(boxes) > 1) or inner:
                raise InputError(
                    f"{name}: {len(boxes)} bodies one behind the other on the {word} side of y, {1e3 * at:.1f} mm "
                    f"below the highest point, at {_places(boxes)}; possible: one jaw on each side, its tip the "
                    "highest point (remove knuckles and covers from the mesh)"
                )


def _bodies(cut: np.ndarray) -> np.ndarray:
    """Boxes (B, 4), low x, low y, high x, high y [m], of the separate bodies that a cut (S, 2, 3) shows."""
    ends = np.round(cut[:, :, :2].reshape(-1, 2), 6)
    _, node = np.unique(ends, axis=0, return_inverse=True)
    pairs = node.reshape(-1, 2)
    links = coo_matrix((np.ones(len(pairs)), pairs.T), shape=(node.max() + 1,) * 2)
    part = connected_components(links, directed=False)[1][pairs[:, 0]]
    points = cut[:, :, :2]
    boxes = [np.append(points[part == k].min(axis=(0, 1)), points[part == k].max(axis=(0, 1))) for k in np.unique(part)]
    return _merged(np.array(boxes))


def _merged(boxes: np.ndarray) -> np.ndarray:
    """Boxes (B, 4) joined where they overlap, as those of a hollow body's two sides do."""
    low, high = boxes[:, None, :2], boxes[:, None, 2:]
    overlap = ((low <= boxes[None, :, 2:]) & (boxes[None, :, :2] <= high)).all(axis=2)
    count, label = connected_components(coo_matrix(overlap), directed=False)
    groups = [boxes[label == k] for k in range(count)]
    joined = np.array([np.append(g[:, :2].min(axis=0), g[:, 2:].max(axis=0)) for g in groups])
    return joined if count == len(boxes) else _merged(joined)


def _rows(boxes: np.ndarray) -> int:
    """How many bodies lie one behind the other along y."""
    spans = boxes[np.argsort(boxes[:, 1])][:, [1, 3]]
    reach = np.maximum.accumulate(spans[:-1, 1])
    return 1 + int(np.sum(spans[1:, 0] - reach >= MIN_GAP))


def _in_front(boxes: np.ndarray, tips: np.ndarray, side: int) -> bool:
    """Whether a body lies nearer to the middle than all tips on this side."""
    far = boxes[:, 3] if side < 0 else -boxes[:, 1]  # of each body, its border towards the middle
    near = boxes[:, 1] if side < 0 else -boxes[:, 3]
    tip = tips[:, 3].max() if side < 0 else -tips[:, 1].min()
    return bool(((near > tip) & (far > tip)).any())


def _places(boxes: np.ndarray) -> str:
    """The middles of bodies in words."""
    middles = 500 * (boxes[:, :2] + boxes[:, 2:])
    return ", ".join(f"({x:.0f}, {y:.0f}) mm" for x, y in middles)


def _rounded(length: float) -> float:
    return round(float(length), 4)


def write_gripper(gripper: Gripper, path: Path, source: str) -> None:
    """The YAML that `Gripper.load` reads, all or nothing."""
    data = {**gripper.to_dict(), "palm_size": list(gripper.palm_size), "source": source}
    write_text(path, yaml.safe_dump(data, sort_keys=False))


def _estimated(args: argparse.Namespace, gripper: Gripper) -> List[str]:
    """The values that were not given and that a mesh does not show for sure."""
    names = [name for name in ("max_width", "pad_length", "force") if getattr(args, name) is None]
    return [f"{name} {getattr(gripper, name):g}" for name in (*names, "min_width")]


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = command_parser(
        "gripper",
        "Measure a gripper's lengths on its mesh and write them as the YAML that everything else reads.\n\n"
        "The mesh shows the gripper with its jaws open: x across the jaws' width, y closing, z approach.",
        "hand.stl --units mm --max-width 0.085 --out mine.yaml",
    )
    parser.add_argument("mesh", help="mesh file")
    parser.add_argument("--out", required=True, type=Path, help="YAML file to write")
    parser.add_argument("--units", default="m", choices=sorted(UNITS), help="of the mesh file")
    parser.add_argument("--max-width", type=float, help="widest opening [m]; without it, the gap in the mesh")
    parser.add_argument("--pad-length", type=float, help="from the tips back [m]; without it, half of the jaws' length")
    parser.add_argument(
        "--force", type=float, help=f"closing force [N]; without it, {MeasureOptions.force:g}, which no mesh shows"
    )
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON; -: to standard output")
    args = parser.parse_args(arguments)
    check_outputs(args, ("out", "json"), inputs=("mesh",))
    force = MeasureOptions.force if args.force is None else args.force
    options = MeasureOptions(args.max_width, args.pad_length, force)
    gripper = measure(load(args.mesh, MeshOptions(scale=UNITS[args.units])), args.out.stem, options)
    write_gripper(
        gripper, args.out, f"measured on {Path(args.mesh).name}; opening, pads and force are estimates unless given"
    )
    print(f"estimated, check them: {', '.join(_estimated(args, gripper))}", file=sys.stderr)
    if args.json:
        write_result(args.json, {"file": str(args.out.absolute()), "gripper": gripper.to_dict()})
    if args.json != "-":
        print(args.out.read_text(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
