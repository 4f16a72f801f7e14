"""Makes the images beside this file: heap/, a heap of made-up objects in the simulated cell, seen from three sides.

    python examples/data/make.py

Needs the extras sim and synth. Depth is in whole millimetres, without further noise; views.json holds `T_table_cam` of
each image: the pose of the camera in a frame on the table whose z points up.
"""

from pathlib import Path

import cv2
import numpy as np

from antipodal.camera import Camera
from antipodal.files import write_json
from antipodal.grasp import Gripper
from antipodal.sim.cell import Cell, overhead
from antipodal.sim.objects import body_from_mesh
from antipodal.synth.objects.procedural import procedural

HERE = Path(__file__).parent
CAMERA = Camera(460.0, 460.0, 319.5, 239.5, 640, 480)
POSES = {  # height of the camera [m], its tilt and azimuth [rad]
    "top.png": overhead(0.55),
    "left.png": overhead(0.60, 0.6, 0.3),
    "right.png": overhead(0.60, 0.6, 2.4),
}
OBJECTS, SEED = (1, 4, 8, 10, 13), 7


def main() -> None:
    cell = Cell(Gripper.load("robotiq_2f85"), CAMERA)
    bodies = [body_from_mesh(str(i), procedural(i, SEED)) for i in OBJECTS]
    cell.drop(bodies, np.random.default_rng(SEED))
    for name, T_table_cam in POSES.items():
        cell.T_world_cam = T_table_cam
        cv2.imwrite(str(HERE / "heap" / name), np.round(1000 * cell.render()).astype(np.uint16))
        if name == "top.png":  # which pixels show which object: 0 = none, 1 and so on
            cv2.imwrite(str(HERE / "labels.png"), (cell.labels() + 1).astype(np.uint8))
    write_json(HERE / "camera.json", CAMERA.to_dict())
    write_json(HERE / "views.json", {name: T.tolist() for name, T in POSES.items()})


if __name__ == "__main__":
    main()
