"""Grasp one object out of many:   python examples/one_object.py

A label image says which object each pixel shows, as a detector or a segmentation network does; all but the target stay
obstacles. A mask does the same for one object. A region says where the grasp's centre must lie, and leaves it to the
planner what is an object there.
"""

from pathlib import Path

from antipodal.errors import NoGraspFound
from antipodal.perception.depth_files import read_mask, read_with_camera
from antipodal.planner import GraspPlanner

DATA = Path(__file__).parent / "data"


def main() -> None:
    depth, camera = read_with_camera(DATA / "heap" / "top.png", DATA / "camera.json")
    labels = read_mask(DATA / "labels.png")  # (H, W): 0 = table, 1, 2, ... = objects; put your own here
    planner = GraspPlanner.load("default")
    for target in range(1, labels.max() + 1):
        try:
            best = planner.plan(depth, camera, labels=labels, targets=[target])[0]
            u, v = best.center_px
            print(f"object {best.label}: P = {best.quality:.2f} at pixel ({u:.0f}, {v:.0f})")
        except NoGraspFound as e:
            print(f"object {target}: no grasp: {e}")
    window = (300, 140, 80, 100)  # u, v of the corner, width, height [px]
    best = planner.plan(depth, camera, region=window)[0]
    print(f"in the window {window}: P = {best.quality:.2f} at pixel {tuple(round(c) for c in best.center_px)}")


if __name__ == "__main__":
    main()
