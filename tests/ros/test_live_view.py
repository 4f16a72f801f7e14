"""`antipodal view --live`: the page follows the newest image of a topic of a real graph."""

import signal
import subprocess
import sys
import textwrap
import urllib.request

import pytest
from conftest import ros_or_skip

ros_or_skip()
pytest.importorskip("viser", reason="needs viser: pip install 'antipodal[viewer]'")

from ros_process import graph

CAMERA = """
    import sys
    import rospy, scenes
    from sensor_msgs.msg import CameraInfo, Image
    from std_msgs.msg import Header
    from antipodal.ros.cell import depth_message, info_message

    rospy.init_node("camera")
    image = rospy.Publisher("/camera/depth/image_rect", Image, queue_size=2)
    info = rospy.Publisher("/camera/depth/camera_info", CameraInfo, queue_size=2)
    every, moved = rospy.Rate(10), 0
    while not rospy.is_shutdown():
        moved += 1
        x = -0.05 if moved < 150 else 0.05  # the box is moved after 15 seconds
        depth, _ = scenes.render([scenes.box((x, 0.0), (0.10, 0.03, 0.05))])
        header = Header(frame_id="optical", stamp=rospy.Time.now())
        info.publish(info_message(scenes.CAMERA, header))
        image.publish(depth_message(depth, header))
        every.sleep()
"""
FOLLOW = """
    import sys
    from antipodal.grasp import Gripper
    from antipodal.planner import GraspPlanner
    from antipodal.ros.live_frames import LiveFrames
    from antipodal.viewer.plan_tab import PlanTab
    from antipodal.viewer.replan import Replanner
    from antipodal.viewer.server import make_server
    import time

    frames = LiveFrames("/camera/depth/image_rect")
    server = make_server(0, "test")
    tab = PlanTab(server, Replanner(GraspPlanner.load("default", Gripper.load("robotiq_2f85"), "cpu")), frames)
    seen, end = set(), time.time() + 60
    while len(seen) < 2 and time.time() < end:
        if tab.look.plan:
            seen.add("left" if tab.look.plan[0].T_cam_grasp[0, 3] < 0 else "right")
        time.sleep(0.05)
    tab.following.value = False
    time.sleep(1)
    assert tab.worker.wait()
    kept = tab.frame.name
    time.sleep(1)
    print(sorted(seen), tab.frame.name == kept, "image_rect" in kept, flush=True)
    tab.worker.end(); server.stop(); frames.close()
"""


@pytest.fixture(scope="module")
def ros():
    with graph() as ros:
        yield ros


def environment(ros):
    from conftest import REPO

    return {**ros.environment, "PYTHONPATH": f"{REPO / 'tests'}:{ros.environment.get('PYTHONPATH', '')}"}


def start_camera(ros):
    return ros.start([sys.executable, "-c", textwrap.dedent(CAMERA)], PYTHONPATH=environment(ros)["PYTHONPATH"])


def test_the_plan_follows_the_box_and_stays_when_told_to(ros):
    camera = start_camera(ros)
    try:
        command = [sys.executable, "-c", textwrap.dedent(FOLLOW)]
        done = subprocess.run(command, env=environment(ros), capture_output=True, text=True, timeout=120)
    finally:
        camera.close()
    assert "['left', 'right'] True True" in done.stdout.splitlines(), done.stdout + done.stderr


def test_the_command_serves_the_page_until_it_is_interrupted(ros):
    camera = start_camera(ros)
    command = [sys.executable, "-m", "antipodal", "view", "--live", "/camera/depth/image_rect", "--port", "0"]
    view = subprocess.Popen(command, env=environment(ros), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        address = next(line.split()[0] for line in view.stdout if line.startswith("http"))  # viser says more
        assert urllib.request.urlopen(address, timeout=20).status == 200  # of loopback
        view.send_signal(signal.SIGINT)
        _, said = view.communicate(timeout=30)
    finally:
        view.kill()
        camera.close()
    assert (view.returncode, said) == (130, "interrupted\n")


def test_no_image_or_no_master_is_one_line(ros):
    command = [sys.executable, "-m", "antipodal", "view", "--live", "/nothing/image", "--port", "0"]
    for env, said in (
        (environment(ros), "no depth image received yet on /nothing/image"),
        ({**environment(ros), "ROS_MASTER_URI": "http://localhost:9"}, "--live needs a ROS master"),
    ):
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 2 and f"error: {said}" in done.stderr, done.stderr
        assert "Traceback" not in done.stderr
