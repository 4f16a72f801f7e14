"""Which of the scored grasps are handed back: centred in the region, likely enough, and distinct."""

from __future__ import annotations

from typing import Dict, List, Optional

import numpy as np
import torch

from antipodal import transforms
from antipodal.camera import Camera
from antipodal.errors import NoGraspFound
from antipodal.grasping.view_grasps import ViewGrasps


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


def centered_in(
    window: Optional[np.ndarray], grasps: ViewGrasps, T_cam_view: np.ndarray, camera: Camera, counts: Dict[str, int]
) -> ViewGrasps:
    """Those grasps whose origin appears in the window (H, W) bool, or anywhere in the image where there is none: below
    a surface it appears elsewhere than the surface does, perhaps outside. Raises NoGraspFound, with the counts so far,
    where there is none."""
    px = camera.project(transforms.apply(T_cam_view, grasps.center.cpu().numpy()))
    last = np.array([camera.width - 1, camera.height - 1])
    inside = ((px >= 0) & (px <= last)).all(axis=1)
    if window is not None:
        for rounded in (np.floor(px), np.rint(px)):  # by the nearest pixel, and by u0 <= u < u0 + width
            u, v = rounded.clip(0, last).astype(int).T
            inside &= window[v, u]
    if not inside.any():
        where = "image" if window is None else "region"
        raise NoGraspFound(f"0 of {len(grasps)} feasible grasps are centred in the {where}", counts)
    return grasps if inside.all() else grasps[torch.from_numpy(inside).to(grasps.angle.device)]


def likely_enough(ranked: ViewGrasps, min_quality: float, counts: Dict[str, int]) -> ViewGrasps:
    """Those of the ranked grasps (best first) whose quality reaches `min_quality`. Raises NoGraspFound."""
    count = int((ranked.quality >= min_quality).sum())
    if count == 0:
        best = f"the best of {len(ranked)} grasps succeeds with a probability of {float(ranked.quality[0]):.2f}"
        raise NoGraspFound(f"{best}, below min_quality {min_quality:g}", counts)
    return ranked[:count]
