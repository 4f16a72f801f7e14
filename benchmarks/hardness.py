"""What speaks for sampling by recent loss: does a high loss mean a large gradient, and do hard samples stay hard?

python benchmarks/hardness.py --data DIR... --out DIR [--epochs 10] [--samples 20000] [--probe 1000] [--arch patch]
Trains on `--samples` training samples, uniformly. After each epoch it takes the loss of all of them, and the norm of
the gradient of each of `--probe` of them alone. Prints rank correlations, and how much the tenth of highest and that of
lowest loss have in common with those of the epoch before and of the last epoch (chance: 0.1). A label is a share of
draws that hold, so a loss has a part that no network can remove, the entropy of its label; the loss less that part is
ranked as well. Writes hardness.json and .png.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Dict, List, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy.special import entr
from scipy.stats import spearmanr

from antipodal.files import write_file, write_json
from antipodal.training.options import TrainOptions
from antipodal.training.processes import Group
from antipodal.training.samples import open_folders, split_by_object
from antipodal.training.trainer import Trainer, shuffled

TENTH = 0.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", required=True, help="folders of shards")
    parser.add_argument("--out", type=Path, required=True, help="folder for the result and the picture")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--samples", type=int, default=20_000, help="training samples (default: %(default)s)")
    parser.add_argument("--probe", type=int, default=1000, help="of them with gradients (default: %(default)s)")
    parser.add_argument("--arch", default="patch")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    rows = measure(args)
    write_json(args.out / "hardness.json", {"rows": rows})
    draw(args.out / "hardness.png", rows)
    print(table(rows))


def measure(args: argparse.Namespace) -> List[Dict[str, float]]:
    """One row an epoch."""
    trainer = make_trainer(args)
    probe = trainer.train[: args.probe]
    losses: List[np.ndarray] = []
    rows = []
    for epoch in range(args.epochs):
        for indices, batch in trainer._rest_of_epoch():
            trainer._step(indices, batch)
        trainer.progress.epoch, trainer.progress.position = epoch + 1, 0
        loss, excess = losses_of(trainer, trainer.train)
        norms = gradient_norms(trainer, probe)
        losses.append(loss)
        row = {"epoch": epoch + 1, "loss": float(loss.mean())}
        row["loss_and_gradient"] = rank_correlation(loss[: args.probe], norms)
        row["excess_and_gradient"] = rank_correlation(excess[: args.probe], norms)
        rows.append(row)
        print(row, flush=True)
    for row, loss, before in zip(rows, losses, [None, *losses[:-1]]):
        for name, sign in (("hardest", -1), ("easiest", 1)):
            row[f"{name}_last"] = overlap(sign * loss, sign * losses[-1])
            row[f"{name}_before"] = float("nan") if before is None else overlap(sign * loss, sign * before)
    return rows


def make_trainer(args: argparse.Namespace) -> Trainer:
    """A trainer of the first `--samples` training samples, for so many epochs."""
    samples = open_folders(args.data, args.arch)
    options = TrainOptions(
        data=tuple(args.data), arch=args.arch, epochs=float(args.epochs), seed=args.seed, device="cpu"
    )
    split = split_by_object(samples, options.split_seed)
    few = shuffled(split.train, options.split_seed)[: args.samples]
    return Trainer(options, Group(torch.device("cpu")), samples, type(split)(few, split.validation, split.test))


def losses_of(trainer: Trainer, indices: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Cross-entropy (N,) of samples (N,), and the same less the entropy of their labels."""
    logits, labels = trainer.predict(indices)
    loss = np.logaddexp(0.0, logits) - labels * logits
    return loss, loss - entr(labels) - entr(1 - labels)


def gradient_norms(trainer: Trainer, indices: np.ndarray) -> np.ndarray:
    """Norm (N,) of the gradient of each sample's own loss by all weights."""
    batch = trainer.samples.__getitems__(indices)
    conditions, weights, norms = trainer.conditions(batch), list(trainer.network.parameters()), []
    for i in range(len(indices)):
        one = slice(i, i + 1)
        logit = trainer.network(batch["crops"][one].float(), conditions[one].float())
        loss = F.binary_cross_entropy_with_logits(logit, batch["labels"][one].float())
        gradients = torch.autograd.grad(loss, weights)
        norms.append(float(torch.sqrt(sum((g**2).sum() for g in gradients))))  # type: ignore[arg-type]
    return np.array(norms)


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's."""
    return float(spearmanr(a, b)[0])


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Share of the tenth with the lowest a (N,) that is in the tenth with the lowest b (N,)."""
    few = max(1, int(TENTH * len(a)))
    lowest = [set(np.argsort(v, kind="stable")[:few].tolist()) for v in (a, b)]
    return len(lowest[0] & lowest[1]) / few


def draw(path: Path, rows: List[Dict[str, float]]) -> None:
    """A PNG: rank correlations with the gradient's norm, and what tenths have in common, by epoch."""
    figure = Figure(figsize=(9, 3.6), constrained_layout=True)
    left, right = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in rows]
    for name, label in (("loss_and_gradient", "loss"), ("excess_and_gradient", "loss less the label's entropy")):
        left.plot(epochs, [row[name] for row in rows], "o-", label=label)
    left.set(title="rank correlation with the gradient's norm", ylim=(0, 1.02))
    for name, label in (("hardest", "highest loss"), ("easiest", "lowest loss")):
        right.plot(epochs, [row[f"{name}_before"] for row in rows], "o-", label=f"{label}, and the epoch before")
        right.plot(epochs, [row[f"{name}_last"] for row in rows], "s--", label=f"{label}, and the last epoch")
    right.axhline(TENTH, color="k", linewidth=1, linestyle=":")
    right.set(title="what a tenth has in common (dotted: chance)", ylim=(0, 1.02))
    for axes in (left, right):
        axes.set(xlabel="epochs")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7)
    write_file(path, FigureCanvasAgg(figure).print_png)


def table(rows: List[Dict[str, float]]) -> str:
    names = ("loss_and_gradient", "excess_and_gradient", "hardest_before", "hardest_last")
    names += ("easiest_before", "easiest_last")
    lines = ["| epoch | loss | " + " | ".join(n.replace("_", " ") for n in names) + " |", "|---|---|" + "---|" * 6]
    for row in rows:
        lines.append(f"| {row['epoch']} | {row['loss']:.3f} | " + " | ".join(f"{row[n]:.2f}" for n in names) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
