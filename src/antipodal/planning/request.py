"""What a plan is asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, List, Optional, Sequence

import numpy as np

from antipodal.camera import Camera
from antipodal.errors import NoGraspFound
from antipodal.grasp import Grasp
from antipodal.perception.fusion import CameraView
from antipodal.perception.scene import Scene, why_nothing
from antipodal.perception.table import AHEAD, Table
from antipodal.planning.approach_cone import Approach, ApproachCone, cone_of, free_directions
from antipodal.planning.failed_grasps import RADIUS, without_failed


@dataclass(frozen=True)
class Request:
    """One image to plan for, all in main memory."""

    depth: np.ndarray  # (H, W) float32 [m], 0 = missing
    graspable: np.ndarray  # (H, W) bool, True somewhere where depth is valid
    approach: np.ndarray  # (3,) unit, in the camera frame
    table: float  # depth of the table along the approach [m], inf where none is known
    start: Sequence[Grasp] = ()  # of an earlier plan, in the frame of this camera
    labels: Optional[np.ndarray] = None  # (H, W) int32: the object that each pixel shows, 0 = none
    others: Sequence[CameraView] = ()  # what further cameras see
    cone: Optional[ApproachCone] = None  # of approaches; `approach` is then what lies upright on the support
    directions: Optional[np.ndarray] = None  # (N, 3) unit, spread over the cone
    support: Optional[Table] = None  # of a cone's view; None where none was found

    def views(self, camera: Camera) -> List[CameraView]:
        """What all cameras see, that of the image first."""
        return [CameraView(self.depth, self.graspable, camera, np.eye(4), self.labels), *self.others]


def make_request(
    scene: Scene,
    window: Optional[np.ndarray],
    start: Sequence[Grasp],
    counts: Dict[str, int],
    others: Sequence[CameraView] = (),
    labels: Optional[np.ndarray] = None,
) -> Request:
    """What is planned for along the scene's approach: the graspable pixels of a window (H, W) bool, and those of other
    cameras, counted in `counts`. Raises NoGraspFound where there are none."""
    graspable = scene.graspable if window is None else scene.graspable & window
    counts["pixels"] = _count(graspable, others)
    if counts["pixels"] == 0 and scene.graspable.any():
        before = int(np.count_nonzero(scene.graspable))
        raise NoGraspFound(f"0 of {before} graspable pixels lie in the region", counts)
    if counts["pixels"] == 0:
        raise NoGraspFound(why_nothing(scene), {**counts, **scene.counts})
    offset = float("inf") if scene.support is None else scene.support.offset
    return Request(scene.depth, graspable, scene.approach, offset, start, labels, others)


def _count(graspable: np.ndarray, others: Sequence[CameraView]) -> int:
    """How many pixels of all images may be grasped."""
    return int(sum(np.count_nonzero(g) for g in (graspable, *(o.graspable for o in others))))


def apart_from(request: Request, failed: Sequence[Grasp], camera: Camera, counts: Dict[str, int]) -> Request:
    """The request without what lies around grasps that failed, in the frame of the camera; what is left is counted in
    `counts`. Raises NoGraspFound where nothing is."""
    if not failed:
        return request
    first, *others = without_failed(request.views(camera), failed)
    counts["apart"] = _count(first.graspable, others)
    if counts["apart"] == 0:
        left_out = f"all {counts['pixels']} graspable pixels lie within {100 * RADIUS:g} cm of grasps to avoid"
        raise NoGraspFound(f"{left_out}, {len(failed)} of them", counts)
    return replace(request, graspable=first.graspable, others=others)


def along(request: Request, approach: Approach, support: Optional[Table], count: int) -> Request:
    """The request with the approach that was asked for; over a cone, `count` directions of it that do not come from
    below the support. Raises InputError where there is none."""
    if approach == "camera":
        return replace(request, approach=AHEAD, table=float("inf"))
    normal = None if support is None else support.normal
    cone = cone_of(approach, normal)
    if cone is None:
        return request
    start = [g for g in request.start if cone.holds(g.T_cam_grasp[:3, 2])]
    return replace(request, start=start, cone=cone, directions=free_directions(cone, count, normal), support=support)
