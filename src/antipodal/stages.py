"""Which stage of a plan ran dry."""

from __future__ import annotations

from typing import Dict

from antipodal.errors import NoGraspFound


def refuse_empty(counts: Dict[str, int], standing: int, friction: float, width: float) -> None:
    """Raises NoGraspFound for the first of the stages counted so far that was left with nothing.

    counts: "pixels", "edges", "pairs", "fitting", as far as the plan has come. standing: graspable pixels in and
    outside the region. friction, width [m]: limits that pairs keep.
    """
    if counts["pixels"] == 0 and standing > 0:
        raise NoGraspFound(f"0 of {standing} graspable pixels lie in the region", counts)
    if counts["pixels"] == 0:
        raise NoGraspFound("nothing stands above the table: 0 graspable pixels", counts)
    if "pairs" not in counts:
        return
    stages = f"{counts['pixels']} graspable pixels, {counts['edges']} edge cells, {counts['pairs']} antipodal pairs"
    limits = f"friction {friction:g}, width {width:g} m"
    if counts["pairs"] == 0:
        raise NoGraspFound(f"{stages} ({limits})", counts)
    if counts.get("fitting") == 0:
        raise NoGraspFound(f"{stages}, 0 where the gripper clears what the image shows ({limits})", counts)
