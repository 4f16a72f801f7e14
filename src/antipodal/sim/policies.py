"""Policies by name. A policy plans grasps from a depth image and is called like `GraspPlanner.plan`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Callable, Dict, Iterable, Optional, Protocol, Sequence

import numpy as np

from antipodal import resources
from antipodal.both_hands import BothHands
from antipodal.camera import Camera
from antipodal.errors import InputError
from antipodal.grasp import Grasp, Gripper
from antipodal.networks.flatness import Flatness
from antipodal.planner import GraspPlanner, PlannerOptions
from antipodal.sim.baselines import CentroidPlanner, RandomPlanner
from antipodal.sim.cell import Cell
from antipodal.sim.geometric import geometric_planner
from antipodal.sim.oracle import Oracle
from antipodal.sim.suction_baselines import LargestPlanePlanner
from antipodal.sim.suction_oracle import EitherOracle, SuctionOracle
from antipodal.suction_cup import SuctionCup
from antipodal.suction_planner import SuctionPlanner


class Policy(Protocol):
    """Plans grasps, best first. Raises NoGraspFound if it finds none."""

    def plan(
        self, depth: np.ndarray, camera: Camera, mask: Optional[np.ndarray], max_grasps: int, seed: int
    ) -> Sequence[Grasp]: ...


@dataclass(frozen=True)
class PolicySetup:
    """What policies are made of."""

    gripper: Gripper
    cell: Cell  # the world that oracles know, and its cup
    model: Optional[str] = None  # file of the network for jaws; None: the one that came with the package
    # of the planner for jaws, whether network or geometry ranks
    options: PlannerOptions = field(default_factory=PlannerOptions)
    suction_model: Optional[str] = None  # file of the network for a cup; None: the one that came with the package

    @property
    def cup(self) -> SuctionCup:
        assert self.cell.cup is not None  # make_policy checks it
        return self.cell.cup


def _network(setup: PolicySetup) -> GraspPlanner:
    return GraspPlanner.load(setup.model or resources.find("models/default.pt"), setup.gripper, "cpu", setup.options)


def _dense(setup: PolicySetup) -> GraspPlanner:
    return _network(replace(setup, options=replace(setup.options, policy="dense")))


def _suction_network(setup: PolicySetup) -> SuctionPlanner:
    return SuctionPlanner.load(setup.suction_model or resources.find("models/suction.pt"), setup.cup)


def _flatness(setup: PolicySetup) -> SuctionPlanner:
    return SuctionPlanner(Flatness(), setup.cup)


JAWS_POLICIES: Dict[str, Callable[[PolicySetup], Policy]] = {
    "antipodal": _network,
    "dense": _dense,
    "geometry": lambda setup: geometric_planner(setup.gripper, setup.options),
    "centroid": lambda setup: CentroidPlanner(setup.gripper),
    "random": lambda setup: RandomPlanner(setup.gripper),
    "oracle": lambda setup: Oracle(setup.cell),
}
CUP_POLICIES: Dict[str, Callable[[PolicySetup], Policy]] = {
    "suction": _suction_network,
    "both": lambda setup: BothHands(_network(setup), _suction_network(setup)),
    "flatness": _flatness,
    "both_flatness": lambda setup: BothHands(_network(setup), _flatness(setup)),
    "plane": lambda setup: LargestPlanePlanner(setup.cup),
    "suction_oracle": lambda setup: SuctionOracle(setup.cell),
    "both_oracle": lambda setup: EitherOracle(setup.cell),
}
POLICIES = {**JAWS_POLICIES, **CUP_POLICIES}
APPROACHING = ("antipodal", "geometry", "oracle")  # whose `plan` also takes an approach and hints
ORACLES = ("oracle", "suction_oracle", "both_oracle")  # that know one cell


def make_policy(name: str, setup: PolicySetup) -> Policy:
    """The policy of this name. InputError for another name, or where it needs a cup that the cell lacks; ModelError
    where a model cannot be loaded."""
    check_policies([name])
    check_hands([name], setup.cell.cup)
    return POLICIES[name](setup)


def check_hands(names: Iterable[str], cup: Optional[SuctionCup]) -> None:
    """Raises InputError for a policy that needs a cup where there is none."""
    without = [name for name in names if name in CUP_POLICIES and cup is None]
    if without:
        raise InputError(f"{', '.join(without)} needs a suction cup, such as --cup piab_b30")


PLANNERS = ("antipodal", "dense", "geometry")  # that take several views and labels


def check_policies(names: Iterable[str], planners_only: bool = False) -> None:
    """Raises InputError for a name that is no policy, or none of PLANNERS where only they will do."""
    names = list(names)
    if len(set(names)) < len(names):
        raise InputError(f"each policy counts once, got {', '.join(names)}")
    unknown = sorted(set(names) - set(POLICIES))
    if unknown:
        raise InputError(f"no policy {', '.join(unknown)}; possible: {', '.join(POLICIES)}")
    if planners_only and not set(names) <= set(PLANNERS):
        others = ", ".join(n for n in names if n not in PLANNERS)
        raise InputError(f"several views and label images are for {', '.join(PLANNERS)}, not for {others}")
