"""ros.approach: the cone that parameters or a request ask for, in the image's frame."""

import numpy as np
import pytest
from conftest import ros_or_skip

ros_or_skip()

import rospy
from geometry_msgs.msg import Vector3, Vector3Stamped
from std_msgs.msg import Header

from antipodal.errors import InputError
from antipodal.files import options_from_dict
from antipodal.planning.approach_cone import ApproachCone
from antipodal.ros.approach import requested_cone
from antipodal.ros.frames import NoTransform
from antipodal.ros.options import NodeOptions
from antipodal.srv import PlanGraspRequest
from tests.ros.test_scene import HEADER, tf  # noqa: F401


def options(**values):
    return options_from_dict(NodeOptions, values)


def no_tf():
    raise AssertionError("no transform is needed")


def request(axis, angle, frame=""):
    stamped = Vector3Stamped(Header(frame_id=frame, stamp=rospy.Time(1)), Vector3(*axis))
    return PlanGraspRequest(approach_axis=stamped, approach_angle=angle)


def test_nothing_is_asked_for_by_default():
    assert requested_cone(options(), PlanGraspRequest(), HEADER, no_tf) is None


def test_an_axis_in_the_images_frame_stays_as_it_is():
    for frame in ("", "camera", "/camera"):
        cone = requested_cone(options(), request((0, 3, 4), 0.5, frame), HEADER, no_tf)
        assert cone.axis == pytest.approx((0, 0.6, 0.8)) and cone.angle == 0.5


def test_an_axis_of_another_frame_is_turned_into_the_images(tf):  # noqa: F811
    cone = requested_cone(options(), request((0, 0, -1), 0.5, "base"), HEADER, lambda: tf)
    np.testing.assert_allclose(tf.lookup("base", HEADER)[:3, :3] @ cone.axis, [0, 0, -1], atol=1e-9)


def test_a_requests_cone_comes_before_that_of_the_parameters(tf):  # noqa: F811
    known = options(approach_axis=(0, 0, -2), approach_frame="base", approach_angle=0.2)
    of_parameters = requested_cone(known, PlanGraspRequest(), HEADER, lambda: tf)
    np.testing.assert_allclose(tf.lookup("base", HEADER)[:3, :3] @ of_parameters.axis, [0, 0, -1], atol=1e-9)
    assert requested_cone(known, request((0, 0, 1), 0.4), HEADER, lambda: tf) == ApproachCone((0, 0, 1), 0.4)


@pytest.mark.parametrize(
    "asked, complaint",
    [
        (request((0, 0, 0), 0.3), r"approach_angle 0.3 needs an approach_axis, got \(0, 0, 0\)"),
        (request((0, 0, 1), 2.0), r"0 to 1.5708 rad \(90 degrees\), got 2.0"),
        (request((0, 0, 1), -0.1), "got -0.1"),
        (request((0, float("nan"), 1), 0.1), "3 finite numbers"),
        (request((0, 0, 1), 0.1, "\x01"), "approach_axis"),
    ],
)
def test_a_wrong_cone_is_bad_input(asked, complaint):
    with pytest.raises(InputError, match=complaint):
        requested_cone(options(), asked, HEADER, no_tf)


def test_a_frame_that_tf_does_not_know_is_no_transform(tf):  # noqa: F811
    with pytest.raises(NoTransform, match="'map'"):
        requested_cone(options(), request((0, 0, 1), 0.1, "map"), HEADER, lambda: tf)


@pytest.mark.parametrize(
    "values, complaint",
    [
        ({"approach_axis": [1, 2]}, "approach_axis must hold 3 values"),
        ({"approach_angle": 0.3}, r"need ~approach_axis, got \(0, 0, 0\)"),
        ({"approach_frame": "base"}, "need ~approach_axis"),
        ({"approach_axis": [0, 0, 1], "approach_angle": 3.0}, "0 to 1.5708 rad"),
        ({"approach_axis": [0, 0, float("inf")]}, "3 finite numbers"),
    ],
)
def test_wrong_parameters_are_refused_at_the_start(values, complaint):
    with pytest.raises(InputError, match=complaint):
        options(**values)
