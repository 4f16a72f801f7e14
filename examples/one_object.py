"""Grasp one object out of many:   python examples/one_object.py

A mask says what may be grasped: of a detector, a segmentation network, or a click. All else in the image stays an
obstacle. A region says where the grasp's centre must lie, and leaves it to the planner what is an object there.
"""

from pathlib import Path

from antipodal.errors import NoGraspFound
from antipodal.perception.depth_files import read_mask, read_with_camera
from antipodal.planner import GraspPlanner

DATA = Path(__file__).parent / "data"


def main() -> None:
    depth, camera = read_with_camera(DATA / "heap" / "top.png", DATA / "camera.json")
    labels = read_mask(DATA / "labels.png")  # (H, W): 0 = table, 1, 2, ... = objects; put your masks here
    planner = GraspPlanner.load("default")
    for label in range(1, labels.max() + 1):
        try:
            best = planner.plan(depth, camera, mask=labels == label)[0]
            print(f"object {label}: P = {best.quality:.2f} at pixel ({best.center_px[0]:.0f}, {best.center_px[1]:.0f})")
        except NoGraspFound as e:
            print(f"object {label}: no grasp: {e}")
    window = (300, 140, 80, 100)  # u, v of the corner, width, height [px]
    best = planner.plan(depth, camera, region=window)[0]
    print(f"in the window {window}: P = {best.quality:.2f} at pixel {tuple(round(c) for c in best.center_px)}")


if __name__ == "__main__":
    main()
