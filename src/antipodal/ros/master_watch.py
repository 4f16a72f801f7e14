"""Watch the master: rospy never registers a node again with a master that was restarted."""

from __future__ import annotations

import threading
import time

import rospy

from antipodal.ros.master_client import MasterUnavailable
from antipodal.ros.node_parameters import NodeParameters

PERIOD = 0.5  # of checks [s]
REGISTRATION_TIME = 10.0  # after the start, a master that does not know the node yet may still register it [s]


class MasterWatch:
    """Shuts the node down when a restarted master does not know it, so that roslaunch starts it again (respawn)."""

    def __init__(self, service: str, parameters: NodeParameters):
        """service: one of the node's services; a master that knows it knows the node."""
        self.master_lost = False  # whether the node left because the master was restarted
        self._service, self._parameters = rospy.resolve_name(service), parameters
        self._trusted_until = time.monotonic() + REGISTRATION_TIME
        self.thread = threading.Thread(target=self._run, name="master watch", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while not rospy.is_shutdown():
            try:
                self._check()
            except MasterUnavailable as e:
                rospy.logerr_throttle(5, str(e))
            except Exception as e:  # the watch must go on: without it a lost node stays deaf
                rospy.logerr_throttle(5, f"the master could not be checked: {e!r}")
            time.sleep(PERIOD)

    def _check(self) -> None:
        """Leave if the master answers and does not know the node. Raises MasterUnavailable."""
        if self._parameters.synchronize(self._service):
            self._trusted_until = 0.0
        elif time.monotonic() > self._trusted_until and not rospy.is_shutdown():
            self._parameters.hand_over()
            self.master_lost = True
            rospy.logfatal("the master was restarted and does not know %s; leaving, to be respawned", self._service)
            rospy.signal_shutdown("the master was restarted")
