"""Plan in every depth image of a bag. Needs no master."""

from __future__ import annotations

import csv
import time
from bisect import bisect_left
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import numpy as np
import rosbag

from antipodal.errors import AntipodalError, InputError
from antipodal.grasping import draw
from antipodal.planner import GraspPlanner
from antipodal.ros.images import DEPTHS, camera_from, depth_from
from antipodal.ros.messages import quaternion

COLUMNS = "stamp reason message grasps quality width u v angle x y z qx qy qz qw total_ms".split()


def depth_topics(bag: rosbag.Bag) -> List[str]:
    """Topics whose images have a depth encoding."""
    images = [t for t, about in bag.get_type_and_topic_info().topics.items() if about.msg_type == "sensor_msgs/Image"]
    return [t for t in images if any(m.encoding in DEPTHS for _, m, _ in _first(bag, t))]


def pairs(bag: rosbag.Bag, depth: str = "", info: str = "") -> Iterator[Tuple[Any, Any]]:
    """Depth images (topic `depth`, or the only one there is) with the camera_info (topic `info`, or the one beside it)
    nearest in time. Raises InputError where a topic is missing."""
    topics = sorted(bag.get_type_and_topic_info().topics)
    candidates = [depth] if depth else depth_topics(bag)
    if len(candidates) != 1:
        raise InputError(f"--depth must name one topic; with depth images: {', '.join(candidates) or 'none'}")
    depth = candidates[0]
    info = info or depth.rsplit("/", 1)[0] + "/camera_info"
    for topic in (depth, info):
        if topic not in topics:
            raise InputError(f"no topic {topic} in the bag; possible: {', '.join(topics)}")
    infos = [message for _, message, _ in bag.read_messages(info)]
    stamps = [message.header.stamp.to_sec() for message in infos]
    for _, image, _ in bag.read_messages(depth):
        yield image, infos[_nearest(stamps, image.header.stamp.to_sec())]


def replay(
    bag: rosbag.Bag, planner: GraspPlanner, out: Path, depth: str = "", info: str = "", rectified: bool = True
) -> str:
    """Plan on every pair of a bag: writes `out`/grasps.csv and a picture for each image. A summary in one line."""
    rows = []
    out.mkdir(parents=True, exist_ok=True)
    with (out / "grasps.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for number, (image, camera_info) in enumerate(pairs(bag, depth, info)):
            rows.append(_row(image, camera_info, planner, out / f"{number:06d}.png", rectified))
            writer.writerow(rows[-1])
    return summary(rows)


def summary(rows: List[Dict[str, Any]]) -> str:
    """How many images had grasps, why the others had none, and how long it took."""
    if not rows:
        return "0 images"
    reasons = [row["reason"] for row in rows]
    others = ", ".join(f"{reasons.count(r)} {r}" for r in sorted(set(reasons) - {""})) or "none without"
    p50, p99 = np.percentile([row["total_ms"] for row in rows], [50, 99])
    return f"{reasons.count('')} of {len(rows)} images with grasps; {others}; p50 {p50:.0f} ms, p99 {p99:.0f} ms"


def _row(image: Any, info: Any, planner: GraspPlanner, picture: Path, rectified: bool) -> Dict[str, Any]:
    """The CSV's row of one image, whose picture is written."""
    row: Dict[str, Any] = {"stamp": f"{image.header.stamp.to_sec():.6f}", "reason": "", "grasps": 0}
    start = time.perf_counter()
    try:
        depth, camera = depth_from(image), camera_from(info, rectified)
        plan = planner.plan(depth, camera)
    except AntipodalError as e:
        row.update(reason=e.reason, message=str(e), total_ms=round(1e3 * (time.perf_counter() - start), 1))
        return row
    row["total_ms"] = round(1e3 * (time.perf_counter() - start), 1)
    best = plan[0]
    values = [best.quality, best.width, *best.center_px, best.angle, *best.T_cam_grasp[:3, 3]]
    names = COLUMNS[COLUMNS.index("quality") : COLUMNS.index("total_ms")]
    row.update(zip(names, np.round([*values, *quaternion(best.T_cam_grasp[:3, :3])], 6).tolist()), grasps=len(plan))
    draw.write_png(picture, draw.overlay(depth, camera, plan.grasps, planner.gripper, plan.candidates))
    return row


def _first(bag: rosbag.Bag, topic: str) -> Iterator[Any]:
    for found in bag.read_messages(topic):
        yield found
        return


def _nearest(stamps: List[float], stamp: float) -> int:
    """Index of the stamp nearest to `stamp`, of sorted ones."""
    after = bisect_left(stamps, stamp)
    return min([i for i in (after - 1, after) if 0 <= i < len(stamps)], key=lambda i: abs(stamps[i] - stamp))
