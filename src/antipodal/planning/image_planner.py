"""What every planner shares: to plan in an image, in several views or in a cloud, and to hand back the best grasps."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any, Collection, Dict, List, Optional, Protocol, Sequence, Tuple

import numpy as np
import torch

from antipodal import transforms
from antipodal.camera import Camera
from antipodal.errors import InputError, NoGraspFound
from antipodal.grasp import JAWS, Grasp, Hand, moved_grasps
from antipodal.grasping.view_grasps import ViewGrasps, to_camera
from antipodal.perception.clouds import cloud_view
from antipodal.perception.depth_view import DepthView
from antipodal.perception.hints import SceneHints
from antipodal.perception.inputs import Region
from antipodal.perception.observe import check_views
from antipodal.perception.scene import Scene
from antipodal.planning import warm_up
from antipodal.planning.approach_cone import Approach, turned_approach
from antipodal.planning.asked import Asked, check_grasps, check_kind
from antipodal.planning.options import PlannerOptions
from antipodal.planning.ranking import distinct, likely_enough
from antipodal.planning.result import Clock, Plan
from antipodal.planning.suction_options import SuctionOptions
from antipodal.planning.trace import Trace


class ImagePlanner:
    """Plans for a hand, or for several; a subclass says how, by `plan_asked`."""

    device: torch.device  # where its networks are

    @property
    def hands(self) -> Tuple[Hand, ...]:
        """The hands that it plans for."""
        raise NotImplementedError

    @property
    def parts(self) -> Tuple[ImagePlanner, ...]:
        """The planners of its hands, one for each; itself where it has one hand."""
        return (self,)

    def use_options(self, jaws: PlannerOptions, suction: SuctionOptions) -> None:
        """Plan with other options from now on, those of its own kinds of hands."""
        raise NotImplementedError

    def plan_asked(self, asked: Asked) -> Plan:
        """Grasps in the frame of the first view's camera. Raises InputError or NoGraspFound."""
        raise NotImplementedError

    def warm_up(self) -> None:
        """Plan in a few pictures, so that what is compiled or loaded at first use delays no later plan."""
        for depth, hints in warm_up.pictures():  # more than one: torch compiles for a shape when it meets it again
            with suppress(NoGraspFound, InputError):  # a gripper may be too large or too small for the box in them
                self.plan(depth, warm_up.CAMERA, hints=hints)
        with suppress(NoGraspFound, InputError):  # a policy may know one direction alone
            self.plan(depth, warm_up.CAMERA, hints=hints, approach="any")

    def plan(
        self,
        depth: np.ndarray,
        camera: Camera,
        mask: Optional[np.ndarray] = None,
        max_grasps: int = 10,
        seed: int = 0,
        region: Optional[Region] = None,
        start: Optional[Sequence[Grasp]] = None,
        hints: Optional[SceneHints] = None,
        trace: Optional[Trace] = None,
        labels: Optional[np.ndarray] = None,
        targets: Optional[Collection[int]] = None,
        per_object: Optional[int] = None,
        approach: Optional[Approach] = None,
        hands: Optional[Collection[str]] = None,
        avoid: Optional[Sequence[Grasp]] = None,
    ) -> Plan:
        """Grasps on what `depth` shows, best first.

        depth: (H, W) float [m] along the optical axis; 0, NaN and Inf are missing. mask: (H, W), nonzero = may be
        grasped; when not given, what stands on the table may. region: a window (u0, v0, width, height) [px], or (H, W)
        bool, in which the grasps' centres lie, whichever of the two says what may be grasped. start: grasps of an
        earlier plan, in the frame of this camera; they are candidates beside the sampled ones. hints: what is known of
        the scene, such as which way is up. trace: filled with what the plan looked at; it changes nothing.

        labels: (H, W) whole numbers in place of a mask, the object that each pixel shows, 0 = none. Each grasp then
        closes on one object alone and has its `label`. targets: labels of the objects that may be grasped, all when not
        given; the rest are obstacles. per_object: at most so many grasps of each label. approach: which way the hand
        comes, in place of the options': "table", "camera", "any", or an ApproachCone. hands: names or kinds ("jaws",
        "suction") of those that may be planned for, all that the planner has when not given. avoid: grasps that failed,
        in the frame of this camera; no grasp of the same kind of hand has its middle within 2 cm of their axes. Raises
        InputError, or NoGraspFound with the reason."""
        view = DepthView(depth, camera, mask=mask, labels=labels)
        asked = Asked(
            [view], max_grasps, seed, region, start, hints, trace, targets, per_object, approach, hands, avoid
        )
        return self._plan_with(asked)

    def plan_views(
        self,
        views: Sequence[Tuple[Any, ...]],
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
    ) -> Plan:
        """Grasps on what several cameras show, best first, with their poses in the frame of the cameras' poses.

        views: 1 to 8, each (depth, camera, pose), and perhaps mask, labels and robot, as `DepthView`; pose: (4, 4) of
        the optical frame. The support is that of the first; what any camera sees is an obstacle and may be grasped,
        unless another sees through it. hints, start, avoid, a cone of approaches: in the frame of the poses. A region,
        and a mask of the robot in the hints, are of the first image; the rest as in `plan`. Raises InputError, also
        where the cameras disagree about where things are, or NoGraspFound."""
        checked = check_views(views)
        T_frame_cam = np.asarray(checked[0].T_frame_cam, float)
        known = _known(hints).seen_from(T_frame_cam, checked[0].robot)
        earlier, failed = _seen_from(T_frame_cam, start, avoid)
        wanted = targets, per_object, turned_approach(approach, T_frame_cam), hands, failed
        asked = Asked(checked, max_grasps, seed, region, earlier, known, trace, *wanted)
        return self._plan_with(asked).in_frame(T_frame_cam)

    def plan_cloud(
        self,
        points: np.ndarray,
        viewpoint: Sequence[float] = (0.0, 0.0, 0.0),
        camera: Optional[Camera] = None,
        hints: Optional[SceneHints] = None,
        start: Optional[Sequence[Grasp]] = None,
        approach: Optional[Approach] = None,
        avoid: Optional[Sequence[Grasp]] = None,
        **arguments: Any,
    ) -> Plan:
        """Grasps on what a point cloud shows, best first, with their poses in the cloud's frame.

        points: (H, W, 3) of an organised cloud or (N, 3), float [m], not finite where there is none. viewpoint: (3,)
        where the sensor stood, in the cloud's frame. camera: the one whose optical frame the cloud is in, where it is
        known; else `clouds.cloud_view` finds or makes one. hints, start, avoid, a cone of approaches: in the cloud's
        frame. arguments: as in `plan`; images such as a mask are of an organised cloud's shape. Raises InputError or
        NoGraspFound."""
        view = cloud_view(points, viewpoint, camera)
        earlier, failed = _seen_from(view.T_frame_cam, start, avoid)
        known = _known(hints).seen_from(view.T_frame_cam)
        arguments.update(start=earlier, avoid=failed, approach=turned_approach(approach, view.T_frame_cam))
        return self.plan(view.depth, view.camera, hints=known, **arguments).in_frame(view.T_frame_cam)

    def _plan_with(self, asked: Asked) -> Plan:
        """The plan, where the hands that are asked for are there. Raises InputError where one is not."""
        known = {name for hand in self.hands for name in (hand.name, hand.kind)}
        unknown = sorted(set(asked.hands or ()) - known)
        if unknown:
            raise InputError(f"no hand {', '.join(unknown)}; possible: {', '.join(sorted(known))}")
        return self.plan_asked(asked)


def _known(hints: Optional[SceneHints]) -> SceneHints:
    """The hints; none where they are None. Raises InputError where they are something else."""
    check_kind("hints", hints, SceneHints)
    return hints or SceneHints()


def _seen_from(
    T_frame_cam: np.ndarray, start: Optional[Sequence[Grasp]], avoid: Optional[Sequence[Grasp]]
) -> Tuple[List[Grasp], List[Grasp]]:
    """Both in the frame of the camera. Raises InputError where one is no list of grasps."""
    checked = check_grasps("start", start), check_grasps("avoid", avoid)
    earlier, failed = (moved_grasps(grasps, transforms.invert(T_frame_cam)) for grasps in checked)
    return earlier, failed


class RankingOptions(Protocol):
    """Which of the scored grasps are returned: fields of a planner's options."""

    @property
    def min_quality(self) -> float: ...
    @property
    def distinct_distance(self) -> float: ...
    @property
    def distinct_angle(self) -> float: ...


class Chosen:
    """Those of the ranked grasps that are handed back: likely enough, and distinct. Raises NoGraspFound."""

    def __init__(
        self,
        ranked: ViewGrasps,
        T_cam_view: np.ndarray,
        asked: Asked,
        options: RankingOptions,
        counts: Dict[str, int],
    ):
        """ranked: best first, in views with frames T_cam_view (4, 4) or (V, 4, 4)."""
        likely = likely_enough(ranked, options.min_quality, counts)
        limits = options.distinct_distance, options.distinct_angle, asked.per_object
        chosen = distinct(likely, T_cam_view, asked.max_grasps, *limits)
        if asked.trace is not None:
            asked.trace.ranked, asked.trace.chosen = likely, chosen
        self._grasps, self._candidates = likely[chosen], likely[:: max(1, len(likely) // 100)]
        self._T_cam_view, self._camera, self._counts = T_cam_view, asked.camera, counts

    def plan(self, scene: Scene, clock: Clock, hand: str, kind: str = JAWS) -> Plan:
        """The plan, for the hand of this name and kind."""
        about = self._T_cam_view, self._camera, hand, kind
        made = partial(to_camera, self._candidates, *about)
        return Plan(to_camera(self._grasps, *about), made, self._counts, clock.times_ms, scene, self._camera)
