"""Plan grasps from the command line, without ROS: `antipodal plan DEPTH --camera CAMERA`."""

from __future__ import annotations

from antipodal.errors import InputError, NoGraspFound, check_outputs, command_parser, end_when_interrupted, run_command

if __name__ == "__main__":
    end_when_interrupted()  # before the imports, which take seconds

import argparse
import math
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Type, Union

import numpy as np

from antipodal.backends import say_when_compiling
from antipodal.both_hands import load_planner
from antipodal.camera import Camera
from antipodal.files import write_result
from antipodal.grasp import Grasp, Hand, load_hand
from antipodal.grasping import draw
from antipodal.perception.cloud_files import holds_cloud, read_cloud
from antipodal.perception.depth_files import (
    check_scale,
    read_depth,
    read_labels,
    read_mask,
    read_pose,
    read_with_camera,
)
from antipodal.perception.depth_view import DepthView
from antipodal.perception.hints import FrameHints, SceneHints
from antipodal.planning.approach_cone import NAMES, Approach, ApproachCone
from antipodal.planning.image_planner import ImagePlanner
from antipodal.planning.result import Plan

INPUTS = (
    *("depth", "camera", "mask", "labels", "pose", "view", "robot"),
    *("gripper", "cup", "model", "suction_model"),
)  # arguments that name files


def main(argv: Optional[List[str]] = None) -> int:
    """Plan as the arguments say. Raises InputError, ModelError or NoGraspFound."""
    args = _parser().parse_args(argv)
    check_camera_options(args)
    check_outputs(args, ("json", "png"), inputs=INPUTS)
    say_when_compiling()
    _plan(args)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "plan",
        "Plan grasps on a depth image, a point cloud, or several views.",
        "depth.npy --camera camera.json --png grasps.png --json grasps.json",
        "depth.png --depth-scale 0.001 --fx 615 --cx 320 --cy 240 --gripper franka_hand --far 1.2",
        "cloud.pcd --up 0 0 1 --viewpoint 0.4 0 0.9",
        "depth.npy --camera camera.json --labels labels.png --targets 3 5 --per-object 2",
        "a.npy --camera camera.json --pose a.txt --view b.npy camera.json b.txt",
        "depth.npy --camera realsense_d435 --cone 0 0.2 1 30",
        "depth.npy --camera realsense_d435 --gripper piab_b30",
        "depth.npy --camera realsense_d435 --gripper robotiq_2f85 --cup piab_b30",
    )
    parser.add_argument(
        "depth",
        type=Path,
        help="depth image, 0 = missing: .npy or .npz (height, width), 16-bit .png or .tiff, .exr; or a cloud, .ply, "
        ".pcd, .npy or .npz (..., 3), whose frame the grasps are in",
    )
    add_camera_options(parser)
    parser.add_argument(
        "--mask",
        type=Path,
        help="image or .npy, nonzero = may be grasped (of an image with transparency, what is not transparent); "
        "default: what stands on the table",
    )
    parser.add_argument(
        "--labels", type=Path, help="in place of a mask: .npy or an image, the object at each pixel, 0 = none"
    )
    parser.add_argument(
        "--targets", type=int, nargs="+", metavar="N", help="labels of the objects to grasp; default: all"
    )
    parser.add_argument("--per-object", type=int, metavar="K", help="at most K grasps of each label")
    _add_view_options(parser)
    add_scene_options(parser)
    add_approach_options(parser)
    add_hand_options(parser)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    parser.add_argument("--max-grasps", type=int, default=10, help="most grasps returned (default: 10)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same plan (default: 0)")
    parser.add_argument("--json", default="-", metavar="FILE", help="write the plan here; default: standard output")
    parser.add_argument("--png", type=Path, metavar="FILE", help="write the image with the grasps here, or without")
    return parser


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


def _add_view_options(parser: argparse.ArgumentParser) -> None:
    """Where the sensor stood, and further cameras."""
    group = parser.add_argument_group(
        "frames", "of a cloud, or of several views; grasps and the scene below are in them"
    )
    group.add_argument(
        "--viewpoint", type=float, nargs=3, metavar=("X", "Y", "Z"), help="where the sensor of a cloud stood [m]; "
        "default: as a .pcd or .npz file says, or the origin"
    )  # fmt: skip
    group.add_argument(
        "--pose", type=Path, metavar="POSE", help="of the camera: a file of 4 x 4 numbers (.npy or text)"
    )
    names = ("DEPTH", "CAMERA", "POSE")
    group.add_argument(
        "--view", nargs=3, action="append", default=[], metavar=names, help="of one more camera; repeat it"
    )


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


def _plan(args: argparse.Namespace) -> None:
    """Read the inputs, plan, write the plan, then the picture."""
    load_hand(args.gripper)  # what is wrong with a file is said before images are read
    make_plan = _planned_cloud(args) if _is_loose_cloud(args) else _planned_images(args)
    planner = load_planner(args.gripper, args.cup, args.model, args.suction_model, args.device)
    try:
        plan = make_plan(planner)
    except NoGraspFound as e:
        _draw_seen(args.png, e, [], planner.hands)
        raise
    write_result(args.json, to_dict(plan))
    _draw_seen(args.png, plan, plan.in_camera(), planner.hands)


def _draw_seen(
    file: Optional[Path], seen: Union[Plan, NoGraspFound], grasps: Sequence[Grasp], hands: Sequence[Hand]
) -> None:
    """Write the picture of a plan, or of what was seen where there is no grasp, if it is wanted and can be."""
    if file is None or seen.scene is None or seen.camera is None:
        return
    try:
        candidates = grasps.candidates if isinstance(grasps, Plan) else []
        draw.write_png(file, draw.overlay(seen.scene.depth, seen.camera, grasps, hands, candidates, seen.scene))
    except Exception as e:  # whatever it is: the plan is worth more than its picture
        _tell(f"the picture {file} could not be drawn: {e}")


def _is_loose_cloud(args: argparse.Namespace) -> bool:
    """Whether the input is a cloud whose camera is not described."""
    described = args.camera is not None or args.fov is not None or args.fx is not None
    if described and args.viewpoint is not None:
        raise InputError("--viewpoint is of a cloud without a camera; give one of the two")
    return not described and holds_cloud(args.depth)


def _planned_cloud(args: argparse.Namespace) -> Callable[[ImagePlanner], Plan]:
    """How to plan in the cloud of the arguments, which is read now."""
    if args.view or args.pose is not None:
        raise InputError("--pose and --view are of depth images with cameras, not of a cloud")
    check_scale(args.depth_scale)
    cloud, scale = read_cloud(args.depth), 1.0 if args.depth_scale is None else args.depth_scale
    viewpoint = (cloud.viewpoint * scale).tolist() if args.viewpoint is None else args.viewpoint
    points = cloud.points if scale == 1.0 else cloud.points * scale
    hints, arguments = scene_hints(args, FrameHints), _wanted(args)
    return lambda planner: planner.plan_cloud(points, viewpoint, hints=hints, **arguments)


def _planned_images(args: argparse.Namespace) -> Callable[[ImagePlanner], Plan]:
    """How to plan in the depth images of the arguments, which are read now."""
    depth, camera = _image(args)
    arguments = _wanted(args)
    if not args.view:
        if args.pose is not None or args.viewpoint is not None:
            raise InputError("--pose is for several views (--view), --viewpoint for a cloud; got neither")
        hints = scene_hints(args)
        return lambda planner: planner.plan(depth, camera, hints=hints, **arguments)
    for name in ("mask", "labels"):
        if arguments.pop(name) is not None:
            raise InputError(f"--{name} is of one image; several views take none on the command line")
    known = scene_hints(args, FrameHints)
    pose = np.eye(4) if args.pose is None else read_pose(args.pose)
    views = [DepthView(depth, camera, pose), *(_further_view(files, args.depth_scale) for files in args.view)]
    return lambda planner: planner.plan_views(views, hints=known, **arguments)


def _wanted(args: argparse.Namespace) -> Dict[str, Any]:
    """Arguments of `GraspPlanner.plan` that say what may be grasped, and how many grasps are wanted."""
    return {
        "mask": None if args.mask is None else read_mask(args.mask),
        "labels": None if args.labels is None else read_labels(args.labels),
        "targets": args.targets,
        "per_object": args.per_object,
        "max_grasps": args.max_grasps,
        "seed": args.seed,
        "approach": approach_of(args),
    }


def _further_view(files: Sequence[str], scale: Optional[float]) -> DepthView:
    """The view of a depth image, a camera and a pose, each a file or a name."""
    depth, camera, pose = files
    return DepthView(*read_with_camera(Path(depth), camera, scale, _tell), read_pose(Path(pose)))


def _image(args: argparse.Namespace) -> Tuple[np.ndarray, Camera]:
    """The depth image [m], and the camera of the arguments."""
    if args.camera is not None:
        return read_with_camera(args.depth, args.camera, args.depth_scale, _tell)
    depth = read_depth(args.depth, args.depth_scale, tell=_tell)
    return depth, camera_of(args, *depth.shape)


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


def _tell(message: str) -> None:
    print(f"warning: {message}", file=sys.stderr)


def to_dict(plan: Plan) -> dict:
    """A plan as plain values: grasps best first, the support, the camera of the image that it was planned in and its
    pose in the grasps' frame, the time of every stage [ms] and what survived it."""
    times = {stage: round(ms, 3) for stage, ms in plan.times_ms.items()}
    return {
        "grasps": [g.to_dict() for g in plan],
        "support": _support(plan),
        "camera": None if plan.camera is None else plan.camera.to_dict(),
        "T_frame_cam": plan.T_frame_cam.tolist(),
        "times_ms": times,
        "counts": plan.counts,
    }


def _support(plan: Plan) -> Optional[dict]:
    """The plane that things stand on {p : normal . p = offset} in the grasps' frame; None where none was found."""
    if plan.scene is None or plan.scene.support is None:
        return None
    normal = plan.T_frame_cam[:3, :3] @ plan.scene.support.normal
    return {"normal": normal.tolist(), "offset": plan.scene.support.offset + float(normal @ plan.T_frame_cam[:3, 3])}


if __name__ == "__main__":
    sys.exit(run_command(main))
