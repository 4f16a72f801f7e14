"""antipodal doctor: what it says without ROS, without a camera, and of cameras that are well or ill."""

import importlib.util
import json
import subprocess
import sys
import textwrap

import pytest
from conftest import ros_or_skip

from antipodal.errors import run_command
from antipodal.ros import doctor
from antipodal.ros.findings import BAD, GOOD, NOTE

CAMERA = """
    import sys
    import numpy as np, rospy, tf2_ros
    from geometry_msgs.msg import TransformStamped
    from sensor_msgs.msg import CameraInfo, Image
    from std_msgs.msg import Header
    from antipodal.ros.cell import depth_message, info_message
    from antipodal.camera import Camera

    unit, rate, fx = (float(a) for a in sys.argv[1:4])
    rospy.init_node("camera")
    image = rospy.Publisher("/camera/depth/image_rect", Image, queue_size=2)
    info = rospy.Publisher("/camera/depth/camera_info", CameraInfo, queue_size=2)
    transform = TransformStamped(header=Header(frame_id="base"), child_frame_id="optical")
    transform.transform.rotation.w = 1
    transforms = tf2_ros.StaticTransformBroadcaster()
    transforms.sendTransform(transform)
    depth = np.full((120, 160), 0.7, np.float32)
    depth[:30] = 0
    every = rospy.Rate(rate)
    while not rospy.is_shutdown():
        header = Header(frame_id="optical", stamp=rospy.Time.now())
        message = depth_message(depth * np.float32(unit), header)
        described = info_message(Camera(200.0, 200.0, 79.5, 59.5, 160, 120), header)
        described.P = [fx * p for p in described.P]
        image.publish(message)
        info.publish(described)
        every.sleep()
"""


def findings(capsys, *arguments):
    """What it found, by the thing that it looked at, and its exit code."""
    code = run_command(doctor.main, [*arguments, "--json", "-"])
    return {f["what"]: f for f in json.loads(capsys.readouterr().out)}, code


def hide(monkeypatch, *hidden):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name in hidden else real(name, *more))


def test_without_ros_it_checks_the_rest_and_says_so(monkeypatch, capsys):
    hide(monkeypatch, "rospy")
    found, code = findings(capsys)
    assert code == 0 and found["ROS"]["state"] == NOTE and "no ROS 1" in found["ROS"]["said"]
    assert found["model"]["state"] == found["gripper"]["state"] == GOOD
    assert {"torch", "CUDA", "OpenVINO", "units", "disk"} <= set(found)


def test_every_line_that_is_not_well_says_what_to_do(monkeypatch, capsys):
    hide(monkeypatch, "rospy", "openvino", "mujoco", "viser")
    found, code = findings(capsys, "--gripper", "nope", "--model", __file__)
    assert code == 1 and found["gripper"]["state"] == found["model"]["state"] == BAD
    assert "pip install" in found["OpenVINO"]["advice"] and "pip install" in found["packages"]["advice"]
    assert all(f["advice"] for f in found.values() if f["state"] != GOOD)


def test_cups_and_their_models_are_loaded_by_the_planners_rules(monkeypatch, capsys):
    hide(monkeypatch, "rospy")
    found, code = findings(capsys, "--gripper", "piab_b30")
    assert code == 0 and found["gripper"]["said"].endswith("piab_b30.yaml") and "cup" not in found
    assert found["model"]["said"].endswith("suction.pt")  # as a planner of a cup alone takes it
    found, code = findings(capsys, "--cup", "piab_b30")
    assert code == 0 and found["cup"]["said"].endswith("piab_b30.yaml")
    assert found["model"]["said"].endswith("default.pt") and found["cup model"]["said"].endswith("suction.pt")


@pytest.mark.parametrize(
    "arguments, what, said",
    [
        (["--gripper", "piab_b30", "--model", "default"], "model", "no model of a suction cup"),
        (["--cup", "piab_b30", "--suction-model", "default"], "cup model", "no model of a suction cup"),
        (["--model", "suction"], "model", "the gripper has jaws"),
        (["--cup", "franka_hand"], "cup", "describes no suction cup"),
        (["--gripper", "piab_b30", "--cup", "robotiq_epick"], "cup", "both hands are suction cups"),
    ],
)
def test_what_does_not_suit_a_hand_is_bad(monkeypatch, capsys, arguments, what, said):
    hide(monkeypatch, "rospy")
    found, code = findings(capsys, *arguments)
    assert code == 1 and found[what]["state"] == BAD and said in found[what]["said"] and found[what]["advice"]
    assert [f["what"] for f in found.values() if f["state"] == BAD] == [what]


def test_as_text_each_finding_is_a_line_with_its_advice_below(monkeypatch, capsys):
    hide(monkeypatch, "rospy")
    assert doctor.main(["--gripper", "nope"]) == 1
    lines = capsys.readouterr().out.splitlines()
    (bad,) = [i for i, line in enumerate(lines) if line.startswith("BAD")]
    assert "gripper" in lines[bad] and lines[bad + 1].lstrip().startswith("-> correct it")


SWALLOWED = """
    import os, signal, sys
    from antipodal.errors import run_command
    from antipodal.ros import doctor

    def check(args):
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            pass  # as some libraries do while they load
        return []

    setattr(doctor, sys.argv[1], check)
    doctor._ros = lambda args: []
    sys.exit(run_command(doctor.main, []))
"""


@pytest.mark.parametrize("check", ["_torch", "_cuda", "_hands"])
def test_an_interrupt_is_not_lost_in_what_a_check_loads(check):
    command = [sys.executable, "-c", textwrap.dedent(SWALLOWED), check]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


@pytest.fixture(scope="module")
def ros():
    ros_or_skip()
    from ros_process import graph

    with graph() as ros:
        yield ros


def asked(ros, *arguments):
    command = [sys.executable, "-m", "antipodal", "doctor", "--json", "-", "--seconds", "2", *arguments]
    done = subprocess.run(command, env=ros.environment, capture_output=True, text=True, timeout=120)
    assert done.stdout, done.stderr
    return {f["what"]: f for f in json.loads(done.stdout)}, done.returncode


def test_a_graph_without_a_camera_or_planner(ros):
    found, code = asked(ros)
    assert code == 1 and found["ROS"]["state"] == GOOD and found["camera"]["state"] == BAD
    assert "--depth TOPIC" in found["camera"]["advice"] and found["planner"]["state"] == NOTE
    found, code = asked(ros, "--depth", "/nothing/image")
    assert code == 1 and "/nothing/image: no image within 2 s" in found["camera"]["said"]


def test_no_master_is_said_with_what_to_set(ros):
    env = {**ros.environment, "ROS_MASTER_URI": "http://localhost:9"}
    done = subprocess.run([sys.executable, "-m", "antipodal", "doctor"], env=env, capture_output=True, text=True)
    assert done.returncode == 0 and "ROS_MASTER_URI" in done.stdout and "localhost:9" in done.stdout


@pytest.mark.parametrize(
    "unit, rate, fx, states",
    [
        (1, 20, 1, dict(camera=GOOD, units=GOOD, intrinsics=GOOD, tf=GOOD)),
        (1000, 20, 1, dict(camera=GOOD, units=BAD, intrinsics=GOOD, tf=GOOD)),  # floats in millimetres
        (1, 2, 0, dict(camera=NOTE, units=GOOD, intrinsics=BAD, tf=GOOD)),  # slow, and not calibrated
    ],
)
def test_a_camera_is_judged_by_its_rate_units_intrinsics_and_frame(ros, unit, rate, fx, states):
    node = ros.start([sys.executable, "-c", textwrap.dedent(CAMERA), str(unit), str(rate), str(fx)])
    try:
        found, code = asked(ros, "--depth", "/camera/depth/image_rect", "--target-frame", "base", "--seconds", "5")
        assert {what: found[what]["state"] for what in states} == states, (found, node.output())
        assert code == (1 if BAD in states.values() else 0)
        if states["units"] == GOOD:
            assert "75% of the pixels have depth, a median of 0.70 m" in found["units"]["said"]
        assert "optical leads to base" in found["tf"]["said"]
    finally:
        node.close()
