"""The newest depth image of the subscribed topics, and its camera_info."""

from __future__ import annotations

import threading
from collections import deque
from typing import Callable, Deque, Optional, Tuple, Union

from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2

from antipodal.errors import InputError

AnyImage = Union[Image, CompressedImage, PointCloud2]
IMAGE_TOPIC, INFO_TOPIC, CLOUD_TOPIC = "depth/image_rect", "depth/camera_info", "points"


class StaleImage(InputError):
    """No depth image of the topic is recent enough."""

    reason = "stale image"


class NewestImage:
    """The newest depth image with its camera_info. Callbacks only store, so that no image waits in a queue.

    The camera_info is the one nearest in time. If none is within `max_age` of the image, it is the last one received:
    drivers that publish it once, seldom, or without a stamp mean it for all images.
    """

    def __init__(
        self,
        max_age: float,
        image_topic: str = IMAGE_TOPIC,
        info_topic: Optional[str] = INFO_TOPIC,
        warn: Callable[[str], None] = lambda _: None,
    ):
        """max_age: of an image [s]. info_topic: None of clouds, which need no camera_info. warn: told that a
        camera_info is not of the image's time."""
        self.max_age = max_age
        self._what = "cloud" if info_topic is None else "depth image"
        self._image_topic, self._info_topic, self._warn = image_topic, info_topic, warn
        self._image: Optional[AnyImage] = None
        self._infos: Deque[CameraInfo] = deque(maxlen=30)
        self._images = 0  # received
        self._lock = threading.Condition()

    def store_image(self, image: AnyImage) -> None:
        with self._lock:
            self._image = image
            self._images += 1
            self._lock.notify_all()

    def store_info(self, info: CameraInfo) -> None:
        """Store a camera_info. If the clock jumps back, as when a bag starts again, drop those before the jump."""
        with self._lock:
            stamp = info.header.stamp.to_sec()
            if self._infos and stamp and self._infos[-1].header.stamp.to_sec() - stamp > self.max_age:
                self._infos.clear()
            self._infos.append(info)

    def wait(self, images: int, timeout: float) -> int:
        """Number of images received, once it exceeds `images` or after `timeout` [s]."""
        with self._lock:
            self._lock.wait_for(lambda: self._images > images, timeout)
            return self._images

    def get(self, now: float) -> Tuple[AnyImage, Optional[CameraInfo]]:
        """The newest image and its camera_info, if it needs one, at time `now` [s]. Raises StaleImage."""
        with self._lock:
            image, infos = self._image, list(self._infos)
        problem = self._image_problem(image, now)
        if image is None or problem:
            raise StaleImage(problem)
        if self._info_topic is None:
            return image, None
        if not infos:
            raise StaleImage(f"no camera_info received yet on {self._info_topic}")
        return image, self._matching_info(infos, image.header.stamp.to_sec())

    def problem(self, now: float) -> str:
        """Why there is no recent image at time `now` [s]; "" if there is one."""
        with self._lock:
            image, infos = self._image, len(self._infos)
        return self._image_problem(image, now) or (
            "" if infos or self._info_topic is None else f"no camera_info received yet on {self._info_topic}"
        )

    def received(self) -> bool:
        """Whether any image has been received."""
        return self._images > 0

    def _image_problem(self, image: Optional[AnyImage], now: float) -> str:
        if image is None:
            return f"no {self._what} received yet on {self._image_topic}, and the request holds none"
        stamp = image.header.stamp.to_sec()
        if not stamp:
            return f"{self._what}s on {self._image_topic} have no stamp, so that their age is unknown"
        if abs(now - stamp) > self.max_age:
            limit = f"~max_age is {self.max_age:g} s (topic {self._image_topic})"
            return f"the newest {self._what} is {now - stamp:.3f} s old; {limit}"
        return ""

    def _matching_info(self, infos: list, stamp: float) -> CameraInfo:
        nearest = min(reversed(infos), key=lambda i: abs(i.header.stamp.to_sec() - stamp))
        distance = abs(nearest.header.stamp.to_sec() - stamp)
        if distance <= self.max_age:
            return nearest
        last = infos[-1]
        its_stamp = last.header.stamp.to_sec()
        said = f"is {abs(its_stamp - stamp):.3f} s from the image" if its_stamp else "has no stamp"
        self._warn(f"the last camera_info on {self._info_topic} {said}; it is used, as intrinsics seldom change")
        return last
