"""What a user knows of a scene beside its image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Optional, Sequence, Tuple

import numpy as np

from antipodal import transforms
from antipodal.errors import InputError

LENGTHS = (1e-6, 1e6)  # of vectors that tell a direction
UPWARDS = 0.7071  # cosine of the angle between the camera's axis and the direction up, at most
NEAREST_TABLE, FARTHEST_TABLE = 0.01, 10.0  # distances of a table's plane from the camera's centre [m]


@dataclass(frozen=True, eq=False)
class SceneHints:
    """Knowledge about a scene, all of it optional, in the camera's optical frame (x right, y down, z forward).

    Raises InputError where a value is none that it can be.
    """

    up: Optional[Sequence[float]] = None  # (3,) direction against gravity, of any length
    table: Optional[Sequence[float]] = None  # (a, b, c, d): things stand on the plane a x + b y + c z = d [m]
    nearest: float = 0.0  # depth [m]; what is nearer counts as missing
    farthest: float = float("inf")  # depth [m]; what is further counts as missing
    workspace: Optional[Sequence[float]] = None  # (x0, y0, z0, x1, y1, z1) [m]: targets lie within this box
    robot: Optional[np.ndarray] = None  # (H, W) mask, nonzero = robot: an obstacle, never a target or a table
    T_workspace_cam: Optional[np.ndarray] = (
        None  # (4, 4): the box lies along the axes of this frame; None = the camera's
    )

    def __post_init__(self) -> None:
        _check_vector("up", self.up, 3)
        _check_vector("table", self.table, 4)
        if self.table is not None:
            self._check_distance(self.table)
        for name, depth in (("nearest", self.nearest), ("farthest", self.farthest)):
            if not isinstance(depth, (int, float, np.number)):
                raise InputError(f"{name} must be a depth in metres, got {depth!r}")
        if not 0 <= self.nearest < self.farthest:
            raise InputError(f"depths must be 0 <= nearest < farthest, got {self.nearest:g} and {self.farthest:g} m")
        if self.workspace is not None:
            box = _finite("workspace", self.workspace, 6)
            if not (box[:3] < box[3:]).all():
                raise InputError(f"workspace must be x0 y0 z0 x1 y1 z1 with x0 < x1 and so on, got {_shown(box)}")
        if self.T_workspace_cam is not None:
            transforms.check_rigid("T_workspace_cam", self.T_workspace_cam)

    def _check_distance(self, table: Sequence[float]) -> None:
        """Raises InputError where the table is no distance from the camera at which it could be seen."""
        if table[3] == 0:
            raise InputError(f"table {_shown(table)} passes through the camera's centre; d must not be 0")
        distance = abs(table[3]) / np.linalg.norm(table[:3])
        if not NEAREST_TABLE <= distance <= FARTHEST_TABLE:
            possible = f"possible: {NEAREST_TABLE:g} to {FARTHEST_TABLE:g} m"
            raise InputError(f"table {_shown(table)} is {distance:g} m from the camera's centre; {possible}")

    def down(self) -> Optional[np.ndarray]:
        """Unit vector (3,) along gravity, where `up` is given. Raises InputError where the camera would look up at what
        stands on a support from under it."""
        if self.up is None:
            return None
        up = np.asarray(self.up, float)
        if up[2] > UPWARDS * np.linalg.norm(up):
            possible = f"the opposite, {_shown(0.0 - up)}, and all that lie 45 degrees or more off the camera's axis"
            raise InputError(
                f"up {_shown(up)} points into the image, as if the camera saw the sky; possible: {possible}"
            )
        return -up / np.linalg.norm(up)

    def seen_from(self, T_frame_cam: np.ndarray, robot: Optional[np.ndarray] = None) -> SceneHints:
        """These hints, which are in a frame, in that of a camera whose pose there is T_frame_cam (4, 4) and whose mask
        of the robot is `robot`, or the one that they hold. Raises InputError where there are two."""
        if robot is not None and self.robot is not None:
            raise InputError("the hints and the first view both have a mask of the robot; give one of them")
        R, origin = T_frame_cam[:3, :3], T_frame_cam[:3, 3]
        up = None if self.up is None else tuple(np.asarray(self.up, float) @ R)
        table = None
        if self.table is not None:
            normal = np.asarray(self.table[:3], float)
            table = (*(normal @ R), float(self.table[3] - normal @ origin))
        T = T_frame_cam if self.T_workspace_cam is None else self.T_workspace_cam @ T_frame_cam
        robot = self.robot if robot is None else robot
        return SceneHints(up, table, self.nearest, self.farthest, self.workspace, robot, T)

    def plane(self) -> Optional[Tuple[np.ndarray, float]]:
        """Unit normal (3,) away from the camera and offset [m] of the given table."""
        if self.table is None:
            return None
        plane = np.asarray(self.table, float) / np.linalg.norm(self.table[:3])
        plane *= np.sign(plane[3])
        return plane[:3], float(plane[3])


@dataclass(frozen=True, eq=False)
class FrameHints(SceneHints):
    """The same in the frame of a cloud, or of the poses of several cameras: a table may pass through its origin."""

    def _check_distance(self, table: Sequence[float]) -> None:
        """Nothing is known of the camera yet."""


def _check_vector(name: str, values: Optional[Sequence[float]], count: int) -> None:
    """Raises InputError where `values` are no finite numbers whose first three span a direction."""
    if values is None:
        return
    largest = np.abs(_finite(name, values, count)[:3]).max()
    if not LENGTHS[0] <= largest <= LENGTHS[1]:
        raise InputError(
            f"{name} has no direction: {_shown(values)}; possible: lengths of {LENGTHS[0]:g} to {LENGTHS[1]:g}"
        )


def _finite(name: str, values: Sequence[float], count: int) -> np.ndarray:
    try:
        array = np.asarray(values, float)
    except (TypeError, ValueError):
        array = np.zeros(0)
    if array.shape != (count,) or not np.isfinite(array).all():
        raise InputError(f"{name} must be {count} finite numbers, got {values!r}")
    return array


def _shown(values: Iterable[float]) -> str:
    return "(" + ", ".join(f"{v:g}" for v in values) + ")"
