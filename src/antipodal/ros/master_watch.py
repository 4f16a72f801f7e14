"""Watches the master: a rospy node never registers again with one that died and came back."""

from __future__ import annotations

import threading
import time
from typing import Any, Dict, Optional

import rosgraph
import rospy

PERIOD = 0.5  # between two looks at the master [s]
REGISTERING = 10.0  # a master that has not known the node by then, from its start, never will [s]


class MasterWatch:
    """Ends the node once a master has come back that does not know it, so that roslaunch starts it again (respawn)."""

    def __init__(self, service: str, parameters: Dict[str, Any]):
        """service: name of one of the node's services; while the master knows it, it knows the node. parameters: the
        node's, as it read them when it started."""
        self.master_lost = False  # whether the node left because the master lost it
        self._service, self._parameters = rospy.resolve_name(service), parameters
        self._master = rosgraph.Master(rospy.get_name())
        threading.Thread(target=self._run, name="master watch", daemon=True).start()

    def _run(self) -> None:
        doubted = time.monotonic() + REGISTERING  # from when on a master that does not know the node is another one
        while not rospy.is_shutdown():
            known = self._knows_service()
            if known:
                doubted = 0.0
            elif known is None:
                rospy.logerr_throttle(5, f"no master answers at {self._master.master_uri}")
            elif time.monotonic() > doubted and not rospy.is_shutdown():
                self._leave()
            time.sleep(PERIOD)

    def _knows_service(self) -> Optional[bool]:
        """Whether the master knows the service; None where no master answers."""
        try:
            self._master.lookupService(self._service)
            self._parameters = rospy.get_param("~", self._parameters)  # they may change while the node runs
        except rosgraph.MasterError:
            return False
        except (OSError, rosgraph.MasterException):
            return None
        return True

    def _leave(self) -> None:
        """Shut the node down, after giving the new master the parameters that it will be started with again."""
        self.master_lost = True
        if not rospy.has_param(rospy.get_name()):
            rospy.set_param(rospy.get_name(), self._parameters)
        rospy.logfatal("the master does not know %s (was it started again?); leaving, to be respawned", self._service)
        rospy.signal_shutdown("the master came back without this node")
