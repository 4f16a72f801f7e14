"""Compares local SGD, which averages the processes every K steps, with averaging every gradient (DDP).

python benchmarks/averaging.py --data DIR... --out DIR [--seeds 3] [--samples 480000] [--every-steps 16 64] [--runs N]
Two processes on the CPU, the same samples in the same order. Prints test log loss, AUC and AP of each, and the mean
difference from DDP over seeds with Student's interval; writes averaging.json.
"""

from __future__ import annotations

from typing import Any, Dict, List

from runs import Run, complete, mean_interval, parser

from antipodal.files import write_json

MEASURES = ("log_loss", "auc", "ap")


def main() -> None:
    arguments = parser(__doc__ or "", samples=480_000, every=120_000)
    arguments.add_argument("--every-steps", nargs="+", type=int, default=[16], help="steps between two averages")
    args = arguments.parse_args()
    variants = {"ddp": ["--average", "gradients"]}
    variants.update({f"local{k}": ["--average", "local", "--average-every", str(k)] for k in args.every_steps})
    runs = [Run(name, flags, seed, 2) for seed in range(args.seeds) for name, flags in variants.items()]
    metas = complete(args, runs)
    rows = [summary(name, metas, args.seeds) for name in variants]
    write_json(args.out / "averaging.json", {"rows": rows})
    print(table(rows))


def summary(variant: str, metas: Dict[str, Dict[str, Any]], seeds: int) -> Dict[str, Any]:
    """Means over the seeds that have both the variant and DDP, and the differences by seed."""
    paired = [i for i in range(seeds) if f"{variant}-{i}" in metas and f"ddp-{i}" in metas]
    row: Dict[str, Any] = {"variant": variant, "seeds": len(paired)}
    for measure in MEASURES:
        own = [metas[f"{variant}-{i}"]["metrics"][measure] for i in paired]
        ddp = [metas[f"ddp-{i}"]["metrics"][measure] for i in paired]
        row[measure] = mean_interval(own)[0]
        row[f"{measure}_minus_ddp"] = mean_interval([a - b for a, b in zip(own, ddp)])
    return row


def table(rows: List[Dict[str, Any]]) -> str:
    lines = ["| variant | seeds | " + " | ".join(f"test {m} | less DDP's [95 %]" for m in MEASURES) + " |"]
    lines.append("|---|---|" + "---|---|" * len(MEASURES))
    for row in rows:
        cells = [row["variant"], str(row["seeds"])]
        for measure in MEASURES:
            mean, low, high = row[f"{measure}_minus_ddp"]
            cells += [f"{row[measure]:.4f}", f"{mean:+.4f} [{low:+.4f}, {high:+.4f}]"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
