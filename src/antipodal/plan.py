"""Plan grasps from the command line, without ROS: `python -m antipodal.plan DEPTH.npy --camera CAM.json`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import List, Optional

import cv2
import numpy as np

from antipodal import resources
from antipodal.camera import Camera
from antipodal.errors import InputError, command_parser, run_command
from antipodal.files import write_text
from antipodal.grasp import Gripper
from antipodal.grasping import draw
from antipodal.perception.hints import SceneHints
from antipodal.planner import GraspPlanner, Plan


def main(argv: Optional[List[str]] = None) -> int:
    """Plan as the arguments say. Raises InputError, ModelError or NoGraspFound."""
    _plan(_parser().parse_args(argv))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "plan",
        "Plan grasps on one depth image.",
        "depth.npy --camera camera.json --png grasps.png --json grasps.json",
        "depth.npy --camera realsense_d435 --gripper franka_hand --up 0 -1 0 --far 1.2",
    )
    parser.add_argument("depth", type=Path, help=".npy of floats (height, width) in metres; 0 = missing")
    parser.add_argument("--camera", type=Path, required=True, help="JSON or YAML with fx, fy, cx, cy, width, height")
    parser.add_argument(
        "--mask",
        type=Path,
        help="image, nonzero = may be grasped (of an image with transparency, what is not transparent); "
        "default: what stands on the table",
    )
    _add_hints(parser)
    parser.add_argument("--gripper", type=Path, help="YAML as in config/grippers; default: robotiq_2f85")
    parser.add_argument("--model", type=Path, help="model file; default: the one that came with the package")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    parser.add_argument("--max-grasps", type=int, default=10, help="most grasps returned (default: 10)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same plan (default: 0)")
    parser.add_argument("--json", type=Path, help="write the plan here; default: standard output")
    parser.add_argument("--png", type=Path, help="write the image with the grasps drawn here")
    return parser


def _add_hints(parser: argparse.ArgumentParser) -> None:
    """What a user may know of the scene, in the camera's optical frame."""
    group = parser.add_argument_group("scene", "what is known of it, in the camera's frame: x right, y down, z forward")
    group.add_argument("--up", type=float, nargs=3, metavar=("X", "Y", "Z"), help="direction against gravity")
    group.add_argument(
        "--table", type=float, nargs=4, metavar=("A", "B", "C", "D"), help="plane A x + B y + C z = D [m] of the table"
    )
    group.add_argument("--near", type=float, default=0.0, metavar="M", help="what is nearer counts as missing [m]")
    group.add_argument("--far", type=float, default=float("inf"), metavar="M", help="what is further, too [m]")
    names = ("X0", "Y0", "Z0", "X1", "Y1", "Z1")
    group.add_argument("--workspace", type=float, nargs=6, metavar=names, help="box [m] that targets lie in")
    group.add_argument("--robot", type=Path, help="image, nonzero = robot: an obstacle, never a target")


def _hints(args: argparse.Namespace) -> SceneHints:
    robot = None if args.robot is None else _read_mask(args.robot)
    return SceneHints(args.up, args.table, args.near, args.far, args.workspace, robot)


def _plan(args: argparse.Namespace) -> None:
    """Read the inputs, plan, write the outputs."""
    camera, depth = Camera.load(args.camera), _read_depth(args.depth)
    mask = None if args.mask is None else _read_mask(args.mask)
    gripper = Gripper.load(args.gripper or resources.find("config/grippers/robotiq_2f85.yaml"))
    planner = GraspPlanner.load(args.model or resources.find("models/default.pt"), gripper, args.device)
    plan = planner.plan(depth, camera, mask, args.max_grasps, args.seed, hints=_hints(args))
    if args.png is not None:
        draw.write_png(args.png, draw.overlay(depth, camera, plan, gripper, plan.candidates))
    text = json.dumps(to_dict(plan), indent=2)
    if args.json is None:
        print(text)
    else:
        write_text(args.json, text + "\n")


def to_dict(plan: Plan) -> dict:
    """A plan as plain values: grasps best first, the time of every stage [ms] and what survived it."""
    times = {stage: round(ms, 3) for stage, ms in plan.times_ms.items()}
    return {
        "grasps": [g.to_dict() for g in plan],
        "support": _support(plan),
        "times_ms": times,
        "counts": plan.counts,
    }


def _support(plan: Plan) -> Optional[dict]:
    """The plane that things stand on {p : normal . p = offset} in the camera frame; None where none was found."""
    if plan.scene is None or plan.scene.support is None:
        return None
    return {"normal": plan.scene.support.normal.tolist(), "offset": plan.scene.support.offset}


def _read_depth(path: Path) -> np.ndarray:
    try:
        depth = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as e:
        raise InputError(f"cannot read depth image {path}, a .npy of floats is needed: {e}") from e
    return depth[..., 0] if depth.ndim == 3 and depth.shape[2] == 1 else depth


def _read_mask(path: Path) -> np.ndarray:
    mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if mask is None:
        raise InputError(f"cannot read mask {path}, an image file such as PNG is needed")
    if mask.ndim == 2:
        return mask
    return mask[..., 3] if _is_cut_out(mask) else mask[..., :3].any(axis=2)


def _is_cut_out(image: np.ndarray) -> bool:
    """Whether an image (H, W, C) has transparent pixels."""
    return image.shape[2] == 4 and bool((image[..., 3] != np.iinfo(image.dtype).max).any())


if __name__ == "__main__":
    sys.exit(run_command(main))
