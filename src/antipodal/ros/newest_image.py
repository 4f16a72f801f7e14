"""The newest depth image of the subscribed topics, with the camera_info of its time."""

from __future__ import annotations

import threading
from collections import deque
from typing import Deque, Optional, Tuple, Union

from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from antipodal.errors import InputError

AnyImage = Union[Image, CompressedImage]


class StaleImage(InputError):
    """No image of the topics is fresh enough to plan in."""

    reason = "stale image"


class NewestImage:
    """The newest depth image and the camera_info nearest to it. Callbacks only store, so that no image waits."""

    def __init__(self, max_age: float):
        self.max_age = max_age
        self._image: Optional[AnyImage] = None
        self._infos: Deque[CameraInfo] = deque(maxlen=30)
        self._images = 0  # so many came
        self._lock = threading.Condition()

    def store_image(self, image: AnyImage) -> None:
        with self._lock:
            self._image = image
            self._images += 1
            self._lock.notify_all()

    def store_info(self, info: CameraInfo) -> None:
        """Those before a jump of the clock back, as when a bag starts again, are of another time."""
        with self._lock:
            if self._infos and (self._infos[-1].header.stamp - info.header.stamp).to_sec() > self.max_age:
                self._infos.clear()
            self._infos.append(info)

    def wait(self, images: int, timeout: float) -> int:
        """How many images came so far, as soon as they are more than `images`, or after `timeout` [s] in any case."""
        with self._lock:
            self._lock.wait_for(lambda: self._images > images, timeout)
            return self._images

    def get(self, now: float) -> Tuple[AnyImage, CameraInfo]:
        """The pair at time `now` [s]. Raises StaleImage where one is missing or further than `max_age` from it."""
        with self._lock:
            image, infos = self._image, list(self._infos)
        if image is None or not infos:
            raise StaleImage(f"no {'depth image' if image is None else 'camera_info'} received yet, and none was given")
        stamp = image.header.stamp.to_sec()
        info = min(reversed(infos), key=lambda i: abs(i.header.stamp.to_sec() - stamp))
        age, apart = now - stamp, abs(info.header.stamp.to_sec() - stamp)
        if abs(age) > self.max_age:
            raise StaleImage(f"the newest depth image is {age:.3f} s old; ~max_age is {self.max_age:g} s")
        if apart > self.max_age:
            raise StaleImage(f"the nearest camera_info is {apart:.3f} s from it; ~max_age is {self.max_age:g} s")
        return image, info
