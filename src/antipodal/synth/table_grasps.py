"""Grasps in the frame of the scene, where they are labelled, and the same grasps in a view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from antipodal import transforms
from antipodal.grasp import Gripper


@dataclass(frozen=True)
class TableGrasps:
    """N grasps that come straight down the approach, in the scene frame (scene.TableScene)."""

    tips: np.ndarray  # (N, 3) midway between the jaw tips [m]
    angle: np.ndarray  # (N,) of the closing axis from the frame's x [rad], period pi
    width: np.ndarray  # (N,) opening on the way down [m]

    def __len__(self) -> int:
        return len(self.angle)


class PlacedGrasps(NamedTuple):
    """N grasps in a view, as `grasp.ViewGrasps`."""

    center: np.ndarray  # (N, 3) grasp origin [m]
    angle: np.ndarray  # (N,) [rad] in [-pi/2, pi/2)
    width: np.ndarray  # (N,) [m]


def place(grasps: TableGrasps, T_view_scene: np.ndarray, gripper: Gripper) -> PlacedGrasps:
    """Grasps of the scene frame as seen in a view; the view's slight tilt against the approach is left out."""
    origins = grasps.tips + np.array([0.0, 0.0, gripper.tip])
    center = transforms.apply(T_view_scene, origins)
    axis = np.stack([np.cos(grasps.angle), np.sin(grasps.angle)], axis=1) @ T_view_scene[:2, :2].T
    angle = np.arctan2(axis[:, 1], axis[:, 0])
    return PlacedGrasps(center, (angle + np.pi / 2) % np.pi - np.pi / 2, grasps.width)


def on_table(grasps: PlacedGrasps, T_view_scene: np.ndarray, gripper: Gripper) -> TableGrasps:
    """Grasps of a view, whoever proposed them, in the scene frame, where `labels.label_grasps` judges them."""
    T_scene_view = transforms.invert(T_view_scene)
    tips = transforms.apply(T_scene_view, grasps.center) - np.array([0.0, 0.0, gripper.tip])
    axis = np.stack([np.cos(grasps.angle), np.sin(grasps.angle)], axis=1) @ T_scene_view[:2, :2].T
    return TableGrasps(tips, np.arctan2(axis[:, 1], axis[:, 0]), np.asarray(grasps.width))
