"""Plan in one depth image, print the best grasp, draw all of them:   python examples/one_image.py [DEPTH CAMERA]"""

import sys
from pathlib import Path

from antipodal.errors import NoGraspFound
from antipodal.grasp import Gripper
from antipodal.grasping import draw
from antipodal.perception.depth_files import read_with_camera
from antipodal.planner import GraspPlanner

DATA = Path(__file__).parent / "data"
PICTURE = Path("out/one_image.png")


def main() -> int:
    depth_file, camera_file = sys.argv[1:] or (DATA / "heap" / "top.png", DATA / "camera.json")
    depth, camera = read_with_camera(Path(depth_file), camera_file, tell=print)  # depth: (H, W) float32 [m]
    planner = GraspPlanner.load("default", Gripper.load("robotiq_2f85"))
    try:
        plan = planner.plan(depth, camera)
    except NoGraspFound as e:
        print(f"no grasp: {e}")
        return 1
    best = plan[0]
    print(f"{len(plan)} grasps; the best holds with P = {best.quality:.2f}, jaws {1e3 * best.width:.0f} mm open, at")
    print(best.T_cam_grasp.round(3))  # camera's optical frame; z = approach, y = closing axis [m]
    draw.write_png(PICTURE, draw.overlay(depth, camera, plan, planner.gripper, plan.candidates, plan.scene))
    print(f"drawn in {PICTURE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
