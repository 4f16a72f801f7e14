"""ros.reconfigure: parameters that change while the node runs."""

import pytest
from conftest import ros_or_skip

ros_or_skip()

from dynamic_reconfigure.encoding import decode_description, encode_description

from antipodal.errors import InputError
from antipodal.files import options_from_dict
from antipodal.ros.options import NodeOptions
from antipodal.ros.reconfigure import PARAMETERS, WORKSPACE_PARAMETERS, Description, with_changes

ALL = PARAMETERS + WORKSPACE_PARAMETERS
STARTED = {
    "options": {"depths": 3, "clearance": {"below": 0.004}},
    "workspace": {"frame": "table", "low": [-0.2, -0.3, 0.0], "high": [0.2, 0.3, 0.4]},
}
OPTIONS = options_from_dict(NodeOptions, STARTED)


@pytest.mark.parametrize("live", ALL, ids=lambda live: live.name)
def test_a_change_changes_one_value_and_back_again_changes_nothing(live):
    before = live.value(OPTIONS)
    value = before + (1 if isinstance(before, int) else 0.01)
    options = with_changes(OPTIONS, {live.name: value}, ALL)
    assert live.value(options) == value
    assert [other.name for other in ALL if other.value(options) != other.value(OPTIONS)] == [live.name]
    assert with_changes(options, {live.name: before}, ALL) == OPTIONS


def test_many_at_once_and_what_else_was_set_stays():
    options = with_changes(OPTIONS, {"min_quality": 0.5, "workspace_low_x": -0.1, "workspace_low_z": 0.1}, ALL)
    assert options.workspace.low == (-0.1, -0.3, 0.1)
    assert (options.options.min_quality, options.options.depths, options.options.clearance.below) == (0.5, 3, 0.004)


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"min_quality": 1.5}, r"min_quality must be a number from 0 to 0\.999, got 1\.5"),
        ({"clearance_palm": float("nan")}, "clearance_palm must be a number from 0 to 0.1, got nan"),
        ({"max_age": True}, "max_age must be a number"),
        ({"max_age": "long"}, "max_age must be a number from .* got 'long'"),
        ({"max_grasps": 2.5}, r"max_grasps must be int, got 2\.5"),
        ({"model": "other.pt"}, "no parameter model can be changed while the node runs; possible: max_grasps, max_age"),
        ({"workspace_low_x": 0.3}, "low must be below high"),
        ({"min_quality": 0.5, "max_age": -1.0}, "max_age must be"),
    ],
)
def test_what_cannot_be_is_refused(changes, said):
    with pytest.raises(InputError, match=said):
        with_changes(OPTIONS, changes, ALL)


def test_the_defaults_lie_within_the_bounds():
    for live in ALL:
        live.check(live.value(NodeOptions()))


def test_the_description_is_one_that_clients_can_read():
    (*parameters,) = decode_description(encode_description(Description(OPTIONS, ALL)))["parameters"]
    assert [p["name"] for p in parameters] == [live.name for live in ALL]
    for p, live in zip(parameters, ALL):
        assert (p["default"], p["min"], p["max"]) == (live.value(OPTIONS), live.minimum, live.maximum)
        assert p["type"] == {int: "int", float: "double"}[type(p["default"])]
