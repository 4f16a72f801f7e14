"""Random scenes for properties.py: crowded boxes, rooms, heaps; grippers, masks, regions, hints and cones at random."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Tuple

import numpy as np

from antipodal.camera import Camera
from antipodal.grasp import Gripper, load_hand
from antipodal.perception.hints import SceneHints
from antipodal.planning.approach_cone import RIGHT_ANGLE, Approach, ApproachCone

REPO = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPO), str(REPO / "tests")]
import rooms  # noqa: E402
import scenes  # noqa: E402

from benchmarks.scenes import picture, scaled  # noqa: E402

GRIPPERS = [p for p in sorted((REPO / "config" / "grippers").glob("*.yaml")) if isinstance(load_hand(p), Gripper)]
FURNITURE = [(), ("wall",), ("arm",), ("bin",), ("tray",), ("board",), ("endless",), ("small", "wall"), ("bin", "wall")]
ODD = [0.0, np.nan, np.inf, -1.0, 65.535, 0.001]  # values of single pixels


@dataclass
class Scene:
    """The arguments of a plan."""

    kind: str
    depth: np.ndarray  # (H, W) [m]
    camera: Camera
    gripper: int  # index of GRIPPERS
    arguments: Dict[str, Any] = field(default_factory=dict)


def scene(number: int, approach: str = "table") -> Scene:
    """The scene of this number, the same in every process. approach: as in `plan`, or "cone": one at random."""
    rng = np.random.default_rng([2026, number])
    kind = ["crowded", "crowded", "room", "room", "room", "heap"][number % 6]
    depth, camera, objects, up = {"crowded": _crowded, "room": _room, "heap": _heap}[kind](rng)
    depth = _damaged(rng, depth)
    arguments: Dict[str, Any] = {"seed": int(rng.integers(2**31)), "max_grasps": int(rng.integers(1, 30))}
    if rng.random() < 0.35 and objects.any():
        arguments["mask"] = objects
    if rng.random() < 0.35:
        arguments["region"] = _region(rng, depth.shape)
    if rng.random() < 0.35:
        arguments["hints"] = SceneHints(up=tuple(up))
    gripper = int(rng.integers(len(GRIPPERS)))
    arguments["approach"] = _cone(rng, np.asarray(up)) if approach == "cone" else approach
    return Scene(kind, depth, camera, gripper, arguments)


def _cone(rng: np.random.Generator, up: np.ndarray) -> Approach:
    """A cone whose axis leans on the vertical by at most a right angle, some narrow, some wide."""
    axis = rng.normal(size=3)
    x, y, z = axis - max(0.0, 2 * float(axis @ up)) * up  # a direction of travel goes down
    return ApproachCone((float(x), float(y), float(z)), rng.uniform(0, RIGHT_ANGLE))


def _crowded(rng: np.random.Generator) -> Tuple[np.ndarray, Camera, np.ndarray, np.ndarray]:
    """A box with others and walls round it, some as near as a hand's palm reaches."""
    camera = Camera(220.0, 220.0, 159.5, 119.5, 320, 240) if rng.random() < 0.5 else scenes.CAMERA
    boxes = [scenes.box(rng.uniform(-0.03, 0.03, 2), rng.uniform(0.015, 0.09, 3), rng.uniform(0, np.pi))]
    for _ in range(rng.integers(0, 5)):
        boxes.append(scenes.box(rng.uniform(-0.14, 0.14, 2), rng.uniform(0.01, 0.1, 3), rng.uniform(0, np.pi)))
    for side in rng.permutation(4)[: rng.integers(0, 3)]:
        gap, along = rng.uniform(0.05, 0.15), (side % 2) * np.pi / 2
        place = (-1) ** (side // 2) * (gap + 0.02) * np.array([np.cos(along), np.sin(along)])
        boxes.append(scenes.box(place, (0.02, 0.4, rng.uniform(0.06, 0.25)), along))
    T = scenes.overhead(rng.uniform(0, 0.7))
    depth, _ = scenes.render(boxes, camera, T)
    alone, mask = scenes.render(boxes[:1], camera, T)
    return depth, camera, mask & (np.abs(alone - depth) < 1e-4), T[:3, 2]


def _room(rng: np.random.Generator) -> Tuple[np.ndarray, Camera, np.ndarray, np.ndarray]:
    """A table that ends, a floor, furniture, with a sensor's noise."""
    room = rooms.room(
        int(rng.integers(2**31)), None, FURNITURE[rng.integers(len(FURNITURE))], rng.choice([0, 0.001, 0.002])
    )
    return room.depth, room.camera, room.objects, -room.down


def _heap(rng: np.random.Generator) -> Tuple[np.ndarray, Camera, np.ndarray, np.ndarray]:
    """Procedural objects on a table, seen from above with a sensor's noise."""
    image = picture(int(rng.integers(1, 7)), int(rng.integers(2**31)), scaled(320, 240))
    return image.depth, image.camera, (image.depth > 0) & (image.depth < 0.69), np.array([0.0, 0.0, -1.0])


def _damaged(rng: np.random.Generator, depth: np.ndarray) -> np.ndarray:
    """`depth` with odd values at some pixels, in half of the scenes."""
    share = rng.choice([0.0, 0.0, 0.0005, 0.02])
    values = rng.choice(ODD, depth.shape)
    return np.where(rng.random(depth.shape) < share, values, depth).astype(np.float32)


def _region(rng: np.random.Generator, shape: Tuple[int, ...]) -> Any:
    """A window, or the same pixels as a mask."""
    height, width = (int(rng.integers(size // 4, size + 1)) for size in shape)
    v, u = int(rng.integers(shape[0] - height + 1)), int(rng.integers(shape[1] - width + 1))
    if rng.random() < 0.5:
        return u, v, width, height
    pixels = np.zeros(shape, bool)
    pixels[v : v + height, u : u + width] = True
    return pixels
