"""The simulated cell: objects on a table under a depth camera, and a gripper that executes planned grasps."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Callable, Dict, Iterator, List, Optional, Sequence, Tuple

import mujoco
import numpy as np
from scipy.spatial.transform import Rotation

from antipodal import transforms
from antipodal.camera import Camera
from antipodal.errors import InputError
from antipodal.grasp import JAWS, Gripper
from antipodal.grasp import Hand as HandShape
from antipodal.perception.inputs import MAX_RANGE
from antipodal.sim.carriage import WorldOptions
from antipodal.sim.cup_hand import CupHand, suck
from antipodal.sim.hand import CarriedHand, Hand
from antipodal.sim.objects import Body, join
from antipodal.sim.pick import Outcome, PickOptions, pick
from antipodal.sim.room import FACES, Part
from antipodal.sim.solids import Solid, solid
from antipodal.sim.world import build_world, raise_walls
from antipodal.suction_cup import KIND as SUCTION
from antipodal.suction_cup import SuctionCup
from antipodal.synth.images.render import nearer, plane_depth, render_depth, render_faces
from antipodal.synth.objects.falling import DRAG, falling_time, set_drag, step_until_rest

PRIMESENSE = Camera(525.0, 525.0, 319.5, 239.5, 640, 480)
SLEEP = int(getattr(mujoco.mjtEnableBit, "mjENBL_SLEEP", 0))  # MuJoCo before 3.4 lets nothing sleep
STATE = mujoco.mjtState.mjSTATE_INTEGRATION
DROP = 0.005  # least height from which an object falls [m]
FAR = 3.0  # where removed objects are kept [m]
MAX_TILT = np.deg2rad(75)  # of the camera, from the vertical


@dataclass(frozen=True)
class CellOptions:
    """Where objects are dropped, and how long they may take to come to rest."""

    spread: float = 0.05  # a single object lies at most this far from the middle of the table, in x and in y [m]
    table: float = 0.25  # objects farther from the middle are out of reach [m]
    settle_time: float = 3.0  # longest wait for rest [s]
    rest_speed: float = 0.005  # slower than this is at rest [m/s, and rad/s over ten]
    world: WorldOptions = field(default_factory=WorldOptions)
    pick: PickOptions = field(default_factory=PickOptions)


def overhead(height: float = 0.7, tilt: float = 0.0, azimuth: float = 0.0) -> np.ndarray:
    """`T_world_cam` (4, 4) of a camera that looks at the middle of the table from `height` [m], tilted by `tilt` [rad]
    from the vertical towards `azimuth` [rad]. Raises InputError unless height is in (0, MAX_RANGE] and tilt in
    [0, MAX_TILT]."""
    if not (0 < height <= MAX_RANGE and 0 <= tilt <= MAX_TILT):
        possible = f"a height of 0 to {MAX_RANGE:g} m and a tilt of 0 to {np.rad2deg(MAX_TILT):.0f} degrees"
        raise InputError(f"a camera needs {possible}, got {height:g} m and {np.rad2deg(tilt):g} degrees")
    back = np.array([np.sin(tilt) * np.cos(azimuth), np.sin(tilt) * np.sin(azimuth), np.cos(tilt)])
    return transforms.compose(transforms.rotation_to(-back, np.array([1.0, 0.0, 0.0])), height * back)


class Cell:
    """A table, a camera and a gripper. `drop` puts objects on it, `render` shows them, `execute` picks."""

    def __init__(
        self,
        gripper: Gripper,
        camera: Camera = PRIMESENSE,
        T_world_cam: Optional[np.ndarray] = None,
        options: CellOptions = CellOptions(),
        room: Sequence[Part] = (),
        cup: Optional[SuctionCup] = None,
    ):
        """room: what stands around the objects, the table first (room.py); without one the table is endless. cup: a
        second hand, for suction."""
        self.gripper, self.camera, self.options, self.cup = gripper, camera, options, cup
        self.T_world_cam = overhead() if T_world_cam is None else T_world_cam
        self.room = list(room)
        self.drop([], np.random.default_rng(0))

    def drop(self, bodies: Sequence[Body], rng: np.random.Generator) -> None:
        """Clear the table, then drop these objects in random orientations and wait until they are at rest."""
        self.bodies = list(bodies)
        self._surfaces = [body.surface() for body in bodies]
        self._on_table = set(range(len(bodies)))
        self.model = build_world(self.gripper, bodies, self.options.world, self.room, self.cup)
        self.data = mujoco.MjData(self.model)
        self.hand = Hand(self.model, self.data)
        self.cup_hand = None if self.cup is None else CupHand(self.model, self.data, self.cup, self._surfaces)
        for i, pose in enumerate(_random_poses(bodies, self.options, rng)):
            self._put(i, pose)
        self._sink()
        self.settle()
        if len(bodies) == 1:
            self._center(rng)

    def rehearse(self, T_cam_grasp: np.ndarray, width: float, kind: str = JAWS) -> Outcome:
        """The outcome that `execute` would have; the world does not change."""
        state = self.state()
        outcome = self._pick(T_cam_grasp, width, kind)
        self.restore(state)
        return outcome

    def settle(self) -> None:
        """Park the hands, and let the world move until its objects are at rest."""
        self.hand.park()
        if self.cup_hand is not None:
            self.cup_hand.park()
        self._wait(self.options.settle_time)
        self.data.qvel[:] = 0
        mujoco.mj_forward(self.model, self.data)

    def _sink(self) -> None:
        """Let objects come down slowly, so that none rolls away or hops out of a heap."""
        raise_walls(self.model, len(self.bodies) > 1)
        highest = max((self.pose(i)[2, 3] for i in range(len(self.bodies))), default=0.0)
        names = [f"object{i}" for i in range(len(self.bodies))]
        set_drag(self.model, names, DRAG)
        self._wait(falling_time(highest) + self.options.settle_time)
        set_drag(self.model, names, 0.0)
        raise_walls(self.model, False)

    def _wait(self, longest: float) -> None:
        """Let the world move until its objects are at rest, or for `longest` [s]."""
        step_until_rest(self.model, self.data, longest, self._at_rest)

    def execute(
        self, T_cam_grasp: np.ndarray, width: float, kind: str = JAWS, ended: Callable[[Outcome], None] = lambda _: None
    ) -> Outcome:
        """Pick with a grasp (4, 4) in the camera's frame, its `width` [m] and `kind` as `Grasp` has them: with the jaws
        opened to the width on approach, or with the cup. ended: called at the end, where the hand held.

        What is held in the end is taken off the table; everything else is left where it falls.
        InputError if the pose is not rigid, the gripper cannot open so wide, or the cell has no cup.
        """
        outcome = self._pick(T_cam_grasp, width, kind)
        ended(outcome)
        if outcome.end == "held" and outcome.picked is not None:
            self.remove(outcome.picked)
        self.settle()
        return outcome

    def remove(self, i: int) -> None:
        """Take object `i` off the table."""
        self._on_table.discard(i)
        self._put(i, transforms.compose(np.eye(3), np.array([FAR + i, 0.0, self.bodies[i].radius()])))

    def _pick(self, T_cam_grasp: np.ndarray, width: float, kind: str) -> Outcome:
        T = np.asarray(T_cam_grasp, dtype=np.float64)
        if T.shape != (4, 4) or not np.allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3), atol=1e-3):
            raise InputError(f"T_cam_grasp must be a rigid (4, 4) transform, got {T_cam_grasp}")
        opening = None if self.hand_of(kind) is self.cup else self._opening(width)
        with self._bystanders_asleep():
            if opening is None:
                assert self.cup_hand is not None
                return suck(self.cup_hand, self.T_world_cam @ T, self.options.pick)
            return pick(self.hand, self.T_world_cam @ T, opening, self.options.pick)

    def hand_of(self, kind: str) -> HandShape:
        """The gripper or the cup, by the kind of a grasp. Raises InputError where the cell has no such hand."""
        hands: Dict[str, Optional[HandShape]] = {JAWS: self.gripper, SUCTION: self.cup}
        hand = hands.get(kind)
        if hand is None:
            possible = ", ".join(name for name, one in hands.items() if one is not None)
            raise InputError(f"this cell has no hand of kind {kind!r}; possible: {possible}")
        return hand

    def moving_hand(self, kind: str) -> CarriedHand:
        """What moves the hand of a kind. Raises InputError where the cell has no such hand."""
        if self.hand_of(kind) is self.cup:
            assert self.cup_hand is not None
            return self.cup_hand
        return self.hand

    def _opening(self, width: float) -> float:
        """To which the jaws open on approach [m]. Raises InputError where the gripper cannot open to `width`."""
        low, high = self.gripper.min_width, self.gripper.max_width
        if not low <= width <= high + 1e-6:
            raise InputError(f"{self.gripper.name} opens {low} to {high} m, got a grasp of width {width}")
        return high if self.options.pick.fully_open else width

    @contextmanager
    def _bystanders_asleep(self) -> Iterator[None]:
        """Let objects at rest sleep until something touches them, which saves most of the solver's work in a heap. Only
        during a pick: a sleeping object would not notice that it is moved."""
        self.model.opt.enableflags |= SLEEP
        try:
            yield
        finally:
            self.model.opt.enableflags &= ~SLEEP

    # -- what the camera sees

    def render(self) -> np.ndarray:
        """Depth (H, W) float32 [m] without noise, 0 = nothing."""
        return nearer(render_depth(*self._seen(), self.camera), self._background())

    def mask(self) -> np.ndarray:
        """Pixels (H, W) bool that show an object."""
        return self.labels() >= 0

    def labels(self) -> np.ndarray:
        """Index (H, W) of the object that each pixel shows, -1 = none."""
        depth, face = render_faces(*self._seen(), self.camera)
        background = self._background()
        face = np.where((background > 0) & (background < depth), -1, face)  # hidden by a part of the room
        owner = np.repeat(np.arange(len(self.bodies)), [len(b.surface()[1]) for b in self.bodies])
        return np.where(face >= 0, np.append(owner, -1)[face], -1)

    def kind_at(self, pixel: Sequence[float], reach: int = 4) -> str:
        """What stands at (u, v) or `reach` pixels round it: "object", or the kind of the room's part; else "table"."""
        u, v = np.round(pixel).astype(int)
        near = slice(max(v - reach, 0), v + reach + 1), slice(max(u - reach, 0), u + reach + 1)
        if (self.labels()[near] >= 0).any():
            return "object"
        if not self.room:
            return "table"
        face = render_faces(*self._room_mesh(), self.camera)[1][near]
        kinds = [self.room[i // FACES].kind for i in np.unique(face[face >= 0])]
        return next((kind for kind in kinds if kind not in ("table", "floor")), "table")

    def _seen(self) -> Tuple[np.ndarray, np.ndarray]:
        """All objects' vertices (V, 3) in the camera's frame, and faces (F, 3)."""
        T_cam_world = transforms.invert(self.T_world_cam)
        return join((transforms.apply(T_cam_world @ self.pose(i), v), f) for i, (v, f) in enumerate(self._surfaces))

    def _background(self) -> np.ndarray:
        """Depth (H, W) [m] of the room, or of the endless table."""
        if self.room:
            return render_depth(*self._room_mesh(), self.camera)
        normal = self.T_world_cam[2, :3]  # the world's z in the camera's frame
        return plane_depth(np.append(normal, -self.T_world_cam[2, 3]), self.camera)

    def _room_mesh(self) -> Tuple[np.ndarray, np.ndarray]:
        """Vertices (V, 3) of the room's parts in the camera's frame, and faces (F, 3), FACES of each part."""
        T_cam_world = transforms.invert(self.T_world_cam)
        return join((transforms.apply(T_cam_world, v), f) for v, f in map(Part.mesh, self.room))

    @contextmanager
    def seen_from(self, T_world_cam: np.ndarray) -> Iterator[None]:
        """Within it the camera stands elsewhere (4, 4)."""
        before, self.T_world_cam = self.T_world_cam, T_world_cam
        try:
            yield
        finally:
            self.T_world_cam = before

    # -- where things are

    def pose(self, i: int) -> np.ndarray:
        """`T_world_object` (4, 4) of object `i`."""
        body = self.data.body(f"object{i}")
        return transforms.compose(body.xmat.reshape(3, 3), body.xpos)

    def solid(self, i: int) -> Solid:
        """Object `i` as a solid, in the world frame."""
        return solid(self.bodies[i], self.pose(i))

    def remaining(self) -> List[int]:
        """Objects still on the table within reach."""
        return [i for i in sorted(self._on_table) if np.linalg.norm(self.pose(i)[:2, 3]) < self.options.table]

    def state(self) -> np.ndarray:
        """Everything that `restore` needs to continue from this moment in the same way."""
        state = np.empty(mujoco.mj_stateSize(self.model, STATE))
        mujoco.mj_getState(self.model, self.data, state, STATE)
        return np.append(state, [i in self._on_table for i in range(len(self.bodies))])

    def restore(self, state: np.ndarray) -> None:
        n = len(state) - len(self.bodies)
        mujoco.mj_setState(self.model, self.data, state[:n], STATE)
        self._on_table = set(np.flatnonzero(state[n:]).tolist())
        mujoco.mj_forward(self.model, self.data)

    def _put(self, i: int, T_world_object: np.ndarray) -> None:
        """Move object `i`, at rest, to a pose (4, 4)."""
        joint = self.data.joint(f"object{i}")
        quaternion = np.empty(4)
        mujoco.mju_mat2Quat(quaternion, T_world_object[:3, :3].ravel())
        joint.qpos, joint.qvel = np.append(T_world_object[:3, 3], quaternion), 0
        mujoco.mj_kinematics(self.model, self.data)

    def _center(self, rng: np.random.Generator) -> None:
        """Move a single object, which may have rolled away, near the middle of the table."""
        pose = self.pose(0)
        pose[:2, 3] = rng.uniform(-self.options.spread, self.options.spread, 2)
        self._put(0, pose)

    def _at_rest(self) -> bool:
        speed = self.data.qvel[: 6 * len(self.bodies)].reshape(-1, 6) * [1, 1, 1, 0.1, 0.1, 0.1]
        return not len(speed) or float(np.abs(speed).max()) < self.options.rest_speed


def _random_poses(bodies: Sequence[Body], options: CellOptions, rng: np.random.Generator) -> np.ndarray:
    """Poses (N, 4, 4) from which objects fall: random orientations, in a column, one above the other."""
    if not bodies:  # scipy 1.10 turns nothing at random
        return np.empty((0, 4, 4))
    rotations = Rotation.random(len(bodies), random_state=rng).as_matrix()
    radii = np.array([body.radius() for body in bodies])
    heights = np.cumsum(2 * radii) - radii + DROP
    spread = 0.0 if len(bodies) == 1 else options.world.heap / 2
    return transforms.compose(rotations, np.column_stack([rng.uniform(-spread, spread, (len(bodies), 2)), heights]))
