"""Grasps of a view: to and from the camera's frame, and which of them differ."""

from __future__ import annotations

from typing import Dict, List, Sequence, Tuple

import numpy as np
import torch

from antipodal import transforms
from antipodal.camera import Camera
from antipodal.errors import NoGraspFound
from antipodal.grasp import Grasp, ViewGrasps
from antipodal.views import View


def to_camera(grasps: ViewGrasps, T_cam_view: np.ndarray, camera: Camera) -> List[Grasp]:
    """Grasps of a view in the camera frame."""
    T_cam_grasp = poses(grasps, T_cam_view)
    px, image_angle = in_image(T_cam_grasp, camera)
    return [
        Grasp(T, round(float(w), 6), float(q), (float(p[0]), float(p[1])), float(a), float(T[2, 3]))
        for T, w, q, p, a in zip(T_cam_grasp, grasps.width.cpu().numpy(), grasps.quality.cpu().numpy(), px, image_angle)
    ]


def poses(grasps: ViewGrasps, T_cam_view: np.ndarray) -> np.ndarray:
    """`T_cam_grasp` (N, 4, 4) of grasps (N) of a view with this frame."""
    angle = grasps.angle.cpu().numpy().astype(np.float64)
    # About z, so that the grasp's y, the closing axis, lies at `angle` from the view's x.
    T_view_grasp = transforms.compose(transforms.about_z(angle - np.pi / 2), grasps.center.cpu().numpy())
    return T_cam_view @ T_view_grasp


def in_image(T_cam_grasp: np.ndarray, camera: Camera) -> Tuple[np.ndarray, np.ndarray]:
    """Where grasps (N, 4, 4) appear: their origins' pixels (N, 2) as (u, v), and the angle (N,) of their closing axes
    from +u, in [-pi/2, pi/2)."""
    centre, ahead = T_cam_grasp[:, :3, 3], T_cam_grasp[:, :3, 3] + 1e-3 * T_cam_grasp[:, :3, 1]
    px, towards = camera.project(centre), camera.project(ahead) - camera.project(centre)
    return px, (np.arctan2(towards[:, 1], towards[:, 0]) + np.pi / 2) % np.pi - np.pi / 2


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


def centred_in(
    window: np.ndarray, grasps: ViewGrasps, T_cam_view: np.ndarray, camera: Camera, counts: Dict[str, int]
) -> ViewGrasps:
    """Those grasps whose origin appears in the window (H, W) bool; below a surface it appears elsewhere than the
    surface does. Raises NoGraspFound, with the counts so far, where there is none."""
    px = camera.project(transforms.apply(T_cam_view, grasps.center.cpu().numpy()))
    u, v = np.floor(px).astype(int).clip(0, [camera.width - 1, camera.height - 1]).T
    inside = window[v, u]
    if not inside.any():
        raise NoGraspFound(f"0 of {len(grasps)} feasible grasps are centred in the region", counts)
    return grasps[torch.from_numpy(inside).to(grasps.angle.device)]
