"""What the parameters, a request and the topic of the robot's mask tell about a scene."""

from __future__ import annotations

import threading
from collections import deque
from typing import Deque, Optional, Tuple, Type

import numpy as np
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from antipodal.perception.hints import SceneHints
from antipodal.ros.frames import TransformLookup
from antipodal.ros.images import mask_from
from antipodal.ros.newest_image import StaleImage
from antipodal.ros.options import NodeOptions
from antipodal.srv import PlanGraspRequest

MASKS_KEPT = 10


class RobotMasks:
    """The newest masks of the robot, from a topic. Callbacks only store."""

    def __init__(self, topic: str):
        self._topic = topic
        self._masks: Deque[Image] = deque(maxlen=MASKS_KEPT)
        self._lock = threading.Lock()

    def store(self, mask: Image) -> None:
        with self._lock:
            self._masks.append(mask)

    def at(self, stamp: float, max_age: float) -> np.ndarray:
        """The mask (H, W) bool nearest to `stamp` [s]. Raises StaleImage if it is more than `max_age` [s] from it:
        the robot may have moved since."""
        with self._lock:
            masks = list(self._masks)
        if not masks:
            raise StaleImage(f"no robot mask received yet on {self._topic} (~robot_mask)")
        mask = min(masks, key=lambda m: abs(m.header.stamp.to_sec() - stamp))
        distance = abs(mask.header.stamp.to_sec() - stamp)
        if distance > max_age:
            limit = f"~max_age is {max_age:g} s"
            raise StaleImage(f"the nearest robot mask on {self._topic} is {distance:.3f} s from the image; {limit}")
        pixels = mask_from(mask, "robot mask")
        if pixels is None:
            raise StaleImage(f"the robot mask on {self._topic} is empty")
        return pixels


def scene_hints(
    options: NodeOptions,
    request: PlanGraspRequest,
    header: Header,
    tf: Optional[TransformLookup],
    robot: Optional[np.ndarray] = None,
    kind: Type[SceneHints] = SceneHints,
) -> SceneHints:
    """What is known of the scene of an image or cloud with `header`. The request's values take the place of the
    parameters'.

    robot: mask (H, W) of the topic. kind: FrameHints for a cloud. Raises InputError, NoTransform.
    """
    requested_robot = mask_from(request.robot, "robot mask")
    return kind(
        up=_up(options, request, header, tf),
        table=_table(options, request, header, tf),
        nearest=request.near or options.near,
        farthest=request.far or options.far,
        robot=robot if requested_robot is None else requested_robot,
    )


def _up(
    options: NodeOptions, request: PlanGraspRequest, header: Header, tf: Optional[TransformLookup]
) -> Optional[Tuple[float, ...]]:
    """Direction against gravity in the image's frame."""
    for vector in ((request.up.x, request.up.y, request.up.z), options.up):
        if any(vector):
            return vector
    if tf is None or not options.up_frame:
        return None
    return tuple(tf.lookup(options.up_frame, header)[2, :3])


def _table(
    options: NodeOptions, request: PlanGraspRequest, header: Header, tf: Optional[TransformLookup]
) -> Optional[Tuple[float, ...]]:
    """The table's plane (a, b, c, d) in the image's frame: that of the parameters, or z = 0 of the table's frame."""
    if len(request.table):
        return tuple(request.table)
    if any(options.table):
        return options.table
    if tf is None or not options.table_frame:
        return None
    T_table_cam = tf.lookup(options.table_frame, header)
    return (*T_table_cam[2, :3], -T_table_cam[2, 3])
