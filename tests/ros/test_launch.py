"""planner.launch: nothing of an earlier launch is left on the master."""

import re
import subprocess
import sys

import pytest
from conftest import REPO, ros_or_skip

ros_or_skip()

import xmlrpc.client

import roslaunch
from ros_process import graph, wait_for


@pytest.fixture(scope="module")
def launched():
    """A planner that was launched on a master with parameters of an earlier launch, and its output."""
    with graph() as ros:
        master = xmlrpc.client.ServerProxy(ros.uri)
        master.setParam("/test", "/planner/workspace", {"frame": "old", "low": [0.0] * 3, "high": [1.0] * 3})
        master.setParam("/test", "/planner/options", {"min_qualty": 0.5})
        launch = str(REPO / "launch" / "planner.launch")
        arguments = ["device:=cpu", "respawn:=false", "depth_image:=/camera/depth", "up:=[0, 0, -1]"]
        process = ros.start(["roslaunch", launch, *arguments])
        wait_for(lambda: ros.serves() or not process.runs(), "plan_grasp")
        wait_for(lambda: "is ready" in process.output() or not process.runs(), "the summary", 10)
        yield ros, process.output()


@pytest.mark.parametrize("node", ["planner_node", "cell_node", "pick_client", "example_executive", "plan_bag"])
def test_nodes_print_their_usage(node):
    command = [sys.executable, str(REPO / "nodes" / node), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and len(done.stdout) > 100, done.stderr


def test_rviz_follows_the_topics_of_the_planner():
    config = roslaunch.config.ROSLaunchConfig()
    arguments = ["rviz:=true", "name:=left", "depth_image:=/camera/depth"]
    path = str(REPO / "launch" / "planner.launch")
    roslaunch.xmlloader.XmlLoader().load(path, config, argv=arguments, verbose=False)
    (rviz,) = [node for node in config.nodes if node.package == "rviz"]
    remapped = {source: target.lstrip("/") for source, target in rviz.remap_args}
    shown = re.findall(r"Topic: (/\S+)", (REPO / "config" / "rviz" / "planner.rviz").read_text())
    assert len(shown) == 6 and set(shown) <= set(remapped)
    assert remapped["/depth/image_rect"] == "camera/depth" and remapped["/planner/markers"] == "left/markers"


def test_parameters_of_an_earlier_launch_are_gone(launched):
    ros, output = launched
    assert ros.parameter("/planner/workspace") is None and ros.parameter("/planner/options") is None
    assert "unknown option" not in output


def test_the_log_says_what_the_node_works_with(launched):
    (line,) = [line for line in launched[1].splitlines() if "is ready" in line]
    for part in (
        "/plan_grasp",
        "/camera/depth",
        "/depth/camera_info",
        "up [0.0, 0.0, -1.0]",
        "workspace none",
        "robotiq_2f85",
        "default.pt",
    ):
        assert part in line, (part, line)


def two_planners(*arguments):
    """The parameters and topics of the two planners of two_cameras.launch."""
    config = roslaunch.config.ROSLaunchConfig()
    path = str(REPO / "launch" / "two_cameras.launch")
    roslaunch.xmlloader.XmlLoader().load(path, config, argv=list(arguments), verbose=False)
    return {name: p.value for name, p in config.params.items()}, {n.namespace: dict(n.remap_args) for n in config.nodes}


def test_two_cameras_have_their_own_topics():
    _, topics = two_planners("left:=/a", "right_image:=/b/image_rect_raw", "right_info:=/b/info")
    assert {space: (t["depth/image_rect"], t["depth/camera_info"]) for space, t in topics.items()} == {
        "/left/": ("/a/image_rect", "/a/camera_info"),
        "/right/": ("/b/image_rect_raw", "/b/info"),
    }


def test_two_cameras_share_what_is_known_of_the_scene(tmp_path):
    options = tmp_path / "options.yaml"
    options.write_text("min_quality: 0.2")
    said = {"near": 0.2, "far": 0.9, "table_frame": "table", "up_frame": "base", "cup": "piab_b30", "rectified": False}
    parameters, _ = two_planners(f"options:={options}", *(f"{name}:={value}" for name, value in said.items()))
    for planner in ("/left/planner", "/right/planner"):
        assert {name: parameters[f"{planner}/{name}"] for name in said} == said
        assert parameters[f"{planner}/options/min_quality"] == 0.2
