"""Compares architectures: parameters, FLOPs, AP and AUC on held-out objects, CPU time, and training curves.

python benchmarks/architectures.py --data DIR... --out DIR [--only NAME...] [--train 30000] [--samples 240000]
All architectures see the same samples in the same order. The same command continues a stopped run from its checkpoint.
`--table` prints the table of the finished runs; curves.png shows validation AUC against samples processed.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
import torch
from pictures import draw_lines

from antipodal import networks, resources
from antipodal.errors import InputError
from antipodal.files import read_json, write_json
from antipodal.networks import crops
from antipodal.networks.crops import CONDITIONS
from antipodal.networks.model import GraspNetwork
from antipodal.training import metrics
from antipodal.training.options import TrainOptions
from antipodal.training.processes import Group
from antipodal.training.samples import Samples, Split, open_folders, split_by_object
from antipodal.training.trainer import Trainer, shuffled

RATES = {"patch": 3e-3, "resnet": 3e-3, "gqcnn2": 2e-3, "gqcnn2_pool": 3e-3, "gqcnn4": 3e-3}  # peaks
RESAMPLES = 1000
PLAN = 400  # crops that a plan scores


def main() -> None:
    args = arguments()
    data = open_folders(args.data)
    split = some_of(split_by_object(data, seed=0), args)
    remember(args.out / "setup.json", {k: getattr(args, k) for k in ("train", "validate", "test")}, data)
    for name in [] if args.table else args.only:
        train(name, args, data, split)
    rows = measured(args.out, data, split)
    curves = {row["name"]: points(row["history"]) for row in rows}
    draw_lines(args.out / "curves.png", curves, "training samples processed", "validation AUC")
    print(table(rows))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", required=True, help="folders of shards")
    parser.add_argument("--out", type=Path, required=True, help="folder for models, checkpoints, table and curves")
    parser.add_argument("--only", nargs="+", default=list(RATES), choices=list(RATES), help="train these alone")
    parser.add_argument("--train", type=int, default=30_000, help="training samples")
    parser.add_argument("--validate", type=int, default=4_000, help="validation samples")
    parser.add_argument("--test", type=int, default=20_000, help="test samples")
    parser.add_argument("--samples", type=int, default=240_000, help="samples to process at most")
    parser.add_argument("--every", type=int, default=12_000, help="samples between validations, each with a checkpoint")
    parser.add_argument("--patience", type=int, default=6, help="validations without improvement that end training")
    parser.add_argument("--rate", type=float, help="peak learning rate (default: each architecture's own)")
    parser.add_argument(
        "--precision", default="auto", help="of training's passes, as in antipodal.train; tests are in float32"
    )
    parser.add_argument("--table", action="store_true", help="train nothing, tell what is there")
    return parser.parse_args()


def some_of(split: Split, args: argparse.Namespace) -> Split:
    """As many samples of every part as asked for, drawn at random."""
    parts = (split.train, args.train), (split.validation, args.validate), (split.test, args.test)
    return Split(*(np.sort(shuffled(part, 1)[:count]) for part, count in parts))


def remember(path: Path, setup: Dict[str, Any], data: Samples) -> None:
    """Refuse to mix runs on other samples in one folder."""
    setup = {**setup, "data": data.digest()}
    if path.exists() and read_json(path) != setup:
        raise InputError(
            f"{path.parent} holds runs on other samples, {read_json(path)}; now {setup}: give another --out"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, setup)


def train(name: str, args: argparse.Namespace, data: Samples, split: Split) -> None:
    """Train to the budget or until validation stops improving, and write NAME.pt; nothing if it is there."""
    out = args.out / f"{name}.pt"
    if out.exists():
        return
    options = TrainOptions(
        data=tuple(args.data),
        out=str(out),
        arch=name,
        samples=args.samples,
        lr=args.rate or RATES[name],
        evaluate_every=args.every,
        patience=args.patience,
        device="cpu",
        precision=args.precision,
    )
    trainer = Trainer(options, Group(torch.device("cpu")), data, split)
    trainer.resume()
    trainer.fit(lambda entry: print(json.dumps({"name": name, **entry}), flush=True))
    meta = {
        "history": trainer.history,
        "rate": options.lr,
        "precision": options.precision,
        "finished": trainer.progress.step >= trainer.steps,
    }
    networks.save(out, trainer.network, meta)
    Path(options.checkpoint()).unlink()


def read(name: str, folder: Path) -> Optional[Tuple[GraspNetwork, Dict[str, Any]]]:
    """The best weights so far, and how they came about: of a finished run, or of a checkpoint. None if neither is."""
    path = folder / f"{name}.pt"
    if path.exists():
        network, meta = networks.load(path, "cpu")
        return network, {**meta, "state": "whole budget" if meta["finished"] else "stopped early"}
    if not path.with_suffix(".ckpt").exists():
        return None
    saved = networks.read_plain(path.with_suffix(".ckpt"))
    network = GraspNetwork(name).eval()
    network.load_state_dict(saved["best"])
    options = saved["options"]
    kept = {"history": json.loads(saved["history"]), "rate": options["lr"], "precision": options["precision"]}
    return network, {**kept, "state": "under way"}


def measured(folder: Path, data: Samples, split: Split) -> List[Dict[str, Any]]:
    """A row of the table for each architecture that has begun; those that have not gone on are as they were."""
    path = folder / "architectures.json"
    rows = {row["name"]: row for row in (read_json(path)["rows"] if path.exists() else [])}
    for name in RATES:
        found = read(name, folder)
        known = rows.get(name, {})
        if found is not None and any(known.get(k) != found[1][k] for k in ("history", "state")):
            rows[name] = measure(name, *found, data, split)
            write_json(path, {"commit": resources.source_commit(), "rows": list(rows.values())})
    return [rows[name] for name in RATES if name in rows]


def measure(name: str, network: GraspNetwork, meta: Dict[str, Any], data: Samples, split: Split) -> Dict[str, Any]:
    """A row of the table."""
    logits, labels = predict(network, data, split.test)
    batch, one = cpu_time(network, PLAN), cpu_time(network, 1)
    return {
        "name": name,
        "parameters": networks.count_parameters(network),
        "mflops": networks.flops(network) / 1e6,
        **with_intervals(logits, labels, data.objects[split.test]),
        "us_a_crop": 1e6 * batch / PLAN,
        "ms_one_crop": 1e3 * one,
        **{k: meta[k] for k in ("state", "rate", "precision", "history")},
    }


def predict(network: GraspNetwork, data: Samples, index: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Logits and labels (N,) of samples (N,)."""
    logits, labels = [], []
    with torch.inference_mode():
        for part in np.array_split(index, max(1, len(index) // 500)):
            batch = data.__getitems__(part)
            logits.append(network(batch["crops"], batch["conditions"]).numpy())
            labels.append(batch["labels"].numpy())
    return np.concatenate(logits), np.concatenate(labels)


def with_intervals(logits: np.ndarray, labels: np.ndarray, objects: np.ndarray) -> Dict[str, Any]:
    """AP and AUC, and 95 % of their bootstrap over objects."""
    success, drawn = labels >= 0.5, list(metrics.resample_objects(objects, RESAMPLES))
    row: Dict[str, Any] = {"test": {"samples": len(labels), "objects": len(np.unique(objects))}}
    for name, measure in (("ap", metrics.average_precision), ("auc", metrics.roc_auc)):
        low, high = np.percentile([measure(success[i], logits[i]) for i in drawn], [2.5, 97.5]).tolist()
        row[name] = {"value": measure(success, logits), "low": low, "high": high}
    return row


def cpu_time(network: GraspNetwork, count: int, repeats: int = 9) -> float:
    """CPU seconds of one thread for `count` crops in the form that the planner uses, the median."""
    model = networks.for_planning(network)
    batch = torch.rand(count, 1, crops.SIZE, crops.SIZE), torch.rand(count, CONDITIONS)
    times = []
    with torch.inference_mode():
        for _ in range(repeats + 2):
            began = time.process_time()
            model(*batch)
            times.append(time.process_time() - began)
    return float(np.median(times[2:]))


def points(history: List[Dict[str, float]]) -> List[Tuple[float, float]]:
    return [(entry["samples"], entry["validation_auc"]) for entry in history]


def table(rows: List[Dict[str, Any]]) -> str:
    head = ["architecture", "parameters", "MFLOP", "AP [95 %]", "AUC [95 %]"]
    head += ["us a crop of 400", "ms one crop", "samples"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in rows:
        values = ["{value:.4f} [{low:.4f}, {high:.4f}]".format(**row[k]) for k in ("ap", "auc")]
        done = f"{int(row['history'][-1]['samples']):,}, {row['state']}"
        cells = [row["name"], f"{row['parameters']:,}", f"{row['mflops']:.1f}", *values]
        cells += [f"{row['us_a_crop']:.0f}", f"{row['ms_one_crop']:.2f}", done]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)
    main()
