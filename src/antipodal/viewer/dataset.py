"""The page of training data: one sample after the other, its crop as a surface under the open hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

import numpy as np

from antipodal.errors import InputError
from antipodal.grasp import Gripper
from antipodal.grasping.gripper_boxes import hand_boxes
from antipodal.networks.crops import SIZE, pixel_side
from antipodal.networks.suction_crops import is_suction
from antipodal.viewer import html
from antipodal.viewer.crop_pictures import enlarged_crop

SHOWN = ("all", "holds", "fails", "hits on the way down")
COLUMNS = ("labels", "collision", "friction", "width", "height", "objects", "scene", "view", "grasp")
FAR = 0.99  # of the clip; what is clipped has no true depth


class LabelledSamples:
    """The samples of a run of the generator, read as they are looked at."""

    def __init__(self, folder: Path):
        from antipodal.synth.shards import WHOLE, ShardDataset, column, read_manifest

        self.manifest = read_manifest(folder, WHOLE)
        self.samples = ShardDataset(folder)
        if self.samples.pixels is not None:
            raise InputError(f"{folder} holds Dex-Net's pixel crops, which have no scale in metres: use inspect")
        if is_suction(self.samples.crop):
            raise InputError(f"{folder} holds grasps of a suction cup, which this page does not show: use inspect")
        known = [name for name in COLUMNS if name in self.manifest.get("fields", COLUMNS)]
        self.columns: Dict[str, np.ndarray] = {name: column(folder, name) for name in known}
        self.gripper = Gripper(**self.manifest["run"]["gripper"])

    def chosen(self, shown: str) -> np.ndarray:
        """Indices of the samples of a kind, one of SHOWN."""
        labels, hit = self.columns["labels"], self.columns["collision"]
        masks = {"holds": labels > 0.5, "fails": (labels <= 0.5) & ~hit, "hits on the way down": hit}
        return np.flatnonzero(masks[shown]) if shown in masks else np.arange(len(labels))

    def crop(self, index: int) -> np.ndarray:
        """Depths (SIZE, SIZE) relative to the grasp's, in widest openings."""
        return self.samples[index]["crops"][0].numpy()

    def surface(self, index: int) -> np.ndarray:
        """The crop's surface (N, 3) [m] in the grasp's frame; where it was clipped it is left out."""
        crop = self.crop(index)
        offset = (np.arange(SIZE) + 0.5 - SIZE / 2) * pixel_side(self.gripper)
        along, across = np.meshgrid(offset, offset)  # columns lie along the closing axis, rows against x
        kept = np.abs(crop) < FAR
        return np.stack([-across, along, crop * self.gripper.max_width], axis=-1)[kept].astype(np.float32)

    def facts(self, index: int) -> List[tuple]:
        """Names and values of a sample."""
        c = {name: values[index] for name, values in self.columns.items()}
        friction = "none holds" if c["friction"] >= 10 else f"at least {c['friction']:.2f}"
        rows = [
            ("Label", f"{c['labels']:.3f}"),
            ("On the way down", "something is hit" if c["collision"] else "free"),
            ("Friction needed", friction),
            ("Opening", f"{1e3 * c['width']:.0f} mm"),
            ("Object", self.manifest["meshes"][int(c["objects"])]["name"]),
            ("Scene, view, grasp", f"{c['scene']}, {c['view']}, {c['grasp']}"),
        ]
        return rows + ([("Height", f"{1e3 * c['height']:.0f} mm above the table")] if "height" in c else [])


class DatasetPage:
    """Goes through a run's samples."""

    def __init__(self, server: Any, folder: Path):
        self.server, self.data, gui = server, LabelledSamples(folder), server.gui
        self.worker = server.worker(self._work)
        self.head = gui.add_html("")
        self.shown = gui.add_dropdown("Samples", SHOWN)
        most = len(self.data.columns["labels"]) - 1
        if most < 1:
            raise InputError(f"{folder} holds fewer than two samples")
        self.slider = gui.add_slider("Sample", 0, most, 1, 0)
        self.crop = gui.add_html("")
        for handle in (self.shown, self.slider):
            handle.on_update(self.worker.ask)
        server.scene.set_up_direction((0.0, 0.0, -1.0))
        initial = server.initial_camera
        initial.position, initial.look_at, initial.up = (0.22, 0.12, -0.2), (0.0, 0.0, -0.02), (0.0, 0.0, -1.0)
        initial.fov = 0.65
        self.worker.ask()

    def _work(self) -> None:
        chosen = self.data.chosen(self.shown.value)
        if not len(chosen):
            self.head.content = html.block(html.headline("None", f"no sample of this kind: {self.shown.value}"))
            return
        index = int(chosen[min(self.slider.value, len(chosen) - 1)])
        label = float(self.data.columns["labels"][index])
        below = f"sample {index}, {len(chosen):,} of {len(self.data.samples):,} of this kind"
        self.head.content = html.block(html.headline(f"label {label:.2f}", below, html.shade_of(label)))
        picture = enlarged_crop(self.data.crop(index), self.data.gripper, float(self.data.columns["width"][index]))
        facts = html.facts(self.data.facts(index))
        self.crop.content = html.block(
            html.picture(picture, 170, html.muted("What a network sees; red: the jaws.")), facts
        )
        with self.server.atomic():
            self._draw(index)

    def _draw(self, index: int) -> None:
        points = self.data.surface(index)
        near = np.clip(0.5 - points[:, 2] / self.data.gripper.max_width, 0, 1)[:, None]
        colours = np.round((1 - near) * (206, 201, 192) + near * (64, 132, 204)).astype(np.uint8)
        pitch = 1.3 * pixel_side(self.data.gripper)
        self.server.scene.add_point_cloud(
            "/crop", points, colours, point_size=pitch, point_shape="square", point_shading="flat", precision="float32"
        )
        for k, box in enumerate(hand_boxes(self.data.gripper, float(self.data.columns["width"][index]))):
            self.server.scene.add_box(
                f"/hand/{k}", color=(58, 66, 80), dimensions=tuple(box.size), position=box.center, opacity=0.5
            )
