"""planner.launch: nothing of an earlier launch is left on the master."""

import pytest
from conftest import REPO, ros_or_skip

ros_or_skip()

import xmlrpc.client

from ros_process import graph, wait_for


@pytest.fixture(scope="module")
def launched():
    """A planner that was launched on a master with parameters of an earlier launch, and its output."""
    with graph() as ros:
        master = xmlrpc.client.ServerProxy(ros.uri)
        master.setParam("/test", "/planner/workspace", {"frame": "old", "low": [0.0] * 3, "high": [1.0] * 3})
        master.setParam("/test", "/planner/options", {"min_qualty": 0.5})
        launch = str(REPO / "launch" / "planner.launch")
        process = ros.start(["roslaunch", launch, "device:=cpu", "respawn:=false", "depth_image:=/camera/depth"])
        wait_for(lambda: ros.serves() or not process.runs(), "plan_grasp")
        wait_for(lambda: "is ready" in process.output() or not process.runs(), "the summary", 10)
        yield ros, process.output()


def test_parameters_of_an_earlier_launch_are_gone(launched):
    ros, output = launched
    assert ros.parameter("/planner/workspace") is None and ros.parameter("/planner/options") is None
    assert "unknown option" not in output


def test_the_log_says_what_the_node_works_with(launched):
    (line,) = [line for line in launched[1].splitlines() if "is ready" in line]
    for part in ("/plan_grasp", "/camera/depth", "/depth/camera_info", "workspace none", "robotiq_2f85", "default.pt"):
        assert part in line, (part, line)
