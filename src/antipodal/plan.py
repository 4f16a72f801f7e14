"""Plan grasps from the command line, without ROS: `antipodal plan DEPTH --camera CAMERA`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import List, Optional, Tuple

import numpy as np

from antipodal.backends import say_when_compiling
from antipodal.camera import Camera
from antipodal.errors import InputError, command_parser, run_command
from antipodal.files import write_result
from antipodal.grasp import Gripper
from antipodal.grasping import draw
from antipodal.perception.depth_files import read_depth, read_mask, read_with_camera
from antipodal.perception.hints import SceneHints
from antipodal.planner import GraspPlanner, Plan


def main(argv: Optional[List[str]] = None) -> int:
    """Plan as the arguments say. Raises InputError, ModelError or NoGraspFound."""
    args = _parser().parse_args(argv)
    _check_camera_options(args)
    say_when_compiling()
    _plan(args)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "plan",
        "Plan grasps on one depth image.",
        "depth.npy --camera camera.json --png grasps.png --json grasps.json",
        "depth.png --depth-scale 0.001 --fx 615 --cx 320 --cy 240 --gripper franka_hand --far 1.2",
        "cloud.pcd --camera camera_info.yaml --up 0 -1 0",
    )
    parser.add_argument(
        "depth",
        type=Path,
        help="depth image, 0 = missing: .npy or .npz (height, width), 16-bit .png or .tiff, .exr; or a cloud in the "
        "camera's frame, .ply or .pcd",
    )
    add_camera_options(parser)
    parser.add_argument(
        "--mask",
        type=Path,
        help="image, nonzero = may be grasped (of an image with transparency, what is not transparent); "
        "default: what stands on the table",
    )
    add_scene_options(parser)
    parser.add_argument(
        "--gripper", default="robotiq_2f85", help="YAML file, or a name in config/grippers (default: %(default)s)"
    )
    parser.add_argument("--model", default="default", help="model file, or a name (default: %(default)s)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    parser.add_argument("--max-grasps", type=int, default=10, help="most grasps returned (default: 10)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same plan (default: 0)")
    parser.add_argument("--json", default="-", metavar="FILE", help="write the plan here; default: standard output")
    parser.add_argument("--png", type=Path, metavar="FILE", help="write the image with the grasps drawn here")
    return parser


def add_camera_options(parser: argparse.ArgumentParser) -> None:
    """The camera, and the unit of its depths."""
    group = parser.add_argument_group("camera", "a file or a name, or numbers for an image without distortion")
    group.add_argument("--camera", help="JSON, YAML (camera_info too) or .intr file, or a name in config/cameras")
    for name, text in dict(fx="focal length", fy="default: fx", cx="default: the middle", cy="the same").items():
        group.add_argument(f"--{name}", type=float, metavar="PX", help=text)
    group.add_argument("--fov", type=float, metavar="DEG", help="horizontal field of view, in place of --fx")
    group.add_argument("--depth-scale", type=float, metavar="M", help="metres a unit; default: what is plausible")


def add_scene_options(parser: argparse.ArgumentParser) -> None:
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


def scene_hints(args: argparse.Namespace) -> SceneHints:
    """What `add_scene_options` asked for. Raises InputError."""
    robot = None if args.robot is None else read_mask(args.robot)
    return SceneHints(args.up, args.table, args.near, args.far, args.workspace, robot)


def _plan(args: argparse.Namespace) -> None:
    """Read the inputs, plan, write the plan, then the picture."""
    depth, camera = _image(args)
    mask = None if args.mask is None else read_mask(args.mask)
    gripper = Gripper.load(args.gripper)
    planner = GraspPlanner.load(args.model, gripper, args.device)
    plan = planner.plan(depth, camera, mask, args.max_grasps, args.seed, hints=scene_hints(args))
    write_result(args.json, to_dict(plan))
    if args.png is not None:
        try:
            draw.write_png(args.png, draw.overlay(depth, camera, plan, gripper, plan.candidates))
        except Exception as e:  # whatever it is: the plan is worth more than its picture
            _tell(f"the picture {args.png} could not be drawn: {e}")


def _image(args: argparse.Namespace) -> Tuple[np.ndarray, Camera]:
    """The depth image [m], and the camera of the arguments."""
    if args.camera is not None:
        return read_with_camera(args.depth, args.camera, args.depth_scale, _tell)
    depth = read_depth(args.depth, args.depth_scale, tell=_tell)
    return depth, _camera_of(args, *depth.shape)


def _camera_of(args: argparse.Namespace, height: int, width: int) -> Camera:
    """The camera that --fov, or --fx and the others describe, of an image of this size."""
    if args.fov is not None:
        return Camera.from_field_of_view(args.fov, width, height)
    if args.fx is None:
        raise InputError("the camera is needed: --camera, or --fx with --fy, --cx and --cy, or --fov")
    middle = ((width - 1) / 2, (height - 1) / 2)
    cx, cy = (given if given is not None else half for given, half in zip((args.cx, args.cy), middle))
    return Camera(args.fx, args.fx if args.fy is None else args.fy, cx, cy, width, height)


def _check_camera_options(args: argparse.Namespace) -> None:
    """InputError where the camera is described twice, or in part."""
    numbers = [args.fx, args.fy, args.cx, args.cy]
    ways = [args.camera is not None, args.fov is not None, any(n is not None for n in numbers)]
    if sum(ways) > 1:
        raise InputError("give one of --camera, --fov, and --fx with the others")
    if args.fx is None and any(n is not None for n in numbers):
        raise InputError("--fy, --cx and --cy need --fx")


def _tell(message: str) -> None:
    print(f"warning: {message}", file=sys.stderr)


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


if __name__ == "__main__":
    sys.exit(run_command(main))
