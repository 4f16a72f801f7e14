"""Measure grasp planners in the simulated cell: `python -m antipodal.sim.evaluate --model M --objects DIR -n N`.

With `--json FILE` finished trials are appended to a log beside it, one line each; the same command run again goes on
from there.
"""

from __future__ import annotations

from antipodal.errors import InputError, check_outputs, command_parser, end_when_interrupted, run_command

if __name__ == "__main__":
    end_when_interrupted()  # before the imports, which take seconds

import argparse
import functools
import hashlib
import json
import multiprocessing
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np
import torch

from antipodal import resources
from antipodal.backends import say_when_compiling
from antipodal.both_hands import check_pair
from antipodal.camera import Camera
from antipodal.files import json_lines, parsed, read_names, read_parsed, result_file, shown, write_result, write_text
from antipodal.grasp import Gripper, load_hand
from antipodal.grasping import draw
from antipodal.planner import PlannerOptions
from antipodal.sim import report, report_page
from antipodal.sim.cell import PRIMESENSE
from antipodal.sim.picture import contact_sheet
from antipodal.sim.policies import CUP_POLICIES, check_hands, check_policies
from antipodal.sim.scenes import SCENES
from antipodal.sim.trials import Job, Runner, TrialOptions
from antipodal.suction_cup import SuctionCup
from antipodal.synth.images.noise import NAMED, load_noise
from antipodal.synth.objects.meshes import UNITS

INPUTS = (
    *("objects", "objects_list", "camera", "noise"),
    *("gripper", "cup", "model", "suction_model"),
)  # arguments that name files


def main(argv: Optional[List[str]] = None) -> int:
    """Run the trials that are missing and write the summary. Raises InputError or ModelError."""
    args = _parser().parse_args(argv)
    check_outputs(args, ("json", "report"), inputs=INPUTS, beside=_beside(args.json))
    say_when_compiling()
    options, policies = _trial_options(args), tuple(args.policies.split(","))
    with result_file(args.json) as out:
        summary = evaluate(options, policies, args.n, out, args.workers)
        if args.report is not None:
            write_evaluation_report(args.report, options, summary, out)
    if args.json == "-":
        write_result(args.json, summary)
    else:
        print(report.table(summary))
    return 0


def _beside(json_file: Optional[str]) -> Dict[str, Path]:
    """What is written beside the summary in a file."""
    if json_file in (None, "-") or Path(str(json_file)).is_dir():
        return {}
    out = Path(str(json_file))
    return {what: out.with_suffix(suffix) for what, suffix in (("the log", ".jsonl"), ("the pictures", ".png"))}


def evaluate(options: TrialOptions, policies: Sequence[str], n: int, out: Path, workers: int = 1) -> dict:
    """Run n scenes with each policy; write the summary to `out`, a .json file, and return it.

    Beside it come the trials (.jsonl), a picture of each failure (.failures/) and their contact sheet (.png).
    InputError where the log holds trials of other options, or where no trial had an object to pick.
    """
    check_policies(policies, options.views > 1 or options.by_object)
    check_hands(policies, options.cup)
    if options.cup is not None and not set(policies) & set(CUP_POLICIES):
        possible = ", ".join(CUP_POLICIES)
        raise InputError(
            f"none of {', '.join(policies)} uses the cup {options.cup.name}; possible policies: {possible}"
        )
    if n < 1 or workers < 1:
        raise InputError(f"trials and workers must be at least 1, got {n} and {workers}")
    out.parent.mkdir(parents=True, exist_ok=True)
    pictures = out.with_suffix(".failures")
    rows = _go_on(options, policies, n, out.with_suffix(".jsonl"), pictures, workers)
    _check_picks(rows)
    summary = {"options": plain_options(options), "scenes": n, **report.summarise(rows)}
    write_text(out, json.dumps(summary, indent=1))
    draw.write_png(out.with_suffix(".png"), contact_sheet(sorted(pictures.glob("*.png"))))
    return summary


def write_evaluation_report(path: Path, options: TrialOptions, summary: dict, out: Path) -> None:
    """Write the HTML report of an evaluation whose summary is `out`; the worst failures are picked again for it."""
    rows = read_trials(out.with_suffix(".jsonl"), options)
    rows = [row for row in rows if row["scene"] < summary["scenes"] and row["policy"] in summary["policies"]]
    report_page.write_evaluation_page(path, summary, rows, Runner(options))


def _check_picks(rows: Sequence[dict]) -> None:
    """InputError where no trial has a pick, with the reason: a summary of nothing would look like a result."""
    if any(row.get("picks") for row in rows):
        return
    reasons = sorted({row["unusable"] for row in rows if "unusable" in row})
    reason = f"{len(reasons)} unusable, first {reasons[0]}" if reasons else "no object was within the gripper's reach"
    raise InputError(f"none of {len(rows)} trials had an object to pick: {reason}")


def _go_on(
    options: TrialOptions, policies: Sequence[str], n: int, log: Path, pictures: Path, workers: int
) -> List[dict]:
    """All trials: those in the log, and those that are run now and appended to it."""
    from tqdm import tqdm

    if not log.exists():
        _runner(options, pictures)  # refuses what cannot be run before a log is begun
    rows = read_trials(log, options)
    done = {(row["scene"], row["policy"]) for row in rows}
    jobs = [Job(i, policy) for i in range(n) for policy in policies if (i, policy) not in done]
    with log.open("a") as file:
        for row in tqdm(_run(options, pictures, jobs, workers), total=len(jobs), unit="trial", disable=None):
            file.write(json.dumps(row) + "\n")
            file.flush()
            rows.append(row)
    wanted = [row for row in rows if row["scene"] < n and row["policy"] in policies]
    return sorted(wanted, key=lambda row: (row["scene"], row["policy"]))


def _run(options: TrialOptions, pictures: Path, jobs: Sequence[Job], workers: int) -> Iterator[dict]:
    """Yields trials as they finish, from this process or several."""
    run = functools.partial(_run_job, options, pictures)
    if workers == 1 or not jobs:
        yield from map(run, jobs)
        return
    context = multiprocessing.get_context("spawn")  # torch's and numba's threads do not survive a fork
    with context.Pool(min(workers, len(jobs)), initializer=torch.set_num_threads, initargs=(1,)) as pool:
        yield from pool.imap_unordered(run, jobs)


def _run_job(options: TrialOptions, pictures: Path, job: Job) -> dict:
    return _runner(options, pictures).run(job)


@functools.lru_cache(maxsize=1)
def _runner(options: TrialOptions, pictures: Path) -> Runner:
    return Runner(options, pictures)


def read_trials(log: Path, options: TrialOptions) -> List[dict]:
    """The finished trials of a log, which is created if it is missing. A line that a kill cut short is removed."""
    if not log.exists():
        write_text(log, json.dumps({"options": plain_options(options)}) + "\n")
    whole = read_parsed(log, lambda text: text[: text.rfind("\n") + 1])
    lines = parsed(whole, json_lines, str(log))
    if not lines or lines[0].get("options") != plain_options(options):
        raise InputError(f"{log} holds trials of other options; give another --json, or delete it")
    write_text(log, whole)
    return lines[1:]


def plain_options(options: TrialOptions) -> dict:
    """The options as JSON values; models are identified by their content."""
    values = asdict(options)
    for name in ("model", "suction_model"):
        if values[name] is not None:
            values[f"{name}_sha256"] = hashlib.sha256(Path(values[name]).read_bytes()).hexdigest()
    return json.loads(json.dumps(values))


def _trial_options(args: argparse.Namespace) -> TrialOptions:
    policies = args.policies.split(",")
    model = args.model or ("default" if {"antipodal", "both"} & set(policies) else None)
    suction_model = args.suction_model or ("suction" if {"suction", "both"} & set(policies) else None)
    gripper, cup = load_hands(args.gripper, args.cup)
    return TrialOptions(
        objects=args.objects,
        units=args.units,
        only=tuple(read_names(args.objects_list)),
        model=None if model is None else str(resources.locate("models", model)),
        planner=_planner(args.planner),
        gripper=gripper,
        camera=Camera.load(args.camera) if args.camera else PRIMESENSE,
        height=args.height,
        tilt=float(np.deg2rad(args.tilt)),
        clutter=args.clutter,
        noise=args.noise if args.noise in NAMED else load_noise(args.noise),
        room=args.room,
        mask=not (args.no_mask or args.room),
        views=args.views,
        by_object=args.by_object,
        remember=args.remember,
        seed=args.seed,
        scene=args.scene,
        approach=args.approach,
        cup=cup,
        suction_model=None if suction_model is None else str(resources.locate("models", suction_model)),
    )


def load_hands(gripper: Optional[str], cup: Optional[str] = None) -> Tuple[Gripper, Optional[SuctionCup]]:
    """The cell's gripper and its cup, of files or names; `gripper` may name a cup. The default gripper where none is
    named."""
    hand = load_hand(gripper) if gripper else Gripper()
    beside = SuctionCup.load(cup) if cup is not None else None
    check_pair(hand, beside)
    return (Gripper(), hand) if isinstance(hand, SuctionCup) else (hand, beside)


def _planner(text: str) -> PlannerOptions:
    values = parsed(text, json.loads, f'--planner, which takes JSON such as {{"min_quality": 0.3}}; got {shown(text)}')
    return PlannerOptions.from_dict(values)


def _clutter(text: str) -> Tuple[int, int]:
    """ "5" or "5-8"."""
    fewest, dash, most = text.partition("-")
    try:
        return int(fewest), int(most if dash else fewest)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a number or a range such as 5-8 is needed, got {text!r}") from None


def _parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "evaluate",
        "Measure grasp planners in the simulated cell.",
        "--objects procedural:20 -n 100 --json out/mine.json --model mine.pt",
        "--objects parts/ --units mm -n 200 --clutter 5-8 --no-mask --noise real --json out/heaps.json",
    )
    add = parser.add_argument
    add("--model", help="model file, or a name (default: default, the one that came with the package)")
    add("--objects", required=True, help='folder of meshes, or "procedural[:N]"')
    add("--units", default="m", choices=sorted(UNITS), help="of the mesh files (default: m)")
    add("--objects-list", type=Path, help="file with the names of those to use, one a line; default: all")
    add("-n", type=int, required=True, help="number of scenes, the same for each policy")
    add("--policies", default="antipodal,random,centroid,oracle", help="comma-separated (default: %(default)s)")
    add("--planner", default="{}", help='options of the planner as JSON, such as {"min_quality": 0.3}')
    add("--noise", default="none", help="of the depth image: none, real, dexnet2, or a camera's YAML (default: none)")
    add("--clutter", type=_clutter, default=(1, 1), help="objects a scene: K, or LOW-HIGH (default: 1)")
    add("--tilt", type=float, default=0.0, help="camera tilted by up to this [degrees], 75 at most (default: 0)")
    add("--height", type=float, default=0.7, help="camera's distance from the table's middle [m] (default: 0.7)")
    add("--gripper", help="YAML file, or a name in config/grippers, of jaws or of a cup (default: robotiq_2f85)")
    add("--cup", help="a suction cup beside the gripper, for the policies of suction: YAML file, or a name")
    add("--suction-model", help="model file, or a name, of the policies suction and both (default: suction)")
    add("--camera", help="camera file, or a name in config/cameras (default: 640 x 480, f = 525)")
    add("--room", action="store_true", help="a table that ends, floor, walls, arm, crates, trays; implies --no-mask")
    add("--scene", default="table", choices=tuple(SCENES), help="where the object is (default: %(default)s)")
    add(
        "--approach",
        default="table",
        help="of the planner and the oracle: table, camera, any, or front:DEG, a cone about where the camera looks "
        "(default: %(default)s)",
    )
    add("--no-mask", action="store_true", help="do not tell policies which pixels show objects")
    add("--views", type=int, default=1, help="cameras: further ones look from the sides (default: 1)")
    add("--by-object", action="store_true", help="ask for one object of a label image; to hold another is a failure")
    add("--remember", action="store_true", help="planners avoid where they failed, until they hold an object")
    add("--seed", type=int, default=0, help="same seed, same scenes (default: 0)")
    add("--workers", type=int, default=1, help="processes (default: 1)")
    add("--report", type=Path, help="HTML report to write: one file with pictures, for a browser")
    add(
        "--json",
        metavar="FILE",
        help="write the summary as JSON; trials and pictures come beside it, and the same command goes on from there. "
        "-: to standard output, and nothing else is kept, as without it",
    )
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
