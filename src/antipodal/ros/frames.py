"""Transforms from tf, and the pixels inside the workspace."""

from __future__ import annotations

import time
from typing import Optional

import numpy as np
import rospy
import tf2_ros
from geometry_msgs.msg import TransformStamped
from std_msgs.msg import Header

from antipodal.camera import Camera
from antipodal.errors import AntipodalError, InputError
from antipodal.perception.box_numba import pixels_in_box
from antipodal.ros.headers import check_frame_id, check_header, tf_frame
from antipodal.ros.messages import transform_from_parts
from antipodal.ros.options import WorkspaceOptions

MAX_AHEAD = 3600.0  # of a transform's stamp [s]
POLL = 0.01  # period of lookups while waiting for a transform [s]


class NoTransform(AntipodalError):
    """tf knows no transform between two frames."""

    reason = "no transform"


class CheckedBuffer(tf2_ros.Buffer):
    """Drops transforms that tf2 cannot hold: stamps that make it abort the process, frame ids that are no text, and
    stamps far ahead, beside which it takes all present transforms for too old."""

    def set_transform(self, transform: TransformStamped, authority: str) -> None:
        """Store a transform of /tf."""
        now = rospy.get_time()  # 0 before a simulated clock starts
        ahead = transform.header.stamp.to_sec() - now
        if not _usable(transform, authority):
            return
        if now and ahead > MAX_AHEAD:
            rospy.logwarn_throttle(5, f"a transform is stamped {ahead:.0f} s ahead; dropped, published by {authority}")
        else:
            super().set_transform(transform, authority)

    def set_transform_static(self, transform: TransformStamped, authority: str) -> None:
        """Store a transform of /tf_static."""
        if _usable(transform, authority):
            super().set_transform_static(transform, authority)


class TransformLookup:
    """Looks up transforms at the time of an image."""

    def __init__(self, timeout: float, buffer: Optional[tf2_ros.Buffer] = None):
        """timeout: longest wait [s] of wall time. tf itself would wait by a simulated clock, which may stand still."""
        self._timeout = timeout
        self._buffer = buffer or CheckedBuffer()
        if buffer is None:
            self._listener = tf2_ros.TransformListener(self._buffer)

    def lookup(self, target: str, header: Header) -> np.ndarray:
        """`T_target_frame` (4, 4) [m] of the header's frame at its stamp. Raises NoTransform."""
        target, source, end = tf_frame(target), tf_frame(header.frame_id), time.monotonic() + self._timeout
        check_header(header, "the depth image")
        check_frame_id(target, "the depth image")
        if source and source == target:
            return np.eye(4)
        if not (source and target):
            raise NoTransform(f"the depth image names no frame, so its grasps cannot be transformed to {target!r}")
        while True:
            try:
                transform = self._buffer.lookup_transform_core(target, source, header.stamp).transform
                return transform_from_parts(transform.translation, transform.rotation)
            except tf2_ros.TransformException as e:
                if time.monotonic() > end or rospy.is_shutdown():
                    waited = f"{self._timeout:g} s (~tf_timeout)"
                    raise NoTransform(f"no transform from {source!r} to {target!r} within {waited}: {e}") from e
            time.sleep(POLL)


def _usable(transform: TransformStamped, authority: str) -> bool:
    try:
        check_header(transform.header, "a transform")
        check_frame_id(transform.child_frame_id, "a transform")
    except InputError as e:
        rospy.logwarn_throttle(5, f"{e}; dropped, published by {authority}")
        return False
    return True


def pixels_inside(box: WorkspaceOptions, depth: np.ndarray, camera: Camera, T_box_cam: np.ndarray) -> np.ndarray:
    """Pixels (H, W) bool whose surface lies in the box; depth (H, W) [m], 0 = missing, which is outside."""
    return pixels_in_box(depth, camera, T_box_cam, np.array(box.low), np.array(box.high))
