"""ros.stream and ros.newest_image: new images are planned in, old ones are not."""

import threading
import time
import types

import pytest
from conftest import ros_or_skip

ros_or_skip()

import rospy
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from antipodal.ros.newest_image import NewestImage, StaleImage
from antipodal.ros.planning_thread import Busy, PlanningThread
from antipodal.ros.stream import BUSY_PAUSE, ImageStream
from antipodal.srv import PlanGraspResponse

PATIENCE = 10.0  # s


def image(stamp):
    return Image(header=Header(stamp=rospy.Time.from_sec(stamp)))


def info(stamp, focal=500.0):
    return CameraInfo(header=Header(stamp=rospy.Time.from_sec(stamp)), K=[focal, *[0.0] * 8])


@pytest.fixture
def clock(monkeypatch):
    """The time that rospy tells."""
    clock = [100.0]
    monkeypatch.setattr(rospy, "get_time", lambda: clock[0])
    monkeypatch.setattr(rospy, "logerr_throttle", lambda *_: None)  # needs a node
    return clock


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_images_that_come_while_one_is_planned_in_are_skipped_and_the_newest_is_next(clock):
    pair, gate, planned = NewestImage(0.5), threading.Semaphore(0), []

    def plan():
        found, _ = pair.get(clock[0])
        planned.append(found.header.stamp.to_sec())
        gate.acquire(timeout=PATIENCE)
        return PlanGraspResponse(header=found.header)

    pair.store_info(info(100.0))
    stream = ImageStream(pair, PlanningThread(8, PATIENCE), plan)
    pair.store_image(image(100.0))
    until(lambda: planned)
    for stamp in (100.1, 100.2, 100.3):
        pair.store_image(image(stamp))
    clock[0] = 100.3
    gate.release()
    until(lambda: len(planned) == 2)
    gate.release()
    until(lambda: stream.values()["stream planned"] == "2")
    time.sleep(0.05)
    assert planned == pytest.approx([100.0, 100.3]), "no image twice, none that is not the newest"
    values = stream.values()
    assert values["stream skipped"] == "2"
    assert float(values["stream latency p99 (ms)"]) == pytest.approx(300, abs=5)


def test_what_goes_wrong_is_counted_and_the_stream_goes_on(clock):
    pair, errors = NewestImage(0.5), [ValueError("broken"), None]

    def plan():
        error = errors.pop(0)
        if error:
            raise error
        return PlanGraspResponse(reason="no grasp", header=Header(stamp=rospy.Time.from_sec(clock[0])))

    stream = ImageStream(pair, PlanningThread(8, PATIENCE), plan)
    for reason in ("error", "no grasp"):
        pair.store_image(image(100.0))
        until(lambda reason=reason: stream.values().get(f"stream refused: {reason}") == "1")


def test_a_full_queue_is_not_asked_again_and_again(clock, monkeypatch):
    """The stream pauses after each refusal, whether or not new images come."""
    pauses = []
    monkeypatch.setattr("antipodal.ros.stream.time", types.SimpleNamespace(sleep=pauses.append))
    monkeypatch.setattr(threading.Thread, "start", lambda _: None)

    class Full:
        def call(self, *_):
            raise Busy("busy")

    stream = ImageStream(NewestImage(0.5), Full(), lambda: None)
    for _ in range(3):
        stream.step()
    assert pauses == [BUSY_PAUSE] * 3 and stream.values()["stream refused: busy"] == "3"


def test_waiting_for_an_image_ends_with_it_or_with_time():
    pair = NewestImage(0.5)
    start = time.monotonic()
    assert pair.wait(0, 0.05) == 0 and time.monotonic() - start >= 0.04
    threading.Timer(0.02, pair.store_image, [image(1.0)]).start()
    assert pair.wait(0, PATIENCE) == 1


def test_a_clock_that_jumps_back_leaves_nothing_of_the_time_before():
    """As when a bag is played in a loop, here with other intrinsics the second time."""
    pair = NewestImage(0.5)
    for stamp in (100.0, 100.1, 100.2):
        pair.store_info(info(stamp, 500.0))
        pair.store_image(image(stamp))
    with pytest.raises(StaleImage, match=r"-99\.\d+ s old"):
        pair.get(1.0)
    pair.store_info(info(1.0, 600.0))
    pair.store_image(image(1.0))
    assert pair.get(1.0)[1].K[0] == 600
    pair.store_info(info(100.1, 700.0))
    pair.store_image(image(100.1))
    assert pair.get(100.1)[1].K[0] == 700


def test_intrinsics_that_change_alone_are_those_of_their_image():
    pair = NewestImage(0.5)
    for stamp, focal in [(1.0, 500.0), (1.1, 600.0)]:
        pair.store_info(info(stamp, focal))
        pair.store_image(image(stamp))
        assert pair.get(stamp)[1].K[0] == focal
    pair.store_info(info(1.1, 650.0))  # corrected for the same time: the last word counts
    assert pair.get(1.1)[1].K[0] == 650
