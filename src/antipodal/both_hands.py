"""The choice between two hands, and the planner of whatever hands a cell has. After Dex-Net 4.0 (Mahler et al., Science
Robotics 2019), whose policy takes the gripper whose best grasp is likelier to succeed."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple, Union

from antipodal.errors import HandTooWide, InputError, NoGraspFound
from antipodal.grasp import Grasp, Hand, load_hand
from antipodal.planner import GraspPlanner
from antipodal.planning.asked import Asked
from antipodal.planning.image_planner import ImagePlanner
from antipodal.planning.options import PlannerOptions
from antipodal.planning.result import Plan
from antipodal.planning.suction_options import SuctionOptions
from antipodal.suction_cup import SuctionCup
from antipodal.suction_planner import SuctionPlanner

Refusal = Union[NoGraspFound, HandTooWide]


class BothHands(ImagePlanner):
    """Plans for a gripper and for a cup in one image, and ranks all of their grasps by P(success), as each model is
    calibrated for its hand. A grasp says which hand it is for."""

    def __init__(self, jaws: GraspPlanner, suction: SuctionPlanner):
        _check_names(jaws.hands[0], suction.hands[0])
        self.jaws, self.suction = jaws, suction
        self.device = jaws.device

    @property
    def hands(self) -> Tuple[Hand, ...]:
        """What it plans for."""
        return (*self.jaws.hands, *self.suction.hands)

    @property
    def parts(self) -> Tuple[ImagePlanner, ...]:
        """The planners of the gripper and of the cup."""
        return self.jaws, self.suction

    def use_options(self, jaws: PlannerOptions, suction: SuctionOptions) -> None:
        """Plan with other options from now on."""
        for planner in self.parts:
            planner.use_options(jaws, suction)

    def plan_asked(self, asked: Asked) -> Plan:
        """Grasps of both hands, or of those that are asked for. A hand that finds none, or is wider than all that is
        seen, leaves the choice to the other; NoGraspFound with each one's reason where neither finds any."""
        plans: List[Plan] = []
        refusals: Dict[str, Refusal] = {}
        for planner in self.parts:
            (hand,) = planner.hands
            if not asked.wants(hand):
                continue
            own = asked.for_hand(hand)
            try:
                plans.append(planner.plan_asked(own))
            except (NoGraspFound, HandTooWide) as e:
                refusals[hand.kind] = e
                if own.trace is not None:
                    own.trace.refusal = str(e)
        none_found = {kind: e for kind, e in refusals.items() if isinstance(e, NoGraspFound)}
        counts = {f"{kind} {stage}": n for kind, e in none_found.items() for stage, n in e.counts.items()}
        if not plans:
            raise _refusal(refusals, none_found, counts)
        return _one_plan(plans, asked, counts)


def _check_names(jaws: Hand, cup: Hand) -> None:
    """Raises InputError where a name that a plan is asked for, or that a grasp has, would be that of both hands."""
    if jaws.name == cup.name or jaws.name == cup.kind or cup.name == jaws.kind:
        raise InputError(
            f"the names of both hands must differ, and be no kind of the other, got {jaws.name!r} for jaws and "
            f"{cup.name!r} for a suction cup; change `name` in a file"
        )


def _refusal(refusals: Dict[str, Refusal], none_found: Dict[str, NoGraspFound], counts: Dict[str, int]) -> Refusal:
    """One for all hands, with what they saw, the same image; that of the one hand asked for if it is too wide."""
    if refusals and not none_found:
        return next(iter(refusals.values()))
    told = NoGraspFound("; ".join(f"{kind}: {e}" for kind, e in refusals.items()), counts)
    for one in none_found.values():
        told.scene, told.camera = one.scene, one.camera
    return told


def _one_plan(plans: Sequence[Plan], asked: Asked, counts: Dict[str, int]) -> Plan:
    """One plan of several hands' plans in the same image; counts: of those that found nothing."""
    times: Dict[str, float] = {}
    for plan in plans:
        kind = plan[0].kind
        counts = {**counts, **{f"{kind} {stage}": n for stage, n in plan.counts.items()}}
        times.update({f"{kind} {stage}": ms for stage, ms in plan.times_ms.items()})
    grasps = _best([g for plan in plans for g in plan], asked)
    scene, camera = plans[0].scene, plans[0].camera
    return Plan(grasps, lambda: _ranked([g for p in plans for g in p.candidates]), counts, times, scene, camera)


def _best(grasps: Sequence[Grasp], asked: Asked) -> List[Grasp]:
    """The likeliest of the grasps, as many as are asked for, of all and, where there are labels, of each object."""
    per_object = None if asked.labels is None else asked.per_object
    chosen: List[Grasp] = []
    for grasp in _ranked(grasps):
        of_object = sum(g.label == grasp.label for g in chosen)
        if len(chosen) < asked.max_grasps and (per_object is None or of_object < per_object):
            chosen.append(grasp)
    return chosen


def _ranked(grasps: Sequence[Grasp]) -> List[Grasp]:
    return sorted(grasps, key=lambda g: -g.quality)


def load_planner(
    hand: Union[str, Path, Hand] = "robotiq_2f85",
    cup: Union[str, Path, SuctionCup, None] = None,
    model: Union[str, Path, None] = None,
    suction_model: Union[str, Path, None] = None,
    device: str = "auto",
    options: Optional[PlannerOptions] = None,
    suction: Optional[SuctionOptions] = None,
) -> Union[GraspPlanner, SuctionPlanner, BothHands]:
    """The planner of a hand, a gripper or a suction cup by its file's type, or of a gripper and a `cup` beside it.

    model: of the gripper's network; suction_model: of the cup's. A cup alone takes either. Raises InputError or
    ModelError where a file cannot be used, and InputError where one would not be.
    """
    hand = load_hand(hand) if isinstance(hand, (str, Path)) else hand
    beside = SuctionCup.load(cup) if isinstance(cup, (str, Path)) else cup
    check_pair(hand, beside)
    own, *more = model_names(hand, beside, model, suction_model)
    if isinstance(hand, SuctionCup):
        return SuctionPlanner.load(own, hand, device, suction)
    jaws = GraspPlanner.load(own, hand, device, options)
    if beside is None:
        return jaws
    return BothHands(jaws, SuctionPlanner.load(more[0], beside, "cpu", suction))


def check_pair(hand: Hand, beside: Optional[SuctionCup]) -> None:
    """Raises InputError where a cup stands beside another."""
    if isinstance(hand, SuctionCup) and beside is not None:
        raise InputError(f"both hands are suction cups: {hand.name} and {beside.name}; one of them must have jaws")


def model_names(
    hand: Hand,
    beside: Optional[SuctionCup],
    model: Union[str, Path, None] = None,
    suction_model: Union[str, Path, None] = None,
) -> List[Union[str, Path]]:
    """The model files of a hand and of the cup beside it, if there is one, as `load_planner` takes them. Raises
    InputError where one that is given would not be used."""
    if isinstance(hand, SuctionCup):
        if model and suction_model and model != suction_model:
            raise InputError(f"{hand.name}, a suction cup alone, has one model, got {model} and {suction_model}")
        return [suction_model or model or "suction"]
    if suction_model and suction_model != model and beside is None:
        raise InputError(
            f"{suction_model} is a suction cup's model, but the only hand is {hand.name}; name the cup too"
        )
    return [model or "default", *([suction_model or "suction"] if beside is not None else [])]
