#!/usr/bin/env python3
"""plan_grasp over the wire, with a real roscore: see planner.test."""

import sys
import unittest
from pathlib import Path

import numpy as np
import rospy
import rostest
import tf2_ros
from geometry_msgs.msg import Point, PointStamped, PoseStamped, TransformStamped, Vector3, Vector3Stamped
from sensor_msgs.msg import CameraInfo, Image, PointCloud2, PointField, RegionOfInterest
from std_msgs.msg import Header
from visualization_msgs.msg import Marker, MarkerArray

from antipodal import transforms
from antipodal.msg import DepthView, GraspArray
from antipodal.ros.cell import depth_message, info_message
from antipodal.ros.messages import pose_message, transform_from
from antipodal.ros.point_clouds import points_from
from antipodal.srv import PlanGrasp

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import scenes
from inputs import labels_of, points_of, turned

DEPTH, MASK = scenes.render([scenes.box((0.03, 0.02), (0.10, 0.03, 0.04), 0.4)])
BOXES = [scenes.box((-0.08, 0.0), (0.08, 0.03, 0.04)), scenes.box((0.08, 0.0), (0.08, 0.03, 0.04))]
TWO, _ = scenes.render(BOXES)
FRAME = "camera_depth_optical_frame"


def header(age=0.0):
    return Header(stamp=rospy.Time.now() - rospy.Duration(age), frame_id=FRAME)


def millimetres(depth, head):
    message = depth_message(depth, head)
    message.encoding, message.step = "16UC1", 2 * message.width
    message.data = np.round(1000 * depth).astype("<u2").tobytes()
    return message


def mask_message(mask):
    height, width = mask.shape
    return Image(Header(), height, width, "mono8", 0, width, mask.astype(np.uint8).tobytes())


def cloud_message(points, head):
    """PointCloud2 of points (H, W, 3), float32."""
    height, width = points.shape[:2]
    fields = [PointField(name, 4 * i, PointField.FLOAT32, 1) for i, name in enumerate("xyz")]
    data = points.astype("<f4").tobytes()
    return PointCloud2(head, height, width, fields, False, 12, 12 * width, data, False)


def tuples(reply):
    return [(g.quality, g.width, g.center_px, g.depth) for g in reply.grasps]


class PlannerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        rospy.wait_for_service("plan_grasp", 120)
        cls.call = rospy.ServiceProxy("plan_grasp", PlanGrasp)

    def ask(self, depth=DEPTH, **fields):
        head = header()
        request = {"depth_image": depth_message(depth, head), "camera_info": info_message(scenes.CAMERA, head)}
        return self.call(**{**request, **fields})

    def assert_refused(self, reply, reason):
        self.assertFalse(reply.success)
        self.assertEqual(reply.grasps, [])
        self.assertRegex(reply.message, reason)

    def test_grasps_come_best_first_in_the_frame_of_the_image(self):
        image = depth_message(DEPTH, header())
        reply = self.ask(depth_image=image)
        self.assertTrue(reply.success, reply.message)
        qualities = [g.quality for g in reply.grasps]
        self.assertEqual(qualities, sorted(qualities, reverse=True))
        for grasp in reply.grasps:
            self.assertEqual((grasp.header.frame_id, grasp.header.stamp), (FRAME, image.header.stamp))
            T = transform_from(grasp.pose)
            self.assertAlmostEqual(T[2, 3], grasp.depth)
            np.testing.assert_allclose(scenes.CAMERA.project(T[:3, 3]), grasp.center_px, atol=1e-3)
            u, v = np.round(grasp.center_px).astype(int)
            self.assertTrue(MASK[max(0, v - 25) : v + 25, max(0, u - 25) : u + 25].any(), "a grasp off the object")

    def test_counts_and_times_have_names(self):
        reply = self.ask()
        self.assertEqual(len(reply.count_names), len(reply.counts))
        self.assertEqual(len(reply.time_names), len(reply.times_ms))
        self.assertGreater(dict(zip(reply.count_names, reply.counts))["pairs"], 0)
        times = dict(zip(reply.time_names, reply.times_ms))
        self.assertGreaterEqual(times.pop("total"), sum(times.values()))

    def test_same_request_same_grasps_in_either_encoding(self):
        rounded = (np.round(1000 * DEPTH) / 1000).astype(np.float32)
        self.assertEqual(tuples(self.ask(rounded)), tuples(self.ask(rounded)))
        self.assertEqual(tuples(self.ask(rounded)), tuples(self.ask(depth_image=millimetres(rounded, header()))))

    def test_max_grasps(self):
        self.assertEqual(len(self.ask(max_grasps=1).grasps), 1)

    def test_mask_and_region_bound_where_grasps_lie(self):
        half = np.zeros(DEPTH.shape, bool)
        half[:, 160:] = True
        region = RegionOfInterest(x_offset=160, width=160, height=240)
        for fields in ({"mask": mask_message(half & (TWO < 0.69))}, {"roi": region}):
            reply = self.ask(TWO, **fields)
            self.assertTrue(reply.success, reply.message)
            self.assertGreaterEqual(min(g.center_px[0] for g in reply.grasps), 159)

    def test_what_is_known_of_the_scene_is_used(self):
        known = {"up": Vector3(0, 0, -1), "table": [0.0, 0.0, 1.0, 0.7], "near": 0.3, "far": 0.8}
        reply = self.ask(**known)
        self.assertTrue(reply.success, reply.message)
        self.assert_refused(self.ask(robot=mask_message(MASK)), "no grasp found")
        self.assert_refused(self.ask(far=0.5), "no depth lies between 0 and 0.5 m")
        self.assert_refused(self.ask(table=[0.0, 0.0, 1.0]), "table must be 4 finite numbers")
        self.assert_refused(self.ask(robot=mask_message(MASK[:-1])), "robot")

    def test_a_cloud_is_planned_in_like_its_image_in_its_frame(self):
        plain, organised = self.ask(), self.ask(depth_image=Image(), cloud=cloud_message(points_of(DEPTH), header()))
        self.assertTrue(organised.success, organised.message)
        self.assertEqual(tuples(organised), tuples(plain))
        T = turned(1)
        moved = cloud_message(transforms.apply(T, points_of(DEPTH).reshape(-1, 3).astype(float))[None], header())
        viewpoint = PointStamped(point=Point(*T[:3, 3]))
        loose = self.ask(depth_image=Image(), cloud=moved, viewpoint=viewpoint)
        self.assertTrue(loose.success, loose.message)
        down = transform_from(loose.grasps[0].pose)[:3, 2]
        np.testing.assert_allclose(down, T[:3, 2], atol=0.02)
        _, markers = self.shown(loose.header.stamp)
        palm = markers.markers[1].pose.position
        self.assertLess(np.linalg.norm(transform_from(loose.grasps[0].pose)[:3, 3] - [palm.x, palm.y, palm.z]), 0.2)
        told = cloud_message(points_of(DEPTH) + np.float32([0.3, 0, 0]), header())
        self.assert_refused(
            self.ask(depth_image=Image(), cloud=told, viewpoint=viewpoint), "not the pixels of a camera"
        )
        viewpoint.header.frame_id = "nowhere"
        self.assertEqual(self.ask(depth_image=Image(), cloud=moved, viewpoint=viewpoint).reason, "no transform")
        moved.data = moved.data[:-1]
        self.assert_refused(self.ask(depth_image=Image(), cloud=moved), "the cloud holds")

    def test_grasps_say_which_object_they_are_on(self):
        labels = labels_of(BOXES) * 100
        height, width = labels.shape
        message = Image(Header(), height, width, "16UC1", 0, 2 * width, labels.astype("<u2").tobytes())
        reply = self.ask(TWO, labels=message, per_object=2)
        self.assertEqual(sorted(g.label for g in reply.grasps), [100, 100, 200, 200])
        reply = self.ask(TWO, labels=message, targets=[200])
        self.assertEqual({g.label for g in reply.grasps}, {200})
        self.assert_refused(self.ask(TWO, labels=message, targets=[3]), "no pixel has the label 3")
        self.assert_refused(self.ask(TWO, targets=[3]), "no label image was given")
        message.encoding = "32FC1"
        self.assert_refused(self.ask(TWO, labels=message), "label image has encoding '32FC1'")

    def test_places_where_grasps_failed_are_avoided(self):
        first = self.ask(TWO).grasps[0]
        second = self.ask(TWO, avoid=[first])
        self.assertTrue(second.success, second.message)
        for grasp in second.grasps:
            x, y, _ = (transforms.invert(transform_from(first.pose)) @ transform_from(grasp.pose))[:3, 3]
            self.assertGreater(np.hypot(x, y), 0.02)
        self.assertIn("apart", second.count_names)
        first.kind = "suction"
        self.assertEqual(tuples(self.ask(TWO, avoid=[first])), tuples(self.ask(TWO)))
        first.kind = "tongs"
        self.assert_refused(self.ask(TWO, avoid=[first]), "the kind of a grasp to avoid must be 'jaws' or 'suction'")
        first.header.frame_id = "nowhere"
        first.kind = "jaws"
        self.assertEqual(self.ask(TWO, avoid=[first]).reason, "no transform")
        first.pose.orientation.w = float("nan")
        self.assert_refused(self.ask(TWO, avoid=[first]), "rigid")

    def test_several_views_meet_by_tf(self):
        poses = {FRAME: transforms.invert(scenes.overhead()), "side": transforms.invert(scenes.overhead(0.4))}
        edges = []
        for frame, T in poses.items():
            edge = TransformStamped(header=Header(frame_id="table"), child_frame_id=frame)
            pose = pose_message(T)
            edge.transform.translation, edge.transform.rotation = Vector3(*T[:3, 3]), pose.orientation
            edges.append(edge)
        tf2_ros.StaticTransformBroadcaster().sendTransform(edges)
        rospy.sleep(0.5)

        def view(frame="side", tilt=0.4, age=0.0):
            depth = scenes.render(BOXES, T_cam_table=scenes.overhead(tilt))[0]
            head = Header(stamp=rospy.Time.now() - rospy.Duration(age), frame_id=frame)
            return DepthView(depth_image=depth_message(depth, head), camera_info=info_message(scenes.CAMERA, head))

        reply = self.ask(TWO, views=[view()])
        self.assertTrue(reply.success, reply.message)
        self.assertEqual(reply.grasps[0].header.frame_id, FRAME)
        T = transform_from(reply.grasps[0].pose)
        np.testing.assert_allclose(scenes.CAMERA.project(T[:3, 3]), reply.grasps[0].center_px, atol=1e-3)
        self.assert_refused(self.ask(TWO, views=[view(tilt=0.5)]), r"view 2 disagrees with view 1 by \d+\.\d mm")
        self.assertEqual(self.ask(TWO, views=[view(frame="nowhere")]).reason, "no transform")
        stale = self.ask(TWO, views=[view(age=9.0)])
        self.assertEqual(stale.reason, "stale image")
        self.assertRegex(stale.message, r"view 2 is 9\.\d+ s from the first one; ~max_apart is 2 s")
        self.assert_refused(self.ask(TWO, views=[view()] * 8), "may have 7 further views, got 8")

    def test_a_cone_of_approaches_is_planned_or_refused_with_the_reason(self):
        axis = Vector3Stamped(Header(frame_id=FRAME), Vector3(0, 0.5, 1))
        reply = self.ask(approach_axis=axis, approach_angle=0.6)
        self.assertTrue(reply.success, reply.message)
        self.assertGreaterEqual(dict(zip(reply.count_names, reply.counts))["directions"], 28)
        away = Vector3Stamped(Header(frame_id=FRAME), Vector3(0, 0, -1))
        self.assert_refused(self.ask(approach_axis=away, approach_angle=0.5), "comes from below the support")
        self.assert_refused(self.ask(approach_angle=0.5), "needs an approach_axis")
        self.assert_refused(self.ask(approach_axis=axis, approach_angle=20.0), "0 to 1.5708 rad")
        unknown = self.ask(approach_axis=Vector3Stamped(Header(frame_id="nowhere"), axis.vector), approach_angle=0.5)
        self.assertEqual((unknown.success, unknown.reason), (False, "no transform"))

    def test_an_empty_table_is_no_grasp_with_a_reason(self):
        reply = self.ask(np.full(DEPTH.shape, 0.7, np.float32))
        self.assert_refused(reply, "no grasp found")
        self.assertEqual(dict(zip(reply.count_names, reply.counts))["pixels"], 0)

    def test_refusals_name_what_was_got(self):
        head = header()
        colour = depth_message(DEPTH, head)
        colour.encoding = "rgb8"
        short = depth_message(DEPTH, head)
        short.data = short.data[:-1]
        uncalibrated = info_message(scenes.CAMERA, head)
        uncalibrated.P = [0.0] * 12
        self.assert_refused(self.ask(depth_image=colour), "'rgb8'")
        self.assert_refused(self.ask(depth_image=short), "307199 bytes")
        self.assert_refused(self.ask(DEPTH[:-1]), "320 x 239")
        self.assert_refused(self.ask(np.zeros_like(DEPTH)), "no valid pixel")
        self.assert_refused(self.ask(np.full_like(DEPTH, np.nan)), "no valid pixel")
        self.assert_refused(self.ask(1000 * DEPTH), "millimetres")
        self.assert_refused(self.ask(camera_info=uncalibrated), "not calibrated")
        self.assert_refused(self.ask(camera_info=CameraInfo()), "not calibrated")
        self.assert_refused(self.ask(mask=mask_message(MASK[:-1])), "mask")
        self.assert_refused(self.ask(mask=mask_message(np.zeros_like(MASK))), "mask is empty")
        self.assert_refused(self.ask(roi=RegionOfInterest(x_offset=400, width=5, height=5)), "region 5 x 5")

    def test_subscribed_images_are_used_while_they_are_fresh(self):
        images = rospy.Publisher("depth/image_rect", Image, queue_size=1)
        infos = rospy.Publisher("depth/camera_info", CameraInfo, queue_size=1)
        while not (images.get_num_connections() and infos.get_num_connections()):
            rospy.sleep(0.05)

        def seen(age):
            head = header(age)
            infos.publish(info_message(scenes.CAMERA, head))
            images.publish(depth_message(DEPTH, head))
            rospy.sleep(0.2)
            return head, self.call()

        head, reply = seen(age=0.0)
        self.assertTrue(reply.success, reply.message)
        self.assertEqual(reply.header.stamp, head.stamp)
        self.assert_refused(seen(age=5.0)[1], r"newest depth image is 5\.\d+ s old; ~max_age is 0\.5 s")

    def test_what_was_planned_is_published(self):
        reply = self.ask()
        best = rospy.wait_for_message("planner/grasp", PoseStamped, 10)
        every = rospy.wait_for_message("planner/grasps", GraspArray, 10)
        self.assertEqual(best.pose, reply.grasps[0].pose)
        self.assertEqual(tuples(every), tuples(reply))
        overlay, markers = self.shown(reply.header.stamp)
        self.assertEqual((overlay.height, overlay.width, overlay.encoding), (*DEPTH.shape, "rgb8"))
        self.assertEqual(markers.markers[0].action, Marker.DELETEALL)
        self.assertEqual({m.ns for m in markers.markers[1:]}, {"gripper", "candidates"})

    def test_the_cloud_shows_what_was_taken_for_what(self):
        reply = self.ask()
        for _ in range(100):
            cloud = rospy.wait_for_message("planner/cloud", PointCloud2, 10)
            if cloud.header.stamp == reply.header.stamp:
                break
        points, colours = points_from(cloud), np.frombuffer(cloud.data, np.uint8).reshape(-1, 16)[:, 14:11:-1]
        best = reply.grasps[0].pose.position
        near = np.hypot(points[:, 0] - best.x, points[:, 1] - best.y) < 0.01
        blue = np.argmax(colours, axis=1) == 2
        self.assertEqual(cloud.header.frame_id, reply.header.frame_id)
        self.assertTrue(blue[near].all() and near.any(), "what is between the jaws was taken for graspable")
        self.assertLess(blue.mean(), 0.2)

    def shown(self, stamp):
        """Overlay and markers of the plan in the image of this stamp; they come after the reply."""
        for _ in range(100):
            overlay = rospy.wait_for_message("planner/overlay", Image, 10)
            if overlay.header.stamp == stamp:
                return overlay, rospy.wait_for_message("planner/markers", MarkerArray, 10)
            rospy.sleep(0.05)
        raise AssertionError(f"no overlay of the plan at {stamp}")


if __name__ == "__main__":
    rospy.init_node("rostest_planner")
    rostest.rosrun("antipodal", "planner_test", PlannerTest)
