"""Does importance sampling save training samples? Validation loss against samples processed, by sampler and seed.

python benchmarks/sampling.py --data DIR... --out DIR [--seeds 3] [--samples 1200000] [--runs N]
The target of a seed is the best validation loss of its uniform run; the ratio is samples to reach it, over those that
the uniform run took. Both runs have the same weights at first, and the same schedule of the learning rate, which falls
with the budget: a ratio above 1 cannot be measured, only that the target was missed. Writes sampling.json and .png.
"""

from __future__ import annotations

import math
from typing import Any, Dict, List

import numpy as np
from pictures import draw_lines
from runs import Run, complete, curve, mean_interval, parser

from antipodal.files import write_json

SAMPLERS = ("importance", "importance_floor", "importance_corrected")


def main() -> None:
    arguments = parser(__doc__ or "", samples=1_200_000, every=60_000)
    arguments.add_argument("--samplers", nargs="+", default=["importance", "importance_floor"], choices=SAMPLERS)
    args = arguments.parse_args()
    samplers = ["uniform", *args.samplers]
    runs = [Run(s, ["--sampler", s], seed) for seed in range(args.seeds) for s in samplers]
    metas = complete(args, runs)
    results = [compare(metas, s, args.seeds) for s in args.samplers]
    curves = {f"{r.variant}/{r.seed}": curve(metas[r.name]).tolist() for r in runs if r.name in metas}
    write_json(args.out / "sampling.json", {"results": results, "curves": curves})
    draw_lines(args.out / "sampling.png", curves, "training samples processed", "validation loss [nat]")
    print(table(results))


def compare(metas: Dict[str, Dict[str, Any]], sampler: str, seeds: int) -> Dict[str, Any]:
    """A sampler against uniform, over the seeds that have both runs."""
    pairs = [(f"uniform-{i}", f"{sampler}-{i}") for i in range(seeds)]
    pairs = [p for p in pairs if p[0] in metas and p[1] in metas]
    both = [[curve(metas[name]) for name in pair] for pair in pairs]
    ratios = [ratio(uniform, other) for uniform, other in both]
    reached = [math.log(r) for r in ratios if math.isfinite(r)]
    gain = [other[:, 1].min() - uniform[:, 1].min() for uniform, other in both]
    test = {k: [metas[b]["metrics"][k] - metas[a]["metrics"][k] for a, b in pairs] for k in ("auc", "ap", "log_loss")}
    return {
        "sampler": sampler,
        "seeds": len(pairs),
        "ratios": [r if math.isfinite(r) else None for r in ratios],
        "ratio_of_those_that_reached": [math.exp(v) for v in mean_interval(reached)] if reached else None,
        "best_validation_loss_minus_uniform": mean_interval(gain),
        **{f"test_{name}_minus_uniform": mean_interval(values) for name, values in test.items()},
    }


def ratio(uniform: np.ndarray, other: np.ndarray) -> float:
    """Samples that `other` took to uniform's best loss, over uniform's; inf where it never got there."""
    best = int(uniform[:, 1].argmin())
    return samples_to(other, uniform[best, 1]) / uniform[best, 0]


def samples_to(curve: np.ndarray, loss: float) -> float:
    """Where a curve (K, 2) first comes down to a loss, linearly between validations; inf where it never does."""
    below = np.flatnonzero(curve[:, 1] <= loss)
    if not len(below):
        return math.inf
    i = int(below[0])
    if i == 0:
        return float(curve[0, 0])
    (x0, y0), (x1, y1) = curve[i - 1], curve[i]
    return float(x0 + (x1 - x0) * (y0 - loss) / (y0 - y1))


def table(results: List[Dict[str, Any]]) -> str:
    lines = [
        "| sampler | seeds | ratio of samples to uniform's best loss | reached | best validation loss - uniform's |"
    ]
    lines[0] += " test AUC - uniform's |"
    lines.append("|---|---|---|---|---|---|")
    for r in results:
        reached = sum(v is not None for v in r["ratios"])
        saved = interval(r["ratio_of_those_that_reached"], "{:.3f}") if reached else "-"
        cells = [r["sampler"], r["seeds"], saved, f"{reached} of {r['seeds']}"]
        cells += [interval(r[k], "{:+.5f}") for k in ("best_validation_loss_minus_uniform", "test_auc_minus_uniform")]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def interval(values: List[float], form: str) -> str:
    mean, low, high = (form.format(v) for v in values)
    return f"{mean} [{low}, {high}]"


if __name__ == "__main__":
    main()
