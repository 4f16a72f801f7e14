"""Which of the scored grasps are handed back: centred in the region, likely enough, and distinct."""

from __future__ import annotations

from typing import Callable, Dict, List, Optional, Sequence

import numpy as np
import torch

from antipodal.camera import Camera
from antipodal.errors import NoGraspFound
from antipodal.grasp import Grasp, Gripper
from antipodal.grasping.view_grasps import ViewGrasps, poses, tips
from antipodal.perception.fusion import CameraView
from antipodal.planning.failed_grasps import near_failed


def distinct(
    ranked: ViewGrasps,
    T_cam_view: np.ndarray,
    count: int,
    distance: float,
    angle: float,
    per_object: Optional[int] = None,
) -> List[int]:
    """Indices of the first `count` of the ranked grasps that lie further than `distance` [m] from, or are turned by
    more than `angle` [rad] against, every one chosen before them; of each label at most `per_object`.

    T_cam_view: (4, 4) of their view, or (V, 4, 4) of several.
    """
    if T_cam_view.ndim == 2:
        alike = _alike_in_view(ranked, distance, angle)
    else:
        alike = _alike_poses(poses(ranked, T_cam_view), distance, angle)
    chosen: List[int] = []
    left, label = np.ones(len(ranked), bool), ranked.label.cpu().numpy()
    while len(chosen) < count and left.any():
        i = int(np.argmax(left))
        chosen.append(i)
        left &= ~alike(i)
        left[i] = False
        if per_object is not None and len(label) and int((label[chosen] == label[i]).sum()) >= per_object:
            left &= label != label[i]
    return chosen


def _alike_in_view(grasps: ViewGrasps, distance: float, angle: float) -> Callable[[int], np.ndarray]:
    """Which grasps of one view (N,) bool are near to the i-th and turned as it is."""
    xy, turn = grasps.center[:, :2].cpu().numpy(), grasps.angle.cpu().numpy()

    def alike(i: int) -> np.ndarray:
        turned = np.abs((turn - turn[i] + np.pi / 2) % np.pi - np.pi / 2)
        return (np.hypot(*(xy - xy[i]).T) < distance) & (turned < angle)

    return alike


def _alike_poses(T_cam_grasp: np.ndarray, distance: float, angle: float) -> Callable[[int], np.ndarray]:
    """The same for grasps at poses (N, 4, 4) from several directions, turned about any axis; a gripper is the same
    after half a turn."""
    place, R = T_cam_grasp[:, :3, 3], T_cam_grasp[:, :3, :3]

    def alike(i: int) -> np.ndarray:
        x, y, z = np.einsum("nij,ij->jn", R, R[i])  # cosines between axes
        turned = np.arccos(np.clip((np.abs(x + y) + z - 1) / 2, -1, 1))
        return (np.linalg.norm(place - place[i], axis=1) < distance) & (turned < angle)

    return alike


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
    center = poses(grasps, T_cam_view)[:, :3, 3]
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
    return _those(grasps, inside)


def apart_from_failed(
    grasps: ViewGrasps, T_cam_view: np.ndarray, failed: Sequence[Grasp], counts: Dict[str, int]
) -> ViewGrasps:
    """Those grasps whose origin keeps off the axes of grasps that failed. Raises NoGraspFound, with the counts so far,
    where there is none."""
    if not failed:
        return grasps
    apart = ~near_failed(poses(grasps, T_cam_view)[:, :3, 3], failed)
    if not apart.any():
        raise NoGraspFound(f"all of {len(grasps)} feasible grasps lie near those to avoid, {len(failed)}", counts)
    return _those(grasps, apart)


def tips_in_image(
    grasps: ViewGrasps,
    T_cam_view: np.ndarray,
    cameras: Sequence[CameraView],
    gripper: Gripper,
    counts: Dict[str, int],
) -> ViewGrasps:
    """Those grasps both of whose tips close where some camera sees, and sees the jaws as high as what stands between
    them: an object that the image cuts goes on there. Raises NoGraspFound, with the counts so far, where there is
    none."""
    T_cam_grasp = poses(grasps, T_cam_view)
    ends, approach = tips(T_cam_grasp, grasps.width.cpu().numpy(), gripper), T_cam_grasp[:, :3, 2]
    between = ends[:, :1] + np.linspace(0, 1, 5)[:, None] * (ends[:, 1:] - ends[:, :1])
    corners = np.array([[-0.5], [0.5]]) * gripper.jaw_width * T_cam_grasp[:, None, :3, 0]
    corners = ends[:, :, None] + corners[:, None]  # (N, 2, 2, 3), of each tip two
    inside = np.zeros(ends.shape[:2], bool)
    for camera in cameras:
        rise = camera.rise(between, approach).max(axis=1)[:, None] * approach
        inside |= camera.sees(ends) & camera.sees(corners - rise[:, None, None]).all(axis=2)
    inside = inside.all(axis=1)
    if not inside.any():
        raise NoGraspFound(f"0 of {len(grasps)} feasible grasps have both tips in the image", counts)
    return _those(grasps, inside)


def _those(grasps: ViewGrasps, wanted: np.ndarray) -> ViewGrasps:
    """The grasps of a mask (N,) bool."""
    return grasps if wanted.all() else grasps[torch.from_numpy(wanted).to(grasps.angle.device)]


def likely_enough(ranked: ViewGrasps, min_quality: float, counts: Dict[str, int]) -> ViewGrasps:
    """Those of the ranked grasps (best first) whose quality reaches `min_quality`. Raises NoGraspFound."""
    count = int((ranked.quality >= min_quality).sum())
    if count == 0:
        best = f"the best of {len(ranked)} grasps succeeds with a probability of {float(ranked.quality[0]):.2f}"
        raise NoGraspFound(f"{best}, below min_quality {min_quality:g}", counts)
    return ranked[:count]
