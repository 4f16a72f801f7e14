"""What an image shows: what things stand on, and what of them may be grasped."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Optional

import numpy as np

from antipodal.camera import Camera
from antipodal.perception.hints import SceneHints
from antipodal.perception.inputs import check_robot, outside_mask, within_hints
from antipodal.perception.segmentation import segment_objects, stands_out
from antipodal.perception.segmentation_options import SegmentationOptions
from antipodal.perception.table import AHEAD, Table, TableOptions, find_table


@dataclass(frozen=True)
class Scene:
    """An image as it is understood."""

    depth: np.ndarray  # (H, W) float32 [m], 0 = missing or beyond the depths that were asked for
    support: Optional[Table]  # what things stand on; None where no plane is taken for that
    graspable: np.ndarray  # (H, W) bool, where depth is valid
    counts: Dict[str, int] = field(default_factory=dict)  # pieces or pixels dropped, by the reason, see DROPPED
    eligible: Optional[np.ndarray] = None  # (H, W) bool, where mask, workspace and robot leave targets; None: all

    @property
    def approach(self) -> np.ndarray:
        """Direction (3,) in which the hand comes: onto the support, or along the camera's axis where there is none."""
        return AHEAD if self.support is None else self.support.normal


DROPPED = {
    "too_high": "higher than a thing may be",
    "entering": "that come in from beyond the image or are cut by it over a long way",
    "walls": "walls that rise from below the support",
    "carriers": "boards that carry things",
    "containers": "walls of trays or bins",
    "too_small": "too small",
    "outside": "pixels outside the workspace",
    "robot": "pixels of the robot",
}


def why_nothing(scene: Scene) -> str:
    """Why a scene holds nothing that may be grasped, with counts."""
    dropped = [f"{scene.counts[kind]} {text}" for kind, text in DROPPED.items() if scene.counts.get(kind)]
    if dropped:
        return f"0 graspable pixels; these were dropped: {', '.join(dropped)}"
    if scene.support is None:
        return "no support was found and nothing stands out: 0 graspable pixels"
    return "nothing stands above the table: 0 graspable pixels"


def perceive(
    depth: np.ndarray,
    camera: Camera,
    mask: Optional[np.ndarray] = None,
    hints: Optional[SceneHints] = None,
    seed: int = 0,
    table: TableOptions = TableOptions(),
    segmentation: SegmentationOptions = SegmentationOptions(),
) -> Scene:
    """The scene of `depth` (H, W) float32 [m], 0 = missing, as by `inputs.check_depth`.

    mask: (H, W) bool, what may be grasped; what stands on the support when not given.
    """
    hints = hints or SceneHints()
    robot = check_robot(hints.robot, depth)
    depth, inside = within_hints(depth, camera, hints)
    background = outside_mask(mask)
    if robot is not None:
        background = ~robot if background is None else background & ~robot
    support = find_table(depth, camera, np.random.default_rng(seed), background, hints, table)
    counts: Dict[str, int] = {}
    if mask is not None:
        graspable = mask & (depth > 0)
    elif support is not None:
        graspable, counts = segment_objects(depth, camera, support, segmentation)
    else:
        graspable = stands_out(depth, camera, segmentation)
    eligible = mask
    for kind, allowed in (("outside", inside), ("robot", None if robot is None else ~robot)):
        if allowed is not None:
            before = np.count_nonzero(graspable)
            graspable = graspable & allowed
            counts[kind] = before - np.count_nonzero(graspable)
            eligible = allowed if eligible is None else eligible & allowed
    return Scene(depth, support, graspable, counts, eligible)
