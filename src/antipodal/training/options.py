"""Options of a training run."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Dict, Tuple

from antipodal.errors import InputError
from antipodal.networks.architectures import ARCHITECTURES
from antipodal.training.samplers import SAMPLERS

AVERAGES = ("gradients", "local")
PRECISIONS = ("auto", "float32", "bfloat16")
NOT_NEGATIVE = ("samples", "weight_decay", "noise", "seed", "split_seed", "workers")
TAKEN = (".ckpt", ".md", ".png")


def option(default: Any, text: str, choices: Tuple[str, ...] = ()) -> Any:
    return field(default=default, metadata={"help": text, "choices": choices})


@dataclass(frozen=True)
class TrainOptions:
    """What a run depends on; each field is a flag of the command line."""

    data: Tuple[str, ...] = option((), "folders of shards")
    out: str = option("models/model.pt", "model file to write; its card and curves go beside it")
    arch: str = option("patch", "architecture", tuple(a for a in ARCHITECTURES if a != "gqcnn"))
    epochs: float = option(10.0, "passes over the training samples")
    samples: int = option(0, "samples to process in place of --epochs (0: use --epochs)")
    batch: int = option(128, "samples a step, over all processes")
    lr: float = option(3e-3, "peak learning rate")
    weight_decay: float = option(1e-2, "AdamW's weight decay")
    clip: float = option(1.0, "largest norm of the gradient")
    noise: float = option(0.01, "largest depth noise added on the fly [openings]; none to pixel crops")
    sensor: str = option("none", "sensor noise added to crops without any: none, dexnet2 or a camera's YAML file")
    sampler: str = option("uniform", "order of the samples", tuple(SAMPLERS))
    average: str = option(
        "gradients", "what the processes average: gradients at each step, or (local) weights", AVERAGES
    )
    average_every: int = option(16, "steps between two averages of local averaging")
    evaluate_every: int = option(250_000, "samples between validations, each with a checkpoint")
    patience: int = option(8, "stop after this many validations without improvement")
    seed: int = option(0, "seed of the weights, the order and the variations")
    split_seed: int = option(0, "seed of the split by object; use the same for runs to be compared")
    device: str = option("auto", "auto, cpu, cuda or cuda:N")
    precision: str = option("auto", "precision of the network; auto is bfloat16 on CUDA, float32 elsewhere", PRECISIONS)
    workers: int = option(0, "processes that read data ahead")
    resume: str = option("auto", "continue from a checkpoint beside --out", ("auto", "never"))
    log: str = option("", "folder for TensorBoard; default: none")
    report: str = option("", "HTML report to write, one file with charts; default: none")

    def __post_init__(self) -> None:
        for f in fields(self):
            choices, value = f.metadata["choices"], getattr(self, f.name)
            if choices and value not in choices:
                raise InputError(f"unknown {f.name} {value!r}; possible: {', '.join(choices)}")
        positive = ("epochs", "batch", "lr", "clip", "average_every", "evaluate_every", "patience")
        wrong = [n for n in positive if not 0 < getattr(self, n) < math.inf]
        if wrong:
            raise InputError(
                f"{', '.join(wrong)} must be positive, got {', '.join(str(getattr(self, n)) for n in wrong)}"
            )
        wrong = [n for n in NOT_NEGATIVE if not 0 <= getattr(self, n) < math.inf]
        if wrong:
            got = ", ".join(str(getattr(self, n)) for n in wrong)
            raise InputError(f"{', '.join(wrong)} must be 0 or more, got {got}")
        if Path(self.out).suffix in TAKEN:
            raise InputError(f"out must not end in {', '.join(TAKEN)}, which files beside the model do; got {self.out}")

    def checkpoint(self) -> str:
        return str(Path(self.out).with_suffix(".ckpt"))

    def fingerprint(self, digest: str, processes: int) -> Dict[str, Any]:
        """What must be the same for a checkpoint to be of this run."""
        free = {"data", "out", "workers", "resume", "log", "device", "report"}
        chosen = {k: v for k, v in asdict(self).items() if k not in free}
        return {**chosen, "data": digest, "processes": processes}
