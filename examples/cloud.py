"""Plan in a point cloud that any sensor made:   python examples/cloud.py

A cloud becomes a depth image: each pixel keeps the nearest of its points. The camera may be made up; put its pixels
about as far apart as the points are. `antipodal plan cloud.ply --camera camera.json` does the same with a file.
"""

from pathlib import Path

import numpy as np

from antipodal.camera import Camera
from antipodal.perception.depth_files import read_with_camera
from antipodal.perception.hints import SceneHints
from antipodal.planner import GraspPlanner

DATA = Path(__file__).parent / "data"


def main() -> None:
    points = some_cloud()
    camera = Camera.from_field_of_view(60.0, 480, 360)
    depth = seen(points, camera)
    up = (0.0, 0.0, -1.0)  # the sensor looks straight down
    best = GraspPlanner.load("default").plan(depth, camera, hints=SceneHints(up=up))[0]
    print(f"{len(points)} points; the best grasp lies at {best.T_cam_grasp[:3, 3].round(3)} m, P = {best.quality:.2f}")


def some_cloud() -> np.ndarray:
    """Points (N, 3) [m] in the sensor's frame, x right, y down, z forward: put your own here."""
    depth, camera = read_with_camera(DATA / "heap" / "top.png", DATA / "camera.json")
    v, u = np.nonzero(depth)
    return camera.deproject(np.stack([u, v], axis=-1), depth[v, u])


def seen(points: np.ndarray, camera: Camera) -> np.ndarray:
    """The depth image (H, W) float32 [m] of points (N, 3) [m] in front of the camera; 0 = no point."""
    u, v = np.rint(camera.project(points)).astype(int).T
    inside = (points[:, 2] > 0) & (u >= 0) & (u < camera.width) & (v >= 0) & (v < camera.height)
    depth = np.full((camera.height, camera.width), np.inf, np.float32)
    np.minimum.at(depth, (v[inside], u[inside]), points[inside, 2])
    return np.where(np.isfinite(depth), depth, 0)


if __name__ == "__main__":
    main()
