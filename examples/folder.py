"""Plan in every depth image of a folder and write a table:   python examples/folder.py [FOLDER CAMERA]

The planner is loaded once; a plan then takes tens of milliseconds. An image without a grasp is a row with its reason.
"""

import csv
import sys
from pathlib import Path

from antipodal.errors import AntipodalError
from antipodal.perception.depth_files import read_with_camera
from antipodal.planner import GraspPlanner

DATA = Path(__file__).parent / "data"
TABLE = Path("out/folder.csv")


def main() -> None:
    folder, camera_file = map(Path, sys.argv[1:] or (DATA / "heap", DATA / "camera.json"))
    planner = GraspPlanner.load("default")
    rows = [plan_in(planner, path, camera_file) for path in sorted(folder.iterdir())]
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["image", "quality", "x", "y", "z", "width", "reason"])
        writer.writeheader()
        writer.writerows(rows)
    print(f"{sum('quality' in row for row in rows)} of {len(rows)} images have a grasp; {TABLE} lists them")


def plan_in(planner: GraspPlanner, path: Path, camera_file: Path) -> dict:
    """The row of an image: its best grasp in the camera's frame [m], or why there is none."""
    try:
        best = planner.plan(*read_with_camera(path, camera_file))[0]
    except AntipodalError as e:  # no grasp, or a file that is no depth image
        return {"image": path.name, "reason": str(e)}
    x, y, z = best.T_cam_grasp[:3, 3].round(4)
    return {"image": path.name, "quality": round(best.quality, 3), "x": x, "y": y, "z": z, "width": best.width}


if __name__ == "__main__":
    main()
