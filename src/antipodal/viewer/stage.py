"""The page's scene: the cloud, the hand at the chosen grasp, the candidates."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from antipodal.grasp import Grasp, probability
from antipodal.grasping.draw import hand_words, shade
from antipodal.grasping.hand_shapes import hand_for
from antipodal.perception.coloured_cloud import Cloud, coloured_cloud, places, plane_of, shading, sheet
from antipodal.planning.last_result import LastResult, alike
from antipodal.viewer.frames import Frame
from antipodal.viewer.look import Look
from antipodal.viewer.shapes import HandSolid, first_eye, fork_bars, forks, hand_solids, placed_at

SHEET = (62, 55, 82)  # lit, it shows as the unseen
PALM, JAWS = (104, 112, 124), (58, 66, 80)
BEHIND = ("palm", "behind_palm", "body")
LABEL_AWAY = 0.015  # of the label from the back of the hand [m]


class Stage:
    """What of a viser scene shows a plan. A node that is added under the name of an older one takes its place."""

    def __init__(self, server: Any):
        self.server, self.scene = server, server.scene
        self.cloud: Optional[Cloud] = None
        self._places, self._shading = LastResult(places), LastResult(shading)
        self._coloured = LastResult(coloured_cloud)
        self._framed: Optional[Frame] = None  # which image the drawn camera has
        self.nodes: dict = {}
        self._hand: Dict[str, HandSolid] = {}  # that is drawn, by node
        self._eye_set = False

    def show(self, look: Look, grasps: List[Grasp], chosen: int, returned: int) -> None:
        """Draw a plan: `grasps` of one step of its search as forks, the hand at the chosen one. returned: how many of
        them, from the first, are the plan's answer, drawn thicker."""
        with self.server.atomic():
            self._set_eye(look)
            self._draw_cloud(look)
            self._draw_camera(look)
            self._draw_lines("returned", forks(grasps[:returned], look.hands), 3.5)
            self._draw_lines("candidates", fork_bars(grasps[returned:], look.hands), 1.6)
            self.choose(look, grasps[chosen] if chosen < len(grasps) else None)

    def choose(self, look: Look, grasp: Optional[Grasp]) -> None:
        """Put the hand at a grasp, or take it away."""
        solids = [] if grasp is None else hand_solids(grasp, hand_for(grasp, look.hands), look.leans)
        stay = {"label", *(solid.name for solid in solids)} if solids else set()
        for name in ({"label", *self._hand} - stay) & self.nodes.keys():
            self.nodes.pop(name).remove()
        for solid in solids:
            self._put(solid, self._hand.get(solid.name))
        self._hand = {solid.name: solid for solid in solids}
        if grasp is None:
            return
        back = min((_back_of(solid, grasp) for solid in solids), default=0.0) - LABEL_AWAY
        place = grasp.T_cam_grasp @ np.array([0, 0, back, 1.0])
        self.nodes["label"] = self.scene.add_label(
            "/hand/label", quality_text(grasp), position=place[:3], anchor="bottom-center"
        )

    def _put(self, solid: HandSolid, before: Optional[HandSolid]) -> None:
        """Draw a part of the hand, or move it where it was drawn before."""
        if before is None or not alike((solid.size, solid.radius), (before.size, before.radius)):
            self.nodes[solid.name] = self._add_solid(solid)
            return
        for name, value in placed_at(solid.T).items():
            setattr(self.nodes[solid.name], name, value)

    def _add_solid(self, solid: HandSolid) -> Any:
        """A part of the hand; what is behind jaws or cup is seen through."""
        name, behind = f"/hand/{solid.name}", solid.name in BEHIND
        about: dict = dict(color=PALM if behind else JAWS, opacity=0.4 if behind else 0.92, **placed_at(solid.T))
        if solid.radius is not None:
            return self.scene.add_cylinder(name, solid.radius, float(solid.size[2]), **about)
        return self.scene.add_box(name, dimensions=tuple(solid.size), **about)

    def clear(self) -> None:
        """Take everything away, for another tab's scene."""
        for node in self.nodes.values():
            node.remove()
        self.nodes.clear()
        self._hand.clear()
        self.cloud = None

    def _draw_cloud(self, look: Look) -> None:
        if look.trace.scene is None:
            return
        before = self.cloud
        scene, camera = look.trace.scene, look.frame.camera
        at = self._places(scene.depth, camera, plane_of(scene.support))
        shade = self._shading(scene.depth, camera)
        self.cloud = self._coloured(at, look.kinds, shade)
        if before is self.cloud:
            return
        if before is not None and alike(before.points, self.cloud.points):
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
        if look.frame is self._framed and "camera" in self.nodes:
            return
        self._framed, camera = look.frame, look.frame.camera
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
    return f"{quality}, {hand_words(grasp)}"


def _back_of(solid: HandSolid, grasp: Grasp) -> float:
    """Where a part of the hand begins along the grasp's z [m]."""
    middle = (solid.T[:3, 3] - grasp.T_cam_grasp[:3, 3]) @ grasp.T_cam_grasp[:3, 2]
    return float(middle) - float(solid.size[2]) / 2
