"""Call the ROS master with a time limit. rospy's own calls wait for ever if the master hangs."""

from __future__ import annotations

import http.client
import xmlrpc.client  # nosec B411 - rospy itself talks to the master by it
from typing import Any, Tuple

import rospy
from rospy.impl.paramserver import get_param_server_cache

from antipodal.errors import AntipodalError

TIMEOUT = 2.0  # of each step of a call [s]
ROSOUT_PARAMETER = "/rosout_disable_topics_generation"


class MasterUnavailable(AntipodalError):
    """The master did not answer, or not as a master does."""

    reason = "no master"


class MasterClient:
    """The master's API, as far as the node needs it. Thread-safe: each call has a connection of its own."""

    def __init__(self, uri: str, caller: str, timeout: float = TIMEOUT):
        """caller: resolved name of the node."""
        self.uri, self._caller, self._timeout = uri, caller, timeout

    def knows_service(self, name: str) -> bool:
        """Whether the service is registered. Raises MasterUnavailable."""
        return self._call("lookupService", name)[0] == 1

    def parameter(self, name: str, default: Any) -> Any:
        """A parameter's value. Raises MasterUnavailable."""
        code, value = self._call("getParam", name)
        return value if code == 1 else default

    def set_parameter(self, name: str, value: Any) -> None:
        """Raises MasterUnavailable."""
        code, _ = self._call("setParam", name, value)
        if code != 1:
            raise MasterUnavailable(f"the master at {self.uri} did not set {name}")

    def _call(self, method: str, *arguments: Any) -> Tuple[int, Any]:
        """Status code and value of the master's answer."""
        try:
            proxy = xmlrpc.client.ServerProxy(self.uri, transport=_Transport(self._timeout))
            code, _, value = getattr(proxy, method)(self._caller, *arguments)
        except Exception as e:  # any answer is possible: another program may have the port, or the master die meanwhile
            raise MasterUnavailable(f"no valid answer from the master at {self.uri}: {e!r}") from e
        return code, value


class _Transport(xmlrpc.client.Transport):
    """HTTP with a time limit."""

    def __init__(self, timeout: float):
        super().__init__()
        self._timeout = timeout

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = super().make_connection(host)
        connection.timeout = self._timeout
        return connection


def log_without_master() -> None:
    """Keep the parameter that rospy would ask the master for at every log message: a hung master would block whatever
    logs. Call it after rospy.init_node."""
    get_param_server_cache().set(ROSOUT_PARAMETER, bool(rospy.get_param(ROSOUT_PARAMETER, False)))
