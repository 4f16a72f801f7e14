#!/usr/bin/env python3
"""Parameters that change while the node plans, by dynamic_reconfigure's own client: see live.test."""

import sys
import threading
import unittest
from pathlib import Path

import rospy
import rostest
from dynamic_reconfigure.client import Client
from dynamic_reconfigure.msg import Config, DoubleParameter
from dynamic_reconfigure.srv import Reconfigure
from std_msgs.msg import Header

from antipodal.ros.cell import depth_message, info_message
from antipodal.srv import PlanGrasp

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import scenes

DEPTH, _ = scenes.render([scenes.box((-0.08, 0.0), (0.08, 0.03, 0.04)), scenes.box((0.08, 0.0), (0.08, 0.03, 0.04))])
FRAME = "camera_depth_optical_frame"


class LiveTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        rospy.wait_for_service("plan_grasp", 120)
        cls.plan = rospy.ServiceProxy("plan_grasp", PlanGrasp)
        cls.client = Client("planner", timeout=30)
        cls.started = cls.client.get_configuration()

    def tearDown(self):
        self.set(**{name: self.started[name] for name in ("max_grasps", "max_age", "min_quality", "workspace_low_x")})

    def set(self, **values):
        return self.client.update_configuration(values)

    def ask(self, **fields):
        head = Header(stamp=rospy.Time.now(), frame_id=FRAME)
        return self.plan(
            depth_image=depth_message(DEPTH, head), camera_info=info_message(scenes.CAMERA, head), **fields
        )

    def test_the_next_plan_has_the_new_values(self):
        all_of_them = self.ask().grasps
        self.set(max_grasps=2)
        self.assertEqual(len(self.ask().grasps), 2)
        least = (all_of_them[0].quality + all_of_them[-1].quality) / 2
        self.set(max_grasps=10, min_quality=least)
        likely = self.ask().grasps
        self.assertTrue(0 < len(likely) < len(all_of_them))
        self.assertGreaterEqual(min(g.quality for g in likely), least)
        self.set(min_quality=self.started["min_quality"])
        self.assertEqual([g.pose for g in self.ask().grasps], [g.pose for g in all_of_them], "no trace is left")

    def test_the_workspace_moves(self):
        for edge, side in ((-1.0, {-1, 1}), (0.0, {1})):
            self.set(workspace_low_x=edge)
            self.assertEqual({1 if g.pose.position.x > 0 else -1 for g in self.ask().grasps}, side)

    def test_clearance_is_kept_as_told(self):
        lowest = max(g.pose.position.z for g in self.ask(max_grasps=200).grasps)
        self.set(clearance_table=0.026, clearance_table_wanted=0.026)
        highest = max(g.pose.position.z for g in self.ask(max_grasps=200).grasps)
        self.set(**{name: self.started[name] for name in ("clearance_table", "clearance_table_wanted")})
        self.assertLess(highest, lowest)
        self.assertLess(highest, scenes.HEIGHT - 0.026 + 0.001)

    def test_what_cannot_be_is_refused_and_changes_nothing(self):
        raw = rospy.ServiceProxy("planner/set_parameters", Reconfigure)
        for name, value, said in (
            ("min_quality", 1.5, r"min_quality must be a number from 0 to 0\.999, got 1\.5"),
            ("max_age", -1.0, r"max_age must be a number from 0\.001"),
            ("max_ag", 1.0, "no parameter max_ag can be changed while the node runs; possible: max_grasps, max_age"),
            ("workspace_low_x", 2.0, "low must be below high"),
        ):
            changes = Config(doubles=[DoubleParameter("min_quality", 0.25), DoubleParameter(name, value)])
            with self.assertRaisesRegex(rospy.ServiceException, said):
                raw(changes)
        now = {p.name: p.value for p in raw(Config()).config.doubles}
        self.assertEqual(now, {name: self.started[name] for name in now})

    def test_a_respawned_node_would_find_the_new_values(self):
        self.set(max_age=1.25, min_quality=0.125, workspace_low_x=-0.5)
        self.assertEqual(rospy.get_param("planner/max_age"), 1.25)
        self.assertEqual(rospy.get_param("planner/options/min_quality"), 0.125)
        self.assertEqual(rospy.get_param("planner/workspace/low"), [-0.5, -1.0, 0.1])

    def test_no_plan_sees_half_a_change(self):
        """Both values change at once, so a plan has either both or neither."""
        seen, stop = set(), threading.Event()

        def ask():
            while not stop.is_set():
                reply = self.ask()
                seen.add((len(reply.grasps), {g.pose.position.x > 0 for g in reply.grasps} == {True}))

        planning = threading.Thread(target=ask)
        planning.start()
        for _ in range(5):
            self.set(max_grasps=1, workspace_low_x=0.0)
            self.set(max_grasps=2, workspace_low_x=-1.0)
        stop.set()
        planning.join()
        self.assertTrue(all(right for count, right in seen if count == 1), seen)
        self.assertLessEqual({count for count, _ in seen}, {1, 2, 10})


if __name__ == "__main__":
    rospy.init_node("rostest_live")
    rostest.rosrun("antipodal", "live_test", LiveTest)
