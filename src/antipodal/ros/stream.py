"""Plans in new images as they come, at the camera's rate or as fast as it goes: what came meanwhile is left out."""

from __future__ import annotations

import threading
from typing import Callable, Dict

import rospy

from antipodal.ros.diagnostics import Health
from antipodal.ros.newest_image import NewestPair
from antipodal.ros.planning_thread import Busy, TooSlow, Worker
from antipodal.srv import PlanGraspResponse

LOOK = 0.5  # between two looks at whether the node is going down [s]


class Stream:
    """Has the newest image planned in whenever there is a new one, in turn with the requests."""

    def __init__(self, pair: NewestPair, worker: Worker, plan: Callable[[], PlanGraspResponse]):
        """plan: plans in the newest image of `pair` and publishes; called in the worker's thread."""
        self._pair, self._worker, self._plan = pair, worker, plan
        self._health = Health()  # latency is that from the image's stamp until its grasps were published
        self._seen, self._left_out = 0, 0  # images
        threading.Thread(target=self._run, name="stream", daemon=True).start()

    def facts(self) -> Dict[str, str]:
        """Rate, latency and counts, as diagnostics show them."""
        values = {**self._health.values(), "left out": str(self._left_out)}
        return {f"stream {name}": value for name, value in values.items()}

    def _run(self) -> None:
        while not rospy.is_shutdown():
            if self._pair.wait(self._seen, LOOK) > self._seen:
                self.step()

    def step(self) -> None:
        """Have the newest image planned in, and count what came of it."""
        try:
            reply = self._worker.call(self._in_turn)
        except (Busy, TooSlow) as e:
            self._health.add(e.reason, None)
        except Exception as e:
            self._health.add("error", None)
            rospy.logerr_throttle(5, f"stream: {e!r}")
        else:
            stamp = reply.header.stamp.to_sec()
            self._health.add(reply.reason, 1e3 * (rospy.get_time() - stamp) if stamp else None)

    def _in_turn(self) -> PlanGraspResponse:
        """In the worker's thread: a newer image may have come while this waited."""
        images = self._pair.wait(self._seen, 0)
        self._left_out += max(0, images - self._seen - 1)
        self._seen = images
        return self._plan()
