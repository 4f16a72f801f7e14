"""Compare a model with a more general one, on the same samples and picks of objects that neither was trained on:
`python -m antipodal.compare models/mine.pt --against models/default.pt --out DIR` prints a section for its card.
"""

from __future__ import annotations

from antipodal.errors import InputError, check_outputs, command_parser, end_when_interrupted, number_within, run_command

if __name__ == "__main__":
    end_when_interrupted()  # before the imports, which take seconds

import argparse
import hashlib
import sys
from dataclasses import asdict, astuple, dataclass, replace
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
import torch

from antipodal import networks, report, resources
from antipodal.backends import say_when_compiling
from antipodal.camera import Camera
from antipodal.files import options_from_dict, write_result
from antipodal.grasp import Gripper
from antipodal.networks.suction_crops import is_suction
from antipodal.sim.evaluate import evaluate, plain_options, read_trials
from antipodal.sim.report import summarise, wilson
from antipodal.sim.report_page import add_picks, options_table
from antipodal.sim.trials import Job, Replayed, Runner, TrialOptions
from antipodal.synth.images.noise import NoiseOptions
from antipodal.synth.objects.meshes import UNITS
from antipodal.synth.shards import crop_of
from antipodal.training import metrics
from antipodal.training.samples import Samples, open_folders, split_by_object
from antipodal.training.trainer import shuffled

TEST_SAMPLES = 50_000
RESAMPLES = 500
Rows = Dict[str, List[List[Optional[float]]]]  # by measure, value and interval of two models and of their difference
MEASURES = {"AP": metrics.average_precision, "AUC": metrics.roc_auc}


@dataclass(frozen=True)
class Held:
    """Picks of the same scenes by two models: how many both held, and how many only one held."""

    scenes: int = 0
    both: int = 0
    first: int = 0
    second: int = 0

    def __add__(self, other: Held) -> Held:
        return Held(*(a + b for a, b in zip(astuple(self), astuple(other))))


@dataclass(frozen=True)
class Trials:
    """Picks of a model in scenes of one folder of data."""

    options: TrialOptions
    rows: List[dict]  # as `Runner.run` returns them

    def held(self) -> Dict[int, bool]:
        """Whether the pick of each scene held."""
        return {r["scene"]: r["picks"][0]["kind"] == "held" for r in self.rows if r.get("picks")}


Pairs = Sequence[Tuple[Trials, Trials]]  # of both models, for each folder of data


def compare(model: Path, against: Path, out: Path, scenes: int, workers: int) -> str:
    """The comparison as a Markdown section of the card, see `measure_both`."""
    return section(*names_apart(model, against), *measure_both(model, against, out, scenes, workers)[:2])


def names_apart(first: Path, second: Path) -> Tuple[str, str]:
    """What two models are called: by their files' names, or by their paths where the names are the same."""
    if first.name != second.name:
        return first.name, second.name
    return (str(first), str(second) if second != first else f"{second} again")


def measure_both(model: Path, against: Path, out: Path, scenes: int, workers: int) -> Tuple[Rows, Held, Pairs]:
    """Measures of two models on test samples, and their picks, counted and one by one. out: folder for trials and
    pictures of failures; a stopped run continues from it. Raises InputError if the model does not name its data, or if
    these have changed."""
    _, meta = networks.load(model, "cpu")
    if "options" not in meta or not all(Path(d).is_dir() for d in meta["options"].get("data", ["?"])):
        raise InputError(f"{model} was not trained here: its data are needed, to know which objects it has not seen")
    samples = open_folders(meta["options"]["data"], meta["options"].get("arch", ""))
    if samples.digest() != meta["data"]["digest"]:
        raise InputError(f"the data that {model} was trained on have changed since")
    test = split_by_object(samples, meta["options"]["split_seed"]).test
    rows = on_samples([model, against], samples, shuffled(test, 0)[:TEST_SAMPLES])
    pairs = in_picks([model, against], samples, test, out, scenes, workers)
    return rows, sum((count(first.held(), second.held()) for first, second in pairs), Held()), pairs


def write_comparison_page(
    path: Path,
    first: str,
    second: str,
    rows: Rows,
    held: Held,
    pairs: Pairs = (),
) -> None:
    """The comparison as an HTML report; the worst failures are picked again for it."""
    page = report.Report(f"{first} against {second}", "Objects that neither of the two was trained on")
    for n, (name, alone) in enumerate(((first, held.first), (second, held.second))):
        low, high = wilson(held.both + alone, held.scenes)
        rate = f"{100 * (held.both + alone) / max(held.scenes, 1):.1f} %"
        picks = [("picks held", rate, f"{100 * low:.1f} to {100 * high:.1f} %, of {held.scenes}")]
        shown = [(m, f"{v[n][0]:.4f}", _interval(*v[n][1:])) for m, v in rows.items()]
        page.section(name, report.cards([*shown, *(picks if held.scenes else [])]))
    cells = [[m, *map(_with_interval, v)] for m, v in rows.items()]
    page.section("Same test samples", report.html_table(["measure", first, second, "difference"], cells))
    if held.scenes:
        _add_counts(page, first, second, held)
    if pairs:
        _add_trials(page, (first, second), pairs)
    page.section("How", report.text("Intervals are 95 %: bootstrap over objects for samples, Wilson for picks."))
    page.write(path)


def _add_counts(page: report.Report, first: str, second: str, held: Held) -> None:
    """The section on how many scenes each model held."""
    neither = held.scenes - held.both - held.first - held.second
    outcomes = {"both": held.both, f"only {first}": held.first, f"only {second}": held.second, "neither": neither}
    colours = dict(zip(outcomes, ("#3f9b5d", *report.COLOURS[:2], "#b4435a")))
    counts = report.html_table(["held by", "scenes"], [[k, str(n)] for k, n in outcomes.items()])
    page.section("Same scenes", report.key(colours), report.shares(outcomes, colours), counts)


def _add_trials(page: report.Report, names: Tuple[str, str], pairs: Pairs) -> None:
    """The sections on picks, each model for a policy."""
    parts = [(name, trials) for pair in pairs for name, trials in zip(names, pair)]
    runners = [Runner(trials.options) for _, trials in parts]
    rows = [{**row, "policy": name, "part": k} for k, (name, trials) in enumerate(parts) for row in trials.rows]

    def replay(row: dict, attempt: int) -> Replayed:
        return runners[row["part"]].replay(Job(row["scene"], "antipodal"), attempt)

    def mesh(name: str) -> Any:
        return next(runner.mesh(name) for runner in runners if name in runner.names)

    add_picks(page, summarise(rows), rows, replay, mesh)
    text = ", ".join(f"{Path(one.options.objects).name} with {one.options.gripper.name}" for one, _ in pairs)
    page.section("Picked", report.text(f"{text}; one object a scene, no mask"))
    page.section("Card", *(_card(*pair) for pair in pairs))


def _card(first: Trials, second: Trials) -> str:
    """The options of both models' picks in the same scenes; where they differ both values."""
    values, others = plain_options(first.options), plain_options(second.options)
    return options_table({k: v if v == others[k] else f"{v} and {others[k]}" for k, v in values.items()})


def on_samples(models: Sequence[Path], samples: Samples, test: np.ndarray) -> Rows:
    """Value and bootstrap interval, over objects, of each measure for two models and for their difference; None for the
    ends of the interval of one object."""
    logits, labels = [predict(m, samples, test) for m in models], samples.__getitems__(test)["labels"].numpy()
    objects = samples.objects[test]
    drawn = list(metrics.resample_objects(objects, RESAMPLES)) if len(np.unique(objects)) > 1 else []
    success, rows = labels >= 0.5, {}
    for name, measure in MEASURES.items():
        whole = np.array([measure(success, one) for one in logits])
        whole = np.append(whole, whole[0] - whole[1])
        if not drawn:
            rows[name] = [[value, None, None] for value in whole.tolist()]
            continue
        resampled = np.array([[measure(success[i], one[i]) for one in logits] for i in drawn])
        values = np.column_stack([resampled, resampled[:, 0] - resampled[:, 1]])
        low, high = np.percentile(values, [2.5, 97.5], axis=0)
        rows[name] = np.stack([whole, low, high], axis=1).tolist()
    return rows


def predict(model: Path, samples: Samples, index: np.ndarray) -> np.ndarray:
    """Logits (N,) of samples (N,)."""
    network, meta = networks.load(model, "cpu")
    if (meta["crop"]["input"] == networks.PIXEL_CROP) != (samples.pixels is not None):
        raise InputError(
            f"{model} takes a {meta['crop']['input']}, which the samples are not; compare models of one kind"
        )
    parts = np.array_split(index, max(1, len(index) // 1000))
    with torch.inference_mode():
        batches = (samples.__getitems__(part) for part in parts)
        return np.concatenate([network(b["crops"], b["conditions"]).numpy() for b in batches])


def in_picks(models: Sequence[Path], samples: Samples, test: np.ndarray, out: Path, scenes: int, workers: int) -> Pairs:
    """Picks of the simulated cell by two models, `scenes` each, shared evenly by the folders of data: their gripper,
    camera, sensor errors, and of their objects those of the test part. Procedural ones are of a series of their own."""
    kept_out, pairs = set(samples.names[np.unique(samples.objects[test])]), []
    for i, data in enumerate(samples.datasets):
        share = scenes * (i + 1) // len(samples.datasets) - scenes * i // len(samples.datasets)
        options = trial_options(data.manifest, kept_out)
        if share:
            logs = [out / f"{i}-{m.stem}-{_digest(m)}.json" for m in models]
            first, second = (_trials(options, m, log, share, workers) for m, log in zip(models, logs))
            pairs.append((first, second))
    return pairs


def trial_options(manifest: Dict[str, Any], kept_out: set) -> TrialOptions:
    """Trials with the gripper and camera of a generator run, on its held-out objects."""
    run = manifest["run"]
    if is_suction(crop_of(run)):
        raise InputError(f"{run['gripper']['name']} is a suction cup: compare its models by antipodal.sim.evaluate")
    mine = tuple(m["name"] for m in manifest["meshes"] if m["name"] in kept_out)
    low, high = run["options"]["cameras"]["radius"]
    return TrialOptions(
        objects=run["meshes"],
        only=() if run["meshes"].startswith("procedural") else mine,
        gripper=Gripper(**run["gripper"]),
        camera=Camera(**run["camera"]),
        height=(low + high) / 2,
        noise=options_from_dict(NoiseOptions, run["options"]["noise"]),
        mask=False,
        units=units_of(manifest.get("mesh_options", {}).get("scale", 1.0)),
    )


def units_of(scale: float) -> str:
    """The name of the mesh files' units, of which one is so many metres."""
    for name, size in UNITS.items():
        if np.isclose(scale, size):
            return name
    raise InputError(f"the data's meshes were scaled by {scale:g}, which is no unit of the cell: {', '.join(UNITS)}")


def _trials(options: TrialOptions, model: Path, out: Path, scenes: int, workers: int) -> Trials:
    """The picks of a model in so many scenes."""
    options = replace(options, model=str(model))
    evaluate(options, ["antipodal"], scenes, out, workers)
    rows = read_trials(out.with_suffix(".jsonl"), options)
    return Trials(options, [row for row in rows if row["scene"] < scenes])


def _digest(file: Path) -> str:
    """Digest of a file; a new model starts new trials."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:8]


def count(first: Dict[int, bool], second: Dict[int, bool]) -> Held:
    """Counts over the scenes that both models tried."""
    pairs = [(first[i], second[i]) for i in first if i in second]
    return Held(len(pairs), *(sum(p == want for p in pairs) for want in ((True, True), (True, False), (False, True))))


def section(first: str, second: str, rows: Rows, held: Held) -> str:
    """The card's section."""
    lines = [
        "## Against the general model",
        f"| objects kept out | {first} | {second} | difference |",
        "|---|---|---|---|",
    ]
    for name, values in rows.items():
        lines.append(f"| {name}, same test samples | {' | '.join(map(_with_interval, values))} |")
    if held.scenes == 0:
        return "\n".join([*lines, "", "Intervals (95 %): bootstrap over objects."])
    rates = [_rate_text(held.both + alone, held.scenes) for alone in (held.first, held.second)]
    lines.append(f"| picks held, same {held.scenes} scenes | {' | '.join(rates)} | {held.first - held.second:+d} |")
    lines += ["", f"Only {first} held in {held.first} of the scenes, only {second} in {held.second}. Intervals (95 %):"]
    lines += [
        "bootstrap over objects for samples, Wilson for picks; those are of the simulated cell, one object, no mask."
    ]
    return "\n".join(lines)


def _with_interval(value: List[Optional[float]]) -> str:
    """A measure and its interval."""
    middle, low, high = value
    return f"{middle:.4f} " + (f"({_interval(low, high)})" if low is None else f"[{low:.4f}, {high:.4f}]")


def _interval(low: Optional[float], high: Optional[float]) -> str:
    return "one object: no interval" if low is None else f"{low:.4f} to {high:.4f}"


def _rate_text(successes: int, n: int) -> str:
    low, high = wilson(successes, n)
    return f"{100 * successes / max(n, 1):.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


def main(arguments: Optional[List[str]] = None) -> int:
    args = _parser().parse_args(arguments)
    check_outputs(args, ("json", "report"), ("out",), ("model", "against"))
    say_when_compiling()
    against = resources.locate("models", args.against)
    names = names_apart(args.model, against)
    rows, held, pairs = measure_both(args.model, against, args.out, args.scenes, args.workers)
    if args.json:
        write_result(args.json, {"models": [str(args.model), str(against)], "samples": rows, "picks": asdict(held)})
    if args.json != "-":
        print(section(*names, rows, held))
    if args.report is not None:
        write_comparison_page(args.report, *names, rows, held, pairs)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "compare",
        "Compare two models on the same samples and picks, of objects that neither was trained on.",
        "mine.pt --out out/mine",
        "mine.pt --against default --out out/mine --scenes 200 --workers 8",
    )
    parser.add_argument("model", type=Path, help="model file that was trained here; its data must still be there")
    parser.add_argument("--against", default="default", help="model file, or a name (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="folder for trials and pictures of failures")
    parser.add_argument("--scenes", type=number_within(int, 0), default=60, help="picks by each model (default: 60)")
    parser.add_argument("--workers", type=number_within(int, 1, 4096), default=1, help="processes (default: 1)")
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON; -: to standard output")
    parser.add_argument("--report", type=Path, help="HTML report to write, one file for a browser")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
