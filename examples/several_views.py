"""Plan in several views of one scene as in one, in one frame:   python examples/several_views.py

What one camera hides another may show, so the hand keeps clear of more, and more grasps are found. The poses are those
of the optical frames, as tf or the arm's kinematics say; views that disagree about where things are get refused.
"""

import json
from pathlib import Path

import numpy as np

from antipodal.perception.depth_files import read_with_camera
from antipodal.perception.hints import FrameHints
from antipodal.planner import GraspPlanner

DATA = Path(__file__).parent / "data"
HINTS = FrameHints(up=(0.0, 0.0, 1.0), table=(0.0, 0.0, 1.0, 0.0))  # of the poses' frame: the table is z = 0


def main() -> None:
    views = [
        (*read_with_camera(DATA / "heap" / name, DATA / "camera.json"), np.array(T_table_cam))
        for name, T_table_cam in json.loads((DATA / "views.json").read_text()).items()
    ]
    planner = GraspPlanner.load("default")
    for some in (views[:1], views):
        plan = planner.plan_views(some, hints=HINTS)
        best, pixels = plan[0], plan.counts["pixels"]
        place = best.T_cam_grasp[:3, 3].round(3)  # in the table's frame
        print(f"{len(some)} views: {pixels} graspable pixels, P = {best.quality:.3f} at {place} m in the table's frame")


if __name__ == "__main__":
    main()
