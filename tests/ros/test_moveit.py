"""ros.moveit: grasps as MoveIt takes them. Runs where moveit_msgs is importable."""

import numpy as np
import pytest
from conftest import REPO, ros_or_skip

ros_or_skip()
pytest.importorskip("moveit_msgs.srv")

from moveit_msgs.srv import GraspPlanningRequest
from std_msgs.msg import Header

from antipodal import msg, transforms
from antipodal.errors import InputError
from antipodal.grasp import Gripper
from antipodal.ros import moveit
from antipodal.ros.messages import pose_message, transform_from
from antipodal.ros.moveit import MoveItHand, MoveItServer, moveit_grasp
from antipodal.srv import PlanGraspResponse
from antipodal.suction_cup import SuctionCup

T_CAM_GRASP = transforms.compose(transforms.about_z(np.array(0.4))[:3, :3], np.array([0.1, 0.2, 0.6]))
GRASP = msg.Grasp(
    Header(frame_id="camera"), pose_message(T_CAM_GRASP), 0.0425, 0.9, [10.0, 20.0], 0.4, 0.6, 0, Gripper().name, "jaws"
)


def test_the_link_stands_behind_the_grasp_along_its_approach():
    grasp = moveit_grasp(GRASP, Gripper(), MoveItHand(link_position=(0.0, 0.0, -0.16)))
    T_cam_link = transform_from(grasp.grasp_pose.pose)
    np.testing.assert_allclose(T_cam_link[:3, 3], T_CAM_GRASP[:3, 3] - 0.16 * T_CAM_GRASP[:3, 2])
    np.testing.assert_allclose(T_cam_link[:3, :3], T_CAM_GRASP[:3, :3], atol=1e-9)
    assert (grasp.grasp_pose.header.frame_id, grasp.grasp_quality) == ("camera", 0.9)


def test_it_approaches_along_the_grasps_z_and_leaves_the_same_way():
    grasp = moveit_grasp(GRASP, Gripper(), MoveItHand(approach=0.2, min_approach=0.1))
    there, back = grasp.pre_grasp_approach, grasp.post_grasp_retreat
    d = there.direction.vector
    np.testing.assert_allclose([d.x, d.y, d.z], T_CAM_GRASP[:3, 2])
    assert back.direction.vector.z == -d.z and there.direction.header.frame_id == "camera"
    assert (there.desired_distance, there.min_distance) == (0.2, 0.1)


def test_a_tilted_grasp_is_approached_and_left_along_its_own_axis():
    tilt = np.array([[1, 0, 0], [0, 0.6, -0.8], [0, 0.8, 0.6]])
    T = transforms.compose(tilt @ T_CAM_GRASP[:3, :3], np.array([0.1, 0.2, 0.6]))
    tilted = msg.Grasp(Header(frame_id="base"), pose_message(T), 0.0425, 0.9, [10.0, 20.0], 0.4, 0.6, 0, "", "jaws")
    grasp = moveit_grasp(tilted, Gripper(), MoveItHand(link_position=(0.0, 0.0, -0.16)))
    np.testing.assert_allclose(transform_from(grasp.grasp_pose.pose)[:3, 3], T[:3, 3] - 0.16 * T[:3, 2], atol=1e-9)
    for sign, way in ((1, grasp.pre_grasp_approach), (-1, grasp.post_grasp_retreat), (-1, grasp.post_place_retreat)):
        v = way.direction.vector
        np.testing.assert_allclose([v.x, v.y, v.z], sign * np.array([0, -0.8, 0.6]), atol=1e-9)


def test_a_cup_has_no_joints_and_its_force_is_its_pull():
    cup = SuctionCup("cup", 0.010, 0.030, 0.006, 300.0, 12.0, 0.5, (0.05, 0.04, 0.1))
    grasp = moveit_grasp(GRASP, cup, MoveItHand())
    assert not grasp.pre_grasp_posture.joint_names and not grasp.grasp_posture.points
    assert grasp.max_contact_force == 12.0


def test_joints_stand_in_proportion_to_the_opening():
    hand = MoveItHand(("a", "b"), open=0.04, closed=0.0)
    grasp = moveit_grasp(GRASP, Gripper(max_width=0.085, force=70.0), hand)
    before, after = grasp.pre_grasp_posture.points[0], grasp.grasp_posture.points[0]
    assert before.positions == pytest.approx([0.02, 0.02]) and after.positions == [0.0, 0.0]
    assert grasp.grasp_posture.joint_names == ["a", "b"] and after.effort == [70.0, 70.0]


@pytest.mark.parametrize("reason, code", [("", 1), ("no grasp", -1), ("stale image", -24), ("bad input", 99999)])
def test_error_codes(monkeypatch, reason, code):
    monkeypatch.setattr(moveit, "LimitedService", lambda *_: None)
    reply = PlanGraspResponse(reason=reason, grasps=[] if reason else [GRASP, GRASP])
    answer = MoveItServer(lambda _: reply, [(Gripper(), MoveItHand())]).handle(GraspPlanningRequest())
    assert answer.error_code.val == code and len(answer.grasps) == len(reply.grasps)


def test_the_hand_of_a_grippers_file():
    assert MoveItHand.load(REPO / "config/grippers/franka_hand.yaml").joints == (
        "panda_finger_joint1",
        "panda_finger_joint2",
    )
    assert MoveItHand.load(REPO / "config/grippers/wsg50.yaml") == MoveItHand()
    for wrong in ({"link_position": (0.0,)}, {"link_rotation": (0.0,) * 4}, {"min_approach": 0.3}):
        with pytest.raises(InputError, match="moveit"):
            MoveItHand(**wrong)


@pytest.mark.parametrize("text", ["- 1", "moveit: 3", "[" * 100_000, "{"])
def test_a_file_without_a_hand_is_refused(tmp_path, text):
    (tmp_path / "hand.yaml").write_text(text)
    with pytest.raises(InputError, match=r"mapping|cannot read"):
        MoveItHand.load(tmp_path / "hand.yaml")
