"""Baseline planners without a network; they are called like `GraspPlanner.plan`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence

import numpy as np
from scipy import ndimage

from antipodal import transforms
from antipodal.camera import Camera
from antipodal.errors import NoGraspFound
from antipodal.grasp import Grasp, Gripper
from antipodal.grasping.view_grasps import grasps_at


@dataclass(frozen=True)
class BaselineOptions:
    """Where a baseline puts the jaws."""

    below: float = 0.02  # tips below the surface [m]
    above_table: float = 0.004  # least height of the tips above the table [m]
    spare: float = 0.03  # opening beyond the object's width, if it is known [m]
    standing_out: float = 0.005  # without a mask, points higher than this above the table are objects [m]


def downwards(position: Sequence[float], angle: float) -> np.ndarray:
    """Pose (4, 4) in a frame whose z is up: approach straight down, closing axis at `angle` [rad] from x."""
    y, z = np.array([np.cos(angle), np.sin(angle), 0.0]), np.array([0.0, 0.0, -1.0])
    return transforms.compose(np.stack([np.cross(y, z), y, z], axis=-1), np.asarray(position))


class RandomPlanner:
    """A random point of the object, a random angle, the jaws fully open."""

    def __init__(self, gripper: Gripper, options: BaselineOptions = BaselineOptions()):
        self.gripper, self.options = gripper, options

    def plan(
        self,
        depth: np.ndarray,
        camera: Camera,
        mask: Optional[np.ndarray] = None,
        max_grasps: int = 10,
        seed: int = 0,
    ) -> List[Grasp]:
        """`max_grasps` grasps on the mask, or on points above the table. Raises NoGraspFound on an empty table."""
        rng = np.random.default_rng(seed)
        scene = TableScene(depth, camera, mask, self.options)
        points = scene.points[scene.on_object]
        return [
            scene.grasp(points[i], angle, self.gripper.max_width, self.gripper)
            for i, angle in zip(rng.integers(len(points), size=max_grasps), rng.uniform(0, np.pi, max_grasps))
        ]


class CentroidPlanner:
    """Grasps the largest object at its centroid, along its minor axis, as wide as the object is there."""

    def __init__(self, gripper: Gripper, options: BaselineOptions = BaselineOptions()):
        self.gripper, self.options = gripper, options

    def plan(
        self,
        depth: np.ndarray,
        camera: Camera,
        mask: Optional[np.ndarray] = None,
        max_grasps: int = 10,
        seed: int = 0,
    ) -> List[Grasp]:
        """One grasp. Raises NoGraspFound on an empty table."""
        scene = TableScene(depth, camera, mask, self.options)
        points = scene.points[_largest(scene.on_object)]
        center = np.median(points, axis=0)
        spread = np.cov((points[:, :2] - points[:, :2].mean(axis=0)).T) + 1e-12 * np.eye(2)
        minor, major = np.linalg.eigh(spread)[1].T
        offset = points[:, :2] - points[:, :2].mean(axis=0)
        strip = np.abs(offset @ major) < self.gripper.jaw_width / 2
        center[:2] = points[:, :2].mean(axis=0) + minor * _midrange(offset[strip] @ minor)
        width = np.ptp(offset[strip] @ minor) + self.options.spare if strip.any() else self.gripper.max_width
        width = float(np.clip(width, self.gripper.min_width, self.gripper.max_width))
        return [scene.grasp(center, float(np.arctan2(minor[1], minor[0])), width, self.gripper)]


def _midrange(values: np.ndarray) -> float:
    return float(values.min() + values.max()) / 2 if len(values) else 0.0


def _largest(mask: np.ndarray) -> np.ndarray:
    """The largest connected region (H, W) of a mask."""
    labels, _ = ndimage.label(mask)
    return labels == np.bincount(labels[mask]).argmax()


class TableScene:
    """The depth image as points in a frame whose z is the table's normal and whose z = 0 is the table. The table is the
    plane fitted to all points that belong to no object."""

    def __init__(self, depth: np.ndarray, camera: Camera, mask: Optional[np.ndarray], options: BaselineOptions):
        self.camera, self.options = camera, options
        v, u = np.mgrid[: depth.shape[0], : depth.shape[1]]
        cloud = camera.deproject(np.stack([u, v], axis=-1), depth)
        seen = depth > 0
        ground = cloud[seen & ~mask] if mask is not None else cloud[seen]
        if len(ground) < 3:
            raise NoGraspFound(f"{len(ground)} pixels show the table", {"table": len(ground)})
        self.T_cam_table = _fit_plane(ground[:: max(1, len(ground) // 10000)])
        self.points = transforms.apply(transforms.invert(self.T_cam_table), cloud)
        self.on_object = seen & (mask if mask is not None else self.points[..., 2] > options.standing_out)
        if not self.on_object.any():
            raise NoGraspFound("no pixel shows an object", {"pixels": int(seen.sum()), "object": 0})

    def grasp(self, point: np.ndarray, angle: float, width: float, gripper: Gripper) -> Grasp:
        """A grasp from above at a point (3,) of the surface."""
        tips = max(point[2] - self.options.below, self.options.above_table)
        T_table_grasp = downwards([point[0], point[1], tips + gripper.tip], angle)
        return grasps_at((self.T_cam_table @ T_table_grasp)[None], [width], [0.5], camera=self.camera)[0]


def _fit_plane(points: np.ndarray, rounds: int = 10) -> np.ndarray:
    """`T_cam_plane` (4, 4), z towards the camera, by least squares; fitted again to points within twice the median
    distance."""
    kept = points
    for _ in range(rounds):
        center = kept.mean(axis=0)
        normal = np.linalg.eigh(np.cov((kept - center).T))[1][:, 0]
        distance = np.abs((points - center) @ normal)
        kept = points[distance <= max(2 * np.median(distance), 1e-4)]
    normal = normal if normal @ center < 0 else -normal
    return transforms.compose(transforms.rotation_to(normal, np.array([1.0, 0.0, 0.0])), center)
