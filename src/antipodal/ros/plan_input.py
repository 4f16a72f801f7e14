"""What a plan is made in: a request's image or cloud or the newest one, and what is known of its scene."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
import rospy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from std_msgs.msg import Header

from antipodal import transforms
from antipodal.errors import InputError
from antipodal.grasp import Grasp, moved_grasps
from antipodal.perception.depth_view import DepthView
from antipodal.perception.hints import FrameHints, SceneHints
from antipodal.perception.inputs import check_depth, check_region
from antipodal.planning.approach_cone import Approach, turned_approach
from antipodal.planning.image_planner import ImagePlanner
from antipodal.planning.result import Plan
from antipodal.ros.approach import requested_cone
from antipodal.ros.avoid import grasps_to_avoid
from antipodal.ros.compressed import compressed_depth_from
from antipodal.ros.cpu_fallback import FallbackPlanner
from antipodal.ros.frames import TransformLookup, pixels_inside
from antipodal.ros.headers import check_header
from antipodal.ros.images import camera_from, depth_from, labels_from, mask_from, region_from
from antipodal.ros.newest_image import CLOUD_TOPIC, IMAGE_TOPIC, INFO_TOPIC, AnyImage, NewestImage
from antipodal.ros.options import NodeOptions
from antipodal.ros.scene import RobotMasks, scene_hints
from antipodal.ros.view_input import cloud_view_from, further_views
from antipodal.srv import PlanGraspRequest

IMAGE_BUFFER = 2**25  # bytes; with rospy's default of 64 KiB, old images stay in the buffer
ROBOT_MASK_TOPIC = "robot_mask"
FIRST_TF = 0.5  # wait for the first transforms, where nothing needed them before [s]


@dataclass(frozen=True, eq=False)
class PlanInput:
    """The arguments of a plan."""

    header: Header  # of the depth image or cloud
    view: DepthView  # depth (H, W) float32 [m], 0 = missing, and the camera's pose in the frame of the header
    region: Optional[np.ndarray]  # (H, W) bool, where the centres of grasps may lie
    hints: SceneHints  # in the camera's frame
    others: List[DepthView]  # further cameras, their poses in the first one's frame
    targets: Optional[List[int]]  # labels of what may be grasped; None = all
    per_object: Optional[int]  # most grasps of each label
    approach: Optional[Approach]  # a cone in the camera's frame; None = the options' approach
    hands: Optional[List[str]] = None  # names or kinds of the hands to plan for; None = all
    avoid: Sequence[Grasp] = ()  # that failed, in the camera's frame

    def plan_with(self, planner: Union[ImagePlanner, FallbackPlanner], max_grasps: int, seed: int) -> Plan:
        """The plan, with the grasps in the camera's frame. Raises InputError or NoGraspFound."""
        view = self.view
        wanted: Dict[str, Any] = {"hints": self.hints, "targets": self.targets, "per_object": self.per_object}
        wanted.update(approach=self.approach, hands=self.hands, avoid=self.avoid)
        if not self.others:
            arguments = view.depth, view.camera, view.mask, max_grasps, seed, self.region
            return planner.plan(*arguments, labels=view.labels, **wanted)
        views = [view._replace(T_frame_cam=np.eye(4)), *self.others]
        return planner.plan_views(views, max_grasps, seed, region=self.region, **wanted)


class InputReader:
    """Subscribes to the images or clouds, and reads requests."""

    def __init__(self, options: NodeOptions):
        topic, info_topic, message_class = rospy.resolve_name(IMAGE_TOPIC), rospy.resolve_name(INFO_TOPIC), Image
        if options.compressed:
            topic, message_class = f"{topic}/compressedDepth", CompressedImage
        if options.cloud:
            topic, info_topic, message_class = rospy.resolve_name(CLOUD_TOPIC), None, PointCloud2
        self.newest = NewestImage(options.max_age, topic, info_topic, lambda text: rospy.logwarn_throttle(60, text))
        self.tf = TransformLookup(options.tf_timeout) if options.frames() else None
        self._tf_timeout = options.tf_timeout
        self._own_image_used = self._topic_used = False  # by any request so far
        self._robot_masks = RobotMasks(rospy.resolve_name(ROBOT_MASK_TOPIC)) if options.robot_mask else None
        large = {"queue_size": 1, "buff_size": IMAGE_BUFFER}
        self._images = rospy.Subscriber(topic, message_class, self.newest.store_image, **large)
        if info_topic is not None:
            rospy.Subscriber(info_topic, CameraInfo, self.newest.store_info, queue_size=30)
        if self._robot_masks:
            rospy.Subscriber(ROBOT_MASK_TOPIC, Image, self._robot_masks.store, **large)

    def read(self, request: PlanGraspRequest, options: NodeOptions) -> PlanInput:
        """The input of a plan. Raises InputError, StaleImage, NoTransform."""
        image, info = self._image(request)
        is_cloud = isinstance(image, PointCloud2)
        check_header(image.header, "the cloud" if is_cloud else "the depth image")
        header = Header(stamp=image.header.stamp, frame_id=image.header.frame_id)
        view = self._view(request, options, image, info)
        view = view._replace(mask=mask_from(request.mask), labels=labels_from(request.labels))
        others = further_views(header, request.views, options, self._any_tf)
        if others and is_cloud:
            raise InputError("further views go with a depth image, not with a cloud")
        robot = None
        if self._robot_masks and image is not request.depth_image:
            robot = self._robot_masks.at(header.stamp.to_sec(), options.max_age)
        hints = scene_hints(options, request, header, self.tf, robot, FrameHints if is_cloud else SceneHints)
        hints = hints.seen_from(view.T_frame_cam) if is_cloud else hints
        region = self._region(request, options, view, header)
        targets, per_object = list(request.targets) or None, request.per_object or None
        cone = requested_cone(options, request, header, self._any_tf)
        approach = turned_approach(cone, view.T_frame_cam) if is_cloud else cone
        failed = grasps_to_avoid(request.avoid, header, self._any_tf)
        failed = moved_grasps(failed, transforms.invert(view.T_frame_cam))
        wanted = targets, per_object, approach, list(request.hands) or None, failed
        return PlanInput(header, view, region, hints, others, *wanted)

    def _view(
        self, request: PlanGraspRequest, options: NodeOptions, image: AnyImage, info: Optional[CameraInfo]
    ) -> DepthView:
        """What the camera or the cloud shows."""
        if isinstance(image, PointCloud2):
            return cloud_view_from(image, request.viewpoint, options, self._any_tf)
        read_depth = compressed_depth_from if isinstance(image, CompressedImage) else depth_from
        camera, depth = camera_from(info, options.rectified), read_depth(image, options.max_pixels)
        return DepthView(check_depth(depth, camera), camera)

    def _any_tf(self) -> TransformLookup:
        """Transforms for a request that needs them, though no parameter does; the first waits for tf to tell."""
        if self.tf is None:
            self.tf = TransformLookup(self._tf_timeout)
            time.sleep(FIRST_TF)
        return self.tf

    def camera_problem(self, expected: bool) -> str:
        """Why no plan can be made in a subscribed image; "" if one can, or if all requests so far brought their own.

        expected: images are needed whatever requests bring.
        """
        if self.newest.received() or self._images.get_num_connections():
            return self.newest.problem(rospy.get_time())
        if self._own_image_used and not (expected or self._topic_used):
            return ""
        return f"no publisher on {self._images.resolved_name}"

    def topics(self) -> str:
        """The subscribed topics, for the log."""
        mask = f", robot mask {rospy.resolve_name(ROBOT_MASK_TOPIC)}" if self._robot_masks else ""
        if self._images.data_class is PointCloud2:
            return f"cloud {self._images.resolved_name}{mask}"
        return f"depth image {self._images.resolved_name}, camera_info {rospy.resolve_name(INFO_TOPIC)}{mask}"

    def _image(self, request: PlanGraspRequest) -> Tuple[AnyImage, Optional[CameraInfo]]:
        if _holds_data(request.cloud):
            self._own_image_used = True
            return request.cloud, None
        if _holds_data(request.depth_image):
            self._own_image_used = True
            return request.depth_image, request.camera_info
        self._topic_used = True
        return self.newest.get(rospy.get_time())

    def _region(
        self, request: PlanGraspRequest, options: NodeOptions, view: DepthView, header: Header
    ) -> Optional[np.ndarray]:
        """Pixels (H, W) bool in which the request and the workspace allow grasps; None = all."""
        region, box = check_region(region_from(request.roi), view.depth), options.workspace
        if not (self.tf and box.frame):
            return region
        inside = pixels_inside(box, view.depth, view.camera, self.tf.lookup(box.frame, header) @ view.T_frame_cam)
        return inside if region is None else inside & region


def _holds_data(image: Union[Image, PointCloud2]) -> bool:
    return bool(len(image.data) or image.width or image.height)
