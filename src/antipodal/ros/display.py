"""Pictures of the newest plan: markers for RViz, and the depth image with the grasps drawn on it."""

from __future__ import annotations

import contextlib
import threading
from typing import Any, Optional, Sequence, Tuple

import rospy
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from visualization_msgs.msg import Marker, MarkerArray

from antipodal.errors import NoGraspFound
from antipodal.grasp import Hand, moved_grasps
from antipodal.grasping import draw
from antipodal.perception.depth_view import DepthView
from antipodal.ros.messages import box_marker, image_message, marker_array
from antipodal.ros.options import WorkspaceOptions

Shown = Tuple[Any, ...]  # header, view, plan or why there is none


class Display(rospy.SubscribeListener):
    """Publishes pictures of the newest plan from a separate thread, so that no caller waits for them. Draws only while
    someone subscribes, because drawing holds Python's lock and slows planning."""

    def __init__(self, hands: Sequence[Hand], workspace: WorkspaceOptions):
        super().__init__()
        self.hands = hands
        self._newest: Optional[Shown] = None  # not drawn yet
        self._change = threading.Condition()
        about = {"queue_size": 1, "latch": True, "subscriber_listener": self}
        self._markers = rospy.Publisher("~markers", MarkerArray, **about)
        self._overlay = rospy.Publisher("~overlay", Image, **about)
        if workspace.frame:
            self._box = rospy.Publisher("~workspace_box", Marker, queue_size=1, latch=True)
            self.show_box(workspace)
        threading.Thread(target=self._run, name="display", daemon=True).start()

    def show(self, *plan: Any) -> None:
        """Show a plan (header, DepthView, a Plan in its camera's frame or NoGraspFound); replaces one not drawn yet."""
        with self._change:
            self._newest = plan
            self._change.notify()

    def show_box(self, workspace: WorkspaceOptions) -> None:
        """Show the workspace's box."""
        self._box.publish(box_marker(workspace.low, workspace.high, workspace.frame))

    def peer_subscribe(self, *_: Any) -> None:
        """Called by rospy when a subscriber connects."""
        with self._change:
            self._change.notify()

    def _has_subscribers(self) -> bool:
        return bool(self._markers.get_num_connections() or self._overlay.get_num_connections())

    def _run(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._newest is not None and self._has_subscribers())
                plan, self._newest = self._newest, None
            try:
                if plan is not None:
                    self._draw(*plan)
            except Exception as e:  # the next plan is drawn all the same
                rospy.logerr_throttle(5, f"a plan could not be drawn: {e!r}")

    def _draw(self, header: Header, view: DepthView, plan: Any) -> None:
        grasps, candidates = ([], []) if isinstance(plan, NoGraspFound) else (plan.grasps, plan.candidates)
        picture = draw.overlay(view.depth, view.camera, grasps, self.hands, candidates, plan.scene)
        placed, tried = (moved_grasps(some, view.T_frame_cam) for some in (grasps, candidates))
        with contextlib.suppress(rospy.ROSException):  # the node is going down
            self._markers.publish(marker_array(placed, tried, self.hands, header))
            self._overlay.publish(image_message(picture, header))
