"""What one or several cameras show: supports, what may be grasped, labels, all in the frame of the first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Collection, List, Optional, Sequence, Tuple

import numpy as np

from antipodal import transforms
from antipodal.errors import InputError
from antipodal.perception.agreement import disagreement
from antipodal.perception.depth_view import DepthView
from antipodal.perception.fusion import CameraView, FusionOptions
from antipodal.perception.hints import SceneHints
from antipodal.perception.inputs import check_depth, check_mask
from antipodal.perception.labels import check_labels
from antipodal.perception.scene import Scene, perceive
from antipodal.perception.segmentation_options import SegmentationOptions
from antipodal.perception.table import TableOptions

MAX_VIEWS = 8


@dataclass(frozen=True, eq=False)
class Checked:
    """A camera's image that has passed the checks."""

    view: DepthView  # depth float32 with every missing value 0; labels int32
    mask: Optional[np.ndarray]  # (H, W) bool, what may be grasped


def check_view(view: DepthView, targets: Optional[Collection[int]] = None) -> Checked:
    """A camera's image, checked. targets: labels of what may be grasped; all when None. Raises InputError."""
    depth = check_depth(view.depth, view.camera)
    if view.labels is None:
        if targets is not None:
            raise InputError(f"targets {targets!r} are labels, but no label image was given")
        return Checked(view._replace(depth=depth), check_mask(view.mask, depth))
    if view.mask is not None:
        raise InputError("mask and labels both say what may be grasped; give one of them")
    labels, mask = check_labels(view.labels, targets, depth)
    return Checked(view._replace(depth=depth, labels=labels), mask)


def check_views(views: Sequence[Tuple[Any, ...]]) -> List[DepthView]:
    """Several cameras' images, without those that are given twice. Raises InputError where poses are none, or masks
    and labels do not belong to all."""
    if not isinstance(views, (list, tuple)) or not 1 <= len(views) <= MAX_VIEWS:
        got = len(views) if isinstance(views, (list, tuple)) else type(views).__name__
        raise InputError(f"1 to {MAX_VIEWS} views can be planned in, got {got}")
    if not all(isinstance(view, tuple) and 3 <= len(view) <= 6 for view in views):
        raise InputError("each view must be a tuple (depth, camera, pose), and perhaps mask, labels, robot")
    found = [DepthView(*view) for view in views]
    for i, one in enumerate(found):
        transforms.check_rigid(f"the pose of view {i + 1}", one.T_frame_cam)
    for name in ("mask", "labels"):
        given = [getattr(one, name) is not None for one in found]
        if any(given) and not all(given):
            raise InputError(f"{name} must come with every view or with none, got {sum(given)} of {len(found)}")
    return [one for i, one in enumerate(found) if not any(_same(one, other) for other in found[:i])]


def _same(a: DepthView, b: DepthView) -> bool:
    """Whether two views are one, given twice."""
    arrays = zip((a.depth, a.mask, a.labels, a.robot), (b.depth, b.mask, b.labels, b.robot))
    return (
        a.camera == b.camera
        and np.allclose(a.T_frame_cam, b.T_frame_cam, atol=1e-9)
        and all(x is y or (x is not None and y is not None and np.array_equal(x, y)) for x, y in arrays)
    )


def observe(
    first: Checked,
    others: Sequence[Checked],
    hints: Optional[SceneHints],
    seed: int = 0,
    table: TableOptions = TableOptions(),
    segmentation: SegmentationOptions = SegmentationOptions(),
    fusion: FusionOptions = FusionOptions(),
) -> Tuple[Scene, List[CameraView]]:
    """The scene of the first camera's image, and what the others see. Raises InputError where they disagree.

    hints: in the first camera's frame. The others take its support for theirs.
    """
    view = first.view
    scene = perceive(view.depth, view.camera, first.mask, hints, seed, table, segmentation)
    if not others:
        return scene, []
    origin = CameraView(scene.depth, scene.graspable, view.camera, np.eye(4), view.labels)
    seen = []
    for i, other in enumerate(others):
        T_first_cam = transforms.invert(view.T_frame_cam) @ other.view.T_frame_cam
        known = _known_to(scene, hints or SceneHints(), T_first_cam, other.view.robot)
        its = perceive(other.view.depth, other.view.camera, other.mask, known, seed, table, segmentation)
        seen.append(CameraView(its.depth, its.graspable, other.view.camera, T_first_cam, other.view.labels))
        _refuse_disagreement(disagreement(origin, seen[-1]), i + 2, fusion.max_disagreement)
    return scene, seen


def _known_to(scene: Scene, hints: SceneHints, T_first_cam: np.ndarray, robot: Optional[np.ndarray]) -> SceneHints:
    """What another camera, with this pose (4, 4) in the first one's frame, is told of the scene."""
    if scene.support is not None:
        hints = replace(hints, table=(*scene.support.normal, scene.support.offset))
    return replace(hints, robot=None).seen_from(T_first_cam, robot)


def _refuse_disagreement(apart: Optional[float], number: int, limit: float) -> None:
    """Raises InputError where a view is `apart` [m] from the first one's surface, or has none in common with it."""
    check = "check its pose, the stamps and whether something moved"
    if apart is None:
        raise InputError(f"view {number} shows no surface that view 1 shows too, within 30 mm; {check}")
    if apart > limit:
        raise InputError(
            f"view {number} disagrees with view 1 by {1e3 * apart:.1f} mm, {1e3 * limit:g} allowed; {check}"
        )
