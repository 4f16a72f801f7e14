"""Grasps of a view: to and from the camera's frame, and which of them differ."""

from __future__ import annotations

from typing import List, Sequence

import numpy as np
import torch

from antipodal import transforms
from antipodal.camera import Camera
from antipodal.grasp import Grasp, ViewGrasps
from antipodal.views import View


def to_camera(grasps: ViewGrasps, T_cam_view: np.ndarray, camera: Camera) -> List[Grasp]:
    """Grasps of a view in the camera frame."""
    angle = grasps.angle.cpu().numpy().astype(np.float64)
    # About z, so that the grasp's y, the closing axis, lies at `angle` from the view's x.
    T_view_grasp = transforms.compose(transforms.about_z(angle - np.pi / 2), grasps.center.cpu().numpy())
    T_cam_grasp = T_cam_view @ T_view_grasp
    centre, ahead = T_cam_grasp[:, :3, 3], T_cam_grasp[:, :3, 3] + 1e-3 * T_cam_grasp[:, :3, 1]
    px, towards = camera.project(centre), camera.project(ahead) - camera.project(centre)
    image_angle = (np.arctan2(towards[:, 1], towards[:, 0]) + np.pi / 2) % np.pi - np.pi / 2
    return [
        Grasp(T, round(float(w), 6), float(q), (float(p[0]), float(p[1])), float(a), float(T[2, 3]))
        for T, w, q, p, a in zip(T_cam_grasp, grasps.width.cpu().numpy(), grasps.quality.cpu().numpy(), px, image_angle)
    ]


def to_view(grasps: Sequence[Grasp], view: View) -> ViewGrasps:
    """Grasps of the camera frame as the nearest ones of a view: upright in it, at the same origin and closing axis.

    Their quality is left empty, since another view has to be scored anew.
    """
    T_cam_grasp = np.stack([g.T_cam_grasp for g in grasps]) if len(grasps) else np.empty((0, 4, 4))
    T_view_grasp = transforms.invert(view.T_cam_view) @ T_cam_grasp
    numbers = np.column_stack(
        [
            T_view_grasp[:, :3, 3],
            np.arctan2(T_view_grasp[:, 1, 1], T_view_grasp[:, 0, 1]),
            [g.width for g in grasps],
        ]
    )
    placed = torch.from_numpy(numbers).to(view.depth)
    return ViewGrasps(placed[:, :3], placed[:, 3], placed[:, 4])


def distinct(grasps: ViewGrasps, count: int, distance: float, angle: float) -> List[int]:
    """Indices of the first `count` grasps that lie further than `distance` [m] from, or are turned by more than `angle`
    [rad] against, every one chosen before them."""
    chosen: List[int] = []
    xy, turn = grasps.center[:, :2].cpu().numpy(), grasps.angle.cpu().numpy()
    left = np.ones(len(grasps), bool)
    while len(chosen) < count and left.any():
        i = int(np.argmax(left))
        chosen.append(i)
        near = np.hypot(*(xy - xy[i]).T) < distance
        left &= ~(near & (np.abs((turn - turn[i] + np.pi / 2) % np.pi - np.pi / 2) < angle))
        left[i] = False
    return chosen
