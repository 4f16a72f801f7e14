"""What a training run reports: its progress, the model card, and a picture of the curves."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List

import numpy as np
import torch
from scipy.special import expit

from antipodal import resources
from antipodal.files import write_bytes, write_file, write_text
from antipodal.networks.model import count_parameters, flops
from antipodal.networks.suction_crops import is_suction
from antipodal.training import metrics
from antipodal.training.options import TrainOptions
from antipodal.training.samples import Samples, Split

if TYPE_CHECKING:
    from antipodal.training.trainer import Trainer

MOST_NAMED = 60  # objects of a part on the card
CARD = """# {name}
P(success) of a {grasp} grasp from its crop of a depth image. Architecture `{architecture}`,
{parameters:,} parameters, {mflops:.2f} MFLOP a crop. Load it with `antipodal.networks.load`.

## Measured on objects that were kept out of training and validation
{metrics}

These figures compare with the generator's labels, not with picks. The curves are in `{picture}`.
{picks}
## Made by
    {command}
at commit {commit}, torch {torch}, {processes} process(es), seed {seed}, seed of the split {split_seed};
{samples:,} samples processed, the best weights after {best:,}.

## Data
{data}

## Trained for
{trained_for}

## Limits
The network sees a crop of the observed surface and the proportions of the hand; it knows no mass, no friction and no
hidden side. It is calibrated on the generator's mixture of objects, noise and candidates. On other mixtures its
probabilities may be wrong although its ranking is right.
"""


PICKS = """
## Calibrated against picks of {hand}
P(a pick holds) = sigmoid(z), z = {scale:.4f} x log odds + {shift:.4f}, for a plan's best grasp; for one that is worse
by a gap in z it is sigmoid(z + a log(1 + gap / a)), a = {lift:.4f}. Fitted to {grasps:,} executed grasps of training
objects in the simulated cell, single and in heaps. On {kept_grasps:,} grasps of other training objects the log loss
fell from {kept_losses[0]:.4f} to {kept_losses[1]:.4f}. Ranking does not change. Made by

    {command}
"""


class ProgressBar:
    """A progress bar, and TensorBoard if a folder is given; only in the leading process."""

    def __init__(self, trainer: Trainer, log: str):
        from tqdm import tqdm

        self.trainer, self.writer = trainer, None
        batch, leads = trainer.options.batch, trainer.group.leads
        self.total, self.before, self.begun = trainer.steps * batch, trainer.progress.step * batch, time.monotonic()
        self.bar = tqdm(
            total=self.total,
            initial=self.before,
            unit=" samples",
            unit_scale=True,
            disable=None if leads else True,  # None: only in a terminal
        )
        if log and leads:
            from torch.utils.tensorboard import SummaryWriter

            self.writer = SummaryWriter(log, purge_step=trainer.progress.step * batch)

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.close()
        if self.writer:
            self.writer.close()

    def advance(self, samples: int) -> None:
        """Move the bar to the samples that were taken."""
        self.bar.update(samples - self.bar.n)

    def update(self, entry: Dict[str, float]) -> None:
        """Show an entry of the trainer's history."""
        losses = f"train {entry['train_loss']:.4f}, validation {entry['validation_loss']:.4f}"
        self.bar.set_postfix_str(losses)
        if self.bar.disable and self.trainer.group.leads:  # not a terminal: lines instead of a bar
            print(f"{entry['samples']:,} of {self.total:,} samples: {losses}, {self._left(entry)}", file=sys.stderr)
        if self.writer:
            for name in ("rate", "train_loss", "validation_loss"):
                self.writer.add_scalar(name, entry[name], int(entry["samples"]))

    def _left(self, entry: Dict[str, float]) -> str:
        rate = (entry["samples"] - self.before) / (time.monotonic() - self.begun)
        return f"{rate:,.0f} samples a second, {(self.total - entry['samples']) / rate / 60:.0f} min left at most"


def describe(trainer: Trainer, split: Split, resumed: bool) -> str:
    """One line that says what will be trained."""
    sizes = f"{len(split.train):,} training, {len(split.validation):,} validation, {len(split.test):,} test samples"
    begin = f"going on at step {trainer.progress.step:,} of" if resumed else "taking"
    network = f"{trainer.options.arch}, {count_parameters(trainer.network):,} parameters"
    return f"{network}; {sizes} of {len(np.unique(trainer.samples.objects)):,} objects; {begin} {trainer.steps:,} steps"


def describe_model(
    options: TrainOptions, samples: Samples, split: Split, trainer: Trainer, measured: Dict[str, float], command: str
) -> Dict[str, Any]:
    """The meta of a model file: data, options, and measures of the model."""
    parts = {name: getattr(split, name) for name in ("train", "validation", "test")}
    crop = {"crop": samples.crop} if samples.crop else {}
    return {
        **crop,
        **_hand(samples),
        "architecture": {"name": options.arch, "parameters": count_parameters(trainer.network)},
        "flops": flops(trainer.network),
        "trained_for": [d.manifest["run"] for d in samples.datasets],
        "data": {
            "folders": list(options.data),
            "digest": samples.digest(),
            "samples": {name: len(part) for name, part in parts.items()},
            "objects": {name: len(np.unique(samples.objects[part])) for name, part in parts.items()},
        },
        "objects": {name: [str(samples.names[k]) for k in np.unique(samples.objects[p])] for name, p in parts.items()},
        "options": asdict(options),
        "processes": trainer.group.world,
        "command": command,
        "commit": resources.source_commit(),
        "torch": torch.__version__,
        "history": trainer.history,
        "metrics": measured,
    }


def _hand(samples: Samples) -> Dict[str, Any]:
    """The suction cup that the samples are for, or all of them; nothing where they are for parallel jaws."""
    if not is_suction(samples.crop):
        return {}
    cups = [d.manifest["run"]["gripper"] for d in samples.datasets]
    different = [cup for i, cup in enumerate(cups) if cup not in cups[:i]]
    return {"hand": different[0] if len(different) == 1 else different}


def write_report(out: str, meta: Dict[str, Any], logits: np.ndarray, labels: np.ndarray) -> None:
    """The card `x.md` and the curves `x.png` beside the model `x.pt`, from raw logits and labels of the test part."""
    path = Path(out)
    temperature = meta["metrics"]["temperature"]
    draw_curves(path.with_suffix(".png"), expit(logits), expit(logits / temperature), labels)
    write_text(path.with_suffix(".md"), card(path, meta))


def card(path: Path, meta: Dict[str, Any]) -> str:
    """The model card."""
    best = min(meta["history"], key=lambda entry: entry["validation_loss"])
    return CARD.format(
        name=path.name,
        grasp="suction" if is_suction(meta.get("crop")) else "parallel-jaw",
        architecture=meta["architecture"]["name"],
        parameters=meta["architecture"]["parameters"],
        mflops=meta["flops"] / 1e6,
        metrics=_metrics_table(meta["metrics"]),
        picture=path.with_suffix(".png").name,
        picks="".join(PICKS.format(hand=hand, **picks) for hand, picks in meta.get("picks", {}).items()),
        command=meta["command"] or "antipodal.train.train(options), see `options` in the model's meta",
        commit=meta["commit"],
        torch=meta["torch"],
        processes=meta["processes"],
        seed=meta["options"]["seed"],
        split_seed=meta["options"]["split_seed"],
        samples=int(meta["history"][-1]["samples"]),
        best=int(best["samples"]),
        data="\n".join([_list(meta["data"]), *_named_objects(meta.get("objects", {}))]),
        trained_for=_runs_table(meta["trained_for"]),
    )


def rewrite_card(source: Path, out: Path, meta: Dict[str, Any]) -> None:
    """The card and curves of a model at `out`, made of that at `source` by changing its meta; what was written below
    the card of `source`, such as by `make model`, stays."""
    old, picture = source.with_suffix(".md"), source.with_suffix(".png")
    text = old.read_text() if old.exists() else ""
    below = text.partition(CARD.splitlines()[-1] + "\n")[2]
    write_text(out.with_suffix(".md"), card(out, meta) + below)
    if picture.exists() and picture != out.with_suffix(".png"):
        write_bytes(out.with_suffix(".png"), picture.read_bytes())


def summary_line(meta: Dict[str, Any]) -> str:
    """One line of the test metrics."""
    return ", ".join(f"{name} {formatted(value)}" for name, value in meta["metrics"].items())


def formatted(value: float) -> str:
    """A measure as text: counts with separators, others with four digits."""
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def _metrics_table(values: Dict[str, float]) -> str:
    rows = [f"| {name} | {formatted(value)} |" for name, value in values.items()]
    return "\n".join(["| measure | value |", "| --- | --- |", *rows])


def _list(values: Dict[str, Any]) -> str:
    return "\n".join(f"- {name}: {_brief(value)}" for name, value in values.items())


def _named_objects(parts: Dict[str, List[str]]) -> List[str]:
    """A line with the names of each part's objects, as many as can be read."""
    lines = []
    for part, names in parts.items():
        more = f" and {len(names) - MOST_NAMED} more: the model file's `objects`" if len(names) > MOST_NAMED else ""
        lines.append(f"- objects of the {part} part: {', '.join(names[:MOST_NAMED])}{more}")
    return lines


def _runs_table(runs: List[Dict[str, Any]]) -> str:
    """A table of the generator's runs. All their options are in the model file's meta."""
    lines = ["| meshes | kept out | gripper | camera | samples | seed |", "| --- | --- | --- | --- | --- | --- |"]
    for run in runs:
        camera, gripper = run.get("camera", {}), run.get("gripper", {})
        image = "{width} x {height}, f {fx:g}".format(**camera) if camera else ""
        name = gripper.get("name", "") if isinstance(gripper, dict) else gripper
        cells = [
            run.get("meshes", ""),
            len(run.get("exclude", [])),
            name,
            image,
            run.get("samples", ""),
            run.get("seed", ""),
        ]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join([*lines, "", "The generator's other options are in the model file, under `trained_for`."])


def _brief(value: Any) -> str:
    """A value in one line; a long list is shortened to its length and ends."""
    if isinstance(value, list) and len(value) > 8:
        return f"{len(value)}, from {value[0]} to {value[-1]}"
    if isinstance(value, dict):
        return ", ".join(f"{k} {_brief(v) if not isinstance(v, dict) else f'({_brief(v)})'}" for k, v in value.items())
    return ", ".join(str(v) for v in value) or "none" if isinstance(value, list) else str(value)


def draw_curves(path: Path, before: np.ndarray, after: np.ndarray, labels: np.ndarray) -> None:
    """A PNG with precision-recall, ROC and reliability of probabilities (N,) before and after the temperature."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    success = labels >= 0.5
    figure = Figure(figsize=(12, 4), constrained_layout=True)
    pr, roc, calibration = figure.subplots(1, 3)
    precision, recall = metrics.precision_recall(success, after)
    pr.plot(recall, precision)
    pr.set(xlabel="recall", ylabel="precision", title=f"AP {metrics.average_precision(success, after):.3f}")
    roc.plot(*metrics.roc(success, after))
    roc.set(xlabel="false positive rate", ylabel="true positive rate")
    roc.set_title(f"ROC, area {metrics.roc_auc(success, after):.3f}")
    for name, probabilities in (("before", before), ("after", after)):
        error = metrics.calibration_error(probabilities, labels)
        predicted, actual, _ = metrics.reliability(probabilities, labels)
        calibration.plot(predicted, actual, "o-", label=f"{name}: ECE {error:.3f}")
    calibration.plot([0, 1], [0, 1], "k:", linewidth=1)
    calibration.set(xlabel="predicted P(success)", ylabel="measured", title="reliability")
    calibration.legend()
    for axes in (pr, roc, calibration):
        axes.set(xlim=(0, 1), ylim=(0, 1.01))
    write_file(path, FigureCanvasAgg(figure).print_png)
