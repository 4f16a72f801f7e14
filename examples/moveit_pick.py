"""Pick with MoveIt and a Franka hand:   python examples/moveit_pick.py

Needs moveit_commander and the robot's move_group. Start the planner so that grasps come in the arm's base frame:
    roslaunch antipodal planner.launch gripper:=franka_hand target_frame:=panda_link0 up_frame:=panda_link0 ...
docs/franka.md explains each step. Nothing here has moved a real robot: put the table into MoveIt's scene, go slowly,
with a hand on the stop. Exit code 0: the moves were made, 1: not.
"""

import sys
from inspect import signature

import numpy as np

try:
    import rospy

    from antipodal import transforms
    from antipodal.ros.messages import pose_message, transform_from
    from antipodal.srv import PlanGrasp
except ImportError as e:
    sys.exit(f"this needs ROS 1 and this package's messages: make setup, then source env.sh ({e})")

T_GRASP_HAND = transforms.compose(np.eye(3), np.array([0.0, 0.0, -0.1034]))  # panda_hand, between the fingertips
BACK_OFF, LIFT, STEP = 0.10, 0.04, 0.005  # [m]
SPEED = 0.1  # share of the arm's own


def main() -> int:
    try:
        from moveit_commander import MoveGroupCommander
    except ImportError:
        print("this needs moveit_commander: apt-get install ros-noetic-moveit-commander")
        return 1
    rospy.init_node("moveit_pick")
    arm, hand = MoveGroupCommander("panda_arm"), MoveGroupCommander("panda_hand")
    arm.set_end_effector_link("panda_hand")  # not panda_link8, which is turned by 45 degrees against it
    arm.set_max_velocity_scaling_factor(SPEED)
    rospy.wait_for_service("plan_grasp", 30.0)
    reply = rospy.ServiceProxy("plan_grasp", PlanGrasp)()
    if not reply.success:
        print(f"{reply.reason}: {reply.message}")
        return 1
    for grasp in reply.grasps:  # best first; not every one is within reach
        if pick(arm, hand, transform_from(grasp.pose), grasp.width):
            return 0
    print(f"none of {len(reply.grasps)} grasps was within reach")
    return 1


def pick(arm, hand, T_base_grasp: np.ndarray, width: float) -> bool:
    """Open, approach, close, lift a little, go back the way it came: from a shelf nothing can be lifted far. False, and
    nothing has closed, where the arm finds no way."""
    before, at = goals(T_base_grasp)
    hand.go([width / 2, width / 2], wait=True)  # each finger's joint moves half the opening
    arm.set_pose_target(pose_message(before))
    if not arm.go(wait=True) or not straight(arm, at):
        return False
    hand.go([0.0, 0.0], wait=True)  # a controller that stops at contact reports failure here: the object is between
    for way in (at, before):
        way[2, 3] += LIFT
    return straight(arm, at) and straight(arm, before)


def goals(T_base_grasp: np.ndarray):
    """Poses (4, 4) of panda_hand in the base's frame: BACK_OFF before the grasp along its approach, and at it."""
    at = T_base_grasp @ T_GRASP_HAND
    before = at.copy()
    before[:3, 3] -= BACK_OFF * at[:3, 2]
    return before, at


def straight(arm, goal: np.ndarray) -> bool:
    """Move panda_hand along a line; False, without moving, where the line is not free from end to end."""
    old = "jump_threshold" in signature(arm.compute_cartesian_path).parameters  # as MoveIt had it for long
    path, share = arm.compute_cartesian_path([pose_message(goal)], STEP, **({"jump_threshold": 0.0} if old else {}))
    return share == 1.0 and arm.execute(path, wait=True)


if __name__ == "__main__":
    sys.exit(main())
