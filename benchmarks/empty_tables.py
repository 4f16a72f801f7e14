"""What is planned where nothing stands: python benchmarks/empty_tables.py [-n 300] [--images FOLDER] [--json FILE].

Rendered rooms with walls, arms, bins, trays and boards on the table, but without a thing to grasp, the camera tilted by
up to 75 degrees; and real images whose objects are known, erased: their pixels show the support's plane, with errors
as its own. Nothing is given to the planner but depth and camera. A refusal is right.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Dict, Iterator, List, Optional

import cv2
import numpy as np

REPO = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPO), str(REPO / "tests")]
import rooms  # noqa: E402

from antipodal import resources  # noqa: E402
from antipodal.files import write_json  # noqa: E402
from antipodal.grasp import Gripper  # noqa: E402
from antipodal.grasping import draw  # noqa: E402
from antipodal.perception.inputs import check_depth  # noqa: E402
from antipodal.perception.scene import perceive  # noqa: E402
from antipodal.planner import GraspPlanner  # noqa: E402
from antipodal.sim.report import wilson  # noqa: E402
from antipodal.synth.images.noise import sensor_errors  # noqa: E402
from benchmarks import real  # noqa: E402

FURNITURE = ((), ("wall",), ("arm",), ("bin",), ("tray",), ("funnel",), ("board",), ("endless",), ("small",))
MARGIN = 0.03  # round an object's mask, for what a sensor makes of its edges [m]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=300, help="rooms")
    parser.add_argument("--seed", type=int, default=2000, help="of the first")
    parser.add_argument("--images", type=Path, help="real images (default: under $ANTIPODAL_DATA)")
    parser.add_argument("--only", default="*", help="names of images to use, a pattern such as 'cornell__*'")
    parser.add_argument("--model", type=Path, default=resources.find("models/default.pt"))
    parser.add_argument("--gripper", type=Path, default=resources.find("config/grippers/robotiq_2f85.yaml"))
    parser.add_argument("--json", type=Path, help="write every image's result here")
    parser.add_argument("--sheets", type=Path, help="write pictures of those with a grasp here")
    args = parser.parse_args()
    planner = GraspPlanner.load(args.model, Gripper.load(args.gripper), "cpu")
    rows = []
    for image in [*empty_rooms(args.seed, args.n), *erased(real.find_folder(args.images), args.only)]:
        row, scene, best = real.judge(planner, image)
        rows.append(row)
        if args.sheets is not None and best is not None:
            draw.write_png(args.sheets / f"{image.name}.png", real.picture(image, scene, best, planner.gripper, row))
    if args.json is not None:
        write_json(args.json, rows)
    print(table(rows))
    return 0


def empty_rooms(seed: int, count: int) -> Iterator[real.Image]:
    """Rooms as in the tests, without objects; half with the tests' errors of depth, half with the cell's."""
    for number in range(seed, seed + count):
        furniture, rng = FURNITURE[number % len(FURNITURE)], np.random.default_rng([number, 1])
        room, own = rooms.room(number, furniture=furniture), rng.random() < 0.5
        room = rooms.emptied(room, rng, rng.uniform(0.0005, 0.003) if own else 0.0)
        depth = room.depth if own else sensor_errors("real")(room.depth.astype(np.float64), room.camera, rng)
        name = f"{furniture[0] if furniture else 'table'}__{number}"
        yield real.Image(name, np.float32(depth), room.camera, None, None, [])


def erased(folder: Optional[Path], only: str) -> Iterator[real.Image]:
    """The real images with a mask and a support, without their objects."""
    for image in real.read(folder, only) if folder is not None else ():
        if image.mask is not None:
            depth = without_objects(image)
            if depth is not None:
                yield replace(image, depth=depth, mask=None, instances=None, good=[])


def without_objects(image: real.Image) -> Optional[np.ndarray]:
    """Depth (H, W) [m] in which the support's plane stands in for objects; None where no support is found."""
    assert image.mask is not None
    scene = perceive(check_depth(image.depth, image.camera), image.camera)
    if scene.support is None:
        return None
    support, camera = scene.support, image.camera
    v, u = np.mgrid[: camera.height, : camera.width]
    rays = camera.deproject(np.stack([u, v], -1), np.ones(image.depth.shape))
    plane = support.offset / np.maximum(rays @ support.normal, 1e-3)
    seen = support.surface.grown().holds((rays * plane[..., None]).reshape(-1, 3).T).reshape(plane.shape)
    size = 2 * round(MARGIN / support.pixel(camera.fx)) + 1
    objects = cv2.dilate(image.mask.astype(np.uint8), np.ones((size, size), np.uint8)) > 0
    grain = cv2.GaussianBlur(np.random.default_rng(0).normal(size=plane.shape), (0, 0), 1.0)
    bare = np.where(seen, plane + support.noise * plane**2 * grain / grain.std(), 0)
    return np.where(objects, bare, image.depth).astype(np.float32)


def table(rows: List[dict]) -> str:
    """How many of each kind got a grasp, and how sure the planner was of those."""
    kinds: Dict[str, List[dict]] = defaultdict(list)
    for row in rows:
        kinds[row["source"]].append(row)
    lines = ["| where | images | with a grasp | median P of those |", "|---|---|---|---|"]
    for kind, some in [*kinds.items(), ("all", rows)]:
        lines.append(_line(kind, some))
    return "\n".join(lines)


def _line(kind: str, rows: List[dict]) -> str:
    quality = [r["quality"] for r in rows if r["planned"]]
    low, high = wilson(len(quality), len(rows))
    share = f"{len(quality)}: {100 * len(quality) / len(rows):.0f} % [{100 * low:.0f}, {100 * high:.0f}]"
    median = f"{np.median(quality):.2f}" if quality else ""
    return f"| {kind} | {len(rows)} | {share} | {median} |"


if __name__ == "__main__":
    sys.exit(main())
