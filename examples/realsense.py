"""Plan in the live image of a RealSense, without ROS:   python examples/realsense.py

Needs pyrealsense2. Exit code 0: a grasp, 1: none, 2: no library or camera.
"""

import sys

import numpy as np

from antipodal.camera import Camera
from antipodal.errors import NoGraspFound
from antipodal.perception.hints import SceneHints
from antipodal.planner import GraspPlanner

SIZE, RATE = (848, 480), 30
SETTLING = 30  # images until the exposure has settled


def main() -> int:
    try:
        import pyrealsense2 as rs
    except ImportError as e:  # without libusb too
        print(f"this needs pyrealsense2: pip install pyrealsense2 ({e})")
        return 2
    pipeline, wanted = rs.pipeline(), rs.config()
    wanted.enable_stream(rs.stream.depth, *SIZE, rs.format.z16, RATE)
    try:
        profile = pipeline.start(wanted)
    except RuntimeError as e:
        print(f"no RealSense: {e}")
        return 2
    try:
        unit = profile.get_device().first_depth_sensor().get_depth_scale()  # metres a unit, 0.001 for most
        for _ in range(SETTLING):
            frame = pipeline.wait_for_frames().get_depth_frame()
        depth = np.asanyarray(frame.get_data()).astype(np.float32) * unit
        camera = camera_of(frame.profile.as_video_stream_profile().get_intrinsics())
    finally:
        pipeline.stop()
    try:
        best = GraspPlanner.load("default").plan(depth, camera, hints=SceneHints(nearest=0.15, farthest=1.5))[0]
    except NoGraspFound as e:
        print(f"no grasp: {e}")
        return 1
    print(f"P = {best.quality:.2f}, open to {1e3 * best.width:.0f} mm at\n{best.T_cam_grasp.round(3)}")
    return 0


def camera_of(lens) -> Camera:
    """The camera of an rs.intrinsics. The depth image of a D400 is rectified: its coefficients are zero."""
    return Camera(lens.fx, lens.fy, lens.ppx, lens.ppy, lens.width, lens.height)


if __name__ == "__main__":
    sys.exit(main())
