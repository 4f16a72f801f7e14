"""Whether a suction cup and the body behind it come to a contact without touching what is seen, or the support."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, List, Optional, Sequence

import numpy as np

from antipodal import transforms
from antipodal.errors import POSITIVE
from antipodal.files import MOST
from antipodal.grasping import cup_clearance_numba as compiled
from antipodal.grasping.gripper_boxes import Box
from antipodal.perception.fusion import CameraView
from antipodal.perception.option_limits import Within, check_options
from antipodal.perception.table import Table
from antipodal.suction_cup import SuctionCup


@dataclass(frozen=True)
class CupClearanceOptions:
    """How far the cup stays away."""

    WITHIN: ClassVar[Within] = {"block": (POSITIVE, MOST)}
    beside: float = 0.003  # added to the cup's radius and to every side of the body [m]
    support: float = 0.002  # least distance of the body from the support [m]
    block: float = 0.005  # what lies in one square of the image of this side counts as one point, the nearest [m]
    ignored: float = 0.006  # points this near to the support are no obstacles beside the support itself [m]
    noises: float = 4.0  # rises under the lip of so many deviations of the sensor's noise are no obstacle

    def __post_init__(self) -> None:
        check_options(self, "clearance.")


def cup_body(cup: SuctionCup, pressed: bool = False) -> Box:
    """The box behind the cup, in the grasp frame; pressed: with its bellows pushed back by all of their travel."""
    x, y, length = cup.body_size
    front = -(cup.length - cup.travel) if pressed else -cup.length
    return Box(np.array([-x / 2, -y / 2, front - length]), np.array([x / 2, y / 2, front]))


def cup_swept(points: np.ndarray, cup: SuctionCup, beside: float = 0.0, noise: float = 0.0) -> np.ndarray:
    """Which of points (..., 3) [m] in the grasp frame lie where cup or body pass on the way to the contact, (...) bool.
    The bellows may be pushed back by their travel: so far a surface may rise under the lip, or by `noise` [m]."""
    x, y, z = np.moveaxis(np.asarray(points), -1, 0)
    of_cup = (z < -max(cup.travel, noise)) & (x * x + y * y < (cup.radius + beside) ** 2)
    body = cup_body(cup, pressed=True)
    of_body = (z < body.high[2]) & (np.abs(x) < body.high[0] + beside) & (np.abs(y) < body.high[1] + beside)
    return of_cup | of_body


def obstacle_points(views: Sequence[CameraView], support: Optional[Table], options: CupClearanceOptions) -> np.ndarray:
    """Points (N, 3) float32 [m] in the first camera's frame of what the cameras see, the nearest of each block, without
    those on the support."""
    found: List[np.ndarray] = []
    for view in views:
        few = view.depth[::8, ::8]
        pitch = float(np.median(few[few > 0])) / min(view.camera.fx, view.camera.fy) if few.any() else options.block
        side = max(1, int(options.block / pitch))
        table = None if support is None else support.seen_from(view.T_first_cam)
        plane, least = (np.zeros(4), -np.inf) if table is None else (table.equation, options.ignored)
        depth = np.ascontiguousarray(view.depth)
        points = compiled.nearest_of_blocks(depth, side, view.camera.intrinsics(), plane, least)
        found.append(transforms.apply(view.T_first_cam, points))
    return np.concatenate(found).astype(np.float32)


def cup_is_free(
    T_cam_grasp: np.ndarray,
    cup: SuctionCup,
    obstacles: np.ndarray,
    support: Optional[Table],
    options: CupClearanceOptions = CupClearanceOptions(),
) -> np.ndarray:
    """Which of the grasps (N, 4, 4) the cup comes to freely, (N,) bool: no obstacle (M, 3) float32 where it passes, and
    body and lip above the support, also where that is not seen."""
    sizes = np.array([cup.radius + options.beside, cup.length - cup.travel, *cup.body_size[:2]])
    sizes[2:] = sizes[2:] / 2 + options.beside
    rises = np.maximum(cup.travel, noise_at(T_cam_grasp, support, options))
    free = compiled.is_free_numba(np.ascontiguousarray(T_cam_grasp), sizes, rises, obstacles)
    if support is not None:
        free &= body_height(T_cam_grasp, cup, support) >= options.support
        free &= rim_height(T_cam_grasp, cup, support) >= 0
        free &= T_cam_grasp[:, :3, 2] @ support.normal >= -1e-6  # never from below
    return free


def noise_at(T_cam_grasp: np.ndarray, support: Optional[Table], options: CupClearanceOptions) -> np.ndarray:
    """By how much (N,) [m] noise alone may raise a surface under the lip of grasps (N, 4, 4); 0 where no support tells
    how noisy the sensor is."""
    return options.noises * (0.0 if support is None else support.noise) * T_cam_grasp[:, 2, 3] ** 2


def rim_height(T_cam_grasp: np.ndarray, cup: SuctionCup, support: Table) -> np.ndarray:
    """Least height (N,) [m] over the support of the lip's rim, its bellows pushed back by all of their travel."""
    steep = T_cam_grasp[:, :3, 2] @ support.normal  # cosine between approach and normal
    middle = support.height(T_cam_grasp[:, :3, 3]) + cup.travel * steep
    return middle - cup.radius * np.sqrt(np.maximum(1 - steep**2, 0))


def body_height(T_cam_grasp: np.ndarray, cup: SuctionCup, support: Table) -> np.ndarray:
    """Least height (N,) [m] of the pressed body's front face over the support. What is behind it is higher, since no
    grasp comes from below."""
    body = cup_body(cup, pressed=True)
    corners = np.array([[x, y, body.high[2]] for x in (body.low[0], body.high[0]) for y in (body.low[1], body.high[1])])
    at = np.einsum("nij,kj->nki", T_cam_grasp[:, :3, :3], corners) + T_cam_grasp[:, None, :3, 3]
    return support.height(at).min(axis=1)
