"""Rooms with known answers: boxes on a table that ends, floor, wall, an arm, a bin, seen by a noisy depth camera."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import List, Optional, Sequence, Tuple

import numba
import numpy as np

from antipodal.camera import Camera

CAMERAS = (
    Camera(262.5, 262.5, 159.5, 119.5, 320, 240),  # a Kinect's at half its size
    Camera(306.0, 306.0, 211.5, 119.5, 424, 240),  # a D435's at half its size
    Camera(525.0, 525.0, 319.5, 239.5, 640, 480),
)
FLOOR, WALL, TABLE, ARM, BIN, BOARD, OBJECT = range(1, 8)
FLOOR_HEIGHT = -0.76

Part = Tuple[int, Sequence[float], Sequence[float], float]  # kind, size, centre, yaw


@dataclass
class Room:
    """One image, and what each pixel shows."""

    depth: np.ndarray  # (H, W) float32 [m], 0 = missing
    kind: np.ndarray  # (H, W) FLOOR ... OBJECT, 0 = nothing
    part: np.ndarray  # (H, W) number of the part, -1 = nothing
    camera: Camera
    T_world_cam: np.ndarray  # (4, 4); the world's z is up, the table's top at 0
    parts: List[Part] = field(default_factory=list)

    @property
    def down(self) -> np.ndarray:
        return -self.T_world_cam[2, :3]

    @property
    def offset(self) -> float:
        """Distance [m] from the camera's centre to the table's plane."""
        return float(self.T_world_cam[2, 3])

    @property
    def objects(self) -> np.ndarray:
        return (self.kind == OBJECT) & (self.depth > 0)

    def share_shown(self, kind: int) -> float:
        return float((self.kind == kind).mean())


def look_at(eye: Sequence[float], target: Sequence[float], roll: float) -> np.ndarray:
    """`T_world_cam` of a camera at `eye` that looks at `target`, turned by `roll` [rad] about its axis."""
    eye, target = np.asarray(eye, float), np.asarray(target, float)
    z = (target - eye) / np.linalg.norm(target - eye)
    x = np.cross(z, [0.0, 0.0, 1.0] if abs(z[2]) < 0.9999 else [0.0, 1.0, 0.0])
    x /= np.linalg.norm(x)
    y = np.cross(z, x)
    c, s = np.cos(roll), np.sin(roll)
    T = np.eye(4)
    T[:3, 0], T[:3, 1], T[:3, 2], T[:3, 3] = c * x + s * y, c * y - s * x, z, eye
    return T


def trace(T: np.ndarray, camera: Camera, parts: List[Part]) -> Tuple[np.ndarray, np.ndarray]:
    """Depth (H, W) [m], 0 where nothing is hit, and the part (H, W) seen, -1 for none."""
    u, v = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    rays = camera.deproject(np.stack([u, v], -1), np.ones(u.shape)).reshape(-1, 3) @ T[:3, :3].T
    half = np.array([size for _, size, _, _ in parts], float) / 2
    centre = np.array([centre for _, _, centre, _ in parts], float)
    best, seen = _nearest_boxes(rays, T[:3, 3], half, centre, np.array([yaw for *_, yaw in parts], float))
    depth = np.where(np.isfinite(best), best, 0).reshape(u.shape)
    return depth, seen.reshape(u.shape)


@numba.njit(cache=True)
def _nearest_boxes(rays, eye, half, centre, yaw):
    """How far along rays (N, 3) from `eye` (3,) the first of P boxes lies, inf where none does, and which, -1 for none.

    half: (P, 3) of their sizes, turned by yaw (P,) [rad] about z.
    """
    best, seen = np.full(len(rays), np.inf), np.full(len(rays), -1)
    for n in range(len(half)):
        c, s = np.cos(yaw[n]), np.sin(yaw[n])
        x, y, z = eye - centre[n]
        start = c * x + s * y, c * y - s * x, z
        for k in range(len(rays)):
            x, y, z = rays[k]
            way = c * x + s * y, c * y - s * x, z
            near, far = -np.inf, np.inf
            for axis in range(3):
                o, d, h = start[axis], way[axis], half[n, axis]
                if d == 0:
                    near = np.inf if abs(o) >= h else near
                else:
                    a, b = (-h - o) / d, (h - o) / d
                    near, far = max(near, min(a, b)), min(far, max(a, b))
            if near <= far and 0 < near < best[k]:
                best[k], seen[k] = near, n
    return best, seen


def sense(depth: np.ndarray, rng: np.random.Generator, noise: float, holes: float) -> np.ndarray:
    """What a sensor makes of depth: errors that grow with its square and lean on their neighbours', holes beside edges
    and scattered ones."""
    grain = rng.normal(0, 1, depth.shape)
    smooth = sum(np.roll(grain, s, axis=a) for s in (-1, 0, 1) for a in (0, 1)) / np.sqrt(8)
    seen = depth + noise * depth**2 * smooth * (depth > 0)
    if holes > 0:
        jump = np.zeros(depth.shape, bool)
        jump[:, 1:] = np.abs(np.diff(depth, axis=1)) > 0.03
        for shift in range(int(rng.integers(1, 6))):
            seen[np.roll(jump, -shift, axis=1)] = 0
        seen[rng.random(depth.shape) < holes] = 0
    return seen.astype(np.float32)


def room(seed: int, tilt: Optional[float] = None, furniture: Sequence[str] = (), noise: float = 0.002) -> Room:
    """A random room. tilt: of the camera's axis against the vertical [rad]; furniture: of "wall", "arm", "bin", "tray",
    "funnel", "board", "endless", "small"; noise: standard deviation of depth at 1 m [m]."""
    rng = np.random.default_rng(seed)
    tilt = rng.uniform(0, np.radians(75)) if tilt is None else tilt
    camera, distance = CAMERAS[rng.integers(2)], rng.uniform(0.55, 1.1)
    roll = rng.uniform(-0.15, 0.15) if tilt > 0.5 else rng.uniform(-np.pi, np.pi)
    size = (rng.uniform(0.6, 1.5), rng.uniform(0.5, 1.0))
    size = (0.4, 0.3) if "small" in furniture else (20.0, 20.0) if "endless" in furniture else size
    aim = rng.uniform(-0.05, 0.05, 2)
    eye = (aim[0], aim[1] - distance * np.sin(tilt), distance * np.cos(tilt))
    parts: List[Part] = [(FLOOR, (20, 20, 0.02), (0, 0, FLOOR_HEIGHT - 0.01), 0.0)]
    parts.append((TABLE, (*size, 0.03), (0, 0, -0.015), rng.uniform(-0.3, 0.3) if "wall" not in furniture else 0.0))
    reach = (min(size[0] / 2 - 0.05, 0.3), min(size[1] / 2 - 0.05, 0.22))
    base = 0.0
    if "wall" in furniture:
        behind = size[1] / 2 + (0.01 if rng.random() < 0.5 else rng.uniform(0.1, 1.5))
        parts.append((WALL, (12, 0.02, 8), (0, behind if size[1] < 5 else rng.uniform(0.4, 1.5), 0), 0.0))
    if "board" in furniture:
        base = rng.uniform(0.004, 0.025)
        parts.append((BOARD, (0.40, 0.28, base), (0, 0, base / 2), rng.uniform(-0.3, 0.3)))
        reach = (0.14, 0.08)
    if "bin" in furniture or "tray" in furniture:
        inner, wall = (rng.uniform(0.2, 0.55), rng.uniform(0.2, 0.4)), rng.uniform(0.002, 0.012)
        inner = (min(inner[0], size[0] - 0.05), min(inner[1], size[1] - 0.05))
        high = rng.uniform(0.06, 0.25) if "bin" in furniture else rng.uniform(0.02, 0.05)
        yaw = rng.uniform(0, np.pi)
        parts += _walls(inner, wall, high, yaw)
    if "funnel" in furniture:
        inner, yaw = (rng.uniform(0.25, 0.5), rng.uniform(0.2, 0.4)), rng.uniform(0, np.pi)
        parts[-1] = (TABLE, (inner[0] + 0.05, inner[1] + 0.05, 0.03), (0, 0, -0.015), yaw)
        parts += _funnel(inner, rng.uniform(0.1, 0.25), rng.uniform(0.1, 0.7), yaw)
    if {"bin", "tray", "funnel"} & set(furniture):
        reach, turn = (inner[0] / 2 - 0.04, inner[1] / 2 - 0.04), yaw
    else:
        turn = 0.0
    parts += _things(rng, reach, turn, base)
    T = look_at(eye, (*aim, 0), roll)
    if "arm" in furniture:
        parts += _arm(rng, T, distance)
    return _seen(rng, parts, T, camera, noise)


def _seen(rng: np.random.Generator, parts: List[Part], T: np.ndarray, camera: Camera, noise: float) -> Room:
    """The room of these parts as a camera at `T_world_cam` sees it."""
    depth, part = trace(T, camera, parts)
    kind = np.array([p[0] for p in parts] + [0])[part]
    holes = rng.choice([0.0, 0.01, 0.05]) if noise > 0 else 0.0
    return Room(sense(depth, rng, noise, holes), kind, part, camera, T, parts)


def emptied(room: Room, rng: np.random.Generator, noise: float = 0.002) -> Room:
    """The same room without its objects, seen anew."""
    parts = [part for part in room.parts if part[0] != OBJECT]
    return _seen(rng, parts, room.T_world_cam, room.camera, noise)


def full_bin(seed: int, arm: bool = False) -> Room:
    """A bin whose floor is hidden under a heap, on a table or on a stand of its own size, the camera tilted by up to 50
    degrees; with an arm that reaches into the bin or over it."""
    rng = np.random.default_rng(seed)
    tilt, camera, distance = rng.uniform(0, np.radians(50)), CAMERAS[rng.integers(2)], rng.uniform(0.55, 1.0)
    roll = rng.uniform(-0.15, 0.15) if tilt > 0.5 else rng.uniform(-np.pi, np.pi)
    inner, high, yaw = (rng.uniform(0.3, 0.55), rng.uniform(0.25, 0.4)), rng.uniform(0.12, 0.3), rng.uniform(0, np.pi)
    on_table = rng.random() < 0.5
    table = (rng.uniform(0.6, 1.5), rng.uniform(0.5, 1.0)) if on_table else (inner[0] + 0.02, inner[1] + 0.02)
    parts: List[Part] = [(FLOOR, (20, 20, 0.02), (0, 0, FLOOR_HEIGHT - 0.01), 0.0)]
    parts.append((TABLE, (*table, 0.03), (0, 0, -0.015), yaw))
    if rng.random() < 0.5:
        parts += _funnel(inner, high, rng.uniform(0.1, 0.4), yaw)
    else:
        parts += _walls(inner, rng.uniform(0.002, 0.012), high, yaw)
    parts += _heap(rng, inner, high * rng.uniform(0.4, 1.0), yaw)
    aim = rng.uniform(-0.05, 0.05, 2)
    eye = (aim[0], aim[1] - distance * np.sin(tilt), 0.7 * high + distance * np.cos(tilt))
    T = look_at(eye, (*aim, 0.7 * high), roll)
    if arm:
        parts += _arm(rng, T, distance)
    return _seen(rng, parts, T, camera, 0.002)


def _heap(rng: np.random.Generator, inner: Tuple[float, float], top: float, yaw: float) -> List[Part]:
    """Boxes that lie over each other at up to a height `top` [m] in a bin; most often more of them below."""
    parts: List[Part] = []
    c, s = np.cos(yaw), np.sin(yaw)
    for x in np.arange(-inner[0] / 2 + 0.03, inner[0] / 2 - 0.02, 0.055):
        for y in np.arange(-inner[1] / 2 + 0.03, inner[1] / 2 - 0.02, 0.055):
            high, turn = top * rng.uniform(0.6, 1.0), rng.uniform(0, np.pi)
            size = rng.uniform(0.05, 0.13), rng.uniform(0.03, 0.07), rng.uniform(0.02, 0.06)
            a, b = abs(np.cos(turn)), abs(np.sin(turn))
            free = (
                (inner[0] - a * size[0] - b * size[1]) / 2 - 0.003,
                (inner[1] - b * size[0] - a * size[1]) / 2 - 0.003,
            )
            u, v = (np.clip(p + rng.uniform(-0.01, 0.01), -f, f) for p, f in zip((x, y), free))
            parts.append((OBJECT, size, (c * u - s * v, s * u + c * v, high - size[2] / 2), yaw + turn))
    if rng.random() < 0.7:
        parts.append((OBJECT, (inner[0] - 0.004, inner[1] - 0.004, 0.45 * top), (0, 0, 0.225 * top), yaw))
    return parts


def _walls(inner: Tuple[float, float], wall: float, high: float, yaw: float) -> List[Part]:
    """Four walls around the origin."""
    c, s = np.cos(yaw), np.sin(yaw)
    parts: List[Part] = []
    for sign in (-1, 1):
        for along, across, angle in ((0, 1, 0.0), (1, 0, np.pi / 2)):
            x, y = sign * along * (inner[0] + wall) / 2, sign * across * (inner[1] + wall) / 2
            length = inner[0] + 2 * wall if across else inner[1] + 2 * wall
            centre = (c * x - s * y, s * x + c * y, high / 2)
            parts.append((BIN, (length, wall, high), centre, yaw + angle))
    return parts


def _funnel(inner: Tuple[float, float], high: float, slope: float, yaw: float, foot: float = 0.02) -> List[Part]:
    """Four walls in thin layers, rounded at their feet, that lean outwards by `slope` times their height."""
    parts: List[Part] = []
    levels = np.concatenate([np.linspace(0, foot, 5), np.arange(foot + 0.012, high, 0.012)])
    for low, top in zip(levels[:-1], levels[1:]):
        rounding = foot * (1 - np.sqrt(1 - max(0.0, 1 - low / foot) ** 2))
        out = slope * low - rounding
        for kind, size, centre, turn in _walls((inner[0] + 2 * out, inner[1] + 2 * out), 0.03, top - low, yaw):
            parts.append((kind, size, (centre[0], centre[1], (low + top) / 2), turn))
    return parts


def _things(rng: np.random.Generator, reach: Tuple[float, float], turn: float, base: float) -> List[Part]:
    """One to six boxes that do not touch each other."""
    parts: List[Part] = []
    taken: List[Tuple[float, float, float]] = []
    for _ in range(int(rng.integers(1, 7)) * 4):
        long, wide, high = rng.uniform(0.03, 0.14), rng.uniform(0.015, 0.07), rng.uniform(0.015, 0.12)
        x, y = (rng.uniform(-r, r) if r > 0 else 0.0 for r in reach)
        x, y = np.cos(turn) * x - np.sin(turn) * y, np.sin(turn) * x + np.cos(turn) * y
        radius = np.hypot(long, wide) / 2
        if any(np.hypot(x - a, y - b) < radius + r + 0.015 for a, b, r in taken):
            continue
        taken.append((x, y, radius))
        parts.append((OBJECT, (long, wide, high), (x, y, base + high / 2), rng.uniform(0, np.pi)))
        if len(parts) == 6:
            break
    return parts


def _arm(rng: np.random.Generator, T: np.ndarray, distance: float) -> List[Part]:
    """Links in a row that enter from beyond the image and end above the table."""
    side = rng.uniform(0, 2 * np.pi)
    way = np.array([np.cos(side), np.sin(side)])
    if way @ T[:2, 3] < 0 and np.linalg.norm(T[:2, 3]) > 0.2:
        way = -way  # not out of the wall
    high, start = rng.uniform(0.12, 0.3) * distance + 0.05, rng.uniform(0.1, 0.2)
    parts: List[Part] = []
    for k in range(12):
        x, y = way * (start + 0.08 * k)
        width = 0.04 if k < 2 else 0.09
        parts.append((ARM, (0.1, width, width), (x, y, high + 0.02 * k), float(np.arctan2(way[1], way[0]))))
    return parts
