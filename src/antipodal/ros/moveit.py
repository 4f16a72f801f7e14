"""Grasps as MoveIt's, and `plan_grasps`, the service that MoveGroupInterface calls. Only where moveit_msgs is there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Tuple, Union

import numpy as np
import rospy
import yaml
from geometry_msgs.msg import PoseStamped, Quaternion, Vector3, Vector3Stamped
from moveit_msgs.msg import Grasp as MoveItGrasp
from moveit_msgs.msg import GripperTranslation, MoveItErrorCodes
from moveit_msgs.srv import GraspPlanning, GraspPlanningRequest, GraspPlanningResponse
from std_msgs.msg import Header
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from antipodal import msg
from antipodal.errors import InputError
from antipodal.grasp import Gripper
from antipodal.options import options_from_dict
from antipodal.ros.connection_limits import GuardedService
from antipodal.ros.messages import pose_message, transform_from, transform_from_parts
from antipodal.srv import PlanGraspRequest, PlanGraspResponse

SMALL = 2**22  # bytes of a request; it holds no image
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
class Hand:
    """What MoveIt must know of a gripper: the `moveit` section of its YAML file."""

    joints: Tuple[str, ...] = ("finger_joint",)  # that open and close it
    open: float = 0.0  # their position at the gripper's max_width [rad or m]
    closed: float = 0.8  # and with the pads together
    link_position: Tuple[float, ...] = (0.0, 0.0, -0.15)  # end effector's parent link in the grasp frame: x, y, z [m]
    link_rotation: Tuple[float, ...] = (0.0, 0.0, 0.0, 1.0)  # and its quaternion x, y, z, w
    approach: float = 0.10  # straight way to the grasp, and back [m]
    min_approach: float = 0.05  # of which at least so much must be possible [m]

    def __post_init__(self) -> None:
        if len(self.link_position) != 3 or len(self.link_rotation) != 4 or not any(self.link_rotation):
            raise InputError(f"moveit: link_position takes 3 values, link_rotation a quaternion's 4, got {self}")
        if not 0 < self.min_approach <= self.approach:
            raise InputError(f"moveit: min_approach must be in (0, approach], got {self.min_approach}, {self.approach}")

    @classmethod
    def load(cls, path: Union[str, Path]) -> Hand:
        """The `moveit` section of a gripper's file, or the defaults where it has none. Raises InputError."""
        return options_from_dict(cls, (yaml.safe_load(Path(path).read_text()) or {}).get("moveit", {}), "moveit.")


def moveit_grasp(grasp: msg.Grasp, gripper: Gripper, hand: Hand) -> MoveItGrasp:
    """moveit_msgs/Grasp of an antipodal/Grasp, whose frame it keeps. The pose is that of the hand's parent link."""
    T_grasp_link = transform_from_parts(Vector3(*hand.link_position), Quaternion(*hand.link_rotation))
    T_frame_grasp = transform_from(grasp.pose)
    ahead = T_frame_grasp[:3, 2]
    return MoveItGrasp(
        id=f"antipodal_{grasp.center_px[0]:.0f}_{grasp.center_px[1]:.0f}_{grasp.angle:.2f}",
        pre_grasp_posture=_posture(hand, _joint_position(grasp.width, gripper, hand), 0.0),
        grasp_posture=_posture(hand, hand.closed, gripper.force),
        grasp_pose=PoseStamped(grasp.header, pose_message(T_frame_grasp @ T_grasp_link)),
        grasp_quality=grasp.quality,
        pre_grasp_approach=_translation(ahead, grasp.header, hand),
        post_grasp_retreat=_translation(-ahead, grasp.header, hand),
        post_place_retreat=_translation(-ahead, grasp.header, hand),
        max_contact_force=gripper.force,
    )


class MoveItServer:
    """Serves `plan_grasps` (moveit_msgs/GraspPlanning) with plans on the newest image; the target is not looked at."""

    def __init__(self, plan: Callable[[PlanGraspRequest], PlanGraspResponse], gripper: Gripper, hand: Hand):
        """plan: answers plan_grasp."""
        self._plan, self._gripper, self._hand = plan, gripper, hand
        GuardedService("plan_grasps", GraspPlanning, self.handle, SMALL)

    def handle(self, _: GraspPlanningRequest) -> GraspPlanningResponse:
        """The grasps, best first, or an error code that says why not."""
        reply = self._plan(PlanGraspRequest())
        code = CODES.get(reply.reason, FAILURE)
        if code != 1:
            rospy.logwarn("plan_grasps: %s (error code %d)", reply.message, code)
        grasps = [moveit_grasp(g, self._gripper, self._hand) for g in reply.grasps]
        return GraspPlanningResponse(grasps=grasps, error_code=MoveItErrorCodes(val=code))


def _joint_position(width: float, gripper: Gripper, hand: Hand) -> float:
    """Where the joints stand with the pads `width` apart [m], in proportion."""
    return float(np.interp(width, [0, gripper.max_width], [hand.closed, hand.open]))


def _posture(hand: Hand, position: float, effort: float) -> JointTrajectory:
    count = len(hand.joints)
    point = JointTrajectoryPoint(positions=[position] * count, effort=[effort] * count if effort else [])
    point.time_from_start = rospy.Duration(1)
    return JointTrajectory(joint_names=list(hand.joints), points=[point])


def _translation(direction: np.ndarray, header: Header, hand: Hand) -> GripperTranslation:
    stamped = Vector3Stamped(Header(frame_id=header.frame_id), Vector3(*direction))
    return GripperTranslation(stamped, hand.approach, hand.min_approach)
