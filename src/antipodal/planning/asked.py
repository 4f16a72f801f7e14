"""What one call asks a planner for, checked, and what its images show, found once for all hands that plan in them."""

from __future__ import annotations

import copy
from typing import Any, Collection, Dict, Iterable, List, Optional, Sequence, Tuple

import numpy as np

from antipodal.camera import Camera
from antipodal.errors import InputError
from antipodal.grasp import Grasp, Hand
from antipodal.perception.depth_view import DepthView
from antipodal.perception.fusion import CameraView, FusionOptions
from antipodal.perception.hints import SceneHints
from antipodal.perception.inputs import Region, check_region, check_seed
from antipodal.perception.observe import check_view
from antipodal.perception.scene import Scene
from antipodal.perception.segmentation_options import SegmentationOptions
from antipodal.perception.table import TableOptions
from antipodal.planning.approach_cone import Approach
from antipodal.planning.last_result import Perceived
from antipodal.planning.trace import Trace
from antipodal.transforms import is_rigid


class Asked:
    """The arguments of `ImagePlanner.plan`, as they are documented there. Raises InputError."""

    def __init__(
        self,
        views: Sequence[DepthView],
        max_grasps: int = 10,
        seed: int = 0,
        region: Optional[Region] = None,
        start: Optional[Sequence[Grasp]] = None,
        hints: Optional[SceneHints] = None,
        trace: Optional[Trace] = None,
        targets: Optional[Collection[int]] = None,
        per_object: Optional[int] = None,
        approach: Optional[Approach] = None,
        hands: Optional[Collection[str]] = None,
        avoid: Optional[Sequence[Grasp]] = None,
    ):
        """hints, start, avoid and a cone of approaches: in the frame of the first view's camera."""
        check_count("max_grasps", max_grasps)
        if per_object is not None:
            check_count("per_object", per_object)
        check_seed(seed)
        check_hands(hands)
        check_kind("hints", hints, SceneHints)
        check_kind("trace", trace, Trace)
        self.max_grasps, self.seed, self.hints = max_grasps, int(seed), hints
        self.start, self.avoid = check_grasps("start", start), check_grasps("avoid", avoid)
        self.trace, self.per_object, self.approach, self.hands = trace, per_object, approach, hands
        self._first, *self._others = [check_view(view, targets) for view in views]
        self.camera: Camera = self._first.view.camera
        self.depth: np.ndarray = self._first.view.depth
        self.labels: Optional[np.ndarray] = self._first.view.labels
        if per_object is not None and self.labels is None:
            raise InputError(f"per_object {per_object} counts grasps of a label, but no label image was given")
        self.window = check_region(region, self.depth)
        self._whole: Optional[Trace] = None  # of all hands, where this is of one of several
        self._seen: Dict[tuple, Tuple[Scene, List[CameraView]]] = {}

    def wants(self, hand: Hand) -> bool:
        """Whether a hand may be planned for."""
        return not self.hands or hand.name in self.hands or hand.kind in self.hands

    def for_hand(self, hand: Hand) -> Asked:
        """The same of one of several hands, which has a trace of its own; what the images show is found once."""
        own = copy.copy(self)
        if self.trace is not None:
            own.trace, own._whole = self.trace.hands.setdefault(hand.kind, Trace()), self.trace
        return own

    def observed(
        self, table: TableOptions, segmentation: SegmentationOptions, fusion: FusionOptions
    ) -> Tuple[Scene, List[CameraView]]:
        """The scene of the first image, and what the other cameras see. Raises InputError where they disagree."""
        options = table, segmentation, fusion
        if options not in self._seen:
            observe = (Perceived() if self.trace is None else self.trace.perceived).observe
            self._seen[options] = observe(self._first, self._others, self.hints, self.seed, *options)
        scene, seen = self._seen[options]
        for trace in (self.trace, self._whole):
            if trace is not None:
                trace.scene = scene
        return scene, seen

    def beside(self, seen: Sequence[CameraView]) -> Sequence[CameraView]:
        """The other cameras whose images count for where a grasp may lie: none where a region is given."""
        return seen if self.window is None else ()


def check_hands(hands: Any) -> None:
    """Raises InputError where hands are no names: one name alone would be taken for its letters."""
    listed = isinstance(hands, (list, tuple, set, frozenset, dict))
    if hands is not None and not (listed and all(isinstance(name, str) for name in hands)):
        raise InputError(f"hands must be a list of names or kinds, such as ['suction'], got {hands!r}")


def check_grasps(name: str, grasps: Any) -> Sequence[Grasp]:
    """The grasps; none where there are none. Raises InputError where they are something else."""
    if grasps is None:
        return ()
    if isinstance(grasps, Iterable):
        grasps = list(grasps)
        if all(isinstance(grasp, Grasp) for grasp in grasps):
            _check_poses(name, grasps)
            return grasps
    raise InputError(f"{name} must be a list of grasps, such as a plan, got {grasps!r}"[:200])


def _check_poses(name: str, grasps: Sequence[Grasp]) -> None:
    for grasp in grasps:
        if not is_rigid(grasp.T_cam_grasp):
            got = np.asarray(grasp.T_cam_grasp).tolist()
            raise InputError(f"the poses of {name} must be rigid transforms (4, 4) in metres, got {got}"[:300])


def check_kind(name: str, value: Any, kind: type) -> None:
    """Raises InputError where a value is given and is not of a kind."""
    if value is not None and not isinstance(value, kind):
        raise InputError(f"{name} must be {kind.__name__}, got {value!r}"[:200])


def check_count(name: str, count: Any) -> None:
    """Raises InputError where a number of grasps is none."""
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
        raise InputError(f"{name} must be a whole number of at least 1, got {count!r}")
