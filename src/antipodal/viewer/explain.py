"""Why a grasp ranks where it does, in numbers that the plan itself used."""

from __future__ import annotations

import math
from typing import Tuple

import numpy as np
import torch

from antipodal.grasp import probability
from antipodal.grasping.balance import balance_penalty
from antipodal.grasping.draw import hand_words
from antipodal.grasping.object_width import oblique_penalty
from antipodal.grasping.view_grasps import ViewGrasps
from antipodal.networks.crops import EXTENT
from antipodal.perception.view_atlas import ObliqueView
from antipodal.viewer.crop_pictures import blank_picture, enlarged_crop, grey_picture
from antipodal.viewer.html import shade_of
from antipodal.viewer.jaws_look import JawsLook
from antipodal.viewer.look import Look
from antipodal.viewer.ranks import Facts, beside_best, rank_facts


def explain(look: JawsLook, grasps: ViewGrasps, index: int, step: str = "result") -> Facts:
    """Names and values for one of the grasps that the page shows."""
    one = grasps[index : index + 1]
    rows: Facts = []
    if not len(one):
        return []
    if step == "result":
        rows += rank_facts(look, index)
    if step == "pairs":
        return [("Pair", f"{1e3 * float(one.width):.0f} mm between the contacts; no gripper was tried yet")]
    return rows + _probability(look, one, step) + _opening(look, one) + _room(look, one) + _attitude(look, one)


def _probability(look: JawsLook, one: ViewGrasps, step: str) -> Facts:
    """P(success), what balance, slant and a leaning approach took from the network's own, and what the scene's best
    grasp adds."""
    rows = [("P(success)", f"{float(one.quality):.3f}")]
    search = look.search_of(one)
    if search.stages is None or search.score is None:
        return rows
    view = search.stages.view
    distance = float(view.lookup(search.stages.distance, one.center[:, :2]))
    scale = search.calibration.scale
    with torch.inference_mode():
        odds = search.calibration.of_odds(search.score(view, one))
    lost = scale * float(balance_penalty(torch.tensor(distance), look.options.balance))
    slant = scale * float(oblique_penalty(view, one, look.gripper, look.options.oblique))
    alone = float(torch.sigmoid(odds))
    about = f"{alone:.3f}; {1e3 * distance:.0f} mm from the object's middle cost {lost:.2f} log odds"
    in_cone = bool(look.trace.leaning) and step == "result"
    lean = scale * _lost_by_leaning(look, one) if in_cone else 0.0
    beside = beside_best(search.calibration, odds - lost - slant - lean)
    cone = _lost_in_a_cone(look, one, lean) if in_cone else ""
    return [*rows, ("Network alone", f"{about}, closing at a slant {slant:.2f}{beside}{cone}")]


def _lost_in_a_cone(look: JawsLook, one: ViewGrasps, lean: float) -> str:
    """What a grasp loses beside those of the other directions, for the page."""
    stages = look.search_of(one).stages
    if stages is not None and not isinstance(stages.view, ObliqueView):  # of the plan without a cone
        return f"; what may be hidden cost {look.options.cone.hidden:.0%} of P"
    return f", leaning {lean:.2f}"


def _lost_by_leaning(look: JawsLook, one: ViewGrasps) -> float:
    """Log odds that a grasp of a cone loses for its angle to the support's normal."""
    stages, scene = look.search_of(one).stages, look.trace.scene
    if stages is None or scene is None or scene.support is None:
        return 0.0
    return look.options.cone.lean * (1 - float(stages.view.T_cam_view[:3, 2] @ scene.support.normal))


def _opening(look: JawsLook, one: ViewGrasps) -> Facts:
    width, object_width = float(one.width), float(one.object_width) if len(one.object_width) else float("nan")
    opening = f"{1e3 * width:.0f} of {1e3 * look.gripper.max_width:.0f} mm"
    if not math.isfinite(object_width):
        return [("Opening", opening)]
    return [("Opening", opening), ("Closes on", f"{1e3 * object_width:.0f} mm")]


def _room(look: JawsLook, one: ViewGrasps) -> Facts:
    """The depths at which the gripper fits there, and where the tips are over the support."""
    stages, tip = look.search_of(one).stages, look.gripper.tip
    if stages is None:
        return []
    _, depths = stages.clearance.widest_opening(one, [float(one.width) / look.gripper.max_width])
    low, high, z = float(depths.shallowest), float(depths.deepest), float(one.center[0, 2])
    rows = [("Depth", f"{1e3 * max(0.0, high - z):.0f} mm above the deepest of {1e3 * (high - low):.0f} mm that fit")]
    support = None if look.trace.scene is None else look.trace.scene.support
    if support is not None:
        middle = stages.view.T_cam_view @ [*one.center[0, :2].tolist(), z + tip, 1.0]
        rows.append(("Tips", f"{1e3 * (support.offset - middle[:3] @ support.normal):.0f} mm above the support"))
    return rows


def _attitude(look: JawsLook, one: ViewGrasps) -> Facts:
    """How the hand comes: its angle to the support's normal and to the camera's axis."""
    stages = look.search_of(one).stages
    if look.trace.scene is None or stages is None:
        return []
    approach, support = stages.view.T_cam_view[:3, 2], look.trace.scene.support
    camera = math.degrees(math.acos(min(1.0, float(approach[2]))))
    if support is None:
        return [("Approach", f"{camera:.0f} degrees off the camera's axis; no support was found")]
    oblique = math.degrees(math.acos(min(1.0, float(abs(approach @ support.normal)))))
    return [("Approach", f"{oblique:.0f} degrees off the support's normal, {camera:.0f} off the camera's axis")]


def crop_picture(look: JawsLook, one: ViewGrasps) -> np.ndarray:
    """What the network saw of a grasp (ENLARGED, ENLARGED, 3) uint8: near is bright, the jaws' footprints in red."""
    if not len(one) or torch.isnan(one.quality).any():
        return blank_picture()
    search = look.search_of(one)
    if search.stages is None or search.score is None:
        return blank_picture()
    crop = search.score.crops(search.stages.view, one)[0, 0].numpy()
    if crop.min() < 0:
        return enlarged_crop(crop, look.gripper, float(one.width))
    return grey_picture(crop, float(crop.min()), float(crop.max()))  # of Dex-Net's pixel crops the side is no length


def jaws_facts(look: JawsLook, index: int, step: str = "result") -> Facts:
    """`explain` for a grasp by its place among those of a step."""
    return explain(look, look.shown(step), index, step)


def jaws_crop(look: JawsLook, index: int, step: str = "result") -> Tuple[np.ndarray, str]:
    """What the network saw of a grasp (ENLARGED, ENLARGED, 3) uint8, and what that is in words."""
    one = look.shown(step)[index : index + 1]
    if not len(one) or step == "pairs":
        return blank_picture(), ""
    side = f"{1e3 * EXTENT * look.gripper.max_width:.0f} mm a side, near is bright, along the approach. "
    return crop_picture(look, one), f"What the network saw. {side}Red: the jaws where they come down."


def verdict(look: Look) -> Tuple[str, str, str]:
    """The plan in one line, a line below it, and a colour."""
    if look.plan is None:
        return "No grasp", look.reason, "#c0392b"
    best = look.plan[0]
    refused = "".join(f"; {part.hand.kind}: {part.reason}" for part in look.parts if part.reason)
    below = f"{len(look.plan)} grasps, {look.total_ms:.0f} ms, seed {look.settings.seed}{refused}"
    return f"{probability(best.quality)}, {hand_words(best)}", below, shade_of(best.quality)
