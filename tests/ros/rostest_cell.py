#!/usr/bin/env python3
"""The simulated cell over the wire, with a real roscore: see cell.test."""

import subprocess
import unittest

import rospy
import rostest
from sensor_msgs.msg import CameraInfo, Image
from std_srvs.srv import Trigger

from antipodal.msg import Grasp, GraspArray
from antipodal.ros.images import camera_from, depth_from, rgb_from
from antipodal.srv import ExecuteGrasp, PlanGrasp

KINDS = {"held", "approach_collision", "table_collision", "room_collision", "missed", "slipped", "lost_in_shake"}


class CellTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        services = {"plan_grasp": PlanGrasp, "new_scene": Trigger, "execute_grasp": ExecuteGrasp}
        for name in services:
            rospy.wait_for_service(name, 120)
        cls.plan, cls.new_scene, cls.execute = (rospy.ServiceProxy(n, kind) for n, kind in services.items())

    def test_image_and_info_come_together(self):
        info = rospy.wait_for_message("depth/camera_info", CameraInfo, 10)
        image = rospy.wait_for_message("depth/image_rect", Image, 10)
        camera, depth = camera_from(info), depth_from(image)
        self.assertEqual(depth.shape, (camera.height, camera.width))
        self.assertEqual(image.header.frame_id, info.header.frame_id)
        self.assertTrue((depth > 0).any())

    def test_what_is_planned_on_a_new_scene_can_be_executed(self):
        self.assertTrue(self.new_scene().success)
        changed, plan = rospy.Time.now(), None
        for _ in range(100):
            plan = self.plan()
            if plan.header.stamp > changed:
                break
            rospy.sleep(0.05)
        self.assertGreater(plan.header.stamp, changed)
        self.assertTrue(plan.success, plan.message)
        result = self.execute(plan.grasps[0])
        self.assertIn(result.outcome, KINDS)
        self.assertEqual(result.held, result.outcome == "held")
        self.assertGreater(rgb_from(result.picture).std(), 0)

    def test_the_grasps_of_the_topic_can_be_executed(self):
        self.assertTrue(self.new_scene().success)
        changed = rospy.Time.now()
        rospy.sleep(0.2)
        for _ in range(100):
            self.plan()
            grasps = rospy.wait_for_message("planner/grasps", GraspArray, 10)
            if grasps.header.stamp > changed and grasps.grasps:
                break
            rospy.sleep(0.05)
        self.assertGreater(grasps.header.stamp, changed)
        self.assertIn(self.execute(grasps.grasps[0]).outcome, KINDS)

    def test_the_example_executive_holds_an_object(self):
        node = ["rosrun", "antipodal", "example_executive", "_attempts:=5"]
        done = subprocess.run(node, stdout=subprocess.PIPE, text=True, timeout=120)
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (0, "held"))

    def test_refuses_grasps_that_no_gripper_can_execute(self):
        other = Grasp()
        other.header.frame_id = "base_link"
        self.assertRegex(self.execute(other).outcome, "refused: the grasp is in frame 'base_link'")
        wide = Grasp(width=1.0)
        wide.header.frame_id = "camera_depth_optical_frame"
        wide.pose.orientation.w = 1.0
        self.assertRegex(self.execute(wide).outcome, "refused: .*width 1.0")
        wide.pose.orientation.w = 0.0
        self.assertRegex(self.execute(wide).outcome, "refused: .*rigid")


if __name__ == "__main__":
    rospy.init_node("rostest_cell")
    rostest.rosrun("antipodal", "cell_test", CellTest)
