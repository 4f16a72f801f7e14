"""A baseline for suction without learning: the middle of the largest plane (as in Dex-Net 3.0, section VI)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Tuple

import numpy as np
from scipy import ndimage

from antipodal import transforms
from antipodal.camera import Camera
from antipodal.grasp import Grasp
from antipodal.grasping.view_grasps import grasps_at
from antipodal.sim.baselines import BaselineOptions, TableScene
from antipodal.suction_cup import KIND, SuctionCup


@dataclass(frozen=True)
class PlaneOptions:
    """How planes are found."""

    starts: int = 30  # pixels that a plane is grown from
    window: int = 5  # pixels around a start on each side that its plane is fitted to
    thick: float = 0.0025  # points nearer to the plane than this belong to it [m]
    steepest: float = 1.2  # largest angle between a plane and the table [rad]


class LargestPlanePlanner:
    """Sucks at the centroid of the largest planar patch of the objects, along its normal."""

    def __init__(self, cup: SuctionCup, options: PlaneOptions = PlaneOptions()):
        self.cup, self.options = cup, options

    def plan(
        self,
        depth: np.ndarray,
        camera: Camera,
        mask: Optional[np.ndarray] = None,
        max_grasps: int = 10,
        seed: int = 0,
    ) -> List[Grasp]:
        """One grasp, on the mask or on points above the table. Raises NoGraspFound on an empty table."""
        scene = TableScene(depth, camera, mask, BaselineOptions())
        rng = np.random.default_rng(seed)
        v, u = np.nonzero(scene.on_object)
        chosen = rng.choice(len(v), size=min(self.options.starts, len(v)), replace=False)
        patches = [self._patch(scene, int(v[i]), int(u[i])) for i in chosen]
        points, _ = max(patches, key=lambda patch: patch[1])
        center, normal = _plane_of(points)
        across = np.array([1.0, 0, 0]) if abs(normal[0]) < 0.9 else np.array([0, 1.0, 0])
        T_table_grasp = transforms.compose(transforms.rotation_to(-normal, across), center)
        T = (scene.T_cam_table @ T_table_grasp)[None]
        return grasps_at(T, [0.0], [0.5], camera=camera, hand=self.cup.name, kind=KIND)

    def _patch(self, scene: TableScene, v: int, u: int) -> Tuple[np.ndarray, float]:
        """The points (N, 3) of the planar patch around a pixel, and its area in the image over the cosine of its tilt
        [pixels]; the pixel alone, of no area, where it is too steep."""
        w = self.options.window
        near = slice(max(v - w, 0), v + w + 1), slice(max(u - w, 0), u + w + 1)
        around = scene.points[near][scene.on_object[near]]
        center, normal = _plane_of(around)
        if normal[2] < np.cos(self.options.steepest):
            return scene.points[v, u][None], 0.0
        flat = scene.on_object & (np.abs((scene.points - center) @ normal) < self.options.thick)
        patches, _ = ndimage.label(flat)
        if not patches[v, u]:
            return scene.points[v, u][None], 0.0
        points = scene.points[patches == patches[v, u]]
        return points, len(points) / float(normal[2])


def _plane_of(points: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Centroid (3,) and upward unit normal (3,) of points (N, 3); straight up for fewer than three."""
    center = points.mean(axis=0)
    if len(points) < 3:
        return center, np.array([0.0, 0.0, 1.0])
    normal = np.linalg.eigh(np.cov((points - center).T))[1][:, 0]
    return center, normal if normal[2] > 0 else -normal
