"""What is missing on this computer, and what to do: `antipodal doctor`. Without ROS it checks the rest."""

from __future__ import annotations

from antipodal.errors import (
    NO_GRASP,
    POSITIVE,
    AntipodalError,
    check_outputs,
    command_parser,
    end_when_interrupted,
    interrupts_end,
    missing_package,
    number_within,
    run_command,
)

if __name__ == "__main__":
    end_when_interrupted()  # before the imports, which take seconds

import argparse
import importlib.util
import os
import platform
import shutil
import sys
from dataclasses import asdict
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, Callable, Iterator, List, Optional

from antipodal import networks, resources
from antipodal.both_hands import check_pair, load_planner, model_names
from antipodal.files import write_result
from antipodal.grasp import Hand, load_hand
from antipodal.plan import add_hand_options
from antipodal.ros.findings import BAD, GOOD, NOTE, Finding
from antipodal.suction_cup import SuctionCup

EXTRAS = {  # packages of each extra, and what it is for
    "synth": (("trimesh", "defusedxml", "tqdm", "matplotlib"), "antipodal generate, inspect and gripper"),
    "sim": (("mujoco",), "antipodal evaluate"),
    "train": (("tqdm", "matplotlib", "tensorboard"), "antipodal train"),
    "bags": (("rosbags",), "antipodal bag"),
    "viewer": (("viser",), "antipodal view"),
}
HAND_ADVICE, MODEL_ADVICE = "correct it, see docs/gripper.md", "name one of such a hand: --model or --suction-model"
LEAST_FREE = 5.0  # on the disk [GB]; a million samples take 2.2


def main(arguments: Optional[List[str]] = None) -> int:
    args = _parser().parse_args(arguments)
    check_outputs(args, ("json",), inputs=("gripper", "cup", "model", "suction_model"))
    findings: List[Finding] = []
    for found in _findings(args):
        findings += found
        for finding in found if args.json != "-" else []:
            print(finding.line(), flush=True)
    if args.json:
        write_result(args.json, [asdict(f) for f in findings])
    return NO_GRASP if any(f.state == BAD for f in findings) else 0


def _findings(args: argparse.Namespace) -> Iterator[List[Finding]]:
    """What each check finds."""
    for check in (_python, _torch, _cuda, _openvino, _extras, _hands, _units, _disk):
        with interrupts_end():  # an exception may be lost while libraries and models load
            found = check(args)
        yield found
    yield _ros(args)


def _parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "doctor",
        "Say what is missing here, and what to do. Exit code 0: planning works, 1: something is BAD.",
        "",
        "--depth /camera/depth/image_rect_raw --target-frame base_link",
        "--gripper mine.yaml --model mine.pt --json -",
        "--gripper robotiq_2f85 --cup piab_b30 --suction-model mine.pt",
    )
    add_hand_options(parser)
    parser.add_argument("--depth", default="", help="topic of the depth images; default: each that looks like one")
    parser.add_argument("--info", default="", help="topic of its camera_info; default: the one beside the images")
    parser.add_argument("--raw", action="store_true", help="the images are not rectified: K describes them, not P")
    parser.add_argument("--target-frame", default="", help="tf frame that grasps are wanted in")
    parser.add_argument(
        "--seconds",
        type=number_within(float, POSITIVE, 3600),
        default=3.0,
        help="to listen to a camera (default: %(default)s)",
    )
    parser.add_argument("--json", metavar="FILE", help="write the findings as JSON; -: to standard output")
    return parser


def _python(args: argparse.Namespace) -> List[Finding]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    said = f"antipodal {resources.version()} in {Path(resources.__file__).parent}, Python {platform.python_version()}"
    return [Finding("antipodal", GOOD, f"{said}, {cores} cores")]


def _torch(args: argparse.Namespace) -> List[Finding]:
    import torch

    build = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "CPU build"
    return [Finding("torch", GOOD, f"{torch.__version__}, {build}")]


def _cuda(args: argparse.Namespace) -> List[Finding]:
    import torch

    if not torch.cuda.is_available():
        advice = "none is needed; for one, install its driver" if torch.version.cuda else "none is needed"
        return [Finding("CUDA", NOTE, "no GPU that torch can use; plans run on the CPU", advice)]
    names = ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))
    if importlib.util.find_spec("triton") is None:
        return [Finding("CUDA", NOTE, f"{names}, without Triton", _command("triton", "cuda"))]
    return [Finding("CUDA", GOOD, names)]


def _openvino(args: argparse.Namespace) -> List[Finding]:
    if importlib.util.find_spec("openvino") is None:
        return [Finding("OpenVINO", NOTE, "not installed; a plan takes about 6 ms more", _command("openvino", "fast"))]
    return [Finding("OpenVINO", GOOD, f"{metadata.version('openvino')}; the network runs in 8 bits")]


def _command(module: str, extra: str) -> str:
    """The command that installs an extra."""
    return missing_package(module, (extra,)).partition(": ")[2]


def _extras(args: argparse.Namespace) -> List[Finding]:
    missing = {}
    for extra, (modules, use) in EXTRAS.items():
        absent = [module for module in modules if importlib.util.find_spec(module) is None]
        if absent:
            missing[extra] = absent[0], use
    if not missing:
        return [Finding("packages", GOOD, "all optional ones are installed")]
    return [
        Finding("packages", NOTE, f"{module} is not installed; {use} needs it", _command(module, extra))
        for extra, (module, use) in missing.items()
    ]


def _hands(args: argparse.Namespace) -> List[Finding]:
    """The files of the hands and of their models, by the rules by which a planner loads them."""
    loaded: List[Any] = []  # the hands whose files can be used
    found = [_loaded("gripper", "grippers", args.gripper, lambda path: loaded.append(load_hand(path)), HAND_ADVICE)]
    hand, cup = loaded[0] if loaded else None, None
    if args.cup is not None:
        beside = _loaded("cup", "grippers", args.cup, lambda path: loaded.append(_cup_beside(hand, path)), HAND_ADVICE)
        found.append(beside)
        cup = loaded[-1] if beside.state == GOOD else None
    if hand is None:  # its kind is not known: the model is checked alone
        name = args.model or "default"
        return [*found, _loaded("model", "models", name, lambda path: networks.load(path, "cpu"), MODEL_ADVICE)]
    names = model_names(hand, cup, args.model, args.suction_model)
    for what, one, name in zip(("model", "cup model"), (hand, cup), names):
        found.append(_loaded(what, "models", str(name), partial(_load_model, one), MODEL_ADVICE))
    return found


def _cup_beside(hand: Optional[Hand], path: Path) -> SuctionCup:
    """The cup of a file. Raises InputError, also where it cannot stand beside the hand."""
    cup = SuctionCup.load(path)
    if hand is not None:
        check_pair(hand, cup)
    return cup


def _load_model(hand: Hand, path: Path) -> None:
    """Raises ModelError where no planner of this hand can use the file."""
    load_planner(hand, None, path, path, "cpu")


def _loaded(what: str, kind: str, name: str, load: Callable[[Path], Any], advice: str) -> Finding:
    """Whether a file of the package or of the user can be loaded."""
    try:
        path = resources.locate(kind, name)
        load(path)
    except AntipodalError as e:
        return Finding(what, BAD, str(e), advice)
    return Finding(what, GOOD, str(path))


def _units(args: argparse.Namespace) -> List[Finding]:
    said = "depth, lengths and poses are metres; mesh files too, unless --units says mm, cm or in"
    return [Finding("units", GOOD, said)]


def _disk(args: argparse.Namespace) -> List[Finding]:
    free = shutil.disk_usage(".").free / 1e9
    said = f"{free:.1f} GB free in {Path.cwd()}"
    if free < LEAST_FREE:
        return [Finding("disk", NOTE, said, "a million training samples take 2.2 GB; free some, or write elsewhere")]
    return [Finding("disk", GOOD, said)]


def _ros(args: argparse.Namespace) -> List[Finding]:
    asked = ", ".join(filter(None, (args.depth, args.info, args.target_frame)))
    unseen = f"; {asked} could not be looked at" if asked else ""
    if importlib.util.find_spec("rospy") is None:
        advice = "none is needed to plan from files; with ROS 1: make setup, then source env.sh"
        return [Finding("ROS", BAD if asked else NOTE, f"no ROS 1 in this Python (rospy){unseen}", advice)]
    if importlib.util.find_spec("antipodal.srv") is None:
        said = f"rospy without this package's messages{unseen}"
        return [Finding("ROS", BAD if asked else NOTE, said, "make setup, then source env.sh")]
    with interrupts_end():
        from antipodal.ros.graph_check import check_graph

    return check_graph(args.depth, args.info, not args.raw, args.target_frame, args.seconds)


if __name__ == "__main__":
    sys.exit(run_command(main))
