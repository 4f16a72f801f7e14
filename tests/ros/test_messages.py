"""ros.messages: poses and markers that RViz and a robot understand."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import ros_or_skip

ros_or_skip()

from geometry_msgs.msg import Point, Pose, Quaternion
from scipy.spatial.transform import Rotation
from std_msgs.msg import Header
from visualization_msgs.msg import Marker

from antipodal import transforms
from antipodal.errors import InputError
from antipodal.grasp import Grasp, Gripper
from antipodal.ros.messages import (
    box_marker,
    cloud_message,
    grasp_from,
    grasp_message,
    image_message,
    marker_array,
    pose_message,
    transform_from,
)
from antipodal.ros.point_clouds import points_from
from antipodal.suction_cup import SuctionCup

HEADER = Header(frame_id="camera")
GRIPPER = Gripper()


def grasp(quality=0.7, rotation=None, width=0.05):
    R = np.eye(3) if rotation is None else rotation
    return Grasp(transforms.compose(R, np.array([0.1, -0.2, 0.6])), width, quality, (12.5, 34.0), -0.3, 0.6)


def turns():
    """Rotations, half turns among them, which divide by zero in the usual formula."""
    random = Rotation.random(50, random_state=0).as_matrix()
    return [np.eye(3), np.diag([1.0, -1, -1]), np.diag([-1.0, 1, -1]), np.diag([-1.0, -1, 1]), *random]


@pytest.mark.parametrize("R", turns())
def test_pose_and_back(R):
    T = transforms.compose(R, np.array([0.1, -0.2, 0.6]))
    np.testing.assert_allclose(transform_from(pose_message(T)), T, atol=1e-9)


def test_quaternions_of_any_length_are_poses():
    q = 3 * Rotation.from_euler("xyz", [0.3, -0.4, 0.5]).as_quat()
    R = transform_from(Pose(orientation=Quaternion(*q)))[:3, :3]
    np.testing.assert_allclose(R, Rotation.from_quat(q).as_matrix(), atol=1e-9)


def test_hand_and_kind_come_back():
    back = grasp_from(grasp_message(replace(grasp(), hand="piab_b30", kind="suction"), HEADER))
    assert (back.hand, back.kind) == ("piab_b30", "suction")


def test_grasp_message_keeps_every_field():
    message = grasp_message(grasp(), HEADER)
    assert message.header.frame_id == "camera"
    assert (message.width, message.quality, message.angle, message.depth) == (0.05, 0.7, -0.3, 0.6)
    assert message.center_px == [12.5, 34.0] and (message.hand, message.kind) == ("", "jaws")
    assert (message.pose.position.x, message.pose.position.y, message.pose.position.z) == (0.1, -0.2, 0.6)


def test_grasp_and_back():
    back = grasp_from(grasp_message(grasp(), HEADER))
    np.testing.assert_allclose(back.T_cam_grasp, grasp().T_cam_grasp, atol=1e-9)
    assert (back.width, back.center_px) == (0.05, (12.5, 34.0))


@pytest.mark.parametrize("field, value", [("orientation", Quaternion()), ("position", Point(np.nan, 0, 0))])
def test_refuses_a_grasp_without_a_pose(field, value):
    message = grasp_message(grasp(), HEADER)
    setattr(message.pose, field, value)
    with pytest.raises(InputError, match="rigid"):
        grasp_from(message)


def test_markers_clear_then_show_the_best_gripper_and_every_candidate():
    markers = marker_array([grasp(0.9), grasp(0.2)], [grasp(0.1), grasp(0.2), grasp(0.3)], GRIPPER, HEADER).markers
    assert markers[0].action == Marker.DELETEALL
    boxes = [m for m in markers if m.ns == "gripper"]
    (lines,) = [m for m in markers if m.ns == "candidates"]
    assert len(boxes) == 4 and len({m.id for m in boxes}) == 4
    assert len(lines.points) == len(lines.colors) == 6
    assert [m.action for m in marker_array([], [], GRIPPER, HEADER).markers] == [Marker.DELETEALL]


@pytest.mark.parametrize("R", turns()[:6])
def test_the_drawn_jaws_leave_the_opening_and_end_at_the_tip(R):
    g = grasp(rotation=R)
    T_grasp_cam = transforms.invert(g.T_cam_grasp)
    left, right, palm, hand = (m for m in marker_array([g], [], GRIPPER, HEADER).markers if m.ns == "gripper")
    for jaw, sign in ((left, 1), (right, -1)):
        centre = (T_grasp_cam @ transform_from(jaw.pose))[:3, 3]
        assert centre[1] * sign - jaw.scale.y / 2 == pytest.approx(g.width / 2)
        assert centre[2] + jaw.scale.z / 2 == pytest.approx(GRIPPER.tip)
    assert (T_grasp_cam @ transform_from(palm.pose))[2, 3] < GRIPPER.tip - GRIPPER.jaw_length
    assert (T_grasp_cam @ transform_from(hand.pose))[2, 3] < (T_grasp_cam @ transform_from(palm.pose))[2, 3]


def test_image_message():
    pixels = np.arange(30, dtype=np.uint8).reshape(2, 5, 3)
    message = image_message(pixels[:, ::-1], HEADER)
    assert (message.height, message.width, message.step, message.encoding) == (2, 5, 15, "rgb8")
    assert message.data == pixels[:, ::-1].tobytes()


def test_a_cloud_has_its_points_and_colours_where_rviz_reads_them():
    points = np.arange(12, dtype=np.float32).reshape(4, 3)
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [1, 2, 3]], np.uint8)
    message = cloud_message(points, colours, HEADER)
    np.testing.assert_array_equal(points_from(message), points)
    (rgb,) = [field for field in message.fields if field.name == "rgb"]
    packed = np.ndarray(4, "<u4", message.data, rgb.offset, message.point_step)
    assert [f"{value:06x}" for value in packed] == ["ff0000", "00ff00", "0000ff", "010203"]
    assert not points_from(cloud_message(np.zeros((1, 3)), np.zeros((1, 3)), HEADER)).any()


def test_a_box_from_corner_to_corner():
    box = box_marker((0.0, -0.2, -0.1), (0.2, 0.2, 0.1), "table")
    assert (box.header.frame_id, box.type) == ("table", Marker.CUBE)
    assert (box.pose.position.x, box.pose.position.y, box.pose.position.z) == pytest.approx((0.1, 0, 0))
    assert (box.scale.x, box.scale.y, box.scale.z) == pytest.approx((0.2, 0.4, 0.2))
    assert 0 < box.color.a < 0.5, "what is in it is to be seen"


def test_a_cup_is_a_cylinder_with_its_body_behind_it():
    cup = SuctionCup("cup", 0.010, 0.030, 0.006, 300.0, 12.0, 0.5, (0.05, 0.04, 0.1))
    g = replace(grasp(width=0.0), hand="cup", kind="suction")
    lip, body = (m for m in marker_array([g], [g], [GRIPPER, cup], HEADER).markers if m.ns == "gripper")
    assert (lip.type, body.type) == (Marker.CYLINDER, Marker.CUBE)
    assert (lip.scale.x, lip.scale.y, lip.scale.z) == pytest.approx((0.02, 0.02, 0.03))
    assert lip.pose.position.z == pytest.approx(0.6 - 0.015) and body.pose.position.z == pytest.approx(0.6 - 0.08)
    line = marker_array([], [g], [cup], HEADER).markers[-1]
    assert line.points[0].z < line.points[1].z == pytest.approx(0.6)
