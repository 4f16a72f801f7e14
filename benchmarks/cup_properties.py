"""What must hold of every grasp by a suction cup: properties.py checks it with `--hand suction`."""

from __future__ import annotations

from typing import List

import numpy as np

from antipodal import resources
from antipodal.grasp import Grasp
from antipodal.grasping.cup_clearance import CupClearanceOptions, cup_swept, noise_at
from antipodal.perception.inputs import check_depth
from antipodal.perception.scene import Scene as Seen
from antipodal.perception.table import Table
from antipodal.suction_cup import SuctionCup
from antipodal.suction_planner import SuctionPlanner
from benchmarks.random_scenes import Scene

CUPS = ("piab_b30", "robotiq_epick", "schmalz_fsga20")
TOUCH = 0.0005  # a rim this little below the support does not count [m]
CUP_PROPERTIES = ("on graspable pixels", "lip above the support")


def cup_planners() -> List[SuctionPlanner]:
    """One for each cup of the package."""
    model = resources.find("models/suction.pt")
    return [SuctionPlanner.load(model, SuctionCup.load(name)) for name in CUPS]


def broken_of_cup(grasp: Grasp, planner: SuctionPlanner, seen: Seen, case: Scene) -> List[str]:
    """The properties that do not hold of a suction grasp, beside those of every grasp."""
    T, cup, options = grasp.T_cam_grasp, planner.cup, planner.options.clearance
    u, v = np.floor(np.array(grasp.center_px) + 0.5).astype(int).clip(0, np.array(seen.graspable.shape)[::-1] - 1)
    points = (_obstacles(seen, case, options) - T[:3, 3]) @ T[:3, :3]
    noise = float(noise_at(T[None], seen.support, options)[0])
    held = {
        "on graspable pixels": bool(seen.graspable[v, u]),
        "swept volume free": not cup_swept(points, cup, noise=noise).any(),
        "lip above the support": seen.support is None or _rim_height(T, cup, seen.support) > -TOUCH,
        "width within the gripper": grasp.width == 0 and grasp.hand == cup.name,
    }
    return [name for name, holds in held.items() if not holds]


def _obstacles(seen: Seen, case: Scene, options: CupClearanceOptions) -> np.ndarray:
    """Observed points (N, 3) [m], all of them, but those so near to the support that they count as it."""
    depth = check_depth(case.depth, case.camera)
    v, u = np.nonzero(depth)
    points = case.camera.deproject(np.stack([u, v], axis=-1), depth[v, u])
    return points if seen.support is None else points[seen.support.height(points) > options.ignored]


def _rim_height(T: np.ndarray, cup: SuctionCup, support: Table) -> float:
    """Least height [m] over the support of the rim of the lip, its bellows pressed, at 64 points of it."""
    turn = 2 * np.pi * np.arange(64) / 64
    rim = np.stack([cup.radius * np.cos(turn), cup.radius * np.sin(turn), np.full(64, -cup.travel)], axis=1)
    return float(support.height(rim @ T[:3, :3].T + T[:3, 3]).min())
