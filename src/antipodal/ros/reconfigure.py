"""Parameters that can change while the node runs, with dynamic_reconfigure's tools."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Callable, Dict, List, Tuple

import rospy
from dynamic_reconfigure.encoding import decode_config, encode_config, encode_description
from dynamic_reconfigure.msg import Config, ConfigDescription
from dynamic_reconfigure.srv import Reconfigure, ReconfigureRequest, ReconfigureResponse

from antipodal.errors import AntipodalError, InputError
from antipodal.files import options_from_dict
from antipodal.ros.connection_limits import LimitedService
from antipodal.ros.master_client import MasterUnavailable
from antipodal.ros.node_parameters import NodeParameters
from antipodal.ros.options import NodeOptions

MAX_REQUEST = 2**16  # bytes
Change = Callable[[NodeOptions], NodeOptions]


@dataclass(frozen=True)
class LiveParameter:
    """A parameter that can change while the node runs."""

    name: str
    path: Tuple[Any, ...]  # field names, and perhaps an index, from NodeOptions to the value
    minimum: float
    maximum: float
    description: str

    def value(self, options: NodeOptions) -> Any:
        """The parameter's value in `options`."""
        value: Any = options
        for step in self.path:
            value = value[step] if isinstance(step, int) else getattr(value, step)
        return value

    def check(self, value: Any) -> None:
        """Raises InputError unless the value is a number within the bounds."""
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not (number and self.minimum <= value <= self.maximum):
            raise InputError(f"{self.name} must be a number from {self.minimum:g} to {self.maximum:g}, got {value!r}")


def _clearance(name: str, description: str) -> LiveParameter:
    return LiveParameter(f"clearance_{name}", ("options", "clearance", name), 0.0, 0.1, f"{description} [m]")


PARAMETERS = [
    LiveParameter("max_grasps", ("max_grasps",), 1, 1000, "most grasps in a reply, if the request does not say"),
    LiveParameter("max_age", ("max_age",), 0.001, 3600.0, "oldest subscribed image to plan in [s]"),
    LiveParameter("near", ("near",), 0.0, 100.0, "depths below count as missing [m]"),
    LiveParameter("far", ("far",), 0.0, 100.0, "depths above count as missing [m]"),
    LiveParameter("min_quality", ("options", "min_quality"), 0.0, 0.999, "lowest P(success) of a returned grasp"),
    LiveParameter("suction_min_quality", ("suction", "min_quality"), 0.0, 0.999, "the same of a suction grasp"),
    _clearance("below", "between the tips and the highest surface under the jaws"),
    _clearance("beside", "added to every side of a jaw's footprint"),
    _clearance("palm", "between the palm and the highest surface under it"),
    _clearance("table", "least distance between the tips and the table, for flat objects"),
    _clearance("table_wanted", "distance between the tips and the table, for objects high enough"),
]
WORKSPACE_PARAMETERS = [  # only if the node was started with a workspace
    LiveParameter(f"workspace_{end}_{axis}", ("workspace", end, i), -100.0, 100.0, "of the workspace [m]")
    for end in ("low", "high")
    for i, axis in enumerate("xyz")
]


def with_changes(options: NodeOptions, changes: Dict[str, Any], parameters: List[LiveParameter]) -> NodeOptions:
    """The options with new values by name. Raises InputError for an unknown name or an invalid value."""
    values, known = asdict(options), {live.name: live for live in parameters}
    for name, value in changes.items():
        if name not in known:
            raise InputError(f"no parameter {name} can be changed while the node runs; possible: {', '.join(known)}")
        known[name].check(value)
        *parents, last = known[name].path
        inner = values
        for step in parents:
            inner[step] = list(inner[step]) if isinstance(inner[step], tuple) else inner[step]
            inner = inner[step]
        inner[last] = value
    return options_from_dict(NodeOptions, values)


class Description:
    """The parameters' description for dynamic_reconfigure's encoding; other packages compile it from a .cfg file."""

    def __init__(self, options: NodeOptions, parameters: List[LiveParameter]):
        kinds = {live.name: type(live.value(options)) for live in parameters}
        self.defaults = {live.name: live.value(options) for live in parameters}
        self.min = {live.name: kinds[live.name](live.minimum) for live in parameters}
        self.max = {live.name: kinds[live.name](live.maximum) for live in parameters}
        described = [
            {
                "name": live.name,
                "type": {int: "int", float: "double"}[kinds[live.name]],
                "level": 0,
                "description": live.description,
                "edit_method": "",
            }
            for live in parameters
        ]
        root = {"name": "Default", "type": "", "state": True, "id": 0, "parent": 0}
        self.config_description = {**root, "parameters": described, "groups": []}


class ReconfigureServer:
    """Serves dynamic_reconfigure. Refuses values out of bounds, where dynamic_reconfigure's own server clamps them."""

    def __init__(self, options: NodeOptions, tune: Callable[[Change], NodeOptions], node_parameters: NodeParameters):
        """tune: PlanServer.tune."""
        self._tune, self._node_parameters = tune, node_parameters
        self._parameters = PARAMETERS + (WORKSPACE_PARAMETERS if options.workspace.frame else [])
        latched = {"queue_size": 1, "latch": True}
        description = encode_description(Description(options, self._parameters))
        self._described = rospy.Publisher("~parameter_descriptions", ConfigDescription, **latched)
        self._described.publish(description)
        self._updates = rospy.Publisher("~parameter_updates", Config, **latched)
        self._updates.publish(self._config(options))
        LimitedService("~set_parameters", Reconfigure, self.handle, MAX_REQUEST)

    def handle(self, request: ReconfigureRequest) -> ReconfigureResponse:
        """Change all parameters that the request names, or none; the reply holds all values."""
        changes = dict(decode_config(request.config))
        try:
            options = self._tune(lambda old: with_changes(old, changes, self._parameters))
        except AntipodalError as e:
            rospy.logwarn("parameters left as they were: %s", e)
            raise rospy.ServiceException(str(e)) from None
        self._keep(options, changes)
        config = self._config(options)
        self._updates.publish(config)
        return ReconfigureResponse(config)

    def _keep(self, options: NodeOptions, changes: Dict[str, Any]) -> None:
        """Write the changes to the parameter server, from which the node reads them when it is respawned."""
        for live in self._parameters:
            if live.name in changes:
                path = live.path[:-1] if isinstance(live.path[-1], int) else live.path
                value = replace(live, path=path).value(options)
                try:
                    self._node_parameters.set("/".join(path), list(value) if isinstance(value, tuple) else value)
                except MasterUnavailable as e:
                    rospy.logwarn("%s is changed, and written to the parameter server later: %s", live.name, e)

    def _config(self, options: NodeOptions) -> Config:
        return encode_config({live.name: live.value(options) for live in self._parameters})
