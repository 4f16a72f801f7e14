"""What the policies of a trial are shown: the images of one camera or several, and the object that is asked for; and
what they aim at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional

import numpy as np

from antipodal import transforms
from antipodal.grasp import Grasp
from antipodal.perception.depth_view import DepthView
from antipodal.sim.cell import Cell

SIDE_TILT = 0.6  # of the further cameras from the vertical [rad]
FEWEST_PIXELS = 200  # of an object that is asked for
REACH = 6.0  # of a hand that does not open: what it is aimed at is seen at most this far from its middle [px]

Spoil = Callable[[np.ndarray, np.random.Generator], np.ndarray]  # a depth image as a sensor would have it


@dataclass(frozen=True, eq=False)
class Shown:
    """What a policy is shown before a pick."""

    views: List[DepthView]  # the first from the cell's own camera; poses in its frame
    target: Optional[int] = None  # index of the object that is asked for; None = any

    @property
    def depth(self) -> np.ndarray:
        """The cell's own camera's image (H, W) [m]."""
        return self.views[0].depth

    def plan(self, policy: Any, seed: int, told: Optional[Dict[str, Any]] = None) -> Any:
        """The first grasp of a policy, which may be told more. Raises NoGraspFound."""
        first = self.views[0]
        wanted: Dict[str, Any] = dict(told or {})
        if self.target is not None:
            wanted["targets"] = [self.target + 1]
        if len(self.views) > 1:
            return policy.plan_views(self.views, 1, seed, **wanted)[0]
        if self.target is not None:
            wanted["labels"] = first.labels
        return policy.plan(first.depth, first.camera, first.mask, 1, seed, **wanted)[0]


def look(cell: Cell, count: int, with_mask: bool, spoil: Spoil, seed: List[int]) -> Shown:
    """What `count` cameras see: the cell's own, and others spread around the vertical at the same distance. A trial's
    mask is of each image. seed: of the noise."""
    views = []
    for k, pose in enumerate(camera_poses(cell.T_world_cam, count)):
        rng = np.random.default_rng(seed if k == 0 else [*seed, k])
        with cell.seen_from(pose):
            depth, mask = spoil(cell.render(), rng), cell.mask() if with_mask else None
        T_first_cam = transforms.invert(cell.T_world_cam) @ pose
        views.append(DepthView(depth, cell.camera, T_first_cam, mask))
    return Shown(views)


def ask_for_object(cell: Cell, shown: Shown, rng: np.random.Generator) -> Shown:
    """The same with label images in place of masks, and one of the objects that the first image shows asked for."""
    labels = []
    for view in shown.views:
        with cell.seen_from(cell.T_world_cam @ view.T_frame_cam):
            labels.append((cell.labels() + 1).astype(np.int32))
    views = [view._replace(mask=None, labels=one) for view, one in zip(shown.views, labels)]
    seen = np.bincount(labels[0][shown.depth > 0], minlength=len(cell.bodies) + 1)
    possible = [i for i in cell.remaining() if seen[i + 1] >= FEWEST_PIXELS]
    return Shown(views, int(rng.choice(possible)) if possible else None)


def aim_of(cell: Cell, grasp: Grasp) -> str:
    """Name of the object that is seen nearest to a grasp's middle, at most half the opening away; where none is, what
    else is there. Ask before the grasp is executed."""
    labels = cell.labels()
    v, u = np.nonzero(labels >= 0)
    away = np.hypot(u - grasp.center_px[0], v - grasp.center_px[1])
    reach = max(REACH, cell.camera.fx * grasp.width / 2 / grasp.depth)
    if away.min(initial=np.inf) > reach:
        return cell.kind_at(grasp.center_px)
    nearest = away.argmin()
    return cell.bodies[labels[v[nearest], u[nearest]]].name


def camera_poses(T_world_cam: np.ndarray, count: int) -> List[np.ndarray]:
    """`T_world_cam` (4, 4) of the given camera and of count - 1 more that look at the middle of the table from as far,
    tilted, a turn around."""
    distance = float(np.linalg.norm(T_world_cam[:3, 3]))
    poses = [T_world_cam]
    for azimuth in 2 * np.pi * np.arange(count - 1) / max(1, count - 1):
        back = np.array([np.sin(SIDE_TILT) * np.cos(azimuth), np.sin(SIDE_TILT) * np.sin(azimuth), np.cos(SIDE_TILT)])
        poses.append(transforms.compose(transforms.rotation_to(-back, T_world_cam[:3, 0]), distance * back))
    return poses
