"""Pictures of the newest plan: markers and a cloud for RViz, and the depth image with the grasps drawn on it."""

from __future__ import annotations

import contextlib
import threading
from typing import Any, Callable, Dict, List, Optional, Sequence, Set, Tuple

import numpy as np
import rospy
from sensor_msgs.msg import Image, PointCloud2
from std_msgs.msg import Header
from visualization_msgs.msg import Marker, MarkerArray

from antipodal import transforms
from antipodal.errors import NoGraspFound
from antipodal.grasp import Grasp, Hand, moved_grasps
from antipodal.grasping import draw
from antipodal.perception.coloured_cloud import make_cloud
from antipodal.perception.depth_view import DepthView
from antipodal.ros.messages import box_marker, cloud_message, image_message, marker_array
from antipodal.ros.options import WorkspaceOptions

Shown = Tuple[Header, DepthView, Any]  # the last one a Plan in the camera's frame, or NoGraspFound


class Display(rospy.SubscribeListener):
    """Publishes pictures of the newest plan from a separate thread, so that no caller waits for them. Draws only what
    someone subscribes to, because drawing holds Python's lock and slows planning."""

    def __init__(self, hands: Sequence[Hand], workspace: WorkspaceOptions):
        super().__init__()
        self.hands = hands
        self._newest: Optional[Shown] = None
        self._drawn: Set[str] = set()  # topics that show the newest plan
        self._change = threading.Condition()
        about = {"queue_size": 1, "latch": True, "subscriber_listener": self}
        self._topics: Dict[str, Tuple[rospy.Publisher, Callable[..., Any]]] = {
            "markers": (rospy.Publisher("~markers", MarkerArray, **about), self._markers),
            "overlay": (rospy.Publisher("~overlay", Image, **about), self._overlay),
            "cloud": (rospy.Publisher("~cloud", PointCloud2, **about), self._cloud),
        }
        if workspace.frame:
            self._box = rospy.Publisher("~workspace_box", Marker, queue_size=1, latch=True)
            self.show_box(workspace)
        threading.Thread(target=self._run, name="display", daemon=True).start()

    def show(self, header: Header, view: DepthView, plan: Any) -> None:
        """Show a Plan, in the camera's frame, or NoGraspFound; it replaces one not drawn yet."""
        with self._change:
            self._newest, self._drawn = (header, view, plan), set()
            self._change.notify()

    def show_box(self, workspace: WorkspaceOptions) -> None:
        """Show the workspace's box."""
        self._box.publish(box_marker(workspace.low, workspace.high, workspace.frame))

    def peer_subscribe(self, *_: Any) -> None:
        """Called by rospy when a subscriber connects."""
        with self._change:
            self._change.notify()

    def _wanted(self) -> List[str]:
        """Topics with subscribers that do not show the newest plan yet."""
        if self._newest is None:
            return []
        subscribed = [name for name, (topic, _) in self._topics.items() if topic.get_num_connections()]
        return [name for name in subscribed if name not in self._drawn]

    def _run(self) -> None:
        while True:
            with self._change:
                wanted = self._change.wait_for(self._wanted)
                plan = self._newest
                self._drawn.update(wanted)
            assert plan is not None
            for topic, draws in (self._topics[name] for name in wanted):
                try:
                    self._publish(topic, draws(*plan))
                except Exception as e:  # the next plan is drawn all the same
                    rospy.logerr_throttle(5, f"a plan could not be drawn: {e!r}")

    @staticmethod
    def _publish(topic: rospy.Publisher, message: Any) -> None:
        with contextlib.suppress(rospy.ROSException):  # the node is going down
            topic.publish(message)

    def _markers(self, header: Header, view: DepthView, plan: Any) -> MarkerArray:
        placed, tried = (moved_grasps(some, view.T_frame_cam) for some in _grasps_of(plan))
        return marker_array(placed, tried, self.hands, header)

    def _overlay(self, header: Header, view: DepthView, plan: Any) -> Image:
        grasps, candidates = _grasps_of(plan)
        return image_message(draw.overlay(view.depth, view.camera, grasps, self.hands, candidates, plan.scene), header)

    def _cloud(self, header: Header, view: DepthView, plan: Any) -> PointCloud2:
        """The image's points, coloured by what they were taken for; none where planning ended before that was known."""
        if plan.scene is None:
            return cloud_message(np.zeros((0, 3)), np.zeros((0, 3)), header)
        cloud = make_cloud(plan.scene, view.camera)
        return cloud_message(transforms.apply(view.T_frame_cam, cloud.points), cloud.colours, header)


def _grasps_of(plan: Any) -> Tuple[List[Grasp], List[Grasp]]:
    """Grasps and candidates of a plan; none of a NoGraspFound."""
    return ([], []) if isinstance(plan, NoGraspFound) else (plan.grasps, plan.candidates)
