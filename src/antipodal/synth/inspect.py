"""Look at a run: python -m antipodal.synth.inspect DIR [--png OUT]. Prints its balance, the histogram of its labels and
a table of its meshes, checks every checksum, and draws crops of both kinds with the jaws."""

from __future__ import annotations

from antipodal.errors import BAD_INPUT, check_outputs, command_parser, end_when_interrupted, run_command

if __name__ == "__main__":
    end_when_interrupted()  # before the imports, which take seconds

import sys
from pathlib import Path
from typing import Any, List, Optional, Sequence, Tuple

import cv2
import numpy as np

from antipodal import report as html
from antipodal.files import write_result
from antipodal.networks.crops import EXTENT, SIZE
from antipodal.networks.suction_crops import SIDE, SUCTION_SIZE, is_suction
from antipodal.synth.shards import WHOLE, ShardDataset, column, damaged, read_manifest, shard_folders

BINS = 10
MOST_ROWS = 300  # of a table in the HTML report
CROPS = (
    "Near is bright, the open jaws or the lip are red, above each its label: crops that hold, that fail, that are hit "
    "on the way."
)


def report(folder: Path, most_meshes: int = 40) -> List[str]:
    """What the run holds, in lines of text."""
    manifest, labels = read_manifest(folder, WHOLE), column(folder, "labels")
    collision, friction = column(folder, "collision"), column(folder, "friction")
    state = "complete" if manifest["complete"] else "unfinished"
    lines = [
        f"{folder}: {len(labels)} of {manifest['run']['samples']} samples, {state}, seed {manifest['run']['seed']}"
    ]
    lines += [f"label above 0.5: {np.mean(labels > 0.5):.1%}, mean {labels.mean():.3f}"]
    lines += [f"stopped on the way down: {collision.mean():.1%}; of the rest {np.mean(labels[~collision]):.3f} hold"]
    held = friction[~collision]
    lines += ["friction needed: " + ", ".join(f"{np.mean(held <= f):.0%} at most {f}" for f in (0.1, 0.3, 0.5, 1.0))]
    return lines + histogram(labels) + mesh_table(manifest, folder, most_meshes)


def figures(folder: Path) -> dict:
    """What the run holds, as plain values."""
    manifest, labels, which = read_manifest(folder, WHOLE), column(folder, "labels"), column(folder, "objects")
    names = [m["name"] for m in manifest["meshes"]]
    return {
        "samples": len(labels),
        "wanted": manifest["run"]["samples"],
        "complete": manifest["complete"],
        "above_half": float(np.mean(labels > 0.5)),
        "mean_label": float(labels.mean()),
        "collision": float(column(folder, "collision").mean()),
        "histogram": np.histogram(labels, BINS, (0, 1))[0].tolist(),
        "meshes": {names[i]: {"samples": int((which == i).sum())} for i in np.unique(which)},
        "not_used": {m["name"]: m["status"] for m in manifest["meshes"] if m["status"] != "used"},
    }


def histogram(labels: np.ndarray, width: int = 50) -> List[str]:
    counts = np.histogram(labels, BINS, (0, 1))[0]
    bars = ["#" * round(width * n / counts.max()) for n in counts]
    return ["labels:"] + [f"  {i / BINS:.1f} {n:>9} {bar}" for i, (n, bar) in enumerate(zip(counts, bars))]


def mesh_table(manifest: dict, folder: Path, most: int) -> List[str]:
    """Samples and mean label of each mesh, the poorest first, and why others are not used."""
    which, labels = column(folder, "objects"), column(folder, "labels")
    count = np.bincount(which, minlength=len(manifest["meshes"]))
    mean = np.bincount(which, weights=labels, minlength=len(count)) / np.maximum(count, 1)
    order = [i for i in np.argsort(mean, kind="stable") if count[i]]
    lines = [f"meshes: {len(order)} of {len(count)} seen"]
    lines += [f"  {mean[i]:.2f} {count[i]:>8}  {manifest['meshes'][i]['name']}" for i in order[:most]]
    lines += [f"  ... {len(order) - most} more"] if len(order) > most else []
    refused = [m for m in manifest["meshes"] if m["status"] != "used"]
    return lines + [f"  not used: {m['name']}: {m['status']}" for m in refused]


def write_data_page(path: Path, folder: Path, sheet: Path, faults: List[str]) -> None:
    """The report as one HTML file, with the sheet of crops."""
    manifest, labels, collision = (
        read_manifest(folder, WHOLE),
        column(folder, "labels"),
        column(folder, "collision"),
    )
    lead = f"{len(labels):,} of {manifest['run']['samples']:,} samples, gripper {manifest['run']['gripper']['name']}"
    page = html.Report(f"Training data {folder.name}", lead)
    which, good, hit = column(folder, "objects"), np.mean(labels > 0.5), collision.mean()
    held = [
        ("label above 0.5", f"{good:.1%}", f"mean {labels.mean():.3f}"),
        ("stopped on the way down", f"{hit:.1%}", ""),
    ]
    page.section("Labels", html.cards(held), html.charts(*_charts(folder, labels, collision)))
    page.section("Crops", html.text(CROPS), html.image(read_picture(sheet), 1000))
    data, best = ShardDataset(folder), _best_of_meshes(which, labels)
    rows = [
        [
            html.image(_crop_picture(data, int(best[i])), 72),
            manifest["meshes"][i]["name"],
            f"{n:,}",
            f"{labels[which == i].mean():.2f}",
        ]
        for i, n in _samples_of_meshes(which)[:MOST_ROWS]
    ]
    table = html.html_table(["", "mesh", "samples", "mean label"], rows, html=(0,))
    page.section("Objects", html.text("Each with the crop of its best label."), table)
    refused = [[m["name"], m["status"]] for m in manifest["meshes"] if m["status"] != "used"]
    page.section("Not used", html.html_table(["mesh", "why"], refused[:MOST_ROWS]) if refused else "")
    page.section("Checksums", *(html.text(line) for line in faults or ["all agree"]))
    options = [[k, str(v)[:300]] for k, v in manifest["run"].items()]
    page.section("Card", html.html_table(["option", "value"], options, numbers=False))
    page.write(path)


def _charts(folder: Path, labels: np.ndarray, collision: np.ndarray) -> List[str]:
    friction = column(folder, "friction")[~collision]
    needed = [(f, float(np.mean(friction <= f))) for f in np.linspace(0, 1, 41)]
    return [
        html.histogram_chart("Labels", labels, "P(success)"),
        html.histogram_chart(*_lengths(folder), "mm"),
        html.line_chart("Held, by the friction that is needed", {"": needed}, "friction", "share", square=True),
    ]


def _lengths(folder: Path) -> Tuple[str, np.ndarray]:
    """A quantity of the grasps in millimetres, and its name: openings, or where there are none, heights."""
    fields = read_manifest(folder).get("fields", {"width": ""})
    name, title = ("width", "Openings") if "width" in fields else ("height", "Heights")
    return title, 1e3 * column(folder, name)


def _samples_of_meshes(which: np.ndarray) -> List[Tuple[int, int]]:
    """Meshes and their samples, the most often seen first."""
    count = np.bincount(which)
    return [(int(i), int(count[i])) for i in np.argsort(-count, kind="stable") if count[i]]


def _best_of_meshes(which: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The sample with the highest label of every mesh; 0 of those without samples."""
    order = np.argsort(labels, kind="stable")
    best = np.zeros(which.max() + 1, int)
    best[which[order]] = order  # the last one counts
    return best


def _crop_picture(data: ShardDataset, index: int) -> np.ndarray:
    """The crop of a sample (72, 72, 3) uint8 RGB, what is near or high is bright."""
    shade = np.clip(_brightness(data, data[index]), -1, 1)
    grey = np.round(127.5 + 127.5 * shade).astype(np.uint8)
    return np.repeat(cv2.resize(grey, (72, 72))[..., None], 3, axis=2)


def _brightness(data: ShardDataset, sample: dict) -> np.ndarray:
    """A sample's crop (H, H) in about [-1, 1], bright what is high over the tangent plane, or near: of Dex-Net's crops
    0.1 m around the gripper's depth."""
    crop = np.asarray(sample["crops"][0])
    if is_suction(data.crop):
        return crop
    return -2 * crop if data.pixels is None else (np.asarray(sample["conditions"]) - crop) / 0.05


def read_picture(path: Path) -> np.ndarray:
    """A picture (H, W, 3) uint8 RGB."""
    return cv2.imread(str(path))[..., ::-1]


def check(folder: Path) -> List[str]:
    """A line for every array that is damaged or missing."""
    return [f"damaged: {shard / name}.npy" for shard in shard_folders(folder) for name in damaged(shard)]


def crop_sheet(folder: Path, path: Path, rows: int = 6, columns: int = 10, seed: int = 0) -> None:
    """Crops that hold in the upper half, that fail in the lower, free of collision first, the open jaws in red."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    data, rng = ShardDataset(folder), np.random.default_rng(seed)
    collision = column(folder, "collision")
    kinds = [data.labels > 0.75, (data.labels < 0.25) & ~collision, collision]
    figure = Figure(figsize=(1.1 * columns, 1.25 * rows))
    for i in range(rows):
        chosen = np.flatnonzero(kinds[i * len(kinds) // rows])
        for j, n in enumerate(rng.choice(chosen, min(columns, len(chosen)), replace=False)):
            _draw_crop(figure.add_subplot(rows, columns, i * columns + j + 1), data, data[int(n)])
    figure.subplots_adjust(0.01, 0.01, 0.99, 0.95, 0.05, 0.2)
    FigureCanvasAgg(figure).print_png(str(path))


def _draw_crop(axes: Any, data: ShardDataset, sample: dict) -> None:
    """One crop with the hand that comes down there, and its label; Dex-Net's crops do not tell the opening."""
    axes.imshow(_brightness(data, sample), cmap="gray", vmin=-1, vmax=1)
    if is_suction(data.crop):
        _draw_lip(axes)
    elif data.pixels is None:
        _draw_jaws(axes, sample)
    axes.set_title(f"{float(sample['labels']):.2f}", fontsize=7, pad=2)
    axes.axis("off")


def _draw_lip(axes: Any) -> None:
    from matplotlib.patches import Circle

    middle = (SUCTION_SIZE - 1) / 2
    axes.add_patch(Circle((middle, middle), SUCTION_SIZE / SIDE, fill=False, edgecolor="red"))


def _draw_jaws(axes: Any, sample: dict) -> None:
    """The jaws' footprints."""
    from matplotlib.patches import Rectangle

    width, thickness, across, _ = (sample["conditions"] * SIZE / EXTENT).tolist()  # in pixels
    middle = (SIZE - 1) / 2
    for x in (middle - width / 2 - thickness, middle + width / 2):
        axes.add_patch(Rectangle((x, middle - across / 2), thickness, across, fill=False, edgecolor="red"))


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = command_parser(
        "inspect",
        "Look at training data: its balance, labels, meshes and checksums, and a picture of crops of both kinds.",
        "data/mine",
        "data/mine --json -",
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--png", type=Path, help="contact sheet; FOLDER/crop_sheet.png unless told")
    parser.add_argument("--report", type=Path, help="HTML report to write, one file for a browser")
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON; -: to standard output")
    args = parser.parse_args(arguments)
    if not args.folder.is_dir():
        read_manifest(args.folder)  # which says what is needed; else a complaint of the pictures comes first
    args.png = args.png or args.folder / "crop_sheet.png"
    check_outputs(args, ("json", "png", "report"), beside={"the manifest": args.folder / "manifest.json"})
    faults = check(args.folder)
    if args.json:
        write_result(args.json, {**figures(args.folder), "damaged": faults})
    if args.json != "-":
        print("\n".join([*report(args.folder), *(faults or ["all checksums agree"])]))
    crop_sheet(args.folder, args.png)
    if args.report is not None:
        write_data_page(args.report, args.folder, args.png, faults)
    return BAD_INPUT if faults else 0


if __name__ == "__main__":
    sys.exit(run_command(main))
