"""Plans in every new image; images that arrive during a plan are skipped, except the newest."""

from __future__ import annotations

import threading
import time
from typing import Callable, Dict

import rospy

from antipodal.ros.diagnostics import ReplyStatistics
from antipodal.ros.newest_image import NewestImage
from antipodal.ros.planning_thread import Busy, PlanningThread, TooSlow
from antipodal.srv import PlanGraspResponse

BUSY_PAUSE = 0.05  # before another attempt when the queue is full [s]
SHUTDOWN_POLL = 0.5  # period of checks whether the node shuts down [s]


class ImageStream:
    """Plans in the newest image whenever a new one arrives. Takes turns with requests."""

    def __init__(self, newest: NewestImage, planning_thread: PlanningThread, plan: Callable[[], PlanGraspResponse]):
        """plan: plans in the newest image and publishes; called in the planning thread."""
        self._newest, self._planning_thread, self._plan = newest, planning_thread, plan
        self._statistics = ReplyStatistics()  # latency: from the image's stamp to the publication of its grasps
        self._seen, self._skipped = 0, 0  # counts of images
        threading.Thread(target=self._run, name="stream", daemon=True).start()

    def values(self) -> Dict[str, str]:
        """Rate, latency and counts, by the names in diagnostics."""
        values = {**self._statistics.values(), "skipped": str(self._skipped)}
        return {f"stream {name}": value for name, value in values.items()}

    def _run(self) -> None:
        while not rospy.is_shutdown():
            if self._newest.wait(self._seen, SHUTDOWN_POLL) > self._seen:
                self.step()

    def step(self) -> None:
        """Plan in the newest image and count the result. Pauses if the queue is full."""
        try:
            reply = self._planning_thread.call(self._in_turn)
        except (Busy, TooSlow) as e:
            self._statistics.add(e.reason, None)
            time.sleep(BUSY_PAUSE)
        except Exception as e:
            self._statistics.add("error", None)
            rospy.logerr_throttle(5, f"stream: {e!r}")
        else:
            stamp = reply.header.stamp.to_sec()
            self._statistics.add(reply.reason, 1e3 * (rospy.get_time() - stamp) if stamp else None)

    def _in_turn(self) -> PlanGraspResponse:
        """Runs in the planning thread. A newer image may have arrived while this call waited."""
        images = self._newest.wait(self._seen, 0)
        self._skipped += max(0, images - self._seen - 1)
        self._seen = images
        return self._plan()
