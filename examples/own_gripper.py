"""Plan for a gripper of your own, from its lengths:   python examples/own_gripper.py

Every length counts: jaws and palm are boxes that must clear what the camera saw. `antipodal view --hand hand.urdf`
measures them on a mesh or URDF.
"""

from dataclasses import fields
from pathlib import Path

import yaml

from antipodal.errors import NoGraspFound
from antipodal.grasp import Gripper
from antipodal.perception.depth_files import read_with_camera
from antipodal.planner import GraspPlanner

DATA = Path(__file__).parent / "data"
FILE = Path("out/my_gripper.yaml")


def main() -> None:
    mine = Gripper(
        name="my_gripper",
        max_width=0.060,  # widest opening [m]
        jaw_thickness=0.008,
        jaw_width=0.016,
        jaw_length=0.045,  # from the palm's face to the tips
        pad_length=0.020,
        palm_size=(0.05, 0.09),
        force=20.0,  # [N], of the simulated cell
    )
    FILE.parent.mkdir(parents=True, exist_ok=True)
    values = {f.name: getattr(mine, f.name) for f in fields(mine)}
    FILE.write_text(yaml.safe_dump({**values, "palm_size": list(mine.palm_size)}))  # for the commands and the node
    depth, camera = read_with_camera(DATA / "heap" / "top.png", DATA / "camera.json")
    for gripper in (Gripper.load(FILE), Gripper.load("robotiq_2f140")):
        try:
            plan = GraspPlanner.load("default", gripper).plan(depth, camera)
            print(f"{gripper.name}: {len(plan)} grasps, the best with the jaws {1e3 * plan[0].width:.0f} mm open")
        except NoGraspFound as e:
            print(f"{gripper.name}: no grasp: {e}")


if __name__ == "__main__":
    main()
