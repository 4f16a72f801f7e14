"""Train a grasp-quality network on shards: `python -m antipodal.train --data DIR --out models/x.pt`.

With many processes: `torchrun --nproc-per-node 2 -m antipodal.train ...`. A killed run goes on when started again.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import torch

from antipodal import networks
from antipodal.architectures import ARCHITECTURES
from antipodal.errors import AntipodalError, InputError
from antipodal.training import metrics, report
from antipodal.training.processes import Group
from antipodal.training.samplers import SAMPLERS
from antipodal.training.samples import Split, open_folders, split_by_object
from antipodal.training.trainer import Trainer, shuffled

CALIBRATION_SAMPLES = 200_000
AVERAGES = ("gradients", "local")


def option(default: Any, text: str, choices: Tuple[str, ...] = ()) -> Any:
    return field(default=default, metadata={"help": text, "choices": choices})


@dataclass(frozen=True)
class TrainOptions:
    """What a run depends on; each field is a flag of the command line."""

    data: Tuple[str, ...] = option((), "folders of shards")
    out: str = option("models/model.pt", "model file to write; its card and curves go beside it")
    arch: str = option("patch", "architecture", tuple(a for a in ARCHITECTURES if a != "gqcnn"))
    epochs: float = option(10.0, "how often each training sample is seen")
    samples: int = option(0, "samples to process in place of --epochs (0: use --epochs)")
    batch: int = option(128, "samples a step, over all processes")
    lr: float = option(5e-3, "peak learning rate")
    weight_decay: float = option(1e-2, "AdamW's weight decay")
    clip: float = option(1.0, "largest norm of the gradient")
    noise: float = option(0.01, "largest depth noise added on the fly [openings]")
    sampler: str = option("uniform", "in which order samples are seen", tuple(SAMPLERS))
    average: str = option("gradients", "what processes average: gradients each step, or (local) weights", AVERAGES)
    average_every: int = option(16, "steps between two meetings of local averaging")
    evaluate_every: int = option(250_000, "samples between validations, each with a checkpoint")
    patience: int = option(8, "validations without improvement after which training stops")
    seed: int = option(0, "of the weights, the order and the variations")
    split_seed: int = option(0, "of the split by object; runs to be compared share it")
    device: str = option("auto", "auto, cpu, cuda or cuda:N")
    amp: bool = option(True, "bfloat16 on CUDA")
    workers: int = option(0, "processes that read ahead")
    resume: str = option("auto", "go on from a checkpoint beside --out", ("auto", "never"))
    log: str = option("", "folder for TensorBoard (empty: none)")

    def __post_init__(self) -> None:
        for f in fields(self):
            choices, value = f.metadata["choices"], getattr(self, f.name)
            if choices and value not in choices:
                raise InputError(f"unknown {f.name} {value!r}; possible: {', '.join(choices)}")
        positive = ("epochs", "batch", "lr", "clip", "average_every", "evaluate_every", "patience")
        wrong = [n for n in positive if getattr(self, n) <= 0]
        if wrong:
            raise InputError(f"{', '.join(wrong)} must be positive")

    def checkpoint(self) -> str:
        return str(Path(self.out).with_suffix(".ckpt"))

    def fingerprint(self, digest: str, processes: int) -> Dict[str, Any]:
        """What must be the same for a checkpoint to be of this run."""
        free = {"data", "out", "workers", "resume", "log", "device"}
        chosen = {k: v for k, v in asdict(self).items() if k not in free}
        return {**chosen, "data": digest, "processes": processes}


def train(options: TrainOptions, group: Group, command: str = "") -> Dict[str, Any]:
    """Split by object, fit, calibrate on validation, judge on test; write model, card and curves. Returns the meta."""
    samples = open_folders(options.data)
    split = split_by_object(samples, options.split_seed)
    trainer = Trainer(options, group, samples, split)
    resumed = options.resume == "auto" and trainer.resume()
    if group.leads:
        print(report.describe(trainer, split, resumed), file=sys.stderr)
    with report.Progress(trainer, options.log) as progress:
        trainer.fit(progress.update)
    if not group.leads:
        return {}
    measured, logits, labels = judge(trainer, split)
    meta = report.describe_model(options, samples, split, trainer, measured, command)
    networks.save(options.out, trainer.network, meta)
    report.write(options.out, meta, logits, labels)
    Path(options.checkpoint()).unlink(missing_ok=True)
    return meta


def judge(trainer: Trainer, split: Split) -> Tuple[Dict[str, float], Any, Any]:
    """Set the network's temperature by validation, then measure on test: metrics, raw logits and labels of test."""
    few = shuffled(split.validation, trainer.options.split_seed)[:CALIBRATION_SAMPLES]
    temperature = metrics.fit_temperature(*trainer.predict(few))
    logits, labels = trainer.predict(split.test)
    trainer.network.temperature.fill_(temperature)
    return metrics.evaluate(logits, labels, temperature), logits, labels


def parse(arguments: List[str]) -> TrainOptions:
    """Options from the command line."""
    parser = argparse.ArgumentParser(prog="antipodal.train", description=(__doc__ or "").splitlines()[0])
    for f in fields(TrainOptions):
        flag, kind, text = f"--{f.name.replace('_', '-')}", type(f.default), f"{f.metadata['help']} (%(default)s)"
        if kind is bool:
            parser.add_argument(flag, type=_yes_or_no, default=f.default, metavar="yes|no", help=text)
        elif kind is tuple:
            parser.add_argument(flag, nargs="+", required=True, metavar="DIR", help=f.metadata["help"])
        else:
            parser.add_argument(flag, type=kind, default=f.default, choices=f.metadata["choices"] or None, help=text)
    values = vars(parser.parse_args(arguments))
    return TrainOptions(**{**values, "data": tuple(values["data"])})


def _yes_or_no(text: str) -> bool:
    if text not in ("yes", "no"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither yes nor no")
    return text == "yes"


def main(arguments: Optional[List[str]] = None) -> int:
    given = sys.argv[1:] if arguments is None else arguments
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        options = parse(given)
        with Group(networks.pick_device(options.device)) as group:
            meta = train(options, group, command=" ".join(["python -m antipodal.train", *given]))
            if group.leads:
                print(report.summary(meta))
    except AntipodalError as e:
        print(f"antipodal.train: {e}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
