"""ros.frames: transforms at an image's time, and the box that grasps lie in."""

import numpy as np
import pytest
import scenes
from conftest import ros_or_skip

ros_or_skip()

import rospy
import tf2_ros
from geometry_msgs.msg import Quaternion, TransformStamped, Vector3
from std_msgs.msg import Header

from antipodal import transforms
from antipodal.errors import InputError
from antipodal.ros.frames import CheckedBuffer, NoTransform, TransformLookup, pixels_inside
from antipodal.ros.headers import MAX_SECONDS
from antipodal.ros.options import WorkspaceOptions

HEADER = Header(stamp=rospy.Time(100), frame_id="camera")


@pytest.fixture
def frames():
    """TransformLookup with a camera 0.7 m above base, looking down."""
    buffer = tf2_ros.Buffer(debug=False)
    edge = TransformStamped(header=Header(stamp=rospy.Time(100), frame_id="base"), child_frame_id="camera")
    edge.transform.translation, edge.transform.rotation = Vector3(0, 0, 0.7), Quaternion(1, 0, 0, 0)
    buffer.set_transform(edge, "test")
    return TransformLookup(0.01, buffer)


def test_the_transform_at_the_images_time(frames):
    T_base_cam = frames.lookup("base", HEADER)
    np.testing.assert_allclose(T_base_cam, transforms.compose(np.diag([1.0, -1, -1]), np.array([0, 0, 0.7])))


@pytest.mark.parametrize("target, source", [("base", "/camera"), ("/base", "camera"), ("/base", "/camera")])
def test_leading_slashes_of_frames_do_not_matter(frames, target, source):
    expected = frames.lookup("base", HEADER)
    np.testing.assert_array_equal(frames.lookup(target, Header(stamp=HEADER.stamp, frame_id=source)), expected)


def stamped(secs, nsecs, frame_id="camera"):
    header = Header(frame_id=frame_id)
    header.stamp.secs, header.stamp.nsecs = secs, nsecs  # as messages may hold them
    return header


@pytest.mark.parametrize(
    "header", [stamped(2**32 - 1, 2**32 - 1), stamped(2**32 - 1, 0), stamped(5, 4_000_000_000), stamped(1, 0, "a\0b")]
)
def test_headers_that_abort_tf2_are_refused(frames, header):
    with pytest.raises(InputError, match="the depth image has the"):
        frames.lookup("base", header)


def warnings_of(monkeypatch, now):
    """What is warned of while the time is `now` [s]."""
    warnings = []
    monkeypatch.setattr(rospy, "logwarn_throttle", lambda _, text: warnings.append(text))
    monkeypatch.setattr(rospy, "get_time", lambda: now)
    return warnings


def test_a_transform_far_ahead_does_not_make_the_present_ones_too_old(monkeypatch):
    warnings = warnings_of(monkeypatch, now=100.0)
    buffer, edge = CheckedBuffer(debug=False), TransformStamped(child_frame_id="camera")
    edge.transform.rotation.w = 1.0
    for secs in (99, 100_000, 100):
        edge.header = stamped(secs, 0, "base")
        buffer.set_transform(edge, "somebody")
    assert len(warnings) == 1 and "99900 s ahead; dropped, published by somebody" in warnings[0]
    assert buffer.can_transform_core("base", "camera", rospy.Time(100))[0]


def test_transforms_that_abort_tf2_are_dropped(frames, monkeypatch):
    warnings = warnings_of(monkeypatch, now=MAX_SECONDS)
    buffer, edge = CheckedBuffer(debug=False), TransformStamped(child_frame_id="camera")
    edge.transform.rotation.w = 1.0
    for store in (buffer.set_transform, buffer.set_transform_static):
        for header in (stamped(2**32 - 1, 2**32 - 1, "base"), stamped(2**32 - 1, 0, "base"), stamped(1, 0, "b\0se")):
            edge.header = header
            store(edge, "somebody")
    edge.header, edge.child_frame_id = stamped(1, 0, "base"), "a\ufffd"
    buffer.set_transform(edge, "somebody")
    assert len(warnings) == 7 and all("dropped, published by somebody" in w for w in warnings)
    for secs in (0, 100, 2**30, MAX_SECONDS):
        edge.header, edge.child_frame_id = stamped(secs, 0, "base"), "camera"
        buffer.set_transform(edge, "somebody")
    assert buffer.can_transform_core("base", "camera", rospy.Time(MAX_SECONDS))[0]


@pytest.mark.parametrize(
    "target, header, said",
    [
        ("map", HEADER, r"from 'camera' to 'map' within 0\.01 s \(~tf_timeout\): .*map"),
        ("base", Header(stamp=rospy.Time(200), frame_id="camera"), r"within 0\.01 s \(~tf_timeout\): .*extrapolat"),
        ("base", Header(stamp=rospy.Time(100)), "names no frame"),
    ],
)
def test_what_tf_does_not_know_is_said(frames, target, header, said):
    with pytest.raises(NoTransform, match=said):
        frames.lookup(target, header)


def test_the_box_holds_what_lies_in_it():
    boxes = [scenes.box((-0.08, 0.0), (0.08, 0.03, 0.04)), scenes.box((0.08, 0.0), (0.08, 0.03, 0.04))]
    depth, mask = scenes.render(boxes)
    depth[119, 250] = 0  # on the second box, not seen
    T_table_cam = transforms.invert(scenes.OVERHEAD)
    right = WorkspaceOptions("table", low=(0.0, -0.2, 0.01), high=(0.2, 0.2, 0.2))
    inside = pixels_inside(right, depth, scenes.CAMERA, T_table_cam)
    assert inside.any() and not inside[:, :160].any() and not inside[119, 250]
    assert (inside <= mask).all(), "a table that lies below the box"


@pytest.mark.parametrize("low", [(0.0, 0.0, 1.0), (0.0, 0.0)])
def test_a_box_turned_inside_out_is_refused(low):
    with pytest.raises(InputError, match="low must be below high"):
        WorkspaceOptions("base", low=low, high=(1.0, 1.0, 1.0))
