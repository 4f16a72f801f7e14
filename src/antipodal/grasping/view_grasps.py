"""Grasps of a view: to and from the camera's frame, and which of them differ."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, List, Sequence, Tuple

import numpy as np
import torch

from antipodal import transforms
from antipodal.camera import Camera
from antipodal.grasp import JAWS, Grasp, Gripper
from antipodal.perception.view import View


def to_camera(
    grasps: ViewGrasps, T_cam_view: np.ndarray, camera: Camera, hand: str = "", kind: str = JAWS
) -> List[Grasp]:
    """Grasps of a view in the camera frame, for the hand of this name and kind."""
    values = (grasps.width, grasps.quality, grasps.object_width, grasps.label)
    numbers = (value.cpu().numpy() for value in values)
    return grasps_at(poses(grasps, T_cam_view), *numbers, camera=camera, hand=hand, kind=kind)


def grasps_at(
    T_cam_grasp: np.ndarray,
    width: Any,
    quality: Any,
    object_width: Any = (),
    label: Any = (),
    *,
    camera: Camera,
    hand: str = "",
    kind: str = JAWS,
) -> List[Grasp]:
    """Grasps at poses (N, 4, 4), with openings (N,) [m], qualities (N,) and perhaps the widths (N,) [m] and labels (N,)
    of what they close on, and their places in the camera's image; for a hand of this name and kind."""
    px, angle = in_image(T_cam_grasp, camera)
    between = object_width if len(object_width) else np.full(len(T_cam_grasp), np.nan)
    labels = label if len(label) else np.zeros(len(T_cam_grasp), int)
    return [
        Grasp(
            T_cam_grasp=T,
            width=round(float(w), 6),
            quality=float(q),
            center_px=(float(p[0]), float(p[1])),
            angle=float(a),
            depth=float(T[2, 3]),
            object_width=round(float(o), 6),
            label=int(one),
            hand=hand,
            kind=kind,
        )
        for T, w, q, p, a, o, one in zip(T_cam_grasp, width, quality, px, angle, between, labels)
    ]


def poses(grasps: ViewGrasps, T_cam_view: np.ndarray) -> np.ndarray:
    """`T_cam_grasp` (N, 4, 4) of grasps (N) of a view with this frame, or of several views with frames (V, 4, 4)."""
    angle = grasps.angle.cpu().numpy().astype(np.float64)
    T_cam_view = T_cam_view if T_cam_view.ndim == 2 else T_cam_view[grasps.view.cpu().numpy()]
    # About z, so that the grasp's y, the closing axis, lies at `angle` from the view's x.
    T_view_grasp = transforms.compose(transforms.about_z(angle - np.pi / 2), grasps.center.cpu().numpy())
    return T_cam_view @ T_view_grasp


def tips(T_cam_grasp: np.ndarray, width: np.ndarray, gripper: Gripper) -> np.ndarray:
    """Where (N, 2, 3) [m] the middles of both tips are for grasps (N, 4, 4) with openings (N,) [m]."""
    points = np.zeros((len(width), 2, 3))
    points[..., 1] = width[:, None] / 2 * np.array([1.0, -1.0])
    points[..., 2] = gripper.tip
    return transforms.apply(T_cam_grasp, points)


def in_image(T_cam_grasp: np.ndarray, camera: Camera) -> Tuple[np.ndarray, np.ndarray]:
    """Where grasps (N, 4, 4) appear: their origins' pixels (N, 2) as (u, v), and the angle (N,) of their closing axes
    from +u, in [-pi/2, pi/2)."""
    center, ahead = T_cam_grasp[:, :3, 3], T_cam_grasp[:, :3, 3] + 1e-3 * T_cam_grasp[:, :3, 1]
    px, towards = camera.project(center), camera.project(ahead) - camera.project(center)
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


@dataclass(frozen=True)
class ViewGrasps:
    """A batch of N grasps in a view (perception/view.py): approach along the view's z, closing axis at `angle` from its
    x."""

    center: torch.Tensor  # (N, 3) origin in the view frame [m]
    angle: torch.Tensor  # (N,) [rad], period pi
    width: torch.Tensor  # (N,) opening on approach [m]
    quality: torch.Tensor = field(default_factory=lambda: torch.empty(0))  # (N,) P(success), empty until scored
    object_width: torch.Tensor = field(default_factory=lambda: torch.empty(0))  # (N,) [m], empty until measured
    label: torch.Tensor = field(default_factory=lambda: torch.empty(0))  # (N,) of the object; empty without labels
    view: torch.Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.long))  # (N,) of several; empty: one

    def __len__(self) -> int:
        return len(self.angle)

    def __getitem__(self, index) -> ViewGrasps:
        """The grasps at an index array, slice or boolean mask."""
        values = (self.quality, self.object_width, self.label, self.view)
        later = (value[index] if len(value) else value for value in values)
        return ViewGrasps(self.center[index], self.angle[index], self.width[index], *later)


def joined(parts: Sequence[ViewGrasps]) -> ViewGrasps:
    """The grasps of several views, one after the other, each with the place of its view among them."""
    columns = zip(*((g.center, g.angle, g.width, g.quality, g.object_width, g.label) for g in parts))
    center, angle, width, quality, between, label = (torch.cat(column) for column in columns)
    view = torch.cat([torch.full((len(g),), k, dtype=torch.long) for k, g in enumerate(parts)])
    return ViewGrasps(center, angle, width, quality, between, label, view)


def at_depth(grasps: ViewGrasps, z: torch.Tensor) -> ViewGrasps:
    """The grasps (N) moved to depths z (N,) [m]."""
    return replace(grasps, center=torch.cat([grasps.center[:, :2], z[:, None]], dim=1))


def encode(grasps: ViewGrasps, gripper: Gripper) -> torch.Tensor:
    """Grasps (N) as (N, 6): position, double angle on the circle (so that there is no seam) and opening, lengths in
    widest openings."""
    a = 2 * grasps.angle[:, None]
    return torch.cat(
        [grasps.center / gripper.max_width, torch.cos(a), torch.sin(a), grasps.width[:, None] / gripper.max_width],
        dim=1,
    )


def decode(samples: torch.Tensor, gripper: Gripper) -> ViewGrasps:
    """Grasps (N) of samples (N, 6), the inverse of `encode`."""
    angle = torch.atan2(samples[:, 4], samples[:, 3]) / 2
    return ViewGrasps(samples[:, :3] * gripper.max_width, angle, samples[:, 5] * gripper.max_width)
