#!/usr/bin/env python3
"""plan_grasp in clouds of a topic, which are in another frame than their sensor: see cloud.test."""

import sys
import unittest
from pathlib import Path

import numpy as np
import rospy
import rostest
import tf2_ros
from geometry_msgs.msg import Quaternion, TransformStamped, Vector3
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header

from antipodal import transforms
from antipodal.ros.messages import transform_from
from antipodal.srv import PlanGrasp

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import scenes
from inputs import points_of

BOX = scenes.box((0.03, 0.02), (0.10, 0.03, 0.04), 0.4)


class CloudTest(unittest.TestCase):
    def test_the_newest_cloud_is_planned_in_and_grasps_are_in_its_frame(self):
        rospy.wait_for_service("plan_grasp", 120)
        call = rospy.ServiceProxy("plan_grasp", PlanGrasp)
        refused = call()
        self.assertEqual(refused.reason, "stale image")
        self.assertIn("no cloud received yet on /scanner/points", refused.message)
        edge = TransformStamped(header=Header(frame_id="base"), child_frame_id="scanner")
        edge.transform.translation, edge.transform.rotation = Vector3(0, 0, 0.7), Quaternion(1, 0, 0, 0)
        tf2_ros.StaticTransformBroadcaster().sendTransform(edge)
        publisher = rospy.Publisher("/scanner/points", PointCloud2, queue_size=1)
        while not publisher.get_num_connections():
            rospy.sleep(0.05)
        points = points_of(scenes.render([BOX])[0])
        T_base_cam = transforms.invert(scenes.OVERHEAD)
        moved = transforms.apply(T_base_cam, points.reshape(-1, 3).astype(float)).reshape(points.shape)
        for shape in (points.shape, (1, -1, 3)):
            sent = moved.reshape(shape).astype("<f4")
            fields = [PointField(name, 4 * i, PointField.FLOAT32, 1) for i, name in enumerate("xyz")]
            head, size = Header(stamp=rospy.Time.now(), frame_id="base"), sent.shape[:2]
            publisher.publish(PointCloud2(head, *size, fields, False, 12, 12 * size[1], sent.tobytes(), False))
            rospy.sleep(0.2)
            reply = call()
            self.assertTrue(reply.success, reply.message)
            self.assertEqual((reply.header.frame_id, reply.header.stamp), ("base", head.stamp))
            T = transform_from(reply.grasps[0].pose)
            np.testing.assert_allclose(T[:3, 2], [0, 0, -1], atol=0.01)
            np.testing.assert_allclose(T[:2, 3], BOX[0][:2, 3], atol=0.05)
            self.assertTrue(0 < T[2, 3] < 0.04)


if __name__ == "__main__":
    rospy.init_node("rostest_cloud")
    rostest.rosrun("antipodal", "cloud_test", CloudTest)
