"""ros.diagnostics: what diagnostics say of the replies."""

import numpy as np
import pytest
from conftest import ros_or_skip

ros_or_skip()

import rospy
from std_msgs.msg import Header

from antipodal.camera import Camera
from antipodal.ros.cell import depth_message, info_message
from antipodal.ros.diagnostics import FAILURES, RECENT, ReplyStatistics
from antipodal.ros.newest_image import StaleImage
from antipodal.ros.options import NodeOptions
from antipodal.ros.plan_input import InputReader
from antipodal.srv import PlanGraspRequest

OPTIONS = NodeOptions()
UNPUBLISHED = "no publisher on /depth/image_rect"


class Subscriber:
    """Stands in for rospy's, without a master."""

    connections = 0

    def __init__(self, topic, data_class, *_, **__):
        self.resolved_name, self.data_class = topic, data_class

    def get_num_connections(self):
        return self.connections


@pytest.fixture
def reader(monkeypatch):
    monkeypatch.setattr(rospy, "Subscriber", Subscriber)
    monkeypatch.setattr(rospy, "get_time", lambda: 100.0)
    return InputReader(OPTIONS)


def request_with_image():
    header = Header(frame_id="camera", stamp=rospy.Time(100))
    depth, camera = np.full((48, 64), 0.5, np.float32), Camera(60.0, 60.0, 31.5, 23.5, 64, 48)
    return PlanGraspRequest(depth_image=depth_message(depth, header), camera_info=info_message(camera, header))


def test_an_image_without_a_publisher_is_a_problem(reader, monkeypatch):
    assert reader.camera_problem(expected=False) == UNPUBLISHED
    monkeypatch.setattr(Subscriber, "connections", 1)
    assert reader.camera_problem(expected=False).startswith("no depth image received yet on /depth/image_rect")


def test_it_is_none_while_all_requests_bring_their_image(reader):
    reader.read(request_with_image(), OPTIONS)
    assert reader.camera_problem(expected=False) == ""
    assert reader.camera_problem(expected=True) == UNPUBLISHED
    with pytest.raises(StaleImage):
        reader.read(PlanGraspRequest(), OPTIONS)
    reader.read(request_with_image(), OPTIONS)
    assert reader.camera_problem(expected=False) == UNPUBLISHED


def test_counts_rate_and_latency():
    now = [100.0]
    statistics = ReplyStatistics(lambda: now[0])
    assert statistics.values()["planned"] == "0"
    for i in range(100):
        statistics.add("" if i < 90 else "busy", float(i))
    statistics.add("no grasp", 50.0)
    values = statistics.values()
    assert values["rate (1/s)"] == "10.1" and values["planned"] == "90"
    assert values["refused: busy"] == "10" and values["refused: no grasp"] == "1"
    assert (values["latency p50 (ms)"], values["latency p99 (ms)"]) == ("50.0", "98.0")
    now[0] += 11
    assert statistics.values()["rate (1/s)"] == "0.0"


def test_latency_is_that_of_recent_replies():
    statistics = ReplyStatistics()
    for took in [1000.0] * RECENT + [1.0] * RECENT:
        statistics.add("", took)
    assert statistics.values()["latency p99 (ms)"] == "1.0" and statistics.values()["planned"] == str(2 * RECENT)


def test_many_failures_in_a_row_are_a_problem_until_a_plan_or_an_empty_table():
    statistics = ReplyStatistics()
    for _ in range(FAILURES - 1):
        statistics.add("stale image", 1.0)
    assert statistics.problem() == ""
    statistics.add("no transform", 1.0)
    assert statistics.problem() == f"the last {FAILURES} requests failed: 1 no transform, {FAILURES - 1} stale image"
    statistics.add("no grasp", 1.0)
    assert statistics.problem() == ""
