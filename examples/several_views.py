"""Plan in several views of one scene and take the best grasp, in one frame:   python examples/several_views.py

Each plan keeps clear of what its own view shows, and no more. `T_table_cam` is where the camera was, as tf or the arm's
kinematics say; it also tells each plan which way is up and where the table is.
"""

import json
from pathlib import Path
from typing import Iterator, Tuple

import numpy as np

from antipodal.errors import NoGraspFound
from antipodal.grasp import Grasp
from antipodal.perception.depth_files import read_with_camera
from antipodal.perception.hints import SceneHints
from antipodal.planner import GraspPlanner

DATA = Path(__file__).parent / "data"


def main() -> None:
    found = sorted(grasps(), key=lambda one: -one[1].quality)
    for name, grasp, T_table_grasp in found:
        print(f"{name}: P = {grasp.quality:.3f} at {T_table_grasp[:3, 3].round(3)} m in the table's frame")
    print(f"taken: the one of {found[0][0]}")


def grasps() -> Iterator[Tuple[str, Grasp, np.ndarray]]:
    """Of each view that has one: its name, its best grasp, and `T_table_grasp` (4, 4)."""
    planner = GraspPlanner.load("default")
    for name, pose in json.loads((DATA / "views.json").read_text()).items():
        T_table_cam = np.array(pose)
        depth, camera = read_with_camera(DATA / "heap" / name, DATA / "camera.json")
        try:
            best = planner.plan(depth, camera, hints=hints_of(T_table_cam))[0]
        except NoGraspFound as e:
            print(f"{name}: no grasp: {e}")
            continue
        yield name, best, T_table_cam @ best.T_cam_grasp


def hints_of(T_table_cam: np.ndarray) -> SceneHints:
    """Which way is up, and the table's plane z = 0, in the camera's frame."""
    up = T_table_cam[2, :3]  # the table's z axis in the camera's frame
    return SceneHints(up=up, table=(*up, -T_table_cam[2, 3]))


if __name__ == "__main__":
    main()
