"""Points and lines that the page draws, without the page."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

import numpy as np

from antipodal import transforms
from antipodal.grasp import Grasp, Gripper
from antipodal.grasping.draw import quality_colour
from antipodal.grasping.gripper_boxes import hand_boxes, whole_hand_boxes
from antipodal.viewer.replan import Look

STEM = 0.03  # how far a candidate's fork reaches back from its tips [m]
EYE_DISTANCE, EYE_ELEVATION = 0.5, 0.72  # of the first viewpoint [m, rad]
UNSCORED = (90, 90, 90)
HAND = ("jaw_left", "jaw_right", "palm", "behind_palm")


def placed_at(T: np.ndarray) -> Dict[str, Any]:
    """Where a node of viser's scene lies, from its pose (4, 4)."""
    return {"wxyz": np.roll(transforms.quaternion(T[:3, :3]), 1), "position": T[:3, 3]}


class HandBox(NamedTuple):
    """A box of the hand, in the camera's frame."""

    name: str
    T: np.ndarray  # (4, 4) of its centre
    size: np.ndarray  # (3,) [m]


def hand_solids(grasp: Grasp, gripper: Gripper, whole: bool = False) -> List[HandBox]:
    """The boxes that planning keeps clear, at a grasp and its opening. whole: that behind the palm too, as in a cone of
    approaches."""
    solids = []
    boxes = whole_hand_boxes(gripper, grasp.width) if whole else hand_boxes(gripper, grasp.width)
    for name, box in zip(HAND, boxes):
        solids.append(HandBox(name, grasp.T_cam_grasp @ transforms.compose(np.eye(3), box.center), box.size))
    return solids


def forks(grasps: Sequence[Grasp], gripper: Gripper) -> Tuple[np.ndarray, np.ndarray]:
    """Lines (3 N, 2, 3) [m] in the camera frame that stand for grasps, both jaws and the bar between them, and colours
    (3 N, 2, 3) uint8 of their qualities."""
    corners = [_corners(grasp, gripper) for grasp in grasps]
    lines = np.array([c[k : k + 2] for c in corners for k in range(3)], np.float32).reshape(-1, 2, 3)
    return lines, _colours(grasps, 3)


def fork_bars(grasps: Sequence[Grasp], gripper: Gripper) -> Tuple[np.ndarray, np.ndarray]:
    """Of each fork the bar alone: lines (N, 2, 3) and colours (N, 2, 3)."""
    lines = np.array([_corners(grasp, gripper)[1:3] for grasp in grasps], np.float32).reshape(-1, 2, 3)
    return lines, _colours(grasps, 1)


def _corners(grasp: Grasp, gripper: Gripper) -> np.ndarray:
    """Tip, corner, corner and tip of a fork (4, 3)."""
    half, tip, back = grasp.width / 2, gripper.tip, gripper.tip - min(STEM, gripper.jaw_length)
    corners = np.array([[0, -half, tip], [0, -half, back], [0, half, back], [0, half, tip]])
    return transforms.apply(grasp.T_cam_grasp, corners)


def _colours(grasps: Sequence[Grasp], lines: int) -> np.ndarray:
    each = np.array([_colour(g.quality) for g in grasps]).reshape(-1, 1, 3) / 255
    each = np.round(255 * each**2.2).astype(np.uint8)  # the page takes colours of lines for linear ones
    return np.repeat(np.repeat(each, lines, axis=0), 2, axis=1)


def _colour(quality: float) -> Tuple[int, int, int]:
    return quality_colour(quality) if np.isfinite(quality) else UNSCORED


def nearest_to_ray(grasps: Sequence[Grasp], gripper: Gripper, origin: np.ndarray, direction: np.ndarray) -> int:
    """Which grasp's fork a ray passes nearest to, seen from its origin; -1 where it passes more than 3 degrees off."""
    lines, _ = forks(grasps, gripper)
    if not len(lines):
        return -1
    share = np.linspace(0, 1, 7)[:, None]
    points = lines[:, :1] * (1 - share) + lines[:, 1:] * share  # (3 N, 7, 3)
    towards = points - np.asarray(origin, float)
    along = towards @ (np.asarray(direction, float) / np.linalg.norm(direction))
    off = np.sqrt(np.maximum((towards**2).sum(axis=-1) - along**2, 0)) / np.maximum(along, 1e-6)
    angle = np.where(along > 0, off, np.inf).min(axis=1).reshape(-1, 3).min(axis=1)
    best = int(angle.argmin())
    return best if angle[best] < np.tan(np.deg2rad(3)) else -1


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
