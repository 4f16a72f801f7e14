"""Plan in a point cloud that any sensor made, in the cloud's own frame:   python examples/cloud.py

`antipodal plan cloud.pcd --viewpoint X Y Z --up 0 0 1` does the same with a file.
"""

import json
from pathlib import Path

import numpy as np

from antipodal import transforms
from antipodal.perception.depth_files import read_with_camera
from antipodal.perception.hints import FrameHints
from antipodal.planner import GraspPlanner

DATA = Path(__file__).parent / "data"


def main() -> None:
    points, viewpoint = a_cloud()
    planner = GraspPlanner.load("default")
    plan = planner.plan_cloud(points, viewpoint, hints=FrameHints(up=(0.0, 0.0, 1.0)))
    best = plan[0]  # its pose is in the cloud's frame
    print(f"{len(points)} points; the best grasp lies at {best.T_cam_grasp[:3, 3].round(3)} m, P = {best.quality:.2f}")


def a_cloud():
    """Points (N, 3) [m] in a frame on the table, z up, and where the sensor stood in it: put your own here."""
    T_table_cam = np.array(json.loads((DATA / "views.json").read_text())["top.png"])
    depth, camera = read_with_camera(DATA / "heap" / "top.png", DATA / "camera.json")
    v, u = np.nonzero(depth)
    seen = camera.deproject(np.stack([u, v], axis=-1), depth[v, u])
    return transforms.apply(T_table_cam, seen), T_table_cam[:3, 3]


if __name__ == "__main__":
    main()
