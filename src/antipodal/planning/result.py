"""What a planner answers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Callable, Dict, Iterator, List, Optional

import numpy as np

from antipodal.camera import Camera
from antipodal.errors import NoGraspFound
from antipodal.grasp import Grasp, Gripper, moved_grasps
from antipodal.perception.scene import Scene
from antipodal.transforms import invert


class Plan(Sequence):
    """The grasps of one plan, best first, with what it took to find them."""

    def __init__(
        self,
        grasps: List[Grasp],
        scored: Callable[[], List[Grasp]],
        counts: Dict[str, int],
        times: Dict[str, float],
        scene: Optional[Scene] = None,
        camera: Optional[Camera] = None,
        T_frame_cam: Optional[np.ndarray] = None,
    ):
        """scored: makes `candidates` when they are asked for, which few do."""
        self.grasps = grasps
        self.camera = camera  # of the image that it was planned in
        self.T_frame_cam = np.eye(4) if T_frame_cam is None else T_frame_cam  # (4, 4), frame: of the grasps' poses
        self.scene = scene  # what the planner took for the support and for graspable
        self.counts = counts  # how many survived each stage
        self.times_ms = times  # wall time of each stage
        self._scored = scored

    def __reduce__(self) -> tuple:
        about = self.counts, self.times_ms, self.scene, self.camera, self.T_frame_cam
        return _restored_plan, (self.grasps, self.candidates, *about)

    def in_frame(self, T_frame_cam: np.ndarray) -> Plan:
        """The plan with its grasps' poses in the frame in which the camera's pose is T_frame_cam (4, 4)."""
        T = T_frame_cam @ invert(self.T_frame_cam)
        about = self.counts, self.times_ms, self.scene, self.camera, T_frame_cam
        return Plan(moved_grasps(self.grasps, T), lambda: moved_grasps(self.candidates, T), *about)

    def in_camera(self) -> Plan:
        """The plan with its grasps' poses in the frame of the camera, as pictures need them."""
        return self.in_frame(np.eye(4))

    @cached_property
    def candidates(self) -> List[Grasp]:
        """A hundred or two of those that the search scored and found likely enough, best first."""
        return self._scored()

    def __len__(self) -> int:
        return len(self.grasps)

    def __getitem__(self, index):
        return self.grasps[index]


def _restored_plan(grasps: List[Grasp], candidates: List[Grasp], *about: Any) -> Plan:
    """A plan that was pickled with its candidates."""
    return Plan(grasps, lambda: candidates, *about)


class Clock:
    """Wall times of named stages [ms]."""

    def __init__(self) -> None:
        self.times_ms: Dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.times_ms[stage] = 1e3 * (time.perf_counter() - start)


@contextmanager
def told_of(scene: Scene, camera: Camera) -> Iterator[None]:
    """Within it NoGraspFound is told of the scene and its camera, for a picture of why."""
    try:
        yield
    except NoGraspFound as e:
        e.scene, e.camera = scene, camera
        raise


STAGES = {
    "pixels": "graspable pixels",
    "edges": "edge cells",
    "scanned": "scored in a scan",
    "pairs": "antipodal pairs",
}


def refuse_empty(counts: Dict[str, int], friction: float, gripper: Gripper) -> None:
    """Raises NoGraspFound for the first of the stages counted so far that was left with nothing.

    counts: "pixels", "edges" or "scanned", "pairs", "fitting", "wide_enough", "alone", as far as the plan has come.
    friction: limit that pairs keep, as they keep the gripper's widest opening.
    """
    stages = ", ".join(f"{counts[k]} {name}" for k, name in STAGES.items() if k in counts)
    limits = f"friction {friction:g}, width {gripper.max_width:g} m"
    if counts["pairs"] == 0:
        raise NoGraspFound(f"{stages} ({limits})", counts)
    if counts.get("fitting") == 0:
        raise NoGraspFound(f"{stages}, 0 where the gripper clears what the image shows ({limits})", counts)
    if counts.get("wide_enough") == 0:
        what = f"at least {gripper.min_width:g} m, its min_width" if gripper.min_width > 0 else "more than a spike"
        raise NoGraspFound(f"0 of {counts['fitting']} where the gripper fits close on {what}", counts)
    if counts.get("alone") == 0:
        before = counts.get("wide_enough", counts["fitting"])
        raise NoGraspFound(f"0 of {before} where the jaws close on one labelled object alone", counts)
