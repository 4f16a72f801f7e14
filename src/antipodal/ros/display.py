"""Pictures of the newest plan: markers for RViz, and the depth image with the grasps drawn on it."""

from __future__ import annotations

import contextlib
import queue
import threading
from typing import Any

import numpy as np
import rospy
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from visualization_msgs.msg import Marker, MarkerArray

from antipodal import draw
from antipodal.camera import Camera
from antipodal.grasp import Gripper
from antipodal.ros.messages import box_marker, image_message, marker_array
from antipodal.ros.options import WorkspaceOptions


class Display:
    """Publishes pictures of the newest plan from a thread of its own, so that no caller waits for them."""

    def __init__(self, gripper: Gripper, workspace: WorkspaceOptions, only_seen: bool = False):
        """only_seen: draw only while somebody subscribes; who comes later sees the next picture."""
        self._only_seen = only_seen
        self.gripper = gripper
        self._markers = rospy.Publisher("~markers", MarkerArray, queue_size=1, latch=True)
        self._overlay = rospy.Publisher("~overlay", Image, queue_size=1, latch=True)
        if workspace.frame:
            self._box = rospy.Publisher("~workspace_box", Marker, queue_size=1, latch=True)
            self._box.publish(box_marker(workspace.low, workspace.high, workspace.frame))
        self._waiting: queue.Queue = queue.Queue(maxsize=1)
        threading.Thread(target=self._run, daemon=True).start()

    def show(self, header: Header, depth: np.ndarray, camera: Camera, grasps: Any, candidates: Any) -> None:
        """Show a plan instead of the one that still waits to be shown, if any. For one caller at a time."""
        if self._only_seen and not (self._markers.get_num_connections() or self._overlay.get_num_connections()):
            return
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
