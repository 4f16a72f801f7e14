"""Scenes of trials that need another approach than from above, and approaches as the world knows them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np

from antipodal import transforms
from antipodal.errors import InputError
from antipodal.perception.hints import SceneHints
from antipodal.planning.approach_cone import Approach, ApproachCone
from antipodal.sim.carriage import WorldOptions
from antipodal.sim.cell import CellOptions
from antipodal.sim.objects import Body
from antipodal.sim.pick import PickOptions
from antipodal.sim.room import THICKNESS, Part, upright_part
from antipodal.sim.scene_things import flat_things, wide_things
from antipodal.synth.objects.meshes import NamedMesh

FRONT = 45.0  # half-angle of the cone "front" where none is given [degrees]
SHELF_DEPTH, SHELF_WIDTH, ROOF = 0.32, 0.8, 0.25  # of the board, and its roof's height over it [m]
SHELF_PICK = PickOptions(approach=0.35, lift=0.03, retreat=0.35)  # in from before the board, and out again
BOX_GAP, BOX_HEIGHT = (0.02, 0.05), (0.08, 0.14)  # from an object's farthest point to the walls; of the walls [m]
BIN_SIDE, BIN_HEIGHT = 0.15, 0.08  # half of a bin's inner side; of its walls [m]
IN_BIN = replace(CellOptions(), world=replace(WorldOptions(), heap=BIN_SIDE))


@dataclass(frozen=True)
class SceneKind:
    """What a kind of scene does to the cell."""

    tilt: Optional[Tuple[float, float]] = None  # least and greatest of the camera [rad]; None: as the trials say
    cell: CellOptions = field(default_factory=CellOptions)
    things: Optional[Callable[[int], List[NamedMesh]]] = None  # of its own, by a seed
    share: float = 1.0  # of a scene's objects that are its own things
    heap: bool = False  # several objects may lie in it


SCENES: Dict[str, SceneKind] = {
    "table": SceneKind(heap=True),
    "shelf": SceneKind((1.08, 1.19), replace(CellOptions(), spread=0.04, pick=SHELF_PICK)),
    "box": SceneKind(cell=replace(CellOptions(), spread=0.01)),
    "wide": SceneKind((0.8, 1.1), things=wide_things),
    "low": SceneKind((1.1, 1.2)),
    "flat": SceneKind(cell=IN_BIN, things=flat_things, share=0.5, heap=True),
}


def check_scene(name: str) -> str:
    """`name` itself. Raises InputError where there is no such kind of scene."""
    if name not in SCENES:
        raise InputError(f"no scene {name!r}; possible: {', '.join(SCENES)}")
    return name


def parts_of(name: str, rng: np.random.Generator, T_world_cam: np.ndarray, bodies: Sequence[Body]) -> List[Part]:
    """What stands around the bodies in a kind of scene, the table first; nothing: the table is endless."""
    ahead = float(np.arctan2(-T_world_cam[1, 3], -T_world_cam[0, 3]))  # as the camera looks, seen from above
    if name == "shelf":
        return _shelf(ahead)
    if name == "box":
        half = max(body.radius() for body in bodies) + rng.uniform(*BOX_GAP)
        return _walled_box(half, rng.uniform(*BOX_HEIGHT), rng.uniform(0, np.pi / 2))
    if name == "flat":
        return _walled_box(BIN_SIDE, BIN_HEIGHT, 0.0)
    return []


def _shelf(ahead: float) -> List[Part]:
    """A board, a roof over it and a back wall, all open to the camera."""
    turn = transforms.about_z(np.asarray(ahead))
    board = transforms.compose(turn, np.array([0.0, 0.0, -THICKNESS / 2]))
    roof = transforms.compose(turn, np.array([0.0, 0.0, ROOF + 0.01]))
    back = upright_part("back", ahead, SHELF_DEPTH / 2 + 0.01, (0.02, SHELF_WIDTH, ROOF + 0.02), ROOF / 2)
    board_size, roof_size = (np.array([SHELF_DEPTH, SHELF_WIDTH, thick]) for thick in (THICKNESS, 0.02))
    return [Part("table", board, board_size), Part("roof", roof, roof_size), back]


def _walled_box(half: float, height: float, turn: float) -> List[Part]:
    """A table, and four walls on it, `half` [m] from its middle."""
    table = transforms.compose(np.eye(3), np.array([0.0, 0.0, -THICKNESS / 2]))
    size = (0.008, 2 * half + 0.016, height)
    walls = [upright_part("tray", turn + k * np.pi / 2, half + 0.004, size, height / 2) for k in range(4)]
    return [Part("table", table, np.array([1.2, 1.2, THICKNESS])), *walls]


def hints_of(name: str, T_world_cam: np.ndarray) -> Optional[SceneHints]:
    """What planners are told of a kind of scene: on a shelf which way is up, as a robot knows it."""
    if name != "shelf":
        return None
    x, y, z = T_world_cam[2, :3]
    return SceneHints(up=(float(x), float(y), float(z)))


def named_approach(text: str, T_world_cam: np.ndarray) -> Approach:
    """An approach in the camera's frame: "table", "camera", "any", or "front" and "front:DEG", a cone about the level
    direction in which the camera looks. Raises InputError for another text."""
    if text in ("table", "camera", "any"):
        return text
    name, colon, degrees = text.partition(":")
    try:
        angle = float(degrees) if colon else FRONT
    except ValueError:
        angle = math.nan
    if name != "front" or not 0 <= angle <= 90:
        raise InputError(f"--approach is table, camera, any, front or front:DEG with 0 to 90 degrees, got {text!r}")
    level = T_world_cam[:3, 2] * [1, 1, 0]
    if np.linalg.norm(level) < 1e-3:
        raise InputError("the camera looks straight down, so nothing is in front: tilt it, or use --approach any")
    x, y, z = T_world_cam[:3, :3].T @ level
    return ApproachCone((float(x), float(y), float(z)), math.radians(angle))
