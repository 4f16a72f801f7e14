"""The page's first tab: a plan, why its grasps rank as they do, the controls, and the frames."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any, List, Optional, Sequence, Tuple

import cv2
import numpy as np

from antipodal import transforms
from antipodal.errors import InputError
from antipodal.grasp import Grasp, Gripper
from antipodal.grasping.draw import backdrop, overlay
from antipodal.perception.pixel_kinds import KINDS
from antipodal.planning.last_result import LastResult
from antipodal.viewer import explain, html
from antipodal.viewer.controls import Controls
from antipodal.viewer.frames import Frame
from antipodal.viewer.hand_pages import HAND_PAGES
from antipodal.viewer.look import Entry, Look
from antipodal.viewer.ranks import Facts
from antipodal.viewer.replan import Replanner
from antipodal.viewer.settings import GRASPS_INSIDE, NO_RECTANGLE, Settings
from antipodal.viewer.shapes import first_eye, nearest_to_ray
from antipodal.viewer.stage import Stage, quality_text

IMAGE_WIDTH = 420  # of the depth image in the panel [px]
LISTED = 40  # grasps in the list
LIVE_PAUSE = 0.25  # between two images of a live topic, least [s]; a cloud is megabytes for the browser


class PlanTab:
    """Plans when a control or the frame changes, and shows the plan; everything happens in one worker's thread."""

    def __init__(self, server: Any, replanner: Replanner, frames: Sequence[Frame]):
        self.server, self.replanner, self.frames = server, replanner, frames
        self.stage, gui = Stage(server), server.gui
        self.frame: Frame = frames[0]
        self.look: Look = replanner.look(self.frame, replanner.start)
        self.entries: List[Entry] = []
        self._drawn: Optional[Tuple[int, Settings]] = None  # frame and settings of the plan that is shown
        self._step, self._chosen = "result", 0
        self._backdrop = LastResult(backdrop)
        self.worker = server.worker(self._work)
        self._add_frames(gui)
        self.verdict = gui.add_html("")
        gui.add_html(html.block(html.legend(list(KINDS.values())), html.quality_scale()))
        self.tabs = gui.add_tab_group()
        with self.tabs.add_tab("Grasp"):
            self.choice = gui.add_dropdown("Grasp", ("none",))
            self.step = gui.add_dropdown("Search", ("result",), hint="what of the search is drawn")
            self.crop, self.why = gui.add_html(""), gui.add_html("")
        with self.tabs.add_tab("Settings"):
            self._add_settings(gui)
        with self.tabs.add_tab("Stages"):
            self.stages = gui.add_html("")
            self.image = gui.add_image(np.zeros((8, 8, 3), np.uint8), label="The depth image")
        self.step.on_update(self.worker.ask)
        self.choice.on_update(self.worker.ask)
        server.scene.on_click()(self._clicked)
        self.worker.ask()
        if self.following is not None:
            threading.Thread(target=self._follow, daemon=True).start()

    def _add_settings(self, gui: Any) -> None:
        pages = [HAND_PAGES[hand.kind] for hand in self.replanner.hands]
        if len(pages) == 1 and pages[0].absent:
            gui.add_html(html.block(html.muted(pages[0].absent)))
        tunings = [page.tuning for page in pages]
        self.controls = Controls(gui, self.replanner.start, self.frame.camera, tunings, self.worker.ask)

    def use_gripper(self, gripper: Gripper) -> None:
        """Plan with another gripper from now on."""
        self.replanner.use(gripper)
        self._drawn = None
        self.controls.start = replace(self.controls.start, opening=gripper.max_width)
        self.controls.handles["opening"].value = 1e3 * gripper.max_width
        self.worker.ask()

    def beside(self) -> np.ndarray:
        """Where a hand may hang beside what is grasped (4, 4), upright and out of the way."""
        eye = first_eye(self.look)
        R = transforms.rotation_to(-eye.up, np.array([1.0, 0.0, 0.0]))
        return transforms.compose(R, eye.look_at + 0.2 * R[:, 0] - 0.16 * R[:, 1] - 0.05 * eye.up)

    @property
    def grasps(self) -> List[Grasp]:
        """Those that the list shows and the scene draws, in the camera's frame."""
        return [entry.grasp for entry in self.entries]

    def _add_frames(self, gui: Any) -> None:
        self.slider, self.following = None, None
        if hasattr(self.frames, "wait"):  # images of a live topic
            self._images = 0
            self.following = gui.add_checkbox("Follow", True, hint="plan in each new image; off: stay at this one")
        if len(self.frames) > 1:
            self.slider = gui.add_slider("Frame", 0, len(self.frames) - 1, 1, 0)
            self.slider.on_update(self.worker.ask)

    def _follow(self) -> None:
        """Ask for a plan whenever a new image has come, until the worker ends."""
        while not self.worker.ended:
            before, self._images = self._images, self.frames.wait(self._images, 1.0)  # type: ignore[attr-defined]
            if self._images > before and self.following is not None and self.following.value:
                self.worker.ask()
            time.sleep(LIVE_PAUSE)

    def _index(self) -> int:
        """Which frame is wanted: that of the slider; of a live topic how many images have come."""
        if self.following is not None:
            return self._images if self.following.value or self._drawn is None else self._drawn[0]
        return 0 if self.slider is None else int(self.slider.value)

    def _work(self) -> None:
        """Plan where the settings or the frame changed, else draw what else was chosen."""
        index, settings = self._index(), self.controls.settings()
        wanted = (index, settings)
        if wanted != self._drawn:
            if self._drawn is None or index != self._drawn[0]:
                try:
                    self.frame = self.frames[index]
                except InputError as e:  # of a live topic; the plan before stays
                    self.verdict.content = html.block(html.headline("No image", str(e), "#c0392b"))
                    return
            self.look = self.replanner.look(self.frame, settings)
            self._drawn = wanted
            self._list_steps()
            self._draw()
        elif self.step.value != self._step:
            self._draw()
        else:
            self._choose()

    def _list_steps(self) -> None:
        steps = tuple(self.look.steps())
        if steps != tuple(self.step.options):
            self.step.options = steps

    def _draw(self) -> None:
        """Everything, with the best grasp of the step chosen."""
        self._step = self.step.value
        self.entries = self.look.entries(self._step)
        labels = [f"{k + 1}: {quality_text(g)}" for k, g in enumerate(self.grasps[:LISTED])]
        self.choice.options = tuple(labels) or ("none",)
        self.choice.value = self.choice.options[0]
        self._chosen = 0
        returned = len(self.look.plan) if self.look.plan is not None and self._step == "result" else 0
        self.stage.show(self.look, self.grasps, 0, returned)
        self._write()

    def _choose(self) -> None:
        """Another grasp of the same plan."""
        options = list(self.choice.options)
        self._chosen = options.index(self.choice.value) if self.choice.value in options else 0
        self.stage.choose(self.look, self.grasps[self._chosen] if self.grasps else None)
        self._write()

    def _write(self) -> None:
        """The panel's texts and pictures."""
        look = self.look
        head, below, colour = explain.verdict(look)
        dropped = look.dropped(self._step)
        note = f"; {dropped}" if dropped else ""
        self.verdict.content = html.block(html.headline(head, f"{look.frame.name}: {below}{note}", colour))
        self.why.content, self.crop.content = self._why(), self._crop()
        self.stages.content = html.block(html.counts(look.counts), "<br>", html.times(look.times_ms))
        self.image.image = self._picture()

    def _why(self) -> str:
        """Why the chosen grasp ranks where it does."""
        if not self.entries:
            return ""
        grasp, look, place = self.entries[self._chosen]
        rows = HAND_PAGES[grasp.kind].facts(look, place, self._step)
        if len(self.look.hands) > 1:
            rows = [("Hand", f"{grasp.hand}; ranks below are among its own grasps"), *self._of_all(), *rows]
        return html.block(html.facts(rows))

    def _of_all(self) -> Facts:
        """Where the chosen grasp stands in the plan for several hands."""
        plan = self.look.plan
        if plan is None or self._step != "result":
            return []
        number = f"number {self._chosen + 1} of {len(plan)} returned"
        return [("Of all hands", number if self._chosen < len(plan) else "not returned")]

    def _crop(self) -> str:
        """The crop of the chosen grasp, as the network saw it."""
        if not self.entries:
            return ""
        grasp, look, place = self.entries[self._chosen]
        picture, words = HAND_PAGES[grasp.kind].crop(look, place, self._step)
        return html.block(html.picture(picture, 170, html.muted(words))) if words else ""

    def _picture(self) -> np.ndarray:
        """The depth image with the grasps and the rectangle."""
        look = self.look
        grasps, candidates = (look.plan.grasps, look.plan.candidates) if look.plan else ([], [])
        seen = look.frame.depth, look.frame.camera, look.trace.scene, look.kinds
        picture = overlay(*seen[:2], grasps, look.hands, candidates, drawn_on=self._backdrop(*seen))
        s = look.settings
        if s.rectangle != NO_RECTANGLE:
            colour = (80, 200, 255) if s.rectangle == GRASPS_INSIDE else (255, 220, 80)
            cv2.rectangle(picture, (s.columns[0], s.rows[0]), (s.columns[1] - 1, s.rows[1] - 1), colour, 2)
        size = IMAGE_WIDTH, round(picture.shape[0] * IMAGE_WIDTH / picture.shape[1])
        narrow = picture.shape[1] < 2 * IMAGE_WIDTH  # no line is lost then
        return cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR if narrow else cv2.INTER_AREA)

    def _clicked(self, event: Any) -> None:
        """Choose the grasp that was clicked at."""
        listed = self.grasps[:LISTED]
        k = nearest_to_ray(listed, self.look.hands, event.ray_origin, event.ray_direction)
        if k >= 0:
            self.choice.value = self.choice.options[k]
            self.worker.ask()
