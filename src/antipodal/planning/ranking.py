"""Which of the scored grasps are handed back: centred in the region, likely enough, and distinct."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence

import numpy as np
import torch

from antipodal import transforms
from antipodal.camera import Camera
from antipodal.errors import NoGraspFound
from antipodal.grasp import Gripper
from antipodal.grasping.view_grasps import ViewGrasps, poses, tips
from antipodal.perception.fusion import CameraView, appears_in


def distinct(
    ranked: ViewGrasps,
    T_cam_view: np.ndarray,
    count: int,
    distance: float,
    angle: float,
    per_object: Optional[int] = None,
) -> List[int]:
    """Indices of the first `count` of the ranked grasps that differ, of each label at most `per_object`; of one view,
    or of several with frames (V, 4, 4)."""
    limits = count, distance, angle, per_object
    if T_cam_view.ndim == 2:
        return distinct_in_view(ranked, *limits)
    return distinct_poses(poses(ranked, T_cam_view), ranked.label.numpy(), *limits)


def distinct_in_view(
    grasps: ViewGrasps, count: int, distance: float, angle: float, per_object: Optional[int] = None
) -> List[int]:
    """Indices of the first `count` grasps that lie further than `distance` [m] from, or are turned by more than `angle`
    [rad] against, every one chosen before them; of each label at most `per_object`."""
    chosen: List[int] = []
    xy, turn = grasps.center[:, :2].cpu().numpy(), grasps.angle.cpu().numpy()
    left, label = np.ones(len(grasps), bool), grasps.label.cpu().numpy()
    while len(chosen) < count and left.any():
        i = int(np.argmax(left))
        chosen.append(i)
        near = np.hypot(*(xy - xy[i]).T) < distance
        left &= ~(near & (np.abs((turn - turn[i] + np.pi / 2) % np.pi - np.pi / 2) < angle))
        left[i] = False
        if per_object is not None and int((label[chosen] == label[i]).sum()) >= per_object:
            left &= label != label[i]
    return chosen


def centered_in(
    window: Optional[np.ndarray],
    grasps: ViewGrasps,
    T_cam_view: np.ndarray,
    camera: Camera,
    counts: Dict[str, int],
    others: Sequence[CameraView] = (),
) -> ViewGrasps:
    """Those grasps whose origin appears in the window (H, W) bool, or anywhere in the image where there is none: below
    a surface it appears elsewhere than the surface does, perhaps outside. What other cameras see counts as in the
    image. Raises NoGraspFound, with the counts so far, where there is none."""
    center = _origins(grasps, T_cam_view)
    px, last = camera.project(center), np.array([camera.width - 1, camera.height - 1])
    inside = ((px >= 0) & (px <= last)).all(axis=1)
    for other in others:
        inside |= other.sees(center)
    if window is not None:
        for rounded in (np.floor(px), np.rint(px)):  # by the nearest pixel, and by u0 <= u < u0 + width
            u, v = rounded.clip(0, last).astype(int).T
            inside &= window[v, u]
    if not inside.any():
        where = "image" if window is None else "region"
        raise NoGraspFound(f"0 of {len(grasps)} feasible grasps are centred in the {where}", counts)
    return grasps if inside.all() else grasps[torch.from_numpy(inside).to(grasps.angle.device)]


def tips_in_image(
    grasps: ViewGrasps,
    T_cam_view: np.ndarray,
    camera: Camera,
    gripper: Gripper,
    counts: Dict[str, int],
    others: Sequence[CameraView] = (),
) -> ViewGrasps:
    """Those grasps both of whose tips close where some camera sees. Raises NoGraspFound, with the counts so far, where
    there is none."""
    points = tips(poses(grasps, T_cam_view), grasps.width.cpu().numpy(), gripper)
    first = appears_in(camera, points)
    inside = np.any([first, *(other.sees(points) for other in others)], axis=0).all(axis=1)
    if not inside.any():
        raise NoGraspFound(f"0 of {len(grasps)} feasible grasps have both tips in the image", counts)
    return grasps if inside.all() else grasps[torch.from_numpy(inside).to(grasps.angle.device)]


def _origins(grasps: ViewGrasps, T_cam_view: np.ndarray) -> np.ndarray:
    """Origins (N, 3) [m] of grasps of one view, or of several, in the camera's frame."""
    if T_cam_view.ndim > 2:
        return poses(grasps, T_cam_view)[:, :3, 3]
    return transforms.apply(T_cam_view, grasps.center.cpu().numpy())


def distinct_poses(
    T_cam_grasp: np.ndarray,
    label: np.ndarray,
    count: int,
    distance: float,
    angle: float,
    per_object: Optional[int] = None,
) -> List[int]:
    """As `distinct`, for grasps at poses (N, 4, 4) from several directions: their origins lie further apart, or they
    are turned against each other by more, about any axis; a gripper is the same after half a turn. label: (N,), or
    empty."""
    chosen: List[int] = []
    left = np.ones(len(T_cam_grasp), bool)
    while len(chosen) < count and left.any():
        i = int(np.argmax(left))
        chosen.append(i)
        apart = np.linalg.norm(T_cam_grasp[:, :3, 3] - T_cam_grasp[i, :3, 3], axis=1)
        x, y, z = np.einsum("nij,ij->jn", T_cam_grasp[:, :3, :3], T_cam_grasp[i, :3, :3])  # cosines between axes
        turn = np.arccos(np.clip((np.abs(x + y) + z - 1) / 2, -1, 1))
        left &= ~((apart < distance) & (turn < angle))
        left[i] = False
        if per_object is not None and len(label) and (label[chosen] == label[i]).sum() >= per_object:
            left &= label != label[i]
    return chosen


def likely_enough(ranked: ViewGrasps, min_quality: float, counts: Dict[str, int]) -> ViewGrasps:
    """Those of the ranked grasps (best first) whose quality reaches `min_quality`. Raises NoGraspFound."""
    count = int((ranked.quality >= min_quality).sum())
    if count == 0:
        best = f"the best of {len(ranked)} grasps succeeds with a probability of {float(ranked.quality[0]):.2f}"
        raise NoGraspFound(f"{best}, below min_quality {min_quality:g}", counts)
    return ranked[:count]
