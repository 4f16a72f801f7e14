#!/usr/bin/env python3
"""Two planners, each with its own camera and service, tf frame and diagnostics: see two_planners.test."""

import sys
import unittest
from pathlib import Path

import cv2
import numpy as np
import rospy
import rostest
import tf2_ros
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import Quaternion, TransformStamped, Vector3
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from antipodal.ros.cell import depth_message, info_message
from antipodal.srv import PlanGrasp

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import scenes

FRAME = "camera_depth_optical_frame"
TWO, _ = scenes.render([scenes.box((-0.08, 0.0), (0.08, 0.03, 0.04)), scenes.box((0.08, 0.0), (0.08, 0.03, 0.04))])


class TwoPlannersTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tf = tf2_ros.StaticTransformBroadcaster()
        edge = TransformStamped(header=Header(stamp=rospy.Time.now(), frame_id="table"), child_frame_id=FRAME)
        edge.transform.translation, edge.transform.rotation = Vector3(0, 0, 0.7), Quaternion(1, 0, 0, 0)
        cls.tf.sendTransform(edge)
        cls.call = {}
        for side in ("left", "right"):
            rospy.wait_for_service(f"/{side}/plan_grasp", 120)
            cls.call[side] = rospy.ServiceProxy(f"/{side}/plan_grasp", PlanGrasp)

    def ask(self, side, frame=FRAME):
        header = Header(stamp=rospy.Time.now(), frame_id=frame)
        return self.call[side](
            depth_image=depth_message(TWO, header), camera_info=info_message(scenes.CAMERA, header), max_grasps=50
        )

    def test_grasps_are_given_in_the_target_frame_and_lie_in_the_box(self):
        left, right = self.ask("left"), self.ask("right")
        self.assertTrue(left.success and right.success, left.message + right.message)
        self.assertEqual({g.header.frame_id for g in left.grasps}, {FRAME})
        self.assertEqual({g.header.frame_id for g in right.grasps}, {"table"})
        self.assertEqual(right.header.frame_id, FRAME)
        self.assertLess(min(g.center_px[0] for g in left.grasps), 159)
        for grasp in right.grasps:
            self.assertGreater(grasp.pose.position.x, -0.002)
            self.assertTrue(-0.01 < grasp.pose.position.z < 0.05, "not at the height of the box")
            self.assertAlmostEqual(grasp.pose.position.z, 0.7 - grasp.depth, places=6)

    def test_compressed_images_are_taken(self):
        images = rospy.Publisher("/camera_right/depth/image_rect/compressedDepth", CompressedImage, queue_size=1)
        infos = rospy.Publisher("/camera_right/depth/camera_info", CameraInfo, queue_size=1)
        while not (images.get_num_connections() and infos.get_num_connections()):
            rospy.sleep(0.05)
        header = Header(stamp=rospy.Time.now(), frame_id=FRAME)
        png = cv2.imencode(".png", np.round(1000 * TWO).astype(np.uint16))[1].tobytes()
        infos.publish(info_message(scenes.CAMERA, header))
        images.publish(CompressedImage(header, "16UC1; compressedDepth png", bytes(12) + png))
        rospy.sleep(0.2)
        reply = self.call["right"]()
        self.assertTrue(reply.success, reply.message)
        self.assertEqual(reply.header.stamp, header.stamp)

    def test_an_unknown_frame_is_refused(self):
        reply = self.ask("right", frame="elsewhere")
        self.assertEqual(reply.reason, "no transform")
        self.assertRegex(reply.message, "from 'elsewhere' to 'table' within 0.2 s")

    def test_each_listens_to_its_own_camera_which_may_change_its_size(self):
        images = rospy.Publisher("/camera_left/depth/image_rect", Image, queue_size=1)
        infos = rospy.Publisher("/camera_left/depth/camera_info", CameraInfo, queue_size=1)
        while not (images.get_num_connections() and infos.get_num_connections()):
            rospy.sleep(0.05)
        half = scenes.Camera(262.5, 262.5, 79.5, 59.5, 160, 120)
        for camera, depth in ((scenes.CAMERA, TWO), (half, TWO[::2, ::2]), (scenes.CAMERA, TWO)):
            header = Header(stamp=rospy.Time.now(), frame_id=FRAME)
            infos.publish(info_message(camera, header))
            images.publish(depth_message(depth, header))
            rospy.sleep(0.2)
            reply = self.call["left"]()
            self.assertTrue(reply.success, reply.message)
            self.assertEqual(reply.header.stamp, header.stamp)
        self.assertEqual(self.call["right"]().reason, "stale image")
        rospy.sleep(0.6)
        self.assertEqual(self.call["left"]().reason, "stale image", "the camera has stopped")

    def test_diagnostics_tell_what_was_refused(self):
        self.call["left"]()
        for _ in range(100):
            (status,) = rospy.wait_for_message("/diagnostics", DiagnosticArray, 10).status
            values = {v.key: v.value for v in status.values}
            if status.name.startswith("left/planner") and int(values.get("refused: stale image", 0)):
                self.assertEqual((values["device"], values["gripper"]), ("cpu", "robotiq_2f85"))
                self.assertGreater(float(values["latency p99 (ms)"]), 0)
                return
        self.fail("no diagnostics of the left planner that count its refusal")


if __name__ == "__main__":
    rospy.init_node("rostest_two_planners")
    rostest.rosrun("antipodal", "two_planners_test", TwoPlannersTest)
