"""How the page shows the plans for each kind of hand."""

from __future__ import annotations

from typing import Any, Callable, Dict, NamedTuple, Optional, Tuple, Type

import numpy as np

from antipodal.grasp import JAWS
from antipodal.suction_cup import KIND as SUCTION
from antipodal.viewer.cup_look import CupLook
from antipodal.viewer.explain import jaws_crop, jaws_facts
from antipodal.viewer.explain_cup import cup_crop, cup_facts, explain_cup
from antipodal.viewer.jaws_look import JawsLook
from antipodal.viewer.look import Look
from antipodal.viewer.ranks import Facts
from antipodal.viewer.tuning import CupTuning, JawsTuning, Tuning


class HandPage(NamedTuple):
    """What is of one kind of hand."""

    title: str  # of its tab
    tuning: Tuning
    look: Type[Look]
    facts: Callable[[Any, int, str], Facts]  # look, place of a grasp, step -> why it ranks there
    crop: Callable[[Any, int, str], Tuple[np.ndarray, str]]  # of the same: what the network saw, and words; "": nothing
    absent: str = ""  # what a page of this hand alone lacks
    described: Optional[Callable[[Any], Facts]] = None  # what its file says; None: the page can describe such a hand


NO_JAWS = (
    "A suction cup is planned for, no gripper: there is no opening, friction, room under tips and palm, or height over "
    "the table to set, and no gripper to describe."
)
HAND_PAGES: Dict[str, HandPage] = {
    JAWS: HandPage("Gripper", JawsTuning(), JawsLook, jaws_facts, jaws_crop),
    SUCTION: HandPage("Cup", CupTuning(), CupLook, explain_cup, cup_crop, NO_JAWS, cup_facts),
}
