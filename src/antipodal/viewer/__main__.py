"""Look at plans in a browser: `antipodal view DEPTH`. The page is served on this computer alone."""

from __future__ import annotations

from antipodal.errors import InputError, command_parser, end_when_interrupted, number_within, run_command

if __name__ == "__main__":
    end_when_interrupted()  # before the imports, which take seconds

import argparse
import sys
import time
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, List, Optional, Sequence, cast

from antipodal import plan as plan_command
from antipodal.both_hands import load_planner
from antipodal.grasp import Gripper, Hand, load_hand
from antipodal.perception.inputs import MAX_SEED
from antipodal.viewer import html
from antipodal.viewer.dataset import DatasetPage
from antipodal.viewer.evaluation import EvaluationPage
from antipodal.viewer.frames import Frame, open_frames
from antipodal.viewer.hand_pages import HAND_PAGES
from antipodal.viewer.plan_tab import PlanTab
from antipodal.viewer.replan import Replanner
from antipodal.viewer.server import address, make_server
from antipodal.viewer.wizard import Wizard

PORT = 8765
BY_ITS_FILE = "Such a hand is described by its file (docs/gripper.md); this page measures grippers with jaws alone."


def main(argv: Optional[List[str]] = None) -> int:
    """Serve the page until Ctrl-C. Raises InputError or ModelError."""
    server = serve(_parser().parse_args(argv))
    print(f"{address(server)}   (Ctrl-C ends it)", flush=True)
    try:
        while True:
            time.sleep(1.0)
    finally:
        server.stop()


def serve(args: argparse.Namespace) -> Any:
    """The server of the page that the arguments ask for."""
    if not any((args.depth, args.live, args.hand, args.dataset, args.evaluation)):
        raise InputError(
            "nothing to show: give a depth image, a folder, a recording, --live, --hand, --dataset or --evaluation"
        )
    shown = [name for name in ("depth", "live", "dataset", "evaluation") if getattr(args, name)]
    shown += ["hand"] if args.hand and not (args.depth or args.live) else []
    if len(shown) > 1:
        raise InputError(f"one is shown at a time, got {' and '.join(shown)}; give one of them")
    hand = load_hand(args.gripper)
    frames = _frames(args) if args.depth or args.live else None
    server = make_server(args.port, "antipodal")
    try:
        if args.dataset is not None:
            DatasetPage(server, args.dataset).worker.wait()
        elif args.evaluation is not None:
            EvaluationPage(server, args.evaluation).worker.wait()
        elif frames is None:
            _serve_hand(server, hand, args)
        else:
            _serve_plan(server, frames, args)
    except BaseException:
        server.stop()
        raise
    return server


def _frames(args: argparse.Namespace) -> Sequence[Frame]:
    if args.live:
        if find_spec("rospy") is None:
            raise InputError("--live needs ROS 1 in this Python: make setup, then source env.sh")
        return import_module("antipodal.ros.live_frames").LiveFrames(args.live, args.info, not args.raw)
    plan_command.check_camera_options(args)
    numbers = args.fx is not None or args.fov is not None
    camera = partial(plan_command.camera_of, args) if numbers else args.camera
    return open_frames(args.depth, camera, args.mask, (args.topic, args.info), args.stride, args.depth_scale)


def _serve_plan(server: Any, frames: Sequence[Frame], args: argparse.Namespace) -> None:
    """The plan's tabs, and one of each hand."""
    planner = load_planner(args.gripper, args.cup, args.model, args.suction_model, "cpu")
    if args.hand is not None:
        _refuse_to_describe(planner.hands[0])
    planner.warm_up()
    hints, approach = plan_command.scene_hints(args), plan_command.approach_of(args)
    tab = PlanTab(server, Replanner(planner, hints, args.max_grasps, args.seed, approach), frames)
    tab.worker.wait()
    for hand in planner.hands:
        with tab.tabs.add_tab(HAND_PAGES[hand.kind].title):
            _add_hand(server, hand, tab, args)


def _add_hand(server: Any, hand: Any, tab: PlanTab, args: argparse.Namespace) -> None:
    """What the page says of a hand: it describes a gripper, and shows what the file of another hand says."""
    described = HAND_PAGES[hand.kind].described
    if described is not None:
        server.gui.add_html(html.block(html.facts(described(hand)), html.muted(BY_ITS_FILE)))
        return
    wizard = Wizard(server, hand, args.hand, args.hand_units, tab.use_gripper)
    wizard.place(tab.beside())
    wizard.worker.wait()


def _refuse_to_describe(hand: Hand) -> None:
    """Raises InputError where the page cannot describe such a hand."""
    if HAND_PAGES[hand.kind].described is not None:
        raise InputError(f"--hand measures a gripper with jaws, and {hand.name} is of kind {hand.kind!r}; leave it out")


def _serve_hand(server: Any, hand: Hand, args: argparse.Namespace) -> None:
    """A gripper alone, seen from beside it."""
    _refuse_to_describe(hand)
    wizard = Wizard(server, cast(Gripper, hand), args.hand, args.hand_units, None)
    server.scene.set_up_direction((0.0, 0.0, -1.0))
    initial = server.initial_camera
    initial.position, initial.look_at, initial.up = (0.3, 0.28, -0.25), (0.0, 0.0, -0.06), (0.0, 0.0, -1.0)
    initial.fov = 0.8
    wizard.worker.wait()


def _parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "view",
        "Look at plans in a browser, and plan again with other settings.",
        "depth.npy --camera camera.json",
        "folder_of_images --camera realsense_d435 --up 0 -1 0",
        "recording.bag",
        "depth.npy --camera realsense_d435 --gripper piab_b30",
        "depth.npy --camera realsense_d435 --gripper robotiq_2f85 --cup piab_b30",
        "--live /camera/depth/image_rect_raw",
        "--hand hand.urdf",
        "--dataset data/mine",
        "--evaluation out/single.json",
    )
    add = parser.add_argument
    add("depth", type=Path, nargs="?", help="depth image, a folder of them, or a bag")
    add("--live", default="", metavar="TOPIC", help="of depth images: follow the newest; needs ROS 1")
    add("--raw", action="store_true", help="of --live: the images are not rectified, K describes them, not P")
    add("--mask", type=Path, help="image or .npy, nonzero = may be grasped; default: what stands on the table")
    add("--hand", type=Path, help="mesh or URDF of a hand, to measure a gripper on; without DEPTH: that alone")
    add("--hand-units", default="m", choices=("m", "cm", "mm", "in"), help="of a mesh file (default: m)")
    add("--dataset", type=Path, help="folder that antipodal generate made: its samples instead of plans")
    add("--evaluation", type=Path, help="summary (.json) of antipodal evaluate: its picks instead of plans")
    add("--max-grasps", type=number_within(int, 1), default=10, help="most grasps returned (default: 10)")
    add("--seed", type=number_within(int, 0, MAX_SEED), default=0, help="same seed, same plan (default: 0)")
    add("--stride", type=number_within(int, 1), default=1, help="of a folder or bag, every N-th image (default: 1)")
    add("--topic", default="", help="of the depth images in a bag; default: the only one")
    add("--info", default="", help="of the camera_info in a bag or of --live; default: beside the images")
    add("--port", type=int, default=PORT, help="of the page, on 127.0.0.1; 0: any that is free (default: %(default)s)")
    plan_command.add_camera_options(parser, "; default: a file beside each image")
    plan_command.add_hand_options(parser)
    plan_command.add_scene_options(parser)
    plan_command.add_approach_options(parser)
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
