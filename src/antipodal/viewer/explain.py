"""Why a grasp ranks where it does, in numbers that the plan itself used."""

from __future__ import annotations

import math
from typing import List, Tuple

import cv2
import numpy as np
import torch

from antipodal.grasp import Gripper
from antipodal.grasping.balance import balance_penalty
from antipodal.grasping.object_width import oblique_penalty
from antipodal.grasping.view_grasps import ViewGrasps
from antipodal.networks.crops import EXTENT
from antipodal.viewer.html import probability, shade_of
from antipodal.viewer.replan import Look

ENLARGED = 320  # pixels a side of the crop's picture
RED = (226, 60, 50)

Facts = List[Tuple[str, str]]


def explain(look: Look, grasps: ViewGrasps, index: int, step: str = "result") -> Facts:
    """Names and values for one of the grasps that the page shows."""
    one = grasps[index : index + 1]
    rows: Facts = []
    if not len(one):
        return []
    if step == "result":
        rows += _rank(look, index)
    if step == "pairs":
        return [("Pair", f"{1e3 * float(one.width):.0f} mm between the contacts; no gripper was tried yet")]
    return rows + _probability(look, one, step) + _opening(look, one) + _room(look, one) + _attitude(look, one)


def _rank(look: Look, index: int) -> Facts:
    """Its place, and why likelier grasps are not in the list."""
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


def _why_not(look: Look, place: int) -> str:
    """Why a scored grasp is not among those returned: too near to one of them, or beyond the number asked for."""
    ranked, o = look.trace.ranked, look.options
    assert ranked is not None
    for number, k in enumerate(k for k in look.trace.chosen if k < place):
        distance, turn = _apart(look, ranked[[place, k]])
        if distance < o.distinct_distance and turn < o.distinct_angle:
            return f"no: {1e3 * distance:.0f} mm and {math.degrees(turn):.0f} degrees from number {number + 1}"
    return "no: it comes after the number that was asked for"


def _apart(look: Look, two: ViewGrasps) -> Tuple[float, float]:
    """How far apart [m] and turned against each other [rad] two grasps are, as `planning.ranking.distinct` has it: in
    their view; by their poses where a cone has several views."""
    if not len(two.view):
        turn = abs((float(two.angle[0] - two.angle[1]) + math.pi / 2) % math.pi - math.pi / 2)
        return float(torch.linalg.norm(two.center[0, :2] - two.center[1, :2])), turn
    a, b = (grasp.T_cam_grasp for grasp in look.in_camera(two))
    half_turn = np.diag([-1.0, -1.0, 1.0])  # a gripper is the same after it
    cosines = [(np.trace(a[:3, :3].T @ b[:3, :3] @ other) - 1) / 2 for other in (np.eye(3), half_turn)]
    return float(np.linalg.norm(a[:3, 3] - b[:3, 3])), math.acos(min(1.0, max(cosines)))


def _probability(look: Look, one: ViewGrasps, step: str) -> Facts:
    """P(success), and what balance, slant and a leaning approach took from the network's own."""
    rows = [("P(success)", f"{float(one.quality):.3f}")]
    search = look.search_of(one)
    if search.stages is None or search.score is None:
        return rows
    view = search.stages.view
    distance = float(view.lookup(search.stages.distance, one.center[:, :2]))
    with torch.inference_mode():
        alone = float(search.calibration(torch.sigmoid(search.score(view, one))))
    scale = search.calibration.scale
    lost = scale * float(balance_penalty(torch.tensor(distance), look.options.balance))
    slant = scale * float(oblique_penalty(view, one, look.gripper, look.options.oblique))
    about = f"{alone:.3f}; {1e3 * distance:.0f} mm from the object's middle cost {lost:.2f} log odds"
    leaning = f", leaning {scale * _lost_by_leaning(look, one):.2f}" if look.trace.leaning and step == "result" else ""
    return [*rows, ("Network alone", f"{about}, closing at a slant {slant:.2f}{leaning}")]


def _lost_by_leaning(look: Look, one: ViewGrasps) -> float:
    """Log odds that a grasp of a cone loses for its angle to the support's normal."""
    stages, scene = look.search_of(one).stages, look.trace.scene
    if stages is None or scene is None or scene.support is None:
        return 0.0
    return look.options.cone.lean * (1 - float(stages.view.T_cam_view[:3, 2] @ scene.support.normal))


def _opening(look: Look, one: ViewGrasps) -> Facts:
    width, object_width = float(one.width), float(one.object_width) if len(one.object_width) else float("nan")
    opening = f"{1e3 * width:.0f} of {1e3 * look.gripper.max_width:.0f} mm"
    if not math.isfinite(object_width):
        return [("Opening", opening)]
    return [("Opening", opening), ("Closes on", f"{1e3 * object_width:.0f} mm")]


def _room(look: Look, one: ViewGrasps) -> Facts:
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


def _attitude(look: Look, one: ViewGrasps) -> Facts:
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


def crop_picture(look: Look, one: ViewGrasps) -> np.ndarray:
    """What the network saw of a grasp (ENLARGED, ENLARGED, 3) uint8: near is bright, the jaws' footprints in red."""
    blank = np.full((ENLARGED, ENLARGED, 3), 236, np.uint8)
    if not len(one) or torch.isnan(one.quality).any():
        return blank
    search = look.search_of(one)
    if search.stages is None or search.score is None:
        return blank
    crop = search.score.crops(search.stages.view, one)[0, 0].numpy()
    if crop.min() < 0:
        return enlarged_crop(crop, look.gripper, float(one.width))
    return _grey(crop, float(crop.min()), float(crop.max()))  # of Dex-Net's pixel crops the side is no length


def enlarged_crop(crop: np.ndarray, gripper: Gripper, width: float) -> np.ndarray:
    """A crop (H, H) in widest openings enlarged to (ENLARGED, ENLARGED, 3) uint8, with the jaws at an opening [m]."""
    image, middle = _grey(crop, -0.5, 0.5), ENLARGED / 2
    scale = ENLARGED / (EXTENT * gripper.max_width)
    for side in (-1, 1):
        inner, outer = middle + side * scale * width / 2, middle + side * scale * (width / 2 + gripper.jaw_thickness)
        half = scale * gripper.jaw_width / 2
        corners = (round(inner), round(middle - half)), (round(outer), round(middle + half))
        cv2.rectangle(image, *corners, RED, 2)
    return image


def _grey(crop: np.ndarray, low: float, high: float) -> np.ndarray:
    """A crop as a grey picture (ENLARGED, ENLARGED, 3) uint8, `low` white."""
    grey = np.clip((high - crop) / max(high - low, 1e-6), 0, 1)
    image = cv2.resize((255 * grey).astype(np.uint8), (ENLARGED, ENLARGED), interpolation=cv2.INTER_NEAREST)
    return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)


def verdict(look: Look) -> Tuple[str, str, str]:
    """The plan in one line, a line below it, and a colour."""
    if look.plan is None:
        return "No grasp", look.reason, "#c0392b"
    best = look.plan[0]
    below = f"{len(look.plan)} grasps, {look.total_ms:.0f} ms, seed {look.settings.seed}"
    return f"{probability(best.quality)}, {1e3 * best.width:.0f} mm open", below, shade_of(best.quality)
