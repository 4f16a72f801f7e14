"""Openings of the jaws that are tried on approach."""

from __future__ import annotations

from dataclasses import replace
from typing import Sequence, Tuple

import torch

from antipodal.grasp import Gripper
from antipodal.grasping.clearance import DepthRange
from antipodal.grasping.view_grasps import ViewGrasps

SPARE = 0.006  # between each jaw and the object, where the opening suits the object [m]
STEPS = 10  # snug openings are so many parts of the widest

Fit = Tuple[ViewGrasps, DepthRange]  # grasps at an opening, and the depths at which they fit


def usable_openings(gripper: Gripper, shares: Sequence[float]) -> Tuple[float, ...]:
    """Those of the openings [widest openings] to which the jaws close; fully open where none is."""
    return tuple(s for s in shares if s * gripper.max_width >= gripper.min_width) or (1.0,)


def snug_openings(gripper: Gripper) -> Tuple[float, ...]:
    """Openings [widest openings] from narrow to wide: the first that fits suits the object."""
    return usable_openings(gripper, [k / STEPS for k in range(2, STEPS + 1)])


def first_that_fits(first: Fit, second: Fit) -> Fit:
    """Of each of N grasps the first way in which it fits, else the second."""
    (grasps, depths), (other, other_depths) = first, second
    fits = depths.feasible
    shallowest = torch.where(fits, depths.shallowest, other_depths.shallowest)
    deepest = torch.where(fits, depths.deepest, other_depths.deepest)
    return replace(other, width=torch.where(fits, grasps.width, other.width)), DepthRange(shallowest, deepest)
