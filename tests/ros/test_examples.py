"""The examples that need ROS: a client against a real node, and the pick with MoveIt against arms that record."""

import json
import os
import runpy
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from conftest import REPO, ros_or_skip

ros_or_skip()

from ros_process import graph

from antipodal import transforms

FOLDER = REPO / "examples"
CAMERA = """
    import sys
    from pathlib import Path
    import rospy
    from sensor_msgs.msg import CameraInfo, Image
    from std_msgs.msg import Header
    from antipodal.perception.depth_files import read_with_camera
    from antipodal.ros.cell import depth_message, info_message

    data = Path(sys.argv[1])
    depth, camera = read_with_camera(data / "heap" / "top.png", data / "camera.json")
    rospy.init_node("camera")
    image = rospy.Publisher("depth/image_rect", Image, queue_size=2)
    info = rospy.Publisher("depth/camera_info", CameraInfo, queue_size=2)
    every = rospy.Rate(15)
    while not rospy.is_shutdown():
        header = Header(frame_id="optical", stamp=rospy.Time.now())
        info.publish(info_message(camera, header))
        image.publish(depth_message(depth, header))
        every.sleep()
"""
STAND_IN = """
    import atexit, json, os
    calls = []
    atexit.register(lambda: open(os.environ["CALLS"], "w").write(json.dumps(calls)))

    class MoveGroupCommander:
        def __init__(self, name): self.name = name
        def set_max_velocity_scaling_factor(self, share): calls.append(["speed", share])
        def set_end_effector_link(self, link): calls.append(["link", link])
        def set_pose_target(self, pose): calls.append(["target", pose.position.z])
        def compute_cartesian_path(self, waypoints, eef_step, jump_threshold, avoid_collisions=True):
            assert avoid_collisions and jump_threshold == 0.0
            calls.append(["line", waypoints[-1].position.z])
            return "path", 1.0
        def execute(self, path, wait): return True
        def go(self, joints=None, wait=True):
            calls.append([self.name, joints])
            return True
"""


@pytest.fixture(scope="module")
def ros():
    with graph() as ros:
        yield ros


@pytest.fixture(scope="module")
def planner(ros):
    ros.start([sys.executable, "-c", textwrap.dedent(CAMERA), str(FOLDER / "data")])
    ros.start_planner("_gripper:=franka_hand")
    return ros


def run(ros, name, **environment):
    command = [sys.executable, str(FOLDER / f"{name}.py")]
    return subprocess.run(command, env={**ros.environment, **environment}, capture_output=True, text=True, timeout=120)


def asked_until_it_plans(planner, name, **environment):
    """The first image may come after the node serves."""
    for _ in range(10):
        done = run(planner, name, **environment)
        if "stale image" not in done.stdout:
            break
    return done


def test_the_client_says_where_the_hand_goes(planner):
    done = asked_until_it_plans(planner, "ros_client")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "in optical: open to 80 mm" in done.stdout and "straight on to" in done.stdout


def test_the_client_without_a_planner_says_so():
    with graph() as empty:
        done = run(empty, "ros_client")
    assert done.returncode == 1 and done.stdout.startswith("no planner: ")


def test_the_pick_opens_approaches_closes_lifts_and_backs_off(planner, tmp_path):
    (tmp_path / "moveit_commander.py").write_text(textwrap.dedent(STAND_IN))
    path = os.pathsep.join([str(tmp_path), planner.environment.get("PYTHONPATH", "")])
    done = asked_until_it_plans(planner, "moveit_pick", PYTHONPATH=path, CALLS=str(tmp_path / "calls.json"))
    assert done.returncode == 0, done.stdout + done.stderr
    calls = json.loads((tmp_path / "calls.json").read_text())
    names = ["link", "speed", "panda_hand", "target", "panda_arm", "line", "panda_hand", "line", "line"]
    assert [call[0] for call in calls] == names and calls[0][1] == "panda_hand"
    opened, before, at, closed = calls[2][1], calls[3][1], calls[5][1], calls[6][1]
    assert opened == [0.04, 0.04] and closed == [0.0, 0.0]
    assert at - before == pytest.approx(0.10, abs=0.02)  # down the camera's z
    lifted, back = calls[7][1], calls[8][1]
    assert (lifted - at, back - before) == pytest.approx((0.04, 0.04))  # up, then back along the approach


def test_goals_of_the_hand_lie_behind_the_grasp():
    goals = runpy.run_path(str(FOLDER / "moveit_pick.py"))["goals"]
    down = transforms.compose(np.diag([1.0, -1.0, -1.0]), np.array([0.5, 0.1, 0.02]))
    before, at = goals(down)
    np.testing.assert_allclose(at[:3, 3], [0.5, 0.1, 0.1234])
    np.testing.assert_allclose(before[:3, 3], [0.5, 0.1, 0.2234])
    np.testing.assert_allclose(before[:3, :3], down[:3, :3])


@pytest.mark.skipif("moveit_commander" in sys.modules, reason="MoveIt is here")
def test_without_moveit_it_is_one_line(ros):
    done = run(ros, "moveit_pick")
    assert done.returncode == 1 and done.stdout.startswith("this needs moveit_commander")
