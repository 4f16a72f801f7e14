"""Policies by name. A policy plans grasps from a depth image and is called like `GraspPlanner.plan`."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, Dict, Iterable, Optional, Protocol, Sequence

import numpy as np

from antipodal import resources
from antipodal.camera import Camera
from antipodal.errors import InputError
from antipodal.grasp import Grasp, Gripper
from antipodal.planner import GraspPlanner, PlannerOptions
from antipodal.sim.baselines import CentroidPlanner, RandomPlanner
from antipodal.sim.cell import Cell
from antipodal.sim.geometric import geometric_planner
from antipodal.sim.oracle import Oracle


class Policy(Protocol):
    """Plans grasps, best first. Raises NoGraspFound if it finds none."""

    def plan(
        self, depth: np.ndarray, camera: Camera, mask: Optional[np.ndarray], max_grasps: int, seed: int
    ) -> Sequence[Grasp]: ...


Maker = Callable[[Gripper, Cell, Optional[str], PlannerOptions], Policy]
POLICIES: Dict[str, Maker] = {
    "antipodal": lambda gripper, cell, model, options: GraspPlanner.load(
        model or resources.find("models/default.pt"), gripper, "cpu", options
    ),
    "dense": lambda gripper, cell, model, options: GraspPlanner.load(
        model or resources.find("models/default.pt"), gripper, "cpu", replace(options, policy="dense")
    ),
    "geometry": lambda gripper, cell, model, options: geometric_planner(gripper, options),
    "centroid": lambda gripper, cell, model, options: CentroidPlanner(gripper),
    "random": lambda gripper, cell, model, options: RandomPlanner(gripper),
    "oracle": lambda gripper, cell, model, options: Oracle(cell),
}


APPROACHING = ("antipodal", "geometry", "oracle")  # whose `plan` also takes an approach and hints


def make_policy(
    name: str, gripper: Gripper, cell: Cell, model: Optional[str] = None, options: PlannerOptions = PlannerOptions()
) -> Policy:
    """The policy of this name; `cell` is the world that the oracle knows, `model` the file of the network, `options`
    tune the planner, whether network or geometry ranks.

    InputError for another name; ModelError where the model cannot be loaded.
    """
    check_policies([name])
    return POLICIES[name](gripper, cell, model, options)


PLANNERS = ("antipodal", "dense", "geometry")  # that take several views and labels


def check_policies(names: Iterable[str], planners_only: bool = False) -> None:
    """Raises InputError for a name that is no policy, or none of PLANNERS where only they will do."""
    names = list(names)
    unknown = sorted(set(names) - set(POLICIES))
    if unknown:
        raise InputError(f"no policy {', '.join(unknown)}; possible: {', '.join(POLICIES)}")
    if planners_only and not set(names) <= set(PLANNERS):
        others = ", ".join(n for n in names if n not in PLANNERS)
        raise InputError(f"several views and label images are for {', '.join(PLANNERS)}, not for {others}")
