"""ros.scene: what parameters, requests and the robot's mask tell about a scene."""

import numpy as np
import pytest
from conftest import ros_or_skip

ros_or_skip()

import rospy
import tf2_ros
from geometry_msgs.msg import Quaternion, TransformStamped, Vector3
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from antipodal.errors import InputError
from antipodal.files import options_from_dict
from antipodal.ros.frames import NoTransform, TransformLookup
from antipodal.ros.newest_image import StaleImage
from antipodal.ros.options import NodeOptions
from antipodal.ros.scene import RobotMasks, scene_hints
from antipodal.srv import PlanGraspRequest

HEADER = Header(stamp=rospy.Time(100), frame_id="camera")
TILT = 0.3  # of the camera about its x axis [rad]


@pytest.fixture
def tf():
    """A camera 0.7 m above base, which looks down, tilted."""
    buffer = tf2_ros.Buffer(debug=False)
    edge = TransformStamped(header=Header(stamp=rospy.Time(100), frame_id="base"), child_frame_id="camera")
    half = (np.pi - TILT) / 2
    edge.transform.translation = Vector3(0.1, 0.2, 0.7)
    edge.transform.rotation = Quaternion(np.sin(half), 0, 0, np.cos(half))
    buffer.set_transform(edge, "test")
    return TransformLookup(0.01, buffer)


def options(**values):
    return options_from_dict(NodeOptions, values)


def mask(stamp, pixels):
    pixels = np.asarray(pixels, np.uint8)
    header = Header(stamp=rospy.Time.from_sec(stamp))
    return Image(header, *pixels.shape, "mono8", 0, pixels.shape[1], pixels.tobytes())


def test_nothing_is_known_by_default(tf):
    hints = scene_hints(options(), PlanGraspRequest(), HEADER, None)
    assert (hints.up, hints.table, hints.workspace, hints.robot) == (None, None, None, None)
    assert hints.nearest == 0 and hints.farthest == 10


def test_up_and_table_of_frames(tf):
    hints = scene_hints(options(up_frame="base", table_frame="/base"), PlanGraspRequest(), HEADER, tf)
    T_base_cam = tf.lookup("base", HEADER)
    np.testing.assert_allclose(T_base_cam[:3, :3] @ hints.up, [0, 0, 1], atol=1e-9)
    np.testing.assert_allclose(hints.up, [0, np.sin(TILT), -np.cos(TILT)], atol=1e-9)
    *normal, offset = hints.table
    for point in ([0, 0, 0], [0.3, -0.2, 0], [1, 1, 0]):
        in_camera = np.linalg.inv(T_base_cam) @ [*point, 1]
        assert np.dot(normal, in_camera[:3]) == pytest.approx(offset)
    assert np.dot(normal, [0, 0, 0]) != pytest.approx(offset)


def test_a_requests_values_come_before_the_parameters(tf):
    request = PlanGraspRequest(up=Vector3(0, -1, 0), table=[0, 0, 1, 0.6], near=0.2, far=0.9, robot=mask(0, [[0, 9]]))
    known = options(up_frame="base", table=(0, 1, 0, 0.5), near=0.1, far=2.0)
    hints = scene_hints(known, request, HEADER, tf, robot=np.zeros((1, 2), bool))
    assert hints.up == (0, -1, 0) and hints.table == (0, 0, 1, 0.6)
    assert (hints.nearest, hints.farthest) == (0.2, 0.9)
    assert hints.robot.tolist() == [[False, True]]
    hints = scene_hints(known, PlanGraspRequest(), HEADER, tf, robot=np.ones((1, 2), bool))
    assert hints.table == (0, 1, 0, 0.5) and (hints.nearest, hints.farthest) == (0.1, 2.0) and hints.robot.all()


@pytest.mark.parametrize(
    "fields",
    [
        {"up": Vector3(float("nan"), 0, 0)},
        {"table": [1.0]},
        {"table": [0.0] * 4},
        {"near": float("nan")},
        {"near": 2.0, "far": 1.0},
        {"near": -1.0},
        {"robot": Image(encoding="rgb8", data=b"123", width=1, height=1, step=3)},
    ],
)
def test_impossible_values_of_a_request_are_bad_input(tf, fields):
    with pytest.raises(InputError):
        scene_hints(options(), PlanGraspRequest(**fields), HEADER, tf)


@pytest.mark.parametrize("name", ["up_frame", "table_frame"])
def test_a_frame_that_tf_does_not_know_is_no_transform(tf, name):
    with pytest.raises(NoTransform, match="'map'"):
        scene_hints(options(**{name: "map"}), PlanGraspRequest(), HEADER, tf)


@pytest.mark.parametrize(
    "values",
    [
        {"up": [0, 0, 1], "up_frame": "base"},
        {"table": [0, 0, 1, 0.5], "table_frame": "base"},
        {"up": [1, 2]},
        {"table": [1, 2, 3]},
        {"table": [0, 0, 1, 0]},
        {"near": 2, "far": 1},
    ],
)
def test_impossible_parameters_are_refused_at_the_start(values):
    with pytest.raises(InputError):
        options(**values)


def test_the_robots_mask_of_the_images_time():
    masks = RobotMasks("/robot_mask")
    with pytest.raises(StaleImage, match="no robot mask received yet on /robot_mask"):
        masks.at(1.0, 0.5)
    for stamp, pixels in [(1.0, [[1, 0]]), (2.0, [[0, 1]]), (3.0, [[1, 1]])]:
        masks.store(mask(stamp, pixels))
    assert masks.at(2.2, 0.5).tolist() == [[False, True]]
    with pytest.raises(StaleImage, match=r"nearest robot mask on /robot_mask is 1\.000 s from the image"):
        masks.at(4.0, 0.5)
