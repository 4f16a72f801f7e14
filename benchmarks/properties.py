"""What must hold of every plan, on random scenes, as a table: python benchmarks/properties.py [--scenes N]
[--approach table|any|cone]
[--hand jaws|suction].

Each scene is planned three times: here, in a child forked after that plan, and in another process with two threads and
in another order. Exit code 1 where a property does not hold.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import sys
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np
import torch

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO))
from antipodal.errors import AntipodalError, NoGraspFound  # noqa: E402
from antipodal.grasp import JAWS, Grasp, Gripper  # noqa: E402
from antipodal.grasping.clearance import ClearanceOptions  # noqa: E402
from antipodal.grasping.gripper_boxes import in_the_way  # noqa: E402
from antipodal.perception.inputs import check_depth, check_region  # noqa: E402
from antipodal.perception.solid_scene import SolidOptions  # noqa: E402
from antipodal.perception.table import Table  # noqa: E402
from antipodal.planner import GraspPlanner, Plan  # noqa: E402
from antipodal.planning.approach_cone import NAMES, ApproachCone, cone_of  # noqa: E402
from antipodal.suction_cup import KIND  # noqa: E402
from antipodal.suction_planner import SuctionPlanner  # noqa: E402
from benchmarks.cup_properties import CUP_PROPERTIES, broken_of_cup, cup_planners  # noqa: E402
from benchmarks.random_scenes import GRIPPERS, Scene, scene  # noqa: E402

NOISES = 3.5  # standard deviations of the noise that count as support in a cone
TOUCH = 0.0005  # points this near the surface of a box do not count [m]
BATCH = 50  # scenes that are handed to other processes at once
PROPERTIES = (
    "sorted",
    "quality in [0, 1]",
    "at most max_grasps",
    "orthonormal",
    "inside the image",
    "inside the region",
    "width within the gripper",
    "object within the jaws",
    "pixel agrees with the camera",
    "depth agrees with the camera",
    "angle agrees with the camera",
    "swept volume free",
    "inside the cone",
    "not from below the support",
    "the same plan in a fork",
    "the same plan in a process with two threads",
)

Planner = Union[GraspPlanner, SuctionPlanner]


class Outcome(NamedTuple):
    """What a plan was, and what did not hold of it."""

    kind: str  # of the scene
    digest: str  # of the grasps; the refusal's reason where there are none
    grasps: int
    broken: Tuple[str, ...]


def planners(hand: str = JAWS) -> Sequence[Planner]:
    """One for each gripper of the package, or for each cup."""
    if hand == KIND:
        return cup_planners()
    model = REPO / "models" / "default.pt"
    return [GraspPlanner.load(model, Gripper.load(path), "cpu") for path in GRIPPERS]


def outcome(planner: Planner, case: Scene, check: bool = True) -> Outcome:
    """Plan, and check every grasp."""
    try:
        plan = planner.plan(case.depth, case.camera, **case.arguments)
    except AntipodalError as e:
        kind = "no grasp" if isinstance(e, NoGraspFound) else e.reason
        return Outcome(case.kind, kind, 0, ())
    digest = hashlib.sha256(b"".join(_bytes(g) for g in plan)).hexdigest()[:16]
    if not check:
        return Outcome(case.kind, digest, len(plan), ())
    support = plan.scene.support if plan.scene else None
    broken = _broken_of_plan(plan, case) + _broken_of_hand(plan, planner, case)
    for g in plan:
        broken += _broken(g, case) + _broken_of_approach(g, support, case)
    return Outcome(case.kind, digest, len(plan), tuple(sorted(set(broken))))


def _bytes(grasp: Grasp) -> bytes:
    numbers = [grasp.width, grasp.quality, *grasp.center_px, grasp.angle, grasp.depth, grasp.object_width]
    return grasp.T_cam_grasp.tobytes() + np.array(numbers, float).tobytes()


def _broken_of_plan(plan: Plan, case: Scene) -> List[str]:
    qualities = [g.quality for g in plan]
    held = {
        "sorted": qualities == sorted(qualities, reverse=True),
        "quality in [0, 1]": all(0 <= q <= 1 for q in qualities),
        "at most max_grasps": len(plan) <= case.arguments["max_grasps"],
    }
    return [name for name, holds in held.items() if not holds]


def _broken_of_hand(plan: Plan, planner: Planner, case: Scene) -> List[str]:
    """The properties of the grasps of one kind of hand that do not hold."""
    if isinstance(planner, SuctionPlanner):
        assert plan.scene is not None
        return [name for g in plan for name in broken_of_cup(g, planner, plan.scene, case)]
    points = _obstacles(plan, case)
    return [name for g in plan for name in _broken_of_jaws(g, points, planner.gripper, case)]


def _broken(grasp: Grasp, case: Scene) -> List[str]:
    """The properties that do not hold of a grasp, by whatever hand."""
    T, camera = grasp.T_cam_grasp, case.camera
    R, (u, v) = T[:3, :3], grasp.center_px
    region = check_region(case.arguments.get("region"), case.depth)
    inside = -0.5 <= u < camera.width - 0.5 and -0.5 <= v < camera.height - 0.5
    closing = np.diff(camera.project(T[:3, 3] + np.outer([-1e-4, 1e-4], R[:, 1])), axis=0)[0]
    turn = (np.arctan2(closing[1], closing[0]) - grasp.angle + np.pi / 2) % np.pi - np.pi / 2
    held = {
        "orthonormal": np.allclose(R.T @ R, np.eye(3), atol=1e-6) and np.linalg.det(R) > 0 and not any(T[3, :3]),
        "inside the image": inside,
        "inside the region": region is None or (inside and bool(region[int(v + 0.5), int(u + 0.5)])),
        "pixel agrees with the camera": np.allclose(camera.project(T[:3, 3]), grasp.center_px, atol=0.01),
        "depth agrees with the camera": abs(T[2, 3] - grasp.depth) < 1e-6,
        "angle agrees with the camera": abs(turn) < 0.02,
    }
    return [name for name, holds in held.items() if not holds]


def _broken_of_jaws(grasp: Grasp, points: np.ndarray, gripper: Gripper, case: Scene) -> List[str]:
    """The properties that do not hold of a grasp by jaws."""
    T = grasp.T_cam_grasp
    held = {
        "width within the gripper": gripper.min_width <= grasp.width <= gripper.max_width * (1 + 1e-6),
        "object within the jaws": not grasp.object_width > grasp.width + 1e-6,
        "swept volume free": not in_the_way(
            (points - T[:3, 3]) @ T[:3, :3], gripper, grasp.width, -TOUCH, whole=_leans(case)
        ).any(),
    }
    return [name for name, holds in held.items() if not holds]


def _broken_of_approach(grasp: Grasp, support: Optional[Table], case: Scene) -> List[str]:
    """The properties of the direction of travel that do not hold."""
    along, normal = grasp.T_cam_grasp[:3, 2], None if support is None else support.normal
    cone = cone_of(case.arguments.get("approach", "table"), normal)
    held = {
        "inside the cone": cone is None or bool(cone.holds(along, 1e-5)),
        "not from below the support": normal is None or along @ normal > -1e-5,
    }
    return [name for name, holds in held.items() if not holds]


def _leans(case: Scene) -> bool:
    """Whether a cone of approaches was asked for."""
    approach = case.arguments.get("approach", "table")
    return approach == "any" or isinstance(approach, ApproachCone)


def _obstacles(plan: Plan, case: Scene) -> np.ndarray:
    """Observed points (N, 3) [m] above what counts as table; in a cone what rises no higher than the noise does too."""
    depth = check_depth(case.depth, case.camera)
    v, u = np.nonzero(depth)
    points = case.camera.deproject(np.stack([u, v], axis=-1), depth[v, u])
    support = plan.scene.support if plan.scene else None
    if support is None:
        return points
    along, flat = points @ support.normal, ClearanceOptions().flat
    if _leans(case):
        flat = np.maximum(SolidOptions().flat, NOISES * support.noise * points[:, 2] * np.abs(along))
    return points[support.offset - along > flat + TOUCH]


def outcomes(every: Sequence[Planner], cases: List[Scene], check: bool = True) -> List[Outcome]:
    """The outcomes of scenes, in this order."""
    return [outcome(every[case.gripper % len(every)], case, check) for case in cases]


def start_planning(threads: int, hand: str) -> None:
    """Load the planners of a process, for `digests`."""
    global _planners
    torch.set_num_threads(threads)
    _planners = planners(hand)


def digests(cases: List[Scene]) -> List[str]:
    """The plans of scenes in a process that `start_planning` has prepared, the last scene first."""
    return [o.digest for o in outcomes(_planners, cases[::-1], check=False)][::-1]


def forked_digests(every: Sequence[Planner], cases: List[Scene]) -> List[str]:
    """The plans of scenes in a child of this process, which has planned."""
    receiver, sender = multiprocessing.get_context("fork").Pipe(duplex=False)
    child = os.fork()
    if child == 0:
        sender.send([o.digest for o in outcomes(every, cases, check=False)])
        os._exit(0)
    sender.close()
    found = receiver.recv()
    os.waitpid(child, 0)
    return found


def properties_of(hand: str) -> Tuple[str, ...]:
    """What is checked of the grasps of a kind of hand."""
    return PROPERTIES if hand == JAWS else (*(p for p in PROPERTIES if p != "object within the jaws"), *CUP_PROPERTIES)


def check_scenes(count: int, approach: str = "table", hand: str = JAWS) -> dict:
    """The table's numbers."""
    torch.set_num_threads(1)
    every, found = planners(hand), []
    broken: Dict[str, List[int]] = defaultdict(list)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), start_planning, (2, hand)) as other:
        for first in range(0, count, BATCH):
            cases = [scene(n, approach) for n in range(first, min(count, first + BATCH))]
            elsewhere = other.submit(digests, cases)
            batch = outcomes(every, cases)
            ways = {"in a fork": forked_digests(every, cases), "in a process with two threads": elsewhere.result()}
            for k, o in enumerate(batch):
                different = [f"the same plan {way}" for way, plans in ways.items() if plans[k] != o.digest]
                for name in [*o.broken, *different]:
                    broken[name].append(first + k)
            found += batch
            print(f"{len(found)} scenes, not held: {dict(broken)}", file=sys.stderr, flush=True)
    return {
        "scenes": count,
        "approach": approach,
        "hand": hand,
        "with a plan": sum(o.grasps > 0 for o in found),
        "grasps": sum(o.grasps for o in found),
        "kinds with a plan": dict(Counter(o.kind for o in found if o.grasps)),
        "refused": dict(Counter(o.digest for o in found if not o.grasps)),
        **{name: f"NOT HELD in scenes {broken[name]}" if broken[name] else "held" for name in properties_of(hand)},
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=5_000)
    parser.add_argument("--approach", default="table", choices=(*NAMES, "cone"), help="cone: one at random")
    parser.add_argument("--hand", default=JAWS, choices=(JAWS, KIND), help="parallel jaws or suction cups")
    parser.add_argument("--json", type=Path, help="write the numbers here too")
    arguments = parser.parse_args()
    result = check_scenes(arguments.scenes, arguments.approach, arguments.hand)
    for name, value in result.items():
        print(f"{name:46} {value}")
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1))
    return 1 if "NOT HELD" in str(result) else 0


if __name__ == "__main__":
    sys.exit(main())
