"""Plan with a camera of your own, from its intrinsics:   python examples/own_camera.py

The image must be rectified. The intrinsics are those of this image: halve an image and they halve too, which this
script shows. Wrong ones scale every grasp.
"""

from pathlib import Path

import numpy as np

from antipodal.camera import Camera
from antipodal.perception.depth_files import read_depth
from antipodal.perception.hints import SceneHints
from antipodal.planner import GraspPlanner

DATA = Path(__file__).parent / "data"


def main() -> None:
    depth = read_depth(DATA / "heap" / "top.png", scale=0.001)  # 16-bit millimetres become float32 metres, 0 = missing
    whole = Camera(fx=460.0, fy=460.0, cx=319.5, cy=239.5, width=640, height=480)
    half = Camera(whole.fx / 2, whole.fy / 2, (whole.cx - 0.5) / 2, (whole.cy - 0.5) / 2, 320, 240)
    planner = GraspPlanner.load("default")
    hints = SceneHints(up=(0.0, 0.0, -1.0), nearest=0.2, farthest=1.5)  # what is known of the scene
    for camera, image in ((whole, depth), (half, depth[::2, ::2])):
        best = planner.plan(np.ascontiguousarray(image), camera, hints=hints)[0]
        print(f"{camera.width} x {camera.height}: P = {best.quality:.2f} at {best.T_cam_grasp[:3, 3].round(3)} m")


if __name__ == "__main__":
    main()
