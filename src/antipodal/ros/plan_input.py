"""What a plan is made in: a request's image or the newest one, and what is known of its scene."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np
import rospy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from antipodal.camera import Camera
from antipodal.perception.hints import SceneHints
from antipodal.perception.inputs import check_depth, check_region
from antipodal.ros.compressed import compressed_depth_from
from antipodal.ros.frames import TransformLookup, pixels_inside
from antipodal.ros.headers import check_header
from antipodal.ros.images import camera_from, depth_from, mask_from, region_from
from antipodal.ros.newest_image import IMAGE_TOPIC, INFO_TOPIC, AnyImage, NewestImage
from antipodal.ros.options import NodeOptions
from antipodal.ros.scene import RobotMasks, scene_hints
from antipodal.srv import PlanGraspRequest

IMAGE_BUFFER = 2**25  # bytes; with rospy's default of 64 KiB, old images stay in the buffer
ROBOT_MASK_TOPIC = "robot_mask"


@dataclass(frozen=True, eq=False)
class PlanInput:
    """The arguments of a plan."""

    header: Header  # of the depth image
    depth: np.ndarray  # (H, W) float32 [m], 0 = missing
    camera: Camera
    mask: Optional[np.ndarray]  # (H, W) bool, what may be grasped
    region: Optional[np.ndarray]  # (H, W) bool, where the centres of grasps may lie
    hints: SceneHints


class InputReader:
    """Subscribes to the images and reads requests."""

    def __init__(self, options: NodeOptions):
        topic, info_topic, message_class = rospy.resolve_name(IMAGE_TOPIC), rospy.resolve_name(INFO_TOPIC), Image
        if options.compressed:
            topic, message_class = f"{topic}/compressedDepth", CompressedImage
        self.newest = NewestImage(options.max_age, topic, info_topic, lambda text: rospy.logwarn_throttle(60, text))
        self.tf = TransformLookup(options.tf_timeout) if options.frames() else None
        self._robot_masks = RobotMasks(rospy.resolve_name(ROBOT_MASK_TOPIC)) if options.robot_mask else None
        large = {"queue_size": 1, "buff_size": IMAGE_BUFFER}
        self._images = rospy.Subscriber(topic, message_class, self.newest.store_image, **large)
        rospy.Subscriber(info_topic, CameraInfo, self.newest.store_info, queue_size=30)
        if self._robot_masks:
            rospy.Subscriber(ROBOT_MASK_TOPIC, Image, self._robot_masks.store, **large)

    def read(self, request: PlanGraspRequest, options: NodeOptions) -> PlanInput:
        """The input of a plan. Raises InputError, StaleImage, NoTransform."""
        image, info = self._image(request)
        check_header(image.header, "the depth image")
        header = Header(stamp=image.header.stamp, frame_id=image.header.frame_id)
        read_depth = compressed_depth_from if isinstance(image, CompressedImage) else depth_from
        camera, depth = camera_from(info, options.rectified), read_depth(image, options.max_pixels)
        depth = check_depth(depth, camera)
        robot = None
        if self._robot_masks and image is not request.depth_image:
            robot = self._robot_masks.at(header.stamp.to_sec(), options.max_age)
        region = self._region(request, options, depth, camera, header)
        hints = scene_hints(options, request, header, self.tf, robot)
        return PlanInput(header, depth, camera, mask_from(request.mask), region, hints)

    def camera_problem(self, expected: bool) -> str:
        """Why no plan can be made in a subscribed image; "" if one can, or if no camera is connected or `expected`."""
        if expected or self.newest.received() or self._images.get_num_connections():
            return self.newest.problem(rospy.get_time())
        return ""

    def topics(self) -> str:
        """The subscribed topics, for the log."""
        mask = f", robot mask {rospy.resolve_name(ROBOT_MASK_TOPIC)}" if self._robot_masks else ""
        return f"depth image {self._images.resolved_name}, camera_info {rospy.resolve_name(INFO_TOPIC)}{mask}"

    def _image(self, request: PlanGraspRequest) -> Tuple[AnyImage, CameraInfo]:
        if len(request.depth_image.data) or request.depth_image.width or request.depth_image.height:
            return request.depth_image, request.camera_info
        return self.newest.get(rospy.get_time())

    def _region(
        self, request: PlanGraspRequest, options: NodeOptions, depth: np.ndarray, camera: Camera, header: Header
    ) -> Optional[np.ndarray]:
        """Pixels (H, W) bool in which the request and the workspace allow grasps; None = all."""
        region, box = check_region(region_from(request.roi), depth), options.workspace
        if not (self.tf and box.frame):
            return region
        inside = pixels_inside(box, depth, camera, self.tf.lookup(box.frame, header))
        return inside if region is None else inside & region
