"""The thin node for ROS 2 answers as the library does. docs/ros2.md says where rclpy is had from."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest

rclpy = pytest.importorskip("rclpy", reason="needs ROS 2")
from conftest import REPO
from geometry_msgs.msg import PoseArray
from rclpy.qos import DurabilityPolicy, QoSProfile
from scenes import CAMERA, box, render
from sensor_msgs.msg import CameraInfo, Image
from std_srvs.srv import Trigger

from antipodal.planner import GraspPlanner

DEPTH, _ = render([box((0.03, 0.02), (0.10, 0.03, 0.04), 0.4)])
PATIENCE = 60.0  # [s]


def messages(depth):
    height, width = depth.shape
    image = Image(height=height, width=width, encoding="32FC1", step=4 * width, data=depth.astype("<f4").tobytes())
    image.header.frame_id = "camera"
    c = CAMERA
    k = [c.fx, 0.0, c.cx, 0.0, c.fy, c.cy, 0.0, 0.0, 1.0]
    p = [c.fx, 0.0, c.cx, 0.0, 0.0, c.fy, c.cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    info = CameraInfo(height=height, width=width, k=k, p=p, d=[0.0] * 5, distortion_model="plumb_bob")
    info.header.frame_id = "camera"
    return image, info


@pytest.fixture
def caller():
    """A node beside the planner's, which runs as a process of its own."""
    os.environ["ROS_LOCALHOST_ONLY"] = "1"
    process = subprocess.Popen([sys.executable, str(REPO / "nodes" / "planner_node_ros2")])
    rclpy.init()
    node = rclpy.create_node("caller")
    yield node
    node.destroy_node()
    rclpy.shutdown()
    process.terminate()
    process.wait(PATIENCE)


def ask(node):
    client = node.create_client(Trigger, "plan_grasp")
    assert client.wait_for_service(PATIENCE)
    future = client.call_async(Trigger.Request())
    rclpy.spin_until_future_complete(node, future, timeout_sec=PATIENCE)
    return future.result()


def show(node, depth):
    """Publish an image until the planner has received it."""
    image, info = messages(depth)
    publishers = (
        node.create_publisher(Image, "depth/image_rect", 1),
        node.create_publisher(CameraInfo, "depth/camera_info", 1),
    )
    for _ in range(30):
        publishers[1].publish(info)
        publishers[0].publish(image)
        time.sleep(0.1)


def test_it_answers_as_the_library_does(caller):
    assert ask(caller).message == "no image and camera_info have arrived"
    received = []
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    caller.create_subscription(PoseArray, "/planner/grasps", received.append, latched)
    show(caller, DEPTH)
    reply = ask(caller)
    assert reply.success, reply.message
    expected = GraspPlanner.load(REPO / "models" / "default.pt", device="cpu").plan(DEPTH, CAMERA)
    got = json.loads(reply.message)["grasps"]
    np.testing.assert_array_equal([g["T_cam_grasp"] for g in got], [g.T_cam_grasp for g in expected])
    end = time.monotonic() + PATIENCE
    while not received and time.monotonic() < end:
        rclpy.spin_once(caller, timeout_sec=1)
    assert received[-1].header.frame_id == "camera" and len(received[-1].poses) == len(expected)
    assert received[-1].poses[0].position.z == pytest.approx(expected[0].T_cam_grasp[2, 3])
    show(caller, np.full_like(DEPTH, 0.7))
    reply = ask(caller)
    assert not reply.success and "nothing stands above the table" in reply.message
