"""Training runs that differ in a few flags and a seed: made once, kept, and compared by seed."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence

import numpy as np
from scipy import stats

from antipodal.files import read_json, write_json
from antipodal.networks.model import load


class Run(NamedTuple):
    """A training run of a study: a variant, by the flags that make it, and a seed."""

    variant: str
    flags: Sequence[str]
    seed: int
    processes: int = 1

    @property
    def name(self) -> str:
        return f"{self.variant}-{self.seed}"


def parser(description: str, samples: int, every: int) -> argparse.ArgumentParser:
    """The flags that studies share."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", required=True, help="folders of shards")
    parser.add_argument("--out", type=Path, required=True, help="folder for models, results and picture")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--samples", type=int, default=samples, help="to process in every run (default: %(default)s)")
    parser.add_argument("--every", type=int, default=every, help="samples between validations (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=1000, help="train at most so many of those missing")
    return parser


def complete(args: argparse.Namespace, runs: Sequence[Run]) -> Dict[str, Dict[str, Any]]:
    """Train what is missing, as far as --runs allows; the meta of every finished run by its name."""
    remember(args.out / "setup.json", {"data": list(args.data), "samples": args.samples, "every": args.every})
    missing = [run for run in runs if not (args.out / f"{run.name}.pt").exists()]
    for run in missing[: args.runs]:
        train(args, run)
    return {run.name: load(path, "cpu")[1] for run, path in existing(args.out, runs)}


def remember(path: Path, setup: Dict[str, Any]) -> None:
    """Refuse to mix runs of other settings in one folder."""
    if path.exists() and read_json(path) != setup:
        raise SystemExit(f"{path.parent} holds runs of {read_json(path)}; now {setup}: give another --out")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, setup)


def existing(folder: Path, runs: Sequence[Run]) -> Iterator[tuple]:
    for run in runs:
        if (folder / f"{run.name}.pt").exists():
            yield run, folder / f"{run.name}.pt"


def train(args: argparse.Namespace, run: Run) -> None:
    """One run by the package's own command, to the end of its budget; a killed one goes on from its checkpoint."""
    many = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(run.processes)]
    command = [sys.executable, *(many if run.processes > 1 else []), "-m", "antipodal.train", "--data", *args.data]
    command += ["--out", str(args.out / f"{run.name}.pt"), "--samples", str(args.samples), "--seed", str(run.seed)]
    command += ["--evaluate-every", str(args.every), "--patience", "1000", "--device", "cpu", *run.flags]
    subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


def curve(meta: Dict[str, Any]) -> np.ndarray:
    """Samples processed and validation loss (K, 2) of a run."""
    return np.array([[entry["samples"], entry["validation_loss"]] for entry in meta["history"]])


def mean_interval(values: Sequence[float]) -> List[float]:
    """Mean and Student's 95 % interval of it [mean, low, high]; without bounds (nan) below two values."""
    mean = float(np.mean(values)) if len(values) else float("nan")
    if len(values) < 2:
        return [mean, float("nan"), float("nan")]
    half = float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))
    return [mean, mean - half, mean + half]
