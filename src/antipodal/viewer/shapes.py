"""Points and lines that the page draws, without the page."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from antipodal import transforms
from antipodal.grasp import Grasp, Hand
from antipodal.grasping.draw import quality_colour
from antipodal.grasping.hand_shapes import hand_for, solids_of, strokes_of
from antipodal.viewer.look import Look

EYE_DISTANCE, EYE_ELEVATION = 0.5, 0.72  # of the first viewpoint [m, rad]
UNSCORED = (90, 90, 90)
BEHIND_PALM = "hand"  # of `solids_of`
NAMES = {BEHIND_PALM: "behind_palm"}  # of nodes, where they are others than those of `solids_of`

Hands = Union[Hand, Sequence[Hand]]


def placed_at(T: np.ndarray) -> Dict[str, Any]:
    """Where a node of viser's scene lies, from its pose (4, 4)."""
    return {"wxyz": np.roll(transforms.quaternion(T[:3, :3]), 1), "position": T[:3, 3]}


class HandSolid(NamedTuple):
    """A part of a hand, in the camera's frame."""

    name: str
    T: np.ndarray  # (4, 4) of its centre
    size: np.ndarray  # (3,) [m]
    radius: Optional[float] = None  # [m] of a cylinder about its z; None: it is a box


def hand_solids(grasp: Grasp, hand: Hand, whole: bool = False) -> List[HandSolid]:
    """The parts that planning keeps clear, at a grasp and its opening. whole: what is behind a palm too, as in a cone
    of approaches."""
    solids = []
    for name, solid in solids_of(hand, grasp.width).items():
        if name != BEHIND_PALM or whole:
            T = grasp.T_cam_grasp @ transforms.compose(np.eye(3), solid.center)
            solids.append(HandSolid(NAMES.get(name, name), T, solid.size, getattr(solid, "radius", None)))
    return solids


def forks(grasps: Sequence[Grasp], hands: Hands) -> Tuple[np.ndarray, np.ndarray]:
    """Lines (L, 2, 3) [m] in the camera frame that stand for grasps: both jaws and the bar between them, or a cup's lip
    and the last stretch of its way; and colours (L, 2, 3) uint8 of their qualities. hands: one, or those that the
    grasps are for."""
    each = [_lines(grasp, hands) for grasp in grasps]
    return _joined_lines(each), _colours(grasps, [len(lines) for lines in each])


def fork_bars(grasps: Sequence[Grasp], hands: Hands) -> Tuple[np.ndarray, np.ndarray]:
    """Of each grasp's lines one alone, the bar or the stretch of the way: lines (N, 2, 3) and colours (N, 2, 3)."""
    lines = np.zeros((len(grasps), 2, 3))
    if len(grasps):
        first = np.stack([strokes_of(hand_for(g, hands), g.width)[0] for g in grasps])
        lines = transforms.apply(np.stack([g.T_cam_grasp for g in grasps]), first)
    return lines.astype(np.float32), _colours(grasps, [1] * len(grasps))


def _lines(grasp: Grasp, hands: Hands) -> np.ndarray:
    """The lines (K, 2, 3) [m] of a grasp; the bar in the middle, so that a fork is one line from tip to tip."""
    bar, *others = transforms.apply(grasp.T_cam_grasp, strokes_of(hand_for(grasp, hands), grasp.width))
    return np.stack([others[0], bar, *others[1:]])


def _joined_lines(each: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.zeros((0, 2, 3)), *each]).astype(np.float32)


def _colours(grasps: Sequence[Grasp], lines: Sequence[int]) -> np.ndarray:
    """Colours (L, 2, 3) uint8 of so many lines of each grasp."""
    each = np.array([_colour(g.quality) for g in grasps]).reshape(-1, 1, 3) / 255
    each = np.round(255 * each**2.2).astype(np.uint8)  # the page takes colours of lines for linear ones
    return np.repeat(np.repeat(each, lines, axis=0), 2, axis=1)


def _colour(quality: float) -> Tuple[int, int, int]:
    return quality_colour(quality) if np.isfinite(quality) else UNSCORED


def nearest_to_ray(grasps: Sequence[Grasp], hands: Hands, origin: np.ndarray, direction: np.ndarray) -> int:
    """Which grasp's lines a ray passes nearest to, seen from its origin; -1 where it passes more than 3 degrees off."""
    if not len(grasps):
        return -1
    each = [_lines(grasp, hands) for grasp in grasps]
    lines, share = _joined_lines(each), np.linspace(0, 1, 7)[:, None]
    points = lines[:, :1] * (1 - share) + lines[:, 1:] * share  # (L, 7, 3)
    towards = points - np.asarray(origin, float)
    along = towards @ (np.asarray(direction, float) / np.linalg.norm(direction))
    off = np.sqrt(np.maximum((towards**2).sum(axis=-1) - along**2, 0)) / np.maximum(along, 1e-6)
    angle = np.where(along > 0, off, np.inf).min(axis=1)
    nearest = int(angle.argmin())
    grasp = int(np.repeat(np.arange(len(grasps)), [len(lines) for lines in each])[nearest])
    return grasp if angle[nearest] < np.tan(np.deg2rad(3)) else -1


class Eye(NamedTuple):
    """Where the page looks from at first, in the camera's frame."""

    position: np.ndarray  # (3,) [m]
    look_at: np.ndarray  # (3,) [m]
    up: np.ndarray  # (3,) unit


def first_eye(look: Look) -> Eye:
    """From above and in front of what may be grasped, near enough to read it; of the whole image where nothing may."""
    scene, camera = look.trace.scene, look.frame.camera
    depth = np.nan_to_num(look.frame.depth) if scene is None else scene.depth
    approach = np.array([0.0, 0.0, 1.0]) if scene is None else scene.approach
    mask = scene.graspable if scene is not None and scene.graspable.any() else depth > 0
    v, u = np.nonzero(mask)
    points = camera.deproject(np.stack([u, v], axis=-1), depth[v, u]) if len(v) else np.array([[0.0, 0.0, 0.6]])
    middle = np.median(points, axis=0)
    spread = float(np.percentile(np.linalg.norm(points - middle, axis=1), 95))
    towards = np.array([0.0, 1.0, 0.0]) - approach[1] * approach  # where the image's lower border lies
    towards = np.array([0.0, 0.0, -1.0]) if np.linalg.norm(towards) < 0.1 else towards / np.linalg.norm(towards)
    way = np.cos(EYE_ELEVATION) * towards - np.sin(EYE_ELEVATION) * approach
    return Eye(middle + max(EYE_DISTANCE, 2.2 * spread) * way, middle - 0.03 * approach, -approach)
