"""What several commands are told alike: camera, hands, scene and approach."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Optional, Type

from antipodal.camera import Camera
from antipodal.errors import InputError
from antipodal.perception.depth_files import read_mask
from antipodal.perception.hints import SceneHints
from antipodal.planning.approach_cone import NAMES, Approach, ApproachCone


def add_camera_options(parser: argparse.ArgumentParser, otherwise: str = "") -> None:
    """The camera, and the unit of its depths; what counts `otherwise`."""
    group = parser.add_argument_group(
        "camera", f"a file or a name, or numbers for an image without distortion{otherwise}"
    )
    group.add_argument("--camera", help="JSON, YAML (camera_info too) or .intr file, or a name in config/cameras")
    for name, text in dict(fx="focal length", fy="default: fx", cx="default: the middle", cy="the same").items():
        group.add_argument(f"--{name}", type=float, metavar="PX", help=text)
    group.add_argument("--fov", type=float, metavar="DEG", help="horizontal field of view, in place of --fx")
    group.add_argument("--depth-scale", type=float, metavar="M", help="metres a unit; default: what is plausible")


def add_hand_options(parser: argparse.ArgumentParser) -> None:
    """The gripper or cup, a cup beside a gripper, and their models."""
    parser.add_argument(
        "--gripper",
        default="robotiq_2f85",
        help="YAML file of a gripper or a suction cup, or a name in config/grippers (default: %(default)s)",
    )
    parser.add_argument("--cup", help="the same of a suction cup beside the gripper: both hands in one ranking")
    parser.add_argument("--model", help="model file, or a name (default: default, or suction for a cup alone)")
    parser.add_argument("--suction-model", help="model of the cup beside the gripper (default: suction)")


def add_scene_options(parser: argparse.ArgumentParser) -> None:
    """What a user may know of the scene, in the camera's optical frame."""
    text = "what is known of it, in the camera's frame (x right, y down, z forward), or that of the cloud or the poses"
    group = parser.add_argument_group("scene", text)
    group.add_argument("--up", type=float, nargs=3, metavar=("X", "Y", "Z"), help="direction against gravity")
    group.add_argument(
        "--table", type=float, nargs=4, metavar=("A", "B", "C", "D"), help="plane A x + B y + C z = D [m] of the table"
    )
    group.add_argument("--near", type=float, default=0.0, metavar="M", help="what is nearer counts as missing [m]")
    group.add_argument("--far", type=float, default=float("inf"), metavar="M", help="what is further, too [m]")
    names = ("X0", "Y0", "Z0", "X1", "Y1", "Z1")
    group.add_argument("--workspace", type=float, nargs=6, metavar=names, help="box [m] that targets lie in")
    group.add_argument("--robot", type=Path, help="image, nonzero = robot: an obstacle, never a target")


def add_approach_options(parser: argparse.ArgumentParser) -> None:
    """Which ways the hand may come."""
    group = parser.add_argument_group(
        "approach", "the directions in which the hand may travel"
    ).add_mutually_exclusive_group()
    group.add_argument(
        "--approach",
        choices=NAMES,
        help="along the table's normal, the camera's axis, or from any side of the table (default: table for jaws, any "
        "for a cup)",
    )
    group.add_argument(
        "--cone",
        type=float,
        nargs=4,
        metavar=("X", "Y", "Z", "DEG"),
        help="within DEG degrees of the direction X Y Z, in the camera's frame or that of a cloud or of --pose",
    )


def approach_of(args: argparse.Namespace) -> Optional[Approach]:
    """What `add_approach_options` asked for; None for the hands' own. Raises InputError."""
    if args.cone is None:
        return args.approach
    x, y, z, degrees = args.cone
    return ApproachCone((x, y, z), math.radians(degrees))


def scene_hints(args: argparse.Namespace, kind: Type[SceneHints] = SceneHints) -> SceneHints:
    """What `add_scene_options` asked for. Raises InputError."""
    robot = None if args.robot is None else read_mask(args.robot)
    return kind(args.up, args.table, args.near, args.far, args.workspace, robot)


def camera_of(args: argparse.Namespace, height: int, width: int) -> Camera:
    """The camera that --fov, or --fx and the others describe, of an image of this size."""
    if args.fov is not None:
        return Camera.from_field_of_view(args.fov, width, height)
    if args.fx is None:
        raise InputError("the camera is needed: --camera, or --fx with --fy, --cx and --cy, or --fov")
    middle = ((width - 1) / 2, (height - 1) / 2)
    cx, cy = (given if given is not None else half for given, half in zip((args.cx, args.cy), middle))
    return Camera(args.fx, args.fx if args.fy is None else args.fy, cx, cy, width, height)


def check_camera_options(args: argparse.Namespace) -> None:
    """InputError where the camera is described twice, or in part."""
    numbers = [args.fx, args.fy, args.cx, args.cy]
    ways = [args.camera is not None, args.fov is not None, any(n is not None for n in numbers)]
    if sum(ways) > 1:
        raise InputError("give one of --camera, --fov, and --fx with the others")
    if args.fx is None and any(n is not None for n in numbers):
        raise InputError("--fy, --cx and --cy need --fx")
