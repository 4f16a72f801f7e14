"""Draws the figures of docs/how_it_works.md from one plan on an image of the examples: scripts/figures.py [FOLDER]

stages.png: the stages of the plan. crops.png: what the network saw of some of its grasps.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.patches import Patch

from antipodal.files import write_file
from antipodal.grasp import Gripper
from antipodal.grasping.draw import overlay, quality_colour, shade
from antipodal.perception.depth_files import read_with_camera
from antipodal.perception.pixel_kinds import KINDS, kinds_of
from antipodal.planner import GraspPlanner
from antipodal.planning.trace import Trace
from antipodal.viewer.crop_pictures import enlarged_crop

REPO = Path(__file__).resolve().parents[1]
DATA = REPO / "examples" / "data"
CROPS = 8
WINDOW = (slice(110, 360), slice(150, 480))  # of the image: the heap


def main() -> None:
    folder = Path(sys.argv[1]) if sys.argv[1:] else REPO / "docs"
    depth, camera = read_with_camera(DATA / "heap" / "left.png", DATA / "camera.json")
    planner, trace = GraspPlanner.load("default", Gripper.load("robotiq_2f85"), "cpu"), Trace()
    plan = planner.plan(depth, camera, trace=trace)
    save(folder / "stages.png", draw_stages(plan, depth, camera, planner.gripper, trace))
    save(folder / "crops.png", draw_crops(trace, planner.gripper))


def save(path: Path, figure) -> None:
    write_file(path, lambda file: figure.savefig(file, dpi=90, format="png"))
    plt.close(figure)


def draw_stages(plan, depth, camera, gripper, trace):
    """Six panels: image, what it was taken for, pairs in the view, where the search starts and ends, the grasps."""
    figure, axes = plt.subplots(2, 3, figsize=(11, 6.6), constrained_layout=True)
    image, kinds, pairs, first, last, result = axes.ravel()
    image.imshow(shade(depth)[WINDOW])
    image.set_title("1  the depth image, cropped")
    kinds.imshow(np.array([colour for colour, _ in KINDS.values()])[kinds_of(trace.scene, camera)][WINDOW])
    kinds.legend(handles=[Patch(color=np.divide(c, 255), label=n) for c, n in KINDS.values()], fontsize=7, loc=4)
    kinds.set_title("2  what each pixel was taken for")
    draw_pairs(pairs, trace)
    pairs.set_title("3  antipodal pairs in the view")
    draw_batch(first, trace, 0)
    first.set_title("4  where the gripper fits, scored")
    draw_batch(last, trace, len(trace.batches) - 1)
    last.set_title("5  the search's last samples")
    result.imshow(overlay(depth, camera, plan, gripper, plan.candidates)[WINDOW])
    result.set_title("6  the grasps, the best one filled")
    for axis in axes.ravel():
        axis.set_xticks([])
        axis.set_yticks([])
    return figure


def draw_view(axis, trace) -> None:
    """The heights of the orthographic view, around what may be grasped."""
    view = trace.stages.view
    rows, columns = np.nonzero(view.graspable.numpy())
    axis.imshow(-view.depth.numpy(), cmap="gray", vmin=-float(view.table), vmax=-float(view.depth.min()))
    axis.set_xlim(columns.min() - 15, columns.max() + 15)
    axis.set_ylim(rows.max() + 15, rows.min() - 15)


def draw_pairs(axis, trace) -> None:
    """The pairs as lines between their contacts."""
    draw_view(axis, trace)
    pairs = trace.stages.pairs
    way = torch.stack([torch.cos(pairs.angle), torch.sin(pairs.angle)], 1) * pairs.extent[:, None] / 2
    for end in (trace.stages.view.to_cells(pairs.center + s * way).numpy() for s in (-1, 1)):
        axis.plot(*end.T, ".", color="tab:orange", markersize=3)
    ends = [trace.stages.view.to_cells(pairs.center + s * way).numpy() for s in (-1, 1)]
    axis.plot(*np.stack(ends, 1).transpose(2, 1, 0), color="tab:orange", linewidth=0.6)


def draw_batch(axis, trace, batch: int) -> None:
    """The grasps of a batch that the network scored, as long as the jaws are open."""
    draw_view(axis, trace)
    grasps = trace.fitting(batch)
    way = torch.stack([torch.cos(grasps.angle), torch.sin(grasps.angle)], 1) * grasps.width[:, None] / 2
    ends = [trace.stages.view.to_cells(grasps.center[:, :2] + s * way).numpy() for s in (-1, 1)]
    for a, b, quality in zip(*ends, grasps.quality.tolist()):
        axis.plot(*np.stack([a, b], 1), color=np.divide(quality_colour(quality), 255), linewidth=0.9)


def draw_crops(trace, gripper):
    """Crops of grasps of falling P(success), with the jaws where they come down."""
    start = trace.fitting(0)
    order = torch.argsort(start.quality, descending=True)
    chosen = start[order[torch.linspace(0, len(order) - 1, CROPS).long()]]
    crops = trace.score.crops(trace.stages.view, chosen)[:, 0].numpy()
    figure, axes = plt.subplots(1, CROPS, figsize=(12, 1.7), constrained_layout=True)
    for axis, crop, width, quality in zip(axes, crops, chosen.width.tolist(), chosen.quality.tolist()):
        axis.imshow(enlarged_crop(crop, gripper, width))
        axis.set_title(f"P = {quality:.2f}", fontsize=9)
        axis.set_axis_off()
    return figure


if __name__ == "__main__":
    main()
