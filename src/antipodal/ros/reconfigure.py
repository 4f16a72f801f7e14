"""Parameters that may be changed while the node plans, by dynamic_reconfigure's tools."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Callable, Dict, List, Tuple

import rospy
from dynamic_reconfigure.encoding import decode_config, encode_config, encode_description
from dynamic_reconfigure.msg import Config, ConfigDescription
from dynamic_reconfigure.srv import Reconfigure, ReconfigureRequest, ReconfigureResponse

from antipodal.errors import AntipodalError, InputError
from antipodal.options import options_from_dict
from antipodal.ros.connection_limits import GuardedService
from antipodal.ros.options import NodeOptions

LARGEST = 2**16  # bytes of a request
Change = Callable[[NodeOptions], NodeOptions]


@dataclass(frozen=True)
class Live:
    """One such parameter."""

    name: str
    path: Tuple[Any, ...]  # to it, from NodeOptions: names of fields, or an index
    least: float
    most: float
    about: str

    def of(self, options: NodeOptions) -> Any:
        """Its value."""
        value: Any = options
        for step in self.path:
            value = value[step] if isinstance(step, int) else getattr(value, step)
        return value

    def check(self, value: Any) -> None:
        """Raises InputError where the value is no number within bounds."""
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not (number and self.least <= value <= self.most):
            raise InputError(f"{self.name} must be a number from {self.least:g} to {self.most:g}, got {value!r}")


def _clearance(name: str, about: str) -> Live:
    return Live(f"clearance_{name}", ("options", "clearance", name), 0.0, 0.1, f"{about} [m]")


LIVE = [
    Live("max_grasps", ("max_grasps",), 1, 1000, "most grasps in a reply, where the request does not say"),
    Live("max_age", ("max_age",), 0.001, 3600.0, "oldest subscribed image that is planned in [s]"),
    Live("min_quality", ("options", "min_quality"), 0.0, 0.999, "grasps less likely to succeed are not returned"),
    _clearance("below", "between the tips and the highest surface under the jaws"),
    _clearance("beside", "added to every side of a jaw's footprint"),
    _clearance("palm", "between the palm and the highest surface under it"),
    _clearance("table", "between the tips and the table, where a flat object leaves no choice"),
    _clearance("table_wanted", "the same, where the object is high enough"),
]
BOX = [  # where the node was started with a workspace
    Live(f"workspace_{end}_{axis}", ("workspace", end, i), -100.0, 100.0, "of the box that grasps are centred in [m]")
    for end in ("low", "high")
    for i, axis in enumerate("xyz")
]


def changed(options: NodeOptions, changes: Dict[str, Any], possible: List[Live]) -> NodeOptions:
    """The options with new values by name. Raises InputError for a name, type or value that cannot be."""
    values, known = asdict(options), {live.name: live for live in possible}
    for name, value in changes.items():
        if name not in known:
            raise InputError(f"no parameter {name} can be changed while the node runs; possible: {', '.join(known)}")
        known[name].check(value)
        *way, last = known[name].path
        inner = values
        for step in way:
            inner[step] = list(inner[step]) if isinstance(inner[step], tuple) else inner[step]
            inner = inner[step]
        inner[last] = value
    return options_from_dict(NodeOptions, values)


class Description:
    """What dynamic_reconfigure's encoding asks of a description, which a .cfg file is compiled to elsewhere."""

    def __init__(self, options: NodeOptions, parameters: List[Live]):
        kinds = {live.name: type(live.of(options)) for live in parameters}
        self.defaults = {live.name: live.of(options) for live in parameters}
        self.min = {live.name: kinds[live.name](live.least) for live in parameters}
        self.max = {live.name: kinds[live.name](live.most) for live in parameters}
        described = [
            {
                "name": live.name,
                "type": {int: "int", float: "double"}[kinds[live.name]],
                "level": 0,
                "description": live.about,
                "edit_method": "",
            }
            for live in parameters
        ]
        root = {"name": "Default", "type": "", "state": True, "id": 0, "parent": 0}
        self.config_description = {**root, "parameters": described, "groups": []}


class LiveParameters:
    """dynamic_reconfigure's service and topics. Values out of bounds are refused, not clamped as by its own server."""

    def __init__(self, options: NodeOptions, tune: Callable[[Change], NodeOptions]):
        """tune: has the options changed between two plans; returns the new ones, or raises what the change raises."""
        self._tune = tune
        self._parameters = LIVE + (BOX if options.workspace.frame else [])
        about = {"queue_size": 1, "latch": True}
        description = encode_description(Description(options, self._parameters))
        self._described = rospy.Publisher("~parameter_descriptions", ConfigDescription, **about)
        self._described.publish(description)
        self._updates = rospy.Publisher("~parameter_updates", Config, **about)
        self._updates.publish(self._config(options))
        GuardedService("~set_parameters", Reconfigure, self.handle, LARGEST)

    def handle(self, request: ReconfigureRequest) -> ReconfigureResponse:
        """Changes all that the request names, or nothing; the reply holds all values."""
        changes = dict(decode_config(request.config))
        try:
            options = self._tune(lambda old: changed(old, changes, self._parameters))
        except AntipodalError as e:
            rospy.logwarn("parameters left as they were: %s", e)
            raise rospy.ServiceException(str(e)) from None
        self._keep(options, changes)
        config = self._config(options)
        self._updates.publish(config)
        return ReconfigureResponse(config)

    def _keep(self, options: NodeOptions, changes: Dict[str, Any]) -> None:
        """On the parameter server, where the node finds them when it is respawned."""
        for live in self._parameters:
            if live.name in changes:
                whole = live.path[:-1] if isinstance(live.path[-1], int) else live.path
                value = Live(live.name, whole, live.least, live.most, live.about).of(options)
                rospy.set_param("~" + "/".join(whole), list(value) if isinstance(value, tuple) else value)

    def _config(self, options: NodeOptions) -> Config:
        return encode_config({live.name: live.of(options) for live in self._parameters})
