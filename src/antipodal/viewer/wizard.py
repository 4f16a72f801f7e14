"""The page's tab for a gripper: from a YAML file, a mesh or URDF, or lengths, to the boxes that planning uses."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

import numpy as np

from antipodal import transforms
from antipodal.errors import AntipodalError, InputError
from antipodal.grasp import Gripper
from antipodal.grasping.gripper_boxes import hand_boxes
from antipodal.viewer import html
from antipodal.viewer.draft import HINTS, MEASURED, WORDS, Draft, standing_out
from antipodal.viewer.shapes import placed_at

BOXES, MESH, WARNING = (64, 132, 204), (190, 188, 184), "#c0392b"
MOST_POINTS = 20_000  # of a mesh that are compared with the boxes
Use = Callable[[Gripper], None]
AXES = ("z", "-z", "y", "-y", "x", "-x")


class Wizard:
    """Describes a gripper; `use`, where given, plans with it."""

    def __init__(self, server: Any, start: Gripper, hand_file: Optional[Path], units: str, use: Optional[Use]):
        """hand_file: a mesh or URDF that the user named on the command line; the page takes no paths."""
        self.server, self.scene, gui = server, server.scene, server.gui
        self.hand = None if hand_file is None else open_hand(hand_file, units)
        self.source = f"described in the viewer{'' if hand_file is None else f', measured on {hand_file.name}'}"
        self.T_cam_hand = np.eye(4)
        self.nodes: List[Any] = []
        self.worker = server.worker(self._work)
        self.refusal = ""  # why the hand could not be measured
        known = Draft.of(start) if self.hand is None else self._measured(hand_file.stem if hand_file else start.name)
        self.use = use
        self.state = gui.add_html("")
        self.show = gui.add_checkbox("Show it", self.hand is not None)
        self.joints = gui.add_slider("Closed to open", 0.0, 1.0, 0.01, 1.0)
        self.name = gui.add_text("Name", known.name)
        texts = known.texts()
        unit = {key: "N" if key == "force" else "mm" for key in WORDS}
        self.fields: Dict[str, Any] = {
            key: gui.add_text(f"{word} [{unit[key]}]", texts[key], hint=HINTS.get(key)) for key, word in WORDS.items()
        }
        self._add_axes(gui)
        self._add_buttons(gui)
        for handle in (self.show, self.joints, self.name, *self.fields.values()):
            handle.on_update(self.worker.ask)
        self.worker.ask()

    def _add_axes(self, gui: Any) -> None:
        self.axes: List[Any] = []
        if self.hand is None:
            return
        for label, axis in (("Approach in the file", "z"), ("Closing in the file", "y")):
            self.axes.append(gui.add_dropdown(label, AXES, initial_value=axis))
            self.axes[-1].on_update(self.worker.ask)
        gui.add_button("Measure the hand again").on_click(lambda _: self._measure_again())

    def _add_buttons(self, gui: Any) -> None:
        if self.use is not None:
            gui.add_button("Plan with it").on_click(lambda _: self._use())
        gui.add_button("Save as YAML").on_click(lambda event: self._save(event.client))

    def draft(self) -> Draft:
        """What the fields say. Raises InputError."""
        return Draft.from_text(self.name.value, {key: field.value for key, field in self.fields.items()})

    def place(self, T_cam_hand: np.ndarray) -> None:
        """Show it at another place of the scene."""
        self.T_cam_hand = T_cam_hand
        self.worker.ask()

    def end(self) -> None:
        self.worker.end()

    def _surface(self, share: float) -> Any:
        assert self.hand is not None
        approach, closing = (a.value for a in self.axes) if getattr(self, "axes", []) else ("z", "y")
        return self.hand.at(share, approach, closing)

    def _measured(self, name: str) -> Draft:
        """What the hand shows: its lengths at both ends of its joints. What it does not show stays missing."""
        self.refusal, ends = "", []
        for share in (0.0, 1.0):
            try:
                ends.append(import_module("antipodal.synth.grippers").measure(self._surface(share), name))
            except InputError as e:  # a third finger, knuckles, closed jaws
                self.refusal = str(e)
        if not ends:
            return Draft(name, {"tip": 0.0})
        widest, narrowest = (pick(ends, key=lambda g: g.max_width) for pick in (max, min))
        values = {**Draft.of(widest, list(MEASURED)).values, "tip": 0.0}
        if self.hand is not None and self.hand.moves:
            values.update(self._closed(ends, narrowest.max_width))
        return Draft(name, values)

    def _closed(self, ends: List[Gripper], narrowest: float) -> Dict[str, float]:
        """The narrowest opening: measured, or 0 where the jaws meet; nothing where the hand told another reason."""
        if len(ends) == 2:
            return {"min_width": narrowest}
        if "no gap" not in self.refusal:
            return {}
        self.refusal = ""
        return {"min_width": 0.0}

    def _measure_again(self) -> None:
        known = self._measured(self.name.value)
        for key in known.values:
            self.fields[key].value = known.texts()[key]
        self.worker.ask()

    def _use(self) -> None:
        try:
            assert self.use is not None
            self.use(self.draft().gripper())
        except AntipodalError as e:
            self.state.content = html.block(html.headline("Not yet", str(e), WARNING))

    def _save(self, client: Any) -> None:
        """Hand the YAML to the browser, which asks where to put it."""
        try:
            draft = self.draft()
            client.send_file_download(f"{Path(draft.name).name}.yaml", draft.yaml(self.source).encode())
        except AntipodalError as e:
            self.state.content = html.block(html.headline("Not yet", str(e), WARNING))

    def _work(self) -> None:
        """Draw the hand and say what is wrong with it."""
        with self.server.atomic():
            for node in self.nodes:
                node.remove()
            self.nodes = []
            try:
                head, below, colour = self._draw()
            except AntipodalError as e:
                head, below, colour = "Not yet", str(e), WARNING
        self.state.content = html.block(html.headline(head, below, colour))

    def _draw(self) -> tuple:
        """Draw what is known; the verdict as headline, text and colour."""
        draft, mesh = self.draft(), None if self.hand is None else self._surface(self.joints.value)
        shape, share = draft.shape(), self.joints.value
        width = 0.0 if shape is None else shape.min_width + share * (shape.max_width - shape.min_width)
        shift = np.zeros(3) if mesh is None else _to_grasp_frame(mesh.bounds, draft.values.get("tip", 0.0))
        if self.show.value:
            self._draw_mesh(mesh, shift)
            self._draw_boxes(shape, width)
        warnings = [self.refusal] if mesh is not None and self.refusal else []
        if mesh is not None and shape is not None:
            points = mesh.vertices[:: max(1, len(mesh.vertices) // MOST_POINTS)] + shift
            warnings += [text for text in [standing_out(points, shape, width)] if text]
        if draft.missing():
            return "Not complete", "; ".join([f"missing: {', '.join(draft.missing())}", *warnings]), WARNING
        if warnings:
            return "Look again", "; ".join(warnings), WARNING
        return f"{draft.gripper().name}, {1e3 * width:.0f} mm open", "complete", "inherit"

    def _draw_mesh(self, mesh: Any, shift: np.ndarray) -> None:
        if mesh is not None:
            T = self.T_cam_hand @ transforms.compose(np.eye(3), shift)
            self.nodes.append(
                self.scene.add_mesh_simple(
                    "/wizard/mesh", mesh.vertices, mesh.faces, color=MESH, flat_shading=True, **placed_at(T)
                )
            )

    def _draw_boxes(self, gripper: Optional[Gripper], width: float) -> None:
        for k, box in enumerate([] if gripper is None else hand_boxes(gripper, width)):
            T, opacity = self.T_cam_hand @ transforms.compose(np.eye(3), box.center), 0.45
            self.nodes.append(
                self.scene.add_box(
                    f"/wizard/box{k}", color=BOXES, dimensions=tuple(box.size), opacity=opacity, **placed_at(T)
                )
            )


def open_hand(path: Path, units: str) -> Any:
    """The hand of a mesh or URDF. Raises InputError, also where the packages that read meshes are missing."""
    try:
        return import_module("antipodal.synth.hand").read_hand(path, units)
    except ImportError as e:
        raise InputError("reading meshes needs more packages: pip install 'antipodal[synth]'") from e


def _to_grasp_frame(bounds: np.ndarray, tip: float) -> np.ndarray:
    """The shift (3,) that brings a hand's middle to the grasp's axis, and its tips `tip` beyond the origin."""
    middle = bounds.mean(axis=0)
    return np.array([-middle[0], -middle[1], tip - bounds[1, 2]])
