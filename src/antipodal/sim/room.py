"""Rooms around the cell's objects: a table that ends, a floor, walls, a robot's arm, crates and trays, as static boxes.

The world's z = 0 is the table's top and its origin the middle of the objects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, NamedTuple, Tuple

import numpy as np
import trimesh
from numpy.typing import ArrayLike

from antipodal import transforms

THICKNESS = 0.04  # of the table's top [m]
FACES = 12  # triangles of a part
CLEAR = 0.24  # the arm's tip and crates stay this far from the middle, where the objects are [m]


class Part(NamedTuple):
    """A static box."""

    kind: str  # table, floor, wall, arm, crate or tray
    T_world_part: np.ndarray  # (4, 4) of the box's middle
    size: np.ndarray  # (3,) edges [m]

    def mesh(self) -> Tuple[np.ndarray, np.ndarray]:
        """Vertices (8, 3) [m] in the world and faces (FACES, 3)."""
        box = trimesh.creation.box(self.size)
        return transforms.apply(self.T_world_part, box.vertices), np.asarray(box.faces)


@dataclass(frozen=True)
class RoomOptions:
    """How often a room has each kind of part, and its sizes."""

    table: Tuple[float, float] = (0.4, 1.2)  # shorter and longer edge of the smallest and of the largest table [m]
    height: Tuple[float, float] = (0.5, 0.9)  # of the table above the floor [m]
    wall: float = 0.7  # chance of a wall behind the table
    arm: float = 0.5  # chance of a robot's arm that enters the image from the side
    crate: float = 0.5  # chance of a crate beside the objects
    tray: float = 0.4  # chance of a tray around the objects
    tray_side: Tuple[float, float] = (0.20, 0.26)  # half-side of the tray [m]
    tray_height: Tuple[float, float] = (0.03, 0.10)  # [m]


def random_room(rng: np.random.Generator, T_world_cam: np.ndarray, options: RoomOptions = RoomOptions()) -> List[Part]:
    """The parts of a room, the table first, for a camera at `T_world_cam` (4, 4)."""
    azimuth = np.arctan2(T_world_cam[1, 3], T_world_cam[0, 3])  # of the camera, seen from the objects
    parts = _table_and_floor(rng, options)
    if rng.random() < options.wall:
        distance = rng.uniform(0.45, 1.0)
        parts.append(upright_part("wall", azimuth + np.pi + rng.normal(0, 0.3), distance, (0.04, 3.0, 1.6), 0.2))
    if rng.random() < options.crate:
        size = rng.uniform([0.1, 0.1, 0.05], [0.25, 0.25, 0.2])
        turn = azimuth + np.pi + rng.uniform(-1.6, 1.6)  # beside or behind the objects, not in front of them
        parts.append(upright_part("crate", turn, CLEAR + np.hypot(*size[:2]) / 2, size, size[2] / 2))
    if rng.random() < options.tray:
        parts += _tray(rng, options)
    if rng.random() < options.arm:
        parts += _arm(rng, azimuth)
    return parts


def _table_and_floor(rng: np.random.Generator, options: RoomOptions) -> List[Part]:
    short = rng.uniform(options.table[0], options.table[1] * 0.7)
    size = np.array([short * rng.uniform(1.0, 1.5), short, THICKNESS])
    turn = transforms.about_z(np.asarray(rng.uniform(0, np.pi)))
    shift = 0.3 * (size[:2] / 2 - options.table[0] / 2) * rng.uniform(-1, 1, 2)  # the objects stay on it
    table = transforms.compose(turn, turn @ np.append(shift, -THICKNESS / 2))
    below = -rng.uniform(*options.height)
    floor = transforms.compose(np.eye(3), np.array([0.0, 0.0, below - 0.01]))
    return [Part("table", table, size), Part("floor", floor, np.array([6.0, 6.0, 0.02]))]


def upright_part(kind: str, azimuth: float, distance: float, size: ArrayLike, middle: float) -> Part:
    """A box whose x points away from the objects, `distance` [m] from them, its middle at the height `middle` [m]."""
    R = transforms.about_z(np.asarray(azimuth))
    return Part(kind, transforms.compose(R, R @ np.array([distance, 0.0, middle])), np.asarray(size, dtype=np.float64))


def _tray(rng: np.random.Generator, options: RoomOptions) -> List[Part]:
    """Four thin walls around the objects."""
    half, height, turn = rng.uniform(*options.tray_side), rng.uniform(*options.tray_height), rng.uniform(0, np.pi / 2)
    size = (0.005, 2 * half + 0.01, height)
    return [upright_part("tray", turn + k * np.pi / 2, half, size, height / 2) for k in range(4)]


def _arm(rng: np.random.Generator, azimuth: float) -> List[Part]:
    """A forearm that comes in from the side, high over the table, and a hand that hangs from its end."""
    side = azimuth + rng.choice([-1, 1]) * rng.uniform(1.2, 2.2)
    reach, height = CLEAR + rng.uniform(0.02, 0.10), rng.uniform(0.18, 0.35)
    forearm = upright_part("arm", side, reach + 0.5, (1.0, 0.09, 0.09), height)
    hand = upright_part("arm", side, reach + 0.04, (0.07, 0.12, 0.14), height - 0.1)
    return [forearm, hand]


def lose_depth(rng: np.random.Generator, depth: np.ndarray) -> np.ndarray:
    """`depth` (H, W) with what real images lack: a strip at the border where a colour camera sees more, a dead column,
    and blots of dark or shiny surface; 0 = missing."""
    depth, (H, W) = depth.copy(), depth.shape
    if rng.random() < 0.3:
        depth[:, : int(rng.uniform(0.01, 0.06) * W)] = 0
    if rng.random() < 0.2:
        depth[:, int(rng.integers(W))] = 0
    v, u = np.mgrid[:H, :W]
    for _ in range(rng.integers(0, 4)):
        center, radii = rng.uniform([0, 0], [H, W]), rng.uniform(3, 0.025 * W, 2)
        depth[((v - center[0]) / radii[0]) ** 2 + ((u - center[1]) / radii[1]) ** 2 < 1] = 0
    return depth
