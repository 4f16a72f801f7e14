"""What an image shows: what things stand on, and what of them may be grasped."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Optional

import numpy as np

from antipodal.camera import Camera
from antipodal.perception.hints import SceneHints
from antipodal.perception.inputs import check_robot, outside_mask, within_hints
from antipodal.perception.segmentation import SegmentationOptions, segment_objects
from antipodal.perception.table import Table, TableOptions, find_table, given_table

AHEAD = np.array([0.0, 0.0, 1.0])  # the camera's axis


@dataclass(frozen=True)
class Scene:
    """An image as it is understood."""

    depth: np.ndarray  # (H, W) float32 [m], 0 = missing or beyond the depths that were asked for
    support: Optional[Table]  # what things stand on; None where no plane is taken for that
    graspable: np.ndarray  # (H, W) bool, where depth is valid
    counts: Dict[str, int] = field(default_factory=dict)  # pieces dropped, by the reason

    @property
    def approach(self) -> np.ndarray:
        """Direction (3,) in which the hand comes: onto the support, or along the camera's axis where there is none."""
        return AHEAD if self.support is None else self.support.normal


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
    support = given_table(hints, depth, camera)
    if support is None:
        background = outside_mask(mask)
        if robot is not None:
            background = ~robot if background is None else background & ~robot
        support = find_table(depth, camera, np.random.default_rng(seed), background, table)
    if mask is None and support is not None:
        graspable = segment_objects(depth, camera, support, segmentation)
    else:
        graspable = depth > 0 if mask is None else mask & (depth > 0)
    for allowed in (inside, None if robot is None else ~robot):
        graspable = graspable if allowed is None else graspable & allowed
    return Scene(depth, support, graspable)
