"""Why a grasp of a suction cup ranks where it does, in numbers that the plan itself used."""

from __future__ import annotations

import math
from typing import Optional, Tuple

import numpy as np
import torch

from antipodal.grasping.balance import balance_penalty
from antipodal.grasping.cup_clearance import body_height
from antipodal.grasping.suction_points import is_smooth, planes_at
from antipodal.perception.surface_normals import LocalPlanes
from antipodal.perception.table import Table
from antipodal.planning.suction_trace import SuctionTrace
from antipodal.suction_cup import SuctionCup
from antipodal.viewer.crop_pictures import blank_picture, enlarged_heights, grey_picture
from antipodal.viewer.cup_look import POINTS, CupLook
from antipodal.viewer.ranks import Facts, beside_best, rank_facts


def explain_cup(look: CupLook, index: int, step: str = "result") -> Facts:
    """Names and values for one of the contacts that the page shows."""
    grasps, search = look.grasps(step), look.search
    if search is None or not 0 <= index < len(grasps):
        return []
    T, quality = grasps[index].T_cam_grasp, grasps[index].quality
    planes = planes_at(search.view, look.frame.camera.project(T[None, :3, 3]), look.cup, look.options.points)
    if step == POINTS:
        rows = [("Point", _verdict(look, search, int(look.places(step)[index])))]
    else:
        rows = rank_facts(look, index) if step == "result" else []
        rows += _probability(look, search, T, quality)
    return rows + _surface(look, planes) + _attitude(look, T, planes) + _body(look, T)


def _verdict(look: CupLook, search: SuctionTrace, k: int) -> str:
    """How far a drawn point came; nothing has scored it yet."""
    assert search.drawn is not None and search.free is not None
    if not search.drawn.smooth[k]:
        return f"no: the surface is not smooth over the lip of {look.cup.name}, or not seen well enough"
    if not search.drawn.allowed[k]:
        return "no: its approach is none that is allowed"
    return "the cup comes freely" if search.free[k] else "no: cup or body would touch what is seen, or the support"


def _probability(look: CupLook, search: SuctionTrace, T: np.ndarray, quality: float) -> Facts:
    """P(success), and what the distance from the object's middle took from the network's own."""
    calibration = look.trace.calibration
    with torch.inference_mode():
        odds = calibration.of_odds(search.score(T[None, :3, 3], T[None, :3, 2]))
    away = search.away(search.view.camera.project(T[None, :3, 3]), T[None, 2, 3])
    lost = calibration.scale * float(balance_penalty(away, look.options.balance))
    alone = float(torch.sigmoid(odds))
    about = f"{alone:.3f}; {1e3 * float(away):.0f} mm from the object's middle cost {lost:.2f} log odds"
    return [("P(success)", f"{quality:.3f}"), ("Network alone", about + beside_best(calibration, odds - lost))]


def _surface(look: CupLook, planes: LocalPlanes) -> Facts:
    """What the lip would lie on."""
    residual, options = float(planes.residual[0]), look.options.points
    if not math.isfinite(residual):
        return [("Surface", "no plane was found there")]
    smooth = "smooth" if is_smooth(planes, look.cup, options)[0] else "not smooth enough"
    lip = f"a lip of {1e3 * look.cup.radius:.0f} mm in radius"
    rows = [("Surface", f"{1e3 * residual:.1f} mm rms off its plane under {lip}: {smooth}")]
    return [*rows, ("Lip seen", f"{planes.coverage[0]:.0%} of its disc shows this plane")]


def _attitude(look: CupLook, T: np.ndarray, planes: LocalPlanes) -> Facts:
    """How the cup comes: its angle to the surface's normal, to the support's, and to the camera's axis."""
    rows = []
    if planes.normal[0].any():
        rows = [("Tilt", f"{_degrees(-T[:3, 2] @ planes.normal[0]):.0f} degrees off the surface's normal")]
    camera, support = f"{_degrees(T[2, 2]):.0f} off the camera's axis", _support(look)
    if support is None:
        return [*rows, ("Approach", f"{camera}; no support was found")]
    return [
        *rows,
        ("Approach", f"{_degrees(T[:3, 2] @ support.normal):.0f} degrees off the support's normal, {camera}"),
    ]


def _body(look: CupLook, T: np.ndarray) -> Facts:
    """How far what is behind the cup stays from the support, with the bellows pushed back."""
    support = _support(look)
    if support is None:
        return []
    height = float(body_height(T[None], look.cup, support)[0])
    return [("Body", f"{1e3 * height:.0f} mm above the support, with the bellows pushed back")]


def _support(look: CupLook) -> Optional[Table]:
    return None if look.trace.scene is None else look.trace.scene.support


def _degrees(cosine: float) -> float:
    return math.degrees(math.acos(min(1.0, max(-1.0, float(cosine)))))


def cup_crop(look: CupLook, index: int, step: str = "result") -> Tuple[np.ndarray, str]:
    """What the network saw of a contact (ENLARGED, ENLARGED, 3) uint8, and what that is in words."""
    grasps, search = look.grasps(step), look.search
    if search is None or step == POINTS or not 0 <= index < len(grasps):
        return blank_picture(), ""
    T = grasps[index].T_cam_grasp
    crop, side = search.score.crops(T[None, :3, 3], T[None, :3, 2])[0, 0].numpy(), search.score.side
    if side is None:  # Dex-Net's pixels, whose side is no length
        return grey_picture(crop, float(crop.min()), float(crop.max())), "What the network saw. Near is bright."
    words = f"What the network saw. {1e3 * side:.0f} mm a side, heights over the plane under the lip, high is bright. "
    return enlarged_heights(crop, look.cup, side), f"{words}Red: the lip."


def cup_facts(cup: SuctionCup) -> Facts:
    """What a cup's file says."""
    x, y, z = (f"{1e3 * length:g}" for length in cup.body_size)
    return [
        ("Name", cup.name),
        ("Lip", f"{1e3 * cup.radius:g} mm in radius"),
        ("Length", f"{1e3 * cup.length:g} mm from the lip to the body"),
        ("Travel", f"{1e3 * cup.travel:g} mm of the bellows, {cup.stiffness:g} N/m"),
        ("Force", f"up to {cup.force:g} N, friction {cup.friction:g}"),
        ("Body", f"{x} x {y} x {z} mm"),
    ]
