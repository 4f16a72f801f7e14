"""ros.headers: stamps and frame ids that would abort tf2, or that no reply can hold, are refused."""

import pytest
from conftest import ros_or_skip

ros_or_skip()

import rospy
from hypothesis import given
from hypothesis import strategies as st
from std_msgs.msg import Header

from antipodal.errors import InputError
from antipodal.ros.headers import MAX_SECONDS, check_frame_id, check_header, tf_frame

UINT32 = st.integers(0, 2**32 - 1)


def header(secs, nsecs, frame_id="camera"):
    made = Header(frame_id=frame_id)
    made.stamp.secs, made.stamp.nsecs = secs, nsecs  # as a message may hold them; rospy.Time's constructor refuses some
    return made


@given(UINT32, UINT32)
def test_a_stamp_is_refused_unless_all_its_differences_are_durations(secs, nsecs):
    if secs <= MAX_SECONDS and nsecs < 10**9:
        check_header(header(secs, nsecs), "an image")
        assert rospy.Time(secs, nsecs) - rospy.Time(0) + rospy.Duration(3600)
    else:
        with pytest.raises(InputError, match=f"an image has the stamp {secs} s, {nsecs} ns"):
            check_header(header(secs, nsecs), "an image")


@pytest.mark.parametrize("secs, nsecs", [(2**32 - 1, 2**32 - 1), (2**32 - 1, 0), (0, 10**9), (2**31, 0), (-1, 0)])
def test_impossible_stamps(secs, nsecs):
    with pytest.raises(InputError, match="possible: 0 to"):
        check_header(header(secs, nsecs), "an image")


@pytest.mark.parametrize("frame", ["a\0b", "\ufffd\ufffd", b"k\xe4mera".decode(errors="replace"), "a\n", "x" * 2000])
def test_impossible_frame_ids(frame):
    with pytest.raises(InputError, match="frame id"):
        check_frame_id(frame, "an image")


@pytest.mark.parametrize("frame", ["camera", "", "Kamera_ä", "/camera", "a/b", "a b"])
def test_possible_frame_ids(frame):
    check_frame_id(frame, "an image")


def test_frames_as_tf_knows_them():
    assert [tf_frame(f) for f in ("/camera", "camera", "//a/b", "")] == ["camera", "camera", "a/b", ""]
