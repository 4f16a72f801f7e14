"""The planner as a ROS node: its parameters, its images, its service. Nothing but ros*.py and nodes/ imports ROS."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Deque, Optional, Tuple

import numpy as np
import rospy
from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from visualization_msgs.msg import MarkerArray

from antipodal import draw, resources
from antipodal.camera import Camera
from antipodal.errors import AntipodalError, InputError, NoGraspFound
from antipodal.grasp import Gripper
from antipodal.msg import GraspArray
from antipodal.planner import GraspPlanner, PlannerOptions
from antipodal.ros_images import camera_from, depth_from, mask_from, region_from
from antipodal.ros_messages import grasp_message, image_message, marker_array, pose_message
from antipodal.srv import PlanGrasp, PlanGraspRequest, PlanGraspResponse

IMAGE_BUFFER = 2**25  # bytes; with rospy's own 64 KiB a queue of one still hands out old images


@dataclass(frozen=True)
class NodeOptions:
    """The node's private parameters; launch/planner.launch documents them."""

    model: str = ""  # file; empty = the one that came with the package
    gripper: str = ""  # YAML file; empty = the Robotiq 2F-85
    device: str = "auto"  # auto, cpu, cuda or cuda:N
    max_grasps: int = 10  # where a request does not say
    seed: int = 0  # same image, same seed, same grasps
    max_age: float = 0.5  # of the newest image [s]
    rectified: bool = True  # the image is described by P, not K, of its camera_info
    options: PlannerOptions = field(default_factory=PlannerOptions)

    def __post_init__(self) -> None:
        if not (self.max_grasps >= 1 and self.max_age > 0):
            raise InputError(f"~max_grasps and ~max_age must be positive, got {self.max_grasps} and {self.max_age}")

    def load_planner(self) -> GraspPlanner:
        """Raises ModelError or InputError where a file cannot be used."""
        gripper = Gripper.load(self.gripper or resources.find("config/grippers/robotiq_2f85.yaml"))
        model = self.model or resources.find("models/default.pt")
        return GraspPlanner.load(model, gripper, self.device, self.options)


class NewestPair:
    """The newest depth image and the camera_info nearest to it. Callbacks only store, so that no image waits."""

    def __init__(self, max_age: float):
        self.max_age = max_age
        self._image: Optional[Image] = None
        self._infos: Deque[CameraInfo] = deque(maxlen=30)
        self._lock = threading.Lock()

    def store_image(self, image: Image) -> None:
        with self._lock:
            self._image = image

    def store_info(self, info: CameraInfo) -> None:
        with self._lock:
            self._infos.append(info)

    def get(self, now: float) -> Tuple[Image, CameraInfo]:
        """The pair at time `now` [s]. Raises InputError where one is missing or further than `max_age` from it."""
        with self._lock:
            image, infos = self._image, list(self._infos)
        if image is None or not infos:
            raise InputError(f"no {'depth image' if image is None else 'camera_info'} received yet, and none was given")
        stamp = image.header.stamp.to_sec()
        info = min(infos, key=lambda i: abs(i.header.stamp.to_sec() - stamp))
        age, apart = now - stamp, abs(info.header.stamp.to_sec() - stamp)
        if abs(age) > self.max_age:
            raise InputError(f"the newest depth image is {age:.3f} s old; ~max_age is {self.max_age:g} s")
        if apart > self.max_age:
            raise InputError(f"the nearest camera_info is {apart:.3f} s from it; ~max_age is {self.max_age:g} s")
        return image, info


class Display:
    """Publishes pictures of the newest plan from a thread of its own, so that no caller waits for them."""

    def __init__(self, gripper: Gripper):
        self.gripper = gripper
        self._markers = rospy.Publisher("~markers", MarkerArray, queue_size=1, latch=True)
        self._overlay = rospy.Publisher("~overlay", Image, queue_size=1, latch=True)
        self._waiting: queue.Queue = queue.Queue(maxsize=1)
        threading.Thread(target=self._run, daemon=True).start()

    def show(self, header: Header, depth: np.ndarray, camera: Camera, grasps: Any, candidates: Any) -> None:
        """Show a plan instead of the one that still waits to be shown, if any. For one caller at a time."""
        with contextlib.suppress(queue.Empty):
            self._waiting.get_nowait()
        self._waiting.put((header, depth, camera, grasps, candidates))

    def _run(self) -> None:
        while True:
            header, depth, camera, grasps, candidates = self._waiting.get()
            picture = draw.overlay(depth, camera, grasps, self.gripper, candidates)
            with contextlib.suppress(rospy.ROSException):  # the node is going down
                self._markers.publish(marker_array(grasps, candidates, self.gripper, header))
                self._overlay.publish(image_message(picture, header))


class PlanServer:
    """Answers `plan_grasp`, one request at a time, and publishes what it planned."""

    def __init__(self, options: NodeOptions):
        """Loads and warms the planner first: the service appears when it can answer at full speed."""
        self.options = options
        self.planner = options.load_planner()
        warm(self.planner)
        self._busy = threading.Lock()
        self._pair = NewestPair(options.max_age)
        self._display = Display(self.planner.gripper)
        self._best = rospy.Publisher("~grasp", PoseStamped, queue_size=1, latch=True)
        self._all = rospy.Publisher("~grasps", GraspArray, queue_size=1, latch=True)
        rospy.Subscriber("depth/image_rect", Image, self._pair.store_image, queue_size=1, buff_size=IMAGE_BUFFER)
        rospy.Subscriber("depth/camera_info", CameraInfo, self._pair.store_info, queue_size=30)
        rospy.Service("plan_grasp", PlanGrasp, self.handle)

    def handle(self, request: PlanGraspRequest) -> PlanGraspResponse:
        """The reply to a request; what cannot be planned is refused with the reason."""
        with self._busy:  # rospy calls handlers in parallel threads
            reply, start = PlanGraspResponse(), time.perf_counter()
            try:
                self._plan(request, reply)
            except NoGraspFound as e:
                reply.message = f"no grasp found: {e}"
                _set_counts(reply, e.counts)
            except AntipodalError as e:
                reply.message = str(e)
            reply.time_names.append("total")
            reply.times_ms.append(1e3 * (time.perf_counter() - start))
        (rospy.loginfo if reply.success else rospy.logwarn)("plan_grasp: %s", reply.message)
        return reply

    def _plan(self, request: PlanGraspRequest, reply: PlanGraspResponse) -> None:
        """Fill in the reply, and publish."""
        image, info = self._images(request)
        reply.header = Header(stamp=image.header.stamp, frame_id=image.header.frame_id)
        depth, camera = depth_from(image), camera_from(info, self.options.rectified)
        mask, region = mask_from(request.mask), region_from(request.roi)
        try:
            plan = self.planner.plan(depth, camera, mask, self._count(request), self.options.seed, region)
        except NoGraspFound:
            self._display.show(reply.header, depth, camera, [], [])
            raise
        reply.success = True
        reply.grasps = [grasp_message(g, reply.header) for g in plan]
        reply.message = f"{len(plan)} grasps, the best with P(success) = {plan[0].quality:.2f}"
        reply.time_names, reply.times_ms = list(plan.times_ms), list(plan.times_ms.values())
        _set_counts(reply, plan.counts)
        self._best.publish(PoseStamped(reply.header, pose_message(plan[0].T_cam_grasp)))
        self._all.publish(GraspArray(reply.header, reply.grasps))
        self._display.show(reply.header, depth, camera, plan, plan.candidates)

    def _images(self, request: PlanGraspRequest) -> Tuple[Image, CameraInfo]:
        if len(request.depth_image.data) or request.depth_image.width or request.depth_image.height:
            return request.depth_image, request.camera_info
        return self._pair.get(rospy.get_time())

    def _count(self, request: PlanGraspRequest) -> int:
        return request.max_grasps or self.options.max_grasps


def warm(planner: GraspPlanner) -> None:
    """Plan once on a box on a table: what is compiled or loaded at first use delays no caller."""
    camera = Camera(525.0, 525.0, 319.5, 239.5, 640, 480)
    depth = np.full((480, 640), 0.7, np.float32)
    depth[220:260, 280:360] = 0.65
    with contextlib.suppress(NoGraspFound):
        planner.plan(depth, camera)


def _set_counts(reply: PlanGraspResponse, counts: dict) -> None:
    reply.count_names, reply.counts = list(counts), list(counts.values())
