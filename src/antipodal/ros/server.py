"""The planner as a ROS service. Nothing but ros/ and nodes/ imports ROS."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

import numpy as np
import rospy
from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from antipodal.camera import Camera
from antipodal.errors import AntipodalError, NoGraspFound
from antipodal.msg import Grasp, GraspArray
from antipodal.perception.inputs import check_depth, check_region
from antipodal.planner import GraspPlanner, Plan
from antipodal.ros.compressed import compressed_depth_from
from antipodal.ros.connection_limits import GuardedService
from antipodal.ros.cpu_fallback import FallbackPlanner
from antipodal.ros.diagnostics import Diagnostics, Health
from antipodal.ros.display import Display
from antipodal.ros.frames import Frames, pixels_inside
from antipodal.ros.images import camera_from, depth_from, mask_from, region_from
from antipodal.ros.messages import grasp_message
from antipodal.ros.newest_image import AnyImage, NewestPair
from antipodal.ros.options import NodeOptions
from antipodal.ros.planning_thread import Worker
from antipodal.ros.stream import Stream
from antipodal.srv import PlanGrasp, PlanGraspRequest, PlanGraspResponse
from antipodal.tracking.tracker import GraspTracker

IMAGE_BUFFER = 2**25  # bytes; with rospy's own 64 KiB a queue of one still hands out old images
BYTES_BESIDE_IMAGES = 2**20  # of a request: headers, camera_info


class PlanServer:
    """Answers `plan_grasp`, one request at a time, and publishes what it planned; with ~stream, in every new image."""

    def __init__(self, options: NodeOptions):
        """Loads and warms the planner first: the service appears when it can answer at full speed."""
        self.options = options
        loaded, self.planner = load_planner(options)
        self.gripper = loaded.gripper
        self._health = Health()
        self._worker = Worker(options.max_waiting, options.max_time)
        self._pair = NewestPair(options.max_age)
        self._frames = Frames(options.tf_timeout) if options.target_frame or options.workspace.frame else None
        self._display = Display(self.gripper, options.workspace)
        self._best = rospy.Publisher("~grasp", PoseStamped, queue_size=1, latch=True)
        self._all = rospy.Publisher("~grasps", GraspArray, queue_size=1, latch=True)
        self._tracker = GraspTracker(self.planner, options.tracking)
        self._stream: Optional[Stream] = None
        self._subscribe()
        self._diagnostics = Diagnostics(self._health, self._facts, lambda: getattr(self.planner, "trouble", ""))
        largest = 5 * options.max_pixels + BYTES_BESIDE_IMAGES  # depth of 4 bytes a pixel and a mask of 1
        GuardedService("plan_grasp", PlanGrasp, self.handle, largest)
        if options.stream:
            self._stream = Stream(self._pair, self._worker, self._streamed)

    def _subscribe(self) -> None:
        topic, kind = rospy.resolve_name("depth/image_rect"), Image
        if self.options.compressed:
            topic, kind = f"{topic}/compressedDepth", CompressedImage
        rospy.Subscriber(topic, kind, self._pair.store_image, queue_size=1, buff_size=IMAGE_BUFFER)
        rospy.Subscriber("depth/camera_info", CameraInfo, self._pair.store_info, queue_size=30)

    def handle(self, request: PlanGraspRequest) -> PlanGraspResponse:
        """The reply to a request; what cannot be planned is refused with the reason."""
        start = time.perf_counter()
        try:
            reply = self._worker.call(self._answer, request, self._planned)
        except AntipodalError as e:
            reply = PlanGraspResponse(message=str(e), reason=e.reason)
        except Exception:
            self._health.add("error", 1e3 * (time.perf_counter() - start))
            raise  # rospy logs it and tells the caller
        took = 1e3 * (time.perf_counter() - start)
        reply.time_names.append("total")
        reply.times_ms.append(took)
        self._health.add(reply.reason, took)
        (rospy.loginfo if reply.success else rospy.logwarn)("plan_grasp: %s", reply.message)
        return reply

    def tune(self, change: Callable[[NodeOptions], NodeOptions]) -> NodeOptions:
        """Change the options that are read at every plan, in turn with the plans; the new ones. Raises what `change`
        raises, Busy or TooSlow."""
        return self._worker.call(self._tune, change)

    def _tune(self, change: Callable[[NodeOptions], NodeOptions]) -> NodeOptions:
        before, options = self.options, change(self.options)
        if options.options != before.options:
            self.planner.tune(options.options)
        if options.workspace != before.workspace:
            self._display.show_box(options.workspace)
        self._pair.max_age = options.max_age
        self.options = options
        return options

    def _streamed(self) -> PlanGraspResponse:
        """The reply to a request for a plan in the newest image, planned on from the one before."""
        return self._answer(PlanGraspRequest(), self._tracker.plan)

    def _planned(self, depth: np.ndarray, camera: Camera, stamp: float, *arguments: Any) -> Plan:
        """A plan that depends on nothing before."""
        return self.planner.plan(depth, camera, *arguments)

    def _answer(self, request: PlanGraspRequest, plan: Callable[..., Plan]) -> PlanGraspResponse:
        """The reply, made in the worker's thread."""
        reply = PlanGraspResponse()
        try:
            self._plan(request, reply, plan)
        except AntipodalError as e:
            reply.reason, reply.message = e.reason, str(e)
            if isinstance(e, NoGraspFound):
                reply.message = f"no grasp found: {e}"
                _set_counts(reply, e.counts)
        return reply

    def _plan(self, request: PlanGraspRequest, reply: PlanGraspResponse, make: Callable[..., Plan]) -> None:
        """Fill in the reply with what `make` plans, and publish."""
        image, info = self._images(request)
        reply.header = Header(stamp=image.header.stamp, frame_id=image.header.frame_id)
        read = compressed_depth_from if isinstance(image, CompressedImage) else depth_from
        camera, depth = camera_from(info, self.options.rectified), read(image, self.options.max_pixels)
        header, T_target_cam = self._target(reply.header)
        mask, region = mask_from(request.mask), self._region(request, depth, camera, reply.header)
        count = request.max_grasps or self.options.max_grasps
        try:
            plan = make(depth, camera, image.header.stamp.to_sec(), mask, count, self.options.seed, region)
        except NoGraspFound:
            self._all.publish(GraspArray(header, []))
            self._display.show(reply.header, depth, camera, None)
            raise
        reply.success = True
        reply.grasps = [grasp_message(g, header, T_target_cam) for g in plan]
        reply.message = f"{len(plan)} grasps, the best with P(success) = {plan[0].quality:.2f}"
        reply.time_names, reply.times_ms = list(plan.times_ms), list(plan.times_ms.values())
        _set_counts(reply, plan.counts)
        self._publish(header, reply.grasps)
        self._display.show(reply.header, depth, camera, plan)

    def _images(self, request: PlanGraspRequest) -> Tuple[AnyImage, CameraInfo]:
        if len(request.depth_image.data) or request.depth_image.width or request.depth_image.height:
            return request.depth_image, request.camera_info
        return self._pair.get(rospy.get_time())

    def _target(self, header: Header) -> Tuple[Header, np.ndarray]:
        """The header of the grasps of an image with this header, and `T_target_cam` (4, 4)."""
        if not (self._frames and self.options.target_frame):
            return header, np.eye(4)
        target = Header(stamp=header.stamp, frame_id=self.options.target_frame)
        return target, self._frames.find(target.frame_id, header)

    def _region(
        self, request: PlanGraspRequest, depth: np.ndarray, camera: Camera, header: Header
    ) -> Optional[np.ndarray]:
        """Pixels (H, W) bool that the request and the workspace leave to grasps, or None where that is all."""
        depth, box = check_depth(depth, camera), self.options.workspace
        region = check_region(region_from(request.roi), depth)
        if not (self._frames and box.frame):
            return region
        inside = pixels_inside(box, depth, camera, self._frames.find(box.frame, header))
        return inside if region is None else inside & region

    def _publish(self, header: Header, grasps: List[Grasp]) -> None:
        self._best.publish(PoseStamped(header, grasps[0].pose))
        self._all.publish(GraspArray(header, grasps))

    def _facts(self) -> Dict[str, str]:
        return {
            "device": str(self.planner.device),
            "model": self.options.model or "models/default.pt",
            "gripper": self.gripper.name,
            "waiting": str(self._worker.waiting()),
            **(self._stream.facts() if self._stream else {}),
        }


def load_planner(options: NodeOptions) -> Tuple[GraspPlanner, Union[GraspPlanner, FallbackPlanner]]:
    """The planner, warm, and what plans: itself on the CPU, with a spare beside it on a GPU. Raises as it does."""
    planner = options.load_planner(options.device)
    planner.warm_up()
    if planner.device.type == "cpu":
        return planner, planner
    spare = options.load_planner("cpu")
    spare.warm_up()
    return planner, FallbackPlanner(planner, spare, lambda text: rospy.logwarn("%s", text))


def _set_counts(reply: PlanGraspResponse, counts: Dict[str, int]) -> None:
    reply.count_names, reply.counts = list(counts), list(counts.values())
