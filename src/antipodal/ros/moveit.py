"""Grasps as MoveIt messages, and the service `plan_grasps` that MoveGroupInterface calls. Needs moveit_msgs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Sequence, Tuple, Union

import numpy as np
import rospy
from geometry_msgs.msg import PoseStamped, Quaternion, Vector3, Vector3Stamped
from moveit_msgs.msg import Grasp as MoveItGrasp
from moveit_msgs.msg import GripperTranslation, MoveItErrorCodes
from moveit_msgs.srv import GraspPlanning, GraspPlanningRequest, GraspPlanningResponse
from std_msgs.msg import Header
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from antipodal import msg
from antipodal.errors import InputError
from antipodal.files import options_from_dict
from antipodal.grasp import Gripper, Hand
from antipodal.ros.connection_limits import LimitedService
from antipodal.ros.messages import pose_message, transform_from, transform_from_parts
from antipodal.srv import PlanGraspRequest, PlanGraspResponse
from antipodal.suction_cup import SuctionCup, hand_mapping

MAX_REQUEST = 2**22  # bytes; the request holds no image
CODES = {
    "": 1,  # SUCCESS
    "no grasp": -1,  # PLANNING_FAILED
    "busy": -6,  # TIMED_OUT
    "too slow": -6,
    "no transform": -21,  # FRAME_TRANSFORM_FAILURE
    "stale image": -24,  # SENSOR_INFO_STALE
}
FAILURE = 99999


@dataclass(frozen=True)
class MoveItHand:
    """A gripper as MoveIt sees it: the `moveit` section of the gripper's YAML file."""

    joints: Tuple[str, ...] = ("finger_joint",)  # joints that open and close the gripper
    open: float = 0.0  # joint position at the gripper's max_width [rad or m]
    closed: float = 0.8  # joint position with the pads together [rad or m]
    link_position: Tuple[float, ...] = (0.0, 0.0, -0.15)  # end effector's parent link in the grasp frame: x, y, z [m]
    link_rotation: Tuple[float, ...] = (0.0, 0.0, 0.0, 1.0)  # its quaternion x, y, z, w
    approach: float = 0.10  # length of the straight approach and retreat [m]
    min_approach: float = 0.05  # shortest approach and retreat that will do [m]

    def __post_init__(self) -> None:
        if len(self.link_position) != 3 or len(self.link_rotation) != 4 or not any(self.link_rotation):
            raise InputError(f"moveit: link_position takes 3 values, link_rotation a quaternion's 4, got {self}")
        if not 0 < self.min_approach <= self.approach:
            raise InputError(f"moveit: min_approach must be in (0, approach], got {self.min_approach}, {self.approach}")

    @classmethod
    def load(cls, path: Union[str, Path]) -> MoveItHand:
        """The `moveit` section of a gripper's file; the defaults if it has none. Raises InputError."""
        return options_from_dict(cls, hand_mapping(Path(path)).get("moveit", {}), "moveit.")


def moveit_grasp(grasp: msg.Grasp, gripper: Hand, hand: MoveItHand) -> MoveItGrasp:
    """moveit_msgs/Grasp of an antipodal/Grasp, in the same frame; the pose is that of the end effector's link. A cup
    has no joints to move: its postures are empty."""
    T_grasp_link = transform_from_parts(Vector3(*hand.link_position), Quaternion(*hand.link_rotation))
    T_frame_grasp = transform_from(grasp.pose)
    approach = T_frame_grasp[:3, 2]
    return MoveItGrasp(
        id=f"antipodal_{grasp.center_px[0]:.0f}_{grasp.center_px[1]:.0f}_{grasp.angle:.2f}",
        **_postures(grasp.width, gripper, hand),
        grasp_pose=PoseStamped(grasp.header, pose_message(T_frame_grasp @ T_grasp_link)),
        grasp_quality=grasp.quality,
        pre_grasp_approach=_translation(approach, grasp.header, hand),
        post_grasp_retreat=_translation(-approach, grasp.header, hand),
        post_place_retreat=_translation(-approach, grasp.header, hand),
        max_contact_force=gripper.force,
    )


def _postures(width: float, gripper: Hand, hand: MoveItHand) -> Dict[str, JointTrajectory]:
    """Of the joints before and in the grasp; none of a cup's."""
    if isinstance(gripper, SuctionCup):
        return {}
    return {
        "pre_grasp_posture": _posture(hand, _joint_position(width, gripper, hand), 0.0),
        "grasp_posture": _posture(hand, hand.closed, gripper.force),
    }


class MoveItServer:
    """Serves `plan_grasps` (moveit_msgs/GraspPlanning): plans in the newest image. The request's target is ignored."""

    def __init__(self, plan: Callable[[PlanGraspRequest], PlanGraspResponse], hands: Sequence[Tuple[Hand, MoveItHand]]):
        """plan: the handler of plan_grasp. hands: those that it plans for, each as MoveIt sees it."""
        self._plan, self._hands = plan, {hand.name: (hand, seen) for hand, seen in hands}
        LimitedService("plan_grasps", GraspPlanning, self.handle, MAX_REQUEST)

    def handle(self, _: GraspPlanningRequest) -> GraspPlanningResponse:
        """The grasps, best first, or the error code of the refusal."""
        reply = self._plan(PlanGraspRequest())
        code = CODES.get(reply.reason, FAILURE)
        if code != 1:
            rospy.logwarn("plan_grasps: %s (error code %d)", reply.message, code)
        grasps = [moveit_grasp(g, *self._hands[g.hand]) for g in reply.grasps]
        return GraspPlanningResponse(grasps=grasps, error_code=MoveItErrorCodes(val=code))


def _joint_position(width: float, gripper: Gripper, hand: MoveItHand) -> float:
    """Joint position with the pads `width` apart [m], by linear interpolation."""
    return float(np.interp(width, [0, gripper.max_width], [hand.closed, hand.open]))


def _posture(hand: MoveItHand, position: float, effort: float) -> JointTrajectory:
    count = len(hand.joints)
    point = JointTrajectoryPoint(positions=[position] * count, effort=[effort] * count if effort else [])
    point.time_from_start = rospy.Duration(1)
    return JointTrajectory(joint_names=list(hand.joints), points=[point])


def _translation(direction: np.ndarray, header: Header, hand: MoveItHand) -> GripperTranslation:
    stamped = Vector3Stamped(Header(frame_id=header.frame_id), Vector3(*direction))
    return GripperTranslation(stamped, hand.approach, hand.min_approach)
