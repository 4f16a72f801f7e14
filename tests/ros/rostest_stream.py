#!/usr/bin/env python3
"""A planner that streams, while things move, the camera changes and the clock jumps: see stream.test."""

import re
import sys
import time
import unittest
from pathlib import Path

import numpy as np
import rospy
import rostest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from antipodal.camera import Camera
from antipodal.msg import GraspArray
from antipodal.ros.cell import depth_message, info_message
from antipodal.srv import PlanGrasp

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import scenes

FRAME = "camera_depth_optical_frame"
PATIENCE = 20.0  # s of the wall's clock
PERIOD = 1 / 15  # s of the simulated one


def picture(x=0.0):
    """A box at x [m]."""
    return scenes.render([scenes.box((x, 0.02), (0.08, 0.03, 0.04), 0.4)])[0]


class StreamTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.answers = []
        grasps = rospy.Subscriber("planner/grasps", GraspArray, cls.answers.append, queue_size=10)
        cls.clock = rospy.Publisher("/clock", Clock, queue_size=1)
        cls.images = rospy.Publisher("depth/image_rect", Image, queue_size=1)
        cls.infos = rospy.Publisher("depth/camera_info", CameraInfo, queue_size=1)
        cls.now = 1000.0
        end = time.monotonic() + 120
        while not all(topic.get_num_connections() for topic in (grasps, cls.clock, cls.images, cls.infos)):
            assert time.monotonic() < end, "the planner does not listen, or its answers would be lost"
            time.sleep(0.05)
        cls.call = rospy.ServiceProxy("plan_grasp", PlanGrasp)

    def tick(self, step):
        """The time, `step` [s] later."""
        type(self).now += step
        stamp = rospy.Time.from_sec(self.now)
        self.clock.publish(Clock(stamp))
        return stamp

    def see(self, depth, camera=scenes.CAMERA, step=PERIOD, ahead=0.02):
        """The answer to the next image, `step` [s] after the one before; clock and camera_info are each sent `ahead`
        [s] of what follows, because an image that overtakes one of another time or camera is refused."""
        stamp = self.tick(step)
        time.sleep(ahead)
        header = Header(stamp=stamp, frame_id=FRAME)
        self.infos.publish(info_message(camera, header))
        time.sleep(ahead)
        self.images.publish(depth_message(depth, header))
        end = time.monotonic() + PATIENCE
        while not self.answers or self.answers[-1].header.stamp != stamp:
            self.assertLess(time.monotonic(), end, f"no answer to the image at {self.now:g} s")
            time.sleep(0.01)
        return self.answers[-1]

    def assert_status(self, level, message):
        """Diagnostics say so, in one of the next messages."""
        end = time.monotonic() + PATIENCE
        while True:
            (status,) = rospy.wait_for_message("/diagnostics", DiagnosticArray).status
            if status.level == level and re.search(message, status.message):
                return
            self.assertLess(time.monotonic(), end, status.message)

    def test_every_image_is_answered_and_the_answer_moves_with_the_object(self):
        xs = []
        for i in range(15):
            grasps = self.see(picture(0.05 * i * PERIOD)).grasps
            self.assertTrue(grasps)
            xs.append(grasps[0].pose.position.x)
        np.testing.assert_array_less(np.abs(np.diff(xs)), 0.02, "it jumps")
        self.assertAlmostEqual(np.polyfit(PERIOD * np.arange(15), xs, 1)[0], 0.05, delta=0.02)

    def test_what_lies_still_has_one_answer(self):
        first, *later = [self.see(picture()).grasps[0] for _ in range(10)]
        for grasp in later:
            self.assertLess(abs(grasp.pose.position.x - first.pose.position.x), 0.02)
            self.assertGreater(abs(np.cos(grasp.angle - first.angle)), np.cos(0.5))

    def test_an_image_without_grasps_is_answered_with_none(self):
        self.assertFalse(self.see(np.full_like(picture(), 0.7)).grasps)
        self.assertTrue(self.see(picture()).grasps)

    def test_the_clock_may_jump_back(self):
        self.see(picture())
        self.assertTrue(self.see(picture(), step=-500.0, ahead=0.3).grasps)
        self.assertTrue(self.see(picture()).grasps)
        self.assertTrue(self.call().success, "the service answers from the images after the jump")

    def test_the_camera_may_stop_and_return(self):
        self.see(picture())
        self.assertTrue(self.call().success)
        answers = len(self.answers)
        end = time.monotonic() + PATIENCE
        while self.call().reason != "stale image":  # the clock may take a moment to get there
            self.assertLess(time.monotonic(), end, "an old image is planned in")
            self.tick(1.0)
            time.sleep(0.05)
        for _ in range(5):
            self.tick(1.0)
            reply = self.call()
            self.assertEqual((reply.reason, reply.grasps), ("stale image", []))
            self.assertRegex(reply.message, r"newest depth image is .* s old; ~max_age is 0\.5 s")
        self.assert_status(DiagnosticStatus.WARN, "newest depth image is .* s old.*; the last .* requests failed: ")
        planned = self.answers[answers:]
        self.assertTrue(all(a.header.stamp.to_sec() < self.now - 5 for a in planned), "none without an image")
        self.assertTrue(self.see(picture(0.01)).grasps, "the stream goes on")
        self.assertTrue(self.call().success, "and so do the requests")
        self.assert_status(DiagnosticStatus.OK, "serving")

    def test_the_camera_may_change_its_intrinsics_or_its_size(self):
        wide = Camera(350.0, 350.0, 159.5, 119.5, 320, 240)
        half = Camera(262.5, 262.5, 79.5, 59.5, 160, 120)
        for camera in (scenes.CAMERA, wide, half, scenes.CAMERA):
            depth, _ = scenes.render([scenes.box((0.03, 0.02), (0.08, 0.03, 0.04), 0.4)], camera)
            best = self.see(depth, camera, ahead=0.3).grasps[0]
            self.assertLess(abs(best.pose.position.x - 0.03), 0.04)
            self.assertLess(abs(best.center_px[0] - camera.cx), 0.1 * camera.fx)

    def test_requests_are_answered_beside_the_stream(self):
        header = Header(frame_id=FRAME)
        request = {"depth_image": depth_message(picture(), header), "camera_info": info_message(scenes.CAMERA, header)}
        first = self.call(**request)
        self.see(picture(0.01))
        second = self.call(**request)
        self.assertTrue(first.success, first.message)
        self.assertEqual([g.pose for g in first.grasps], [g.pose for g in second.grasps], "no trace of the stream")

    def test_diagnostics_tell_rate_and_latency(self):
        self.see(picture())
        (status,) = rospy.wait_for_message("/diagnostics", DiagnosticArray).status
        values = {v.key: v.value for v in status.values}
        self.assertGreater(int(values["stream planned"]), 0)
        self.assertGreaterEqual(float(values["stream latency p99 (ms)"]), 0)


if __name__ == "__main__":
    rospy.init_node("rostest_stream")
    rostest.rosrun("antipodal", "stream_test", StreamTest)
