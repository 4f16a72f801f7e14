"""Where a grasp stands among all that a plan scored, and why likelier ones are not in the list."""

from __future__ import annotations

import math
from typing import List, Tuple

import torch

from antipodal.networks.pick_calibration import PickCalibration
from antipodal.viewer.look import Look

Facts = List[Tuple[str, str]]


def rank_facts(look: Look, index: int) -> Facts:
    """The rank of a grasp of the result of one hand, and whether it was returned."""
    assert look.trace.ranked is not None
    place, total = look.ranks()[index], len(look.trace.ranked)
    rows = [("Rank", f"{place + 1} of {total} scored")]
    chosen = look.trace.chosen
    if index >= len(chosen):
        return [*rows, ("Returned", _why_not(look, place))]
    skipped = place - index
    o = look.options
    near = f"{1e3 * o.distinct_distance:.0f} mm and {math.degrees(o.distinct_angle):.0f} degrees"
    rows.append(("Returned", f"as number {index + 1} of {len(chosen)}"))
    return rows + ([("Before it", f"{skipped} likelier ones lie within {near} of one returned")] if skipped else [])


def beside_best(calibration: PickCalibration, odds: torch.Tensor) -> str:
    """What a grasp of these calibrated log odds (1,) gains beside the best of its plan, to end a sentence; "" where
    that is nothing."""
    gain = float(calibration.lifted(odds))
    return f"; beside the scene's best it counts {gain:.2f} more" if gain > 0.005 else ""


def _why_not(look: Look, place: int) -> str:
    """Why a scored grasp is not among those returned: too near to one of them, or beyond the number asked for."""
    o = look.options
    for number, k in enumerate(k for k in look.trace.chosen if k < place):
        distance, turn = look.apart(place, k)
        if distance < o.distinct_distance and turn < o.distinct_angle:
            return f"no: {1e3 * distance:.0f} mm and {math.degrees(turn):.0f} degrees from number {number + 1}"
    return "no: it comes after the number that was asked for"
