"""Trials: a scene, which its index alone determines, and the picks of a policy in it."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple, Union

import numpy as np
import trimesh

from antipodal.camera import Camera
from antipodal.errors import AntipodalError, InputError, NoGraspFound
from antipodal.grasp import Grasp, Gripper, probability
from antipodal.grasping import draw
from antipodal.perception.inputs import check_seed
from antipodal.perception.observe import MAX_VIEWS
from antipodal.planner import PlannerOptions
from antipodal.planning.image_planner import ImagePlanner
from antipodal.sim.cell import PRIMESENSE, Cell, overhead
from antipodal.sim.looks import Shown, aim_of, ask_for_object, look
from antipodal.sim.objects import Body, body_from_mesh
from antipodal.sim.pick import WRONG_OBJECT, Outcome
from antipodal.sim.picture import failure_picture, place_shown, view_of_gripper, view_of_table
from antipodal.sim.policies import APPROACHING, ORACLES, Policy, PolicySetup, make_policy
from antipodal.sim.room import lose_depth, random_room
from antipodal.sim.scenes import SCENES, check_scene, hints_of, named_approach, parts_of
from antipodal.suction_cup import SuctionCup
from antipodal.synth.images.noise import NAMED, NoiseOptions, sensor_errors
from antipodal.synth.objects.meshes import UNITS, MeshOptions, NamedMesh, mesh_source, named_among
from antipodal.synth.objects.piles import MOST_OBJECTS

HELD_OUT = 7919  # seed of the procedural series that trials use; training uses others


@dataclass(frozen=True)
class TrialOptions:
    """What all trials of a run share. The same options and index give the same scene to every policy."""

    objects: str  # folder of meshes, or "procedural[:N]"
    only: Tuple[str, ...] = ()  # names of the meshes to use; empty = all
    model: Optional[str] = None  # model file of the policy "antipodal"
    planner: PlannerOptions = field(default_factory=PlannerOptions)  # of the policies "antipodal" and "geometry"
    gripper: Gripper = field(default_factory=Gripper)
    camera: Camera = PRIMESENSE
    height: float = 0.7  # of the camera [m]
    tilt: float = 0.0  # the camera is tilted by up to this, in any direction [rad]
    clutter: Tuple[int, int] = (1, 1)  # fewest and most objects
    noise: Union[str, NoiseOptions] = "none"  # of the depth image, a name in noise.NAMED or a sensor's own
    room: bool = False  # objects stand in a room (room.py), and images lack depth as real ones do
    mask: bool = True  # whether policies get the mask of the objects
    views: int = 1  # cameras: the one above, and others around it
    by_object: bool = False  # a policy is asked for one object, in a label image; another in the hand is a failure
    remember: bool = False  # after a failure planners are told to avoid its place, until an object is held
    give_up: int = 3  # failures in a row that end a trial in clutter; a single object gets one pick
    seed: int = 0
    scene: str = "table"  # a name in scenes.SCENES; some have objects of their own
    approach: str = "table"  # of the planner and the oracle, as scenes.named_approach reads it
    units: str = "m"  # of the mesh files, a name in meshes.UNITS
    cup: Optional[SuctionCup] = None  # a second hand, for the policies of suction
    suction_model: Optional[str] = None  # model file of the policies "suction" and "both"

    def __post_init__(self) -> None:
        if self.units not in UNITS:
            raise InputError(f"no units {self.units!r}; possible: {', '.join(UNITS)}")
        if isinstance(self.noise, str) and self.noise not in NAMED:
            raise InputError(f"no noise {self.noise!r}; possible: {', '.join(NAMED)}, a camera's YAML")
        if self.room and self.mask:
            raise InputError("in a room the planner finds the objects itself: mask must be False (--no-mask)")
        if not 1 <= self.views <= MAX_VIEWS:
            raise InputError(f"1 to {MAX_VIEWS} views are possible, got {self.views}")
        if self.room and (self.views > 1 or self.by_object):
            raise InputError("in a room there is one view, and no object is asked for")
        check_scene(self.scene)
        check_seed(self.seed)
        overhead(self.height, self.tilt)  # refuses a camera that cannot be
        named_approach(self.approach, overhead(self.height, 0.5))
        if self.scene != "table" and self.room:
            raise InputError(f"a scene {self.scene!r} has no room around it")
        if self.clutter != (1, 1) and not SCENES[self.scene].heap:
            raise InputError(f"a scene {self.scene!r} holds one object, got clutter {self.clutter}")
        if not 1 <= self.clutter[0] <= self.clutter[1] <= MOST_OBJECTS:
            raise InputError(f"clutter must be 1 to {MOST_OBJECTS} objects, the fewest first, got {self.clutter}")


@dataclass(frozen=True)
class Job:
    """One trial to run."""

    scene: int
    policy: str


class Replayed(NamedTuple):
    """A pick of a trial in pictures."""

    aimed_at: str  # the object's name, or what else was there
    frames: List[np.ndarray]  # (H, W, 3) uint8: the depth image with the grasp, the hand there, the table afterwards


class Runner:
    """Runs trials. Meshes and models are read once, when they are needed."""

    def __init__(self, options: TrialOptions, pictures: Optional[Path] = None):
        """pictures: folder for a picture of each failure; None = no pictures."""
        self.options, self.pictures = options, pictures
        kind = SCENES[options.scene]
        own = {} if kind.things is None else {mesh.name: mesh for mesh in kind.things(HELD_OUT)}
        given: Dict[str, NamedMesh] = {}
        if not own or kind.share < 1:
            meshes = mesh_source(options.objects, MeshOptions(scale=UNITS[options.units]), seed=HELD_OUT)
            given = named_among(meshes, options.only)
        self._meshes = {**given, **own}
        self.names, self._own, self._given = sorted(self._meshes), sorted(own), sorted(given)
        self._share = kind.share if own else 0.0
        self._policies: Dict[str, Policy] = {}
        self._warm: Set[str] = set()  # policies that have planned

    def run(self, job: Job) -> dict:
        """The trial as plain values: scene, policy, objects, picks, and the number of objects within reach before and
        after."""
        names = self.objects(job.scene)
        row = {"scene": job.scene, "policy": job.policy, "objects": names}
        try:
            cell = self.make_cell(job.scene)
        except AntipodalError as e:  # an unusable mesh is not the policy's fault
            return {**row, "unusable": str(e)}
        reachable = len(cell.remaining())
        picks = self._clear(cell, job)
        return {**row, "reachable": reachable, "picks": picks, "left": len(cell.remaining())}

    def objects(self, scene: int) -> List[str]:
        """Names of a scene's objects. Single objects are taken in turn, so that each is tried equally often."""
        rng = np.random.default_rng([self.options.seed, scene, 0])
        count = int(rng.integers(self.options.clutter[0], self.options.clutter[1] + 1))
        if count > 1:
            own = round(self._share * count)
            return _draw_names(rng, self._own, own) + _draw_names(rng, self._given, count - own)
        order = np.random.default_rng(self.options.seed).permutation(len(self.names))
        return [self.names[order[scene % len(order)]]]

    def make_cell(self, scene: int) -> Cell:
        """The cell with the scene's objects at rest."""
        options = self.options
        rng = np.random.default_rng([options.seed, scene, 1])
        kind, bodies = SCENES[options.scene], [self._body(name) for name in self.objects(scene)]
        least, most = kind.tilt or (0.0, options.tilt)
        T_world_cam = overhead(options.height, least + (most - least) * rng.random(), 2 * np.pi * rng.random())
        other = np.random.default_rng([options.seed, scene, 4])
        room = random_room(other, T_world_cam) if options.room else parts_of(options.scene, other, T_world_cam, bodies)
        cell = Cell(options.gripper, options.camera, T_world_cam, kind.cell, room, options.cup)
        cell.drop(bodies, rng)
        return cell

    def mesh(self, name: str) -> trimesh.Trimesh:
        """The mesh of an object [m]."""
        return self._meshes[name].get()

    def replay(self, job: Job, attempt: int) -> Replayed:
        """One pick of a trial again. The picks before it are made first."""
        cell = self.make_cell(job.scene)
        failed: List[Grasp] = []
        for earlier in range(attempt):
            self._pick(cell, job, earlier, failed)
        shown = self._look(cell, job.scene, attempt)
        depth, grasp = shown.depth, self._plan(cell, job, attempt, shown, failed)
        T_world_grasp, aimed_at = cell.T_world_cam @ grasp.T_cam_grasp, aim_of(cell, grasp)
        before = failure_picture(depth, cell.camera, grasp, cell.hand_of(grasp.kind), place_shown(cell, grasp))
        shape = (before.shape[0], before.shape[1])
        frames = [before, view_of_gripper(cell, grasp, shape)]
        cell.execute(grasp.T_cam_grasp, grasp.width, grasp.kind)
        return Replayed(aimed_at, [*frames, view_of_table(cell, T_world_grasp, shape)])

    def _body(self, name: str) -> Body:
        return body_from_mesh(name, self.mesh(name))

    def _clear(self, cell: Cell, job: Job) -> List[dict]:
        """Pick until the table is clear or the policy fails too often; a single object gets one pick."""
        picks: List[dict] = []
        failed: List[Grasp] = []
        failures = 0
        allowed = 1 if len(cell.bodies) == 1 else self.options.give_up
        while cell.remaining() and failures < allowed:
            pick = self._pick(cell, job, len(picks), failed)
            failures = 0 if pick["kind"] == "held" else failures + 1
            picks.append(pick)
        return picks

    def _pick(self, cell: Cell, job: Job, attempt: int, failed: List[Grasp]) -> dict:
        """Look, plan, execute. failed: since an object was last held; kept true."""
        shown = self._look(cell, job.scene, attempt)
        self._warm_up(cell, job, attempt, shown, failed)
        depth, start = shown.depth, time.perf_counter()
        try:
            grasp = self._plan(cell, job, attempt, shown, failed)
        except NoGraspFound as e:
            self._keep_picture(cell, depth, None, place_shown(cell, None), "no_grasp", str(e), job, attempt)
            return {"kind": "no_grasp", "end": "no_grasp", "reason": str(e)}
        plan_ms = 1e3 * (time.perf_counter() - start)
        aimed_at, place = cell.kind_at(grasp.center_px), place_shown(cell, grasp)
        outcome = cell.execute(grasp.T_cam_grasp, grasp.width, grasp.kind)
        wrong = outcome.kind == "held" and shown.target not in (None, outcome.picked)
        kind = WRONG_OBJECT if wrong else outcome.kind
        failed[:] = [] if outcome.kind == "held" else [*failed, grasp]
        self._keep_picture(cell, depth, grasp, place, kind, _why(grasp, outcome), job, attempt)
        picked = None if outcome.picked is None else cell.bodies[outcome.picked].name
        forces = {"object_force": round(outcome.object_force, 2), "table_force": round(outcome.table_force, 2)}
        ends = {"kind": kind, "end": outcome.end, "picked": picked, "aimed_at": aimed_at}
        return {**ends, **forces, **_describe(grasp, plan_ms)}

    def _warm_up(self, cell: Cell, job: Job, attempt: int, shown: Shown, failed: Sequence[Grasp]) -> None:
        """Load and compile what a policy's plans need before the clock starts: make the first one beforehand."""
        if job.policy in self._warm:
            return
        self._warm.add(job.policy)
        for _ in range(2):  # torch compiles for a shape when it meets it again
            with suppress(NoGraspFound):
                self._plan(cell, job, attempt, shown, failed)

    def _plan(self, cell: Cell, job: Job, attempt: int, shown: Shown, failed: Sequence[Grasp]) -> Grasp:
        """The policy's first grasp. Those that know approaches are told which, and what is known of the scene; planners
        what failed, if they are to remember it."""
        options = self.options
        told: Dict[str, Any] = {}
        if job.policy in APPROACHING and (options.approach != "table" or options.scene != "table"):
            told = {
                "approach": named_approach(options.approach, cell.T_world_cam),
                "hints": hints_of(options.scene, cell.T_world_cam),
            }
        policy = self._policy(job.policy, cell)
        if options.remember and isinstance(policy, ImagePlanner):
            told["avoid"] = failed
        return shown.plan(policy, 100 * job.scene + attempt, told)

    def _look(self, cell: Cell, scene: int, attempt: int) -> Shown:
        seed, errors = [self.options.seed, scene, 2, attempt], sensor_errors(self.options.noise)

        def spoil(depth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
            depth = errors(depth, cell.camera, rng)
            return lose_depth(rng, depth) if self.options.room else depth

        shown = look(cell, self.options.views, self.options.mask, spoil, seed)
        if not self.options.by_object:
            return shown
        return ask_for_object(cell, shown, np.random.default_rng([self.options.seed, scene, 5, attempt]))

    def _policy(self, name: str, cell: Cell) -> Policy:
        options = self.options
        setup = PolicySetup(options.gripper, cell, options.model, options.planner, options.suction_model)
        if name in ORACLES:
            return make_policy(name, setup)
        if name not in self._policies:
            self._policies[name] = make_policy(name, setup)
        return self._policies[name]

    def _keep_picture(
        self,
        cell: Cell,
        depth: np.ndarray,
        grasp: Optional[Grasp],
        place: np.ndarray,
        kind: str,
        reason: str,
        job: Job,
        attempt: int,
    ) -> None:
        """Of a failure, around the object's place (3,) [m] in the camera's frame."""
        if self.pictures is not None and kind != "held":
            label = f"{kind} {job.policy} {job.scene}"
            hand = cell.gripper if grasp is None else cell.hand_of(grasp.kind)
            image = failure_picture(depth, self.options.camera, grasp, hand, place, label, reason)
            draw.write_png(self.pictures / f"{job.policy}_{kind}_{job.scene:05d}_{attempt}.png", image)


def _draw_names(rng: np.random.Generator, names: List[str], count: int) -> List[str]:
    """`count` of the names, as far as possible each once."""
    return [names[i] for i in rng.choice(len(names), count, replace=count > len(names))] if count else []


def _why(grasp: Grasp, outcome: Outcome) -> str:
    """P(success), the opening, and the forces before the hand closed, where there were any."""
    forces = {"objects": outcome.object_force, "the table": outcome.table_force}
    pushed = "".join(f", {force:.0f} N on {what} before closing" for what, force in forces.items() if force > 0.5)
    opening = f", {1e3 * grasp.width:.0f} mm open" if grasp.width > 0 else ""
    return f"{probability(grasp.quality)}{opening}{pushed}"


def _describe(grasp: Grasp, plan_ms: float) -> dict:
    """The figures of a grasp that the summary needs."""
    return {
        "hand": grasp.kind,
        "quality": round(grasp.quality, 4),
        "width": round(grasp.width, 4),
        "center_px": [round(float(v), 1) for v in grasp.center_px],
        "angle": round(grasp.angle, 3),
        "depth": round(grasp.depth, 4),
        "plan_ms": round(plan_ms, 1),
    }
