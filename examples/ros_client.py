"""Ask the ROS node for a grasp and print where the hand goes:   python examples/ros_client.py

In a shell with a workspace: source env.sh, and in another roslaunch antipodal planner.launch with your camera's topics
(docs/robot.md). Exit code 0: a grasp, 1: none.
"""

import sys

try:
    import rospy

    from antipodal.ros.messages import transform_from
    from antipodal.srv import PlanGrasp
except ImportError as e:
    sys.exit(f"this needs ROS 1 and this package's messages: make setup, then source env.sh ({e})")

BACK_OFF = 0.10  # the hand comes from this far behind the grasp, along its approach [m]
PATIENCE = 10.0  # for the service [s]


def main() -> int:
    rospy.init_node("grasp_client", anonymous=True)
    try:
        rospy.wait_for_service("plan_grasp", PATIENCE)
        reply = rospy.ServiceProxy("plan_grasp", PlanGrasp)()  # plans in the newest image
    except (rospy.ROSException, rospy.ServiceException) as e:
        print(f"no planner: {e}")
        return 1
    if not reply.success:  # reply.reason is for programs: "busy" and "stale image" pass, so ask again
        print(f"{reply.reason}: {reply.message}")
        return 1
    best = reply.grasps[0]
    T_frame_grasp = transform_from(best.pose)
    before = T_frame_grasp[:3, 3] - BACK_OFF * T_frame_grasp[:3, 2]
    print(f"in {best.header.frame_id}: open to {1e3 * best.width:.0f} mm, P = {best.quality:.2f}")
    print(f"move to {before.round(3)}, straight on to {T_frame_grasp[:3, 3].round(3)} m, close, lift")
    return 0


if __name__ == "__main__":
    sys.exit(main())
