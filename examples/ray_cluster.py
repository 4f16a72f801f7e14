"""Plan in many images on a Ray cluster:   python examples/ray_cluster.py [FOLDER CAMERA]

Needs Ray, and this package on every node. Without a cluster it starts one on this computer; RAY_ADDRESS names another.
`antipodal generate --ray auto` makes training data in the same way.
"""

import sys
from pathlib import Path

from antipodal.errors import AntipodalError
from antipodal.perception.depth_files import read_with_camera
from antipodal.planner import GraspPlanner

DATA = Path(__file__).parent / "data"
PLANNERS = 2  # each takes a core


class Planner:
    """Loads the network once, then plans in whatever image comes."""

    def __init__(self) -> None:
        self.planner = GraspPlanner.load("default", device="cpu")

    def plan(self, depth, camera) -> str:
        try:
            best = self.planner.plan(depth, camera)[0]
            return f"P = {best.quality:.2f} at {best.T_cam_grasp[:3, 3].round(3)} m"
        except AntipodalError as e:
            return str(e)


def main() -> int:
    try:
        import ray
        from ray.util import ActorPool
    except ImportError:
        print("this needs Ray: pip install 'antipodal[ray]'")
        return 2
    folder, camera_file = map(Path, sys.argv[1:] or (DATA / "heap", DATA / "camera.json"))
    paths = sorted(folder.iterdir())
    ray.init(log_to_driver=False)
    pool = ActorPool([ray.remote(Planner).remote() for _ in range(PLANNERS)])
    images = (read_with_camera(path, camera_file) for path in paths)
    for path, said in zip(paths, pool.map(lambda planner, image: planner.plan.remote(*image), images)):
        print(f"{path.name}: {said}")
    ray.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
