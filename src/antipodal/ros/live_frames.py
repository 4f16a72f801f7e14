"""The newest depth image of ROS topics, for the viewer: `antipodal view --live TOPIC`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import rosgraph
import rospy
from sensor_msgs.msg import CameraInfo, Image

from antipodal.errors import InputError
from antipodal.ros.images import camera_from, depth_from
from antipodal.ros.master_client import MasterClient, MasterUnavailable
from antipodal.ros.newest_image import NewestImage
from antipodal.viewer.frames import Frame

FIRST_IMAGE = 15.0  # longest wait for it [s]
MAX_AGE = 5.0  # an older image is shown no more [s]
NAME = "antipodal_view"


class LiveFrames(Sequence):
    """One frame, the newest image of a topic. Starts a node; raises InputError without a master or an image."""

    def __init__(self, topic: str, info: str = "", rectified: bool = True):
        """info: topic of the camera_info; "": the one beside the images."""
        try:
            MasterClient(rosgraph.get_master_uri(), f"/{NAME}").knows_service("/rosout/get_loggers")
        except MasterUnavailable as e:
            raise InputError(f"--live needs a ROS master, but {e}; start roscore, or set ROS_MASTER_URI") from e
        rospy.init_node(NAME, anonymous=True, disable_signals=True)
        topic = rospy.resolve_name(topic)
        info = rospy.resolve_name(info or f"{topic.rpartition('/')[0]}/camera_info")
        self.topic, self._rectified = topic, rectified
        self._newest = NewestImage(MAX_AGE, topic, info)
        self._subscribers = [
            rospy.Subscriber(topic, Image, self._newest.store_image, queue_size=1, buff_size=2**24),
            rospy.Subscriber(info, CameraInfo, self._newest.store_info, queue_size=1),
        ]
        self._wait_for_first()

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: Any) -> Any:
        """The newest image, a Frame. Raises InputError where it is too old or cannot be used."""
        image, info = self._newest.get(rospy.get_time())
        name = f"{self.topic}, {image.header.stamp.to_sec():.3f} s"
        return Frame(name, depth_from(image), camera_from(info, self._rectified))

    def wait(self, images: int, timeout: float) -> int:
        """Number of images that came, once it exceeds `images` or after `timeout` [s]."""
        return self._newest.wait(images, timeout)

    def close(self) -> None:
        """End the node."""
        rospy.signal_shutdown("the page is closed")

    def _wait_for_first(self) -> None:
        end = rospy.get_time() + FIRST_IMAGE
        images = self.wait(0, FIRST_IMAGE)
        while images and self._newest.problem(rospy.get_time()) and rospy.get_time() < end:
            images = self.wait(images, 0.5)  # the camera_info may come later
        problem = self._newest.problem(rospy.get_time())
        if problem:
            self.close()
            raise InputError(f"{problem.partition(', and the request')[0]}; waited {FIRST_IMAGE:g} s")
