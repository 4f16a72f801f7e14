"""Train a grasp-quality network on shards: `python -m antipodal.train --data DIR --out models/x.pt`.

With many processes: `torchrun --nproc-per-node 2 -m antipodal.train ...`. A killed run goes on when started again,
and a finished one stays as it is.
"""

from __future__ import annotations

from antipodal.errors import (
    InputError,
    ModelError,
    check_outputs,
    command_parser,
    end_when_interrupted,
    require,
    run_command,
)

if __name__ == "__main__":
    end_when_interrupted()  # before the imports, which take seconds

import argparse
import sys
from contextlib import nullcontext
from dataclasses import fields
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
import torch

from antipodal import networks
from antipodal.backends import say_when_compiling
from antipodal.files import only_writer, write_result
from antipodal.training import metrics, report, report_page
from antipodal.training.options import TAKEN, TrainOptions
from antipodal.training.processes import Group
from antipodal.training.samples import Samples, Split, open_folders, split_by_object
from antipodal.training.threads import use_fastest_threads
from antipodal.training.trainer import Trainer, shuffled

CALIBRATION_SAMPLES = 200_000
FEW_OBJECTS = 20
EXAMPLES = 256  # training inputs that go into the model file, see quantised.py


def train(options: TrainOptions, group: Group, command: str = "") -> Dict[str, Any]:
    """Split by object, fit, calibrate on validation, judge on test; write model, card and curves. Returns the meta.

    Raises InputError where another process writes the same model.
    """
    out = Path(options.out)
    if out.is_dir():
        raise InputError(f"out must be a file, {out} is a folder")
    with only_writer(out) if group.leads else nullcontext():
        try:
            return _train(options, group, command)
        except KeyboardInterrupt:
            raise KeyboardInterrupt("the same command goes on from the last checkpoint") from None


def _train(options: TrainOptions, group: Group, command: str) -> Dict[str, Any]:
    samples = open_folders(options.data, options.arch)
    made = made_before(options, samples, group)
    if made is not None:
        return made if group.leads else {}
    split = split_by_object(samples, options.split_seed)
    trainer = Trainer(options, group, samples, split)
    resumed = options.resume == "auto" and trainer.resume()
    threads = torch.get_num_threads() if resumed else use_fastest_threads(trainer)
    if group.leads:
        print(f"{report.describe(trainer, split, resumed)}; {threads} thread(s)", file=sys.stderr)
    with report.ProgressBar(trainer, options.log) as progress:
        trainer.fit(progress.update, progress.advance)
    if not group.leads:
        return {}
    measured, logits, labels = judge(trainer, split)
    meta = report.describe_model(options, samples, split, trainer, measured, command)
    if samples.pixels is None:  # which a faster runtime needs
        shown = samples.__getitems__(shuffled(split.train, options.split_seed)[:EXAMPLES].tolist())
        trainer.network.examples = shown["crops"].float(), trainer.conditions(shown).float()
    networks.save(options.out, trainer.network, meta)
    report.write_report(options.out, meta, logits, labels)
    if options.report:
        report_page.write_training_page(
            Path(options.report), Path(options.out), meta, logits, labels, samples.objects[split.test]
        )
    Path(options.checkpoint()).unlink(missing_ok=True)
    return meta


def made_before(options: TrainOptions, samples: Samples, group: Group) -> Optional[Dict[str, Any]]:
    """The meta of the model at `options.out` if an earlier run with the same options and data made it, else None."""
    if options.resume != "auto" or not Path(options.out).exists():
        return None
    try:
        meta = networks.load(options.out, "cpu")[1]
        told = {**meta["options"], "data": meta["data"]["digest"], "processes": meta["processes"]}
    except (ModelError, KeyError, TypeError):  # not from a training run; it is replaced
        return None
    wanted = options.fingerprint(samples.digest(), group.world)
    if any(told.get(k) != v for k, v in wanted.items()):
        return None
    if group.leads:
        print(
            f"{options.out} was made with these options and data before; --resume never does it again", file=sys.stderr
        )
    return meta


def judge(trainer: Trainer, split: Split) -> Tuple[Dict[str, float], Any, Any]:
    """Set the network's temperature by validation, then measure on test: metrics, raw logits and labels of test."""
    few = shuffled(split.validation, trainer.options.split_seed)[:CALIBRATION_SAMPLES]
    temperature = fit_where_it_helps(*trainer.predict(few), trainer.samples.objects[few])
    logits, labels = trainer.predict(split.test)
    trainer.network.temperature.fill_(temperature)
    return metrics.all_metrics(logits, labels, temperature), logits, labels


def fit_where_it_helps(logits: Any, labels: Any, objects: Any) -> float:
    """The temperature fitted on validation; 1 where one fitted on half of the objects does not serve the others."""
    kinds = np.unique(objects)
    if len(kinds) < FEW_OBJECTS:
        print(f"warning: {len(kinds)} validation objects are few to calibrate by", file=sys.stderr)
    first = np.isin(objects, kinds[::2])
    if first.all() or not first.any():
        return 1.0
    gains = []
    for fitted, judged in ((first, ~first), (~first, first)):
        temperature = metrics.fit_temperature(logits[fitted], labels[fitted])
        losses = [metrics.log_loss(logits[judged] / t, labels[judged]) for t in (1.0, temperature)]
        gains.append(losses[0] - losses[1])
    return metrics.fit_temperature(logits, labels) if sum(gains) > 0 else 1.0


def parse(arguments: List[str]) -> TrainOptions:
    """Options from the command line."""
    return _options(_parser().parse_args(arguments))


def _options(args: argparse.Namespace) -> TrainOptions:
    values = {f.name: getattr(args, f.name) for f in fields(TrainOptions)}
    return TrainOptions(**{**values, "data": tuple(values["data"])})


def _parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "train",
        "Train a grasp-quality network on shards. A stopped run goes on when started again.",
        "--data data/mine --out mine.pt",
        "--data data/meshes data/clutter --out mine.pt --samples 5000000 --evaluate-every 500000",
    )
    for f in fields(TrainOptions):
        flag, kind, text = f"--{f.name.replace('_', '-')}", type(f.default), f.metadata["help"]
        text += " (%(default)s)" if f.default != "" else ""
        if kind is bool:
            parser.add_argument(flag, type=_yes_or_no, default=f.default, metavar="yes|no", help=text)
        elif kind is tuple:
            parser.add_argument(flag, nargs="+", required=True, metavar="DIR", help=f.metadata["help"])
        else:
            parser.add_argument(flag, type=kind, default=f.default, choices=f.metadata["choices"] or None, help=text)
    parser.add_argument("--json", metavar="FILE", help="write the measures as JSON; -: to standard output")
    return parser


def _yes_or_no(text: str) -> bool:
    if text not in ("yes", "no"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither yes nor no")
    return text == "yes"


def main(arguments: Optional[List[str]] = None) -> int:
    given = sys.argv[1:] if arguments is None else arguments
    torch.use_deterministic_algorithms(True, warn_only=True)
    args = _parser().parse_args(given)
    require("tqdm", "matplotlib")
    say_when_compiling()
    options = _options(args)
    made = {f"the {suffix} beside out": Path(args.out).with_suffix(suffix) for suffix in TAKEN}
    manifests = {f"the manifest of {data}": Path(data) / "manifest.json" for data in args.data}
    check_outputs(args, ("out", "json", "report"), ("log",), ("data", "sensor"), {**made, **manifests})
    with Group(networks.pick_device(options.device)) as group:
        meta = train(options, group, command=" ".join(["python -m antipodal.train", *given]))
        if group.leads and args.json:
            write_result(args.json, {"model": str(Path(options.out).absolute()), "metrics": meta["metrics"]})
        if group.leads and args.json != "-":
            print(report.summary_line(meta))
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
