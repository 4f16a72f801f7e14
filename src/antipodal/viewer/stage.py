"""The page's scene: the cloud, the hand at the chosen grasp, the candidates."""

from __future__ import annotations

from typing import Any, List, Optional, Tuple

import numpy as np

from antipodal.grasp import Grasp
from antipodal.grasping.draw import shade
from antipodal.perception.coloured_cloud import Cloud, make_cloud, sheet
from antipodal.viewer.html import probability
from antipodal.viewer.replan import Look
from antipodal.viewer.shapes import HAND, first_eye, fork_bars, forks, hand_solids, placed_at

SHEET = (62, 55, 82)  # lit, it shows as the unseen
PALM, JAWS = (104, 112, 124), (58, 66, 80)


class Stage:
    """What of a viser scene shows a plan. A node that is added under the name of an older one takes its place."""

    def __init__(self, server: Any):
        self.server, self.scene = server, server.scene
        self.cloud: Optional[Cloud] = None
        self.nodes: dict = {}
        self._eye_set = False

    def show(self, look: Look, grasps: List[Grasp], chosen: int, returned: int) -> None:
        """Draw a plan: `grasps` of one step of its search as forks, the hand at the chosen one. returned: how many of
        them, from the first, are the plan's answer, drawn thicker."""
        with self.server.atomic():
            self._set_eye(look)
            self._draw_cloud(look)
            self._draw_camera(look)
            self._draw_lines("returned", forks(grasps[:returned], look.gripper), 3.5)
            self._draw_lines("candidates", fork_bars(grasps[returned:], look.gripper), 1.6)
            self.choose(look, grasps[chosen] if chosen < len(grasps) else None)

    def choose(self, look: Look, grasp: Optional[Grasp]) -> None:
        """Put the hand at a grasp, or take it away."""
        solids = [] if grasp is None else hand_solids(grasp, look.gripper, bool(look.trace.leaning))
        kept = {solid.name for solid in solids} | ({"label"} if grasp is not None else set())
        for name in self.nodes.keys() & ({*HAND, "label"} - kept):
            self.nodes.pop(name).remove()
        if grasp is None:
            return
        for solid in solids:
            self.nodes[solid.name] = self.scene.add_box(
                f"/hand/{solid.name}",
                color=PALM if "palm" in solid.name else JAWS,
                dimensions=tuple(solid.size),
                opacity=0.4 if "palm" in solid.name else 0.92,
                **placed_at(solid.T),
            )
        back = grasp.T_cam_grasp @ np.array([0, 0, look.gripper.tip - look.gripper.jaw_length - 0.055, 1.0])
        self.nodes["label"] = self.scene.add_label(
            "/hand/label", quality_text(grasp), position=back[:3], anchor="bottom-center"
        )

    def clear(self) -> None:
        """Take everything away, for another tab's scene."""
        for node in self.nodes.values():
            node.remove()
        self.nodes.clear()
        self.cloud = None

    def _draw_cloud(self, look: Look) -> None:
        if look.trace.scene is None:
            return
        before, self.cloud = self.cloud, make_cloud(look.trace.scene, look.frame.camera, look.options.segmentation)
        if before is not None and np.array_equal(before.points, self.cloud.points):
            self.nodes["cloud"].colors = self.cloud.colours  # a fifth of the bytes
            return
        self.nodes["cloud"] = self.scene.add_point_cloud(
            "/cloud",
            self.cloud.points,
            self.cloud.colours,
            point_size=1.25 * self.cloud.pitch,
            point_shape="square",
            point_shading="flat",
            precision="float32",
        )
        self._draw_sheet(look)

    def _draw_sheet(self, look: Look) -> None:
        """What the cloud leaves open on the support."""
        assert look.trace.scene is not None
        corners = sheet(look.trace.scene, look.frame.camera)
        if "sheet" in self.nodes:
            self.nodes.pop("sheet").remove()
        if corners is not None:
            triangles = np.array([[0, 1, 2], [0, 2, 3]])
            self.nodes["sheet"] = self.scene.add_mesh_simple(
                "/sheet", corners, triangles, color=SHEET, side="double", flat_shading=True
            )

    def _draw_camera(self, look: Look) -> None:
        camera = look.frame.camera
        self.nodes["camera"] = self.scene.add_camera_frustum(
            "/camera",
            fov=2 * float(np.arctan(camera.height / 2 / camera.fy)),
            aspect=camera.width / camera.height,
            scale=0.05,
            color=(120, 120, 130),
            image=shade(look.frame.depth)[::4, ::4],
        )

    def _draw_lines(self, name: str, lines: Tuple[np.ndarray, np.ndarray], thickness: float) -> None:
        if name in self.nodes:
            self.nodes.pop(name).remove()
        if len(lines[0]):
            self.nodes[name] = self.scene.add_line_segments(
                f"/grasps/{name}", *lines, thickness=thickness, thickness_units="screen"
            )

    def _set_eye(self, look: Look) -> None:
        """Where the page looks from, once; from then on it is the user's."""
        if self._eye_set or look.trace.scene is None:
            return
        eye = first_eye(look)
        self.scene.set_up_direction(tuple(eye.up))
        initial = self.server.initial_camera
        initial.position, initial.look_at, initial.up, initial.fov = eye.position, eye.look_at, eye.up, np.deg2rad(45)
        self._eye_set = True


def quality_text(grasp: Grasp) -> str:
    """A grasp in a few words, for a list."""
    quality = probability(grasp.quality) if np.isfinite(grasp.quality) else "not scored"
    return f"{quality}, {1e3 * grasp.width:.0f} mm open"
