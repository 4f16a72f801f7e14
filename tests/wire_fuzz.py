"""Random plan_grasp requests as bytes: valid ones, some with fields changed, some with bytes changed."""

from __future__ import annotations

import io
import random
import struct
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List

import numpy as np
from geometry_msgs.msg import Point, Quaternion, Vector3
from inputs import points_of
from ros_client import DEPTH, Client, Failed, scene_request
from sensor_msgs.msg import Image, PointCloud2, PointField

from antipodal.msg import DepthView, Grasp

NUMBERS = [0.0, -0.0, 1.0, -1.0, 1e-300, 1e300, 1e-30, 1e30, float("nan"), float("inf"), float("-inf")]
SIZES = [0, 1, 2, 319, 321, 2**16, 2**31 - 1, 2**31, 2**32 - 1]
ENCODINGS = ["16UC1", "32FC1", "mono16", "mono8", "8UC1", "rgb8", "32FC", "", "\0", "ä", "x" * 5000]
FRAMES = ["", "/", "/camera", "a\0b", "ä", "x" * 5000, "a b", "camera\n"]


@dataclass
class Tally:
    """What became of the requests."""

    replies: Dict[str, int] = field(default_factory=dict)  # by reason; "" = a plan, "refused" = an error of the service
    refusal_ms: List[float] = field(default_factory=list)  # of each reply without a plan, and of each error
    refusal_cpu_ms: List[float] = field(default_factory=list)  # of the node for each of them
    lost: List[str] = field(default_factory=list)  # requests that got neither a reply nor an error

    def count(self, reason: str) -> None:
        self.replies[reason] = self.replies.get(reason, 0) + 1


def fuzz(uri: str, count: int, seed: int, cpu_time: Callable[[], float] = lambda: 0.0, inputs: bool = False) -> Tally:
    """Send `count` random requests one after the other. cpu_time: of the node so far [s]. inputs: whether they bring
    clouds, labels and views too."""
    rng, tally, client = random.Random(seed), Tally(), Client(uri)
    for number in range(count):
        data = random_request(rng, CHANGES + INPUTS if inputs else CHANGES)
        used, start = cpu_time(), time.perf_counter()
        try:
            client.send_bytes(data)
            reason = client.receive().reason
        except Failed:
            reason = "refused"
        except OSError as e:  # the time limit of the client, or a connection that ends without an answer
            tally.lost.append(f"request {number} of seed {seed}: {e!r}")
            reason = "lost"
        if reason:
            tally.refusal_ms.append(1e3 * (time.perf_counter() - start))
            tally.refusal_cpu_ms.append(1e3 * (cpu_time() - used))
        tally.count(reason)
        if reason in ("refused", "lost"):  # the connection has ended
            client.close()
            client = Client(uri)
    client.close()
    return tally


def random_request(rng: random.Random, changes: List[Callable[[random.Random, Any], None]]) -> bytes:
    """A request as bytes."""
    request = scene_request()
    for change in rng.sample(changes, rng.randint(0, 3)):
        change(rng, request)
    buffer = io.BytesIO()
    try:
        request.serialize(buffer)
    except struct.error:  # a value that its field cannot hold
        scene_request().serialize(buffer)
    data = bytearray(buffer.getvalue())
    if rng.random() < 0.3:
        for _ in range(rng.randint(1, 8)):
            data[rng.randrange(min(len(data), rng.choice([64, 512, len(data)])))] = rng.randrange(256)
    if rng.random() < 0.1:
        data = data[: rng.randrange(len(data))]
    elif rng.random() < 0.05:
        data += rng.getrandbits(8 * 100).to_bytes(100, "little")
    return bytes(data)


def _size(rng: random.Random, request: Any) -> None:
    setattr(request.depth_image, rng.choice(["width", "height", "step"]), rng.choice(SIZES))


def _encoding(rng: random.Random, request: Any) -> None:
    request.depth_image.encoding, request.depth_image.is_bigendian = rng.choice(ENCODINGS), rng.randrange(3)


def _depths(rng: random.Random, request: Any) -> None:
    depth, generator = DEPTH.astype(np.float64), np.random.default_rng(rng.randrange(2**32))
    depth[generator.random(depth.shape) < rng.random()] = rng.choice(NUMBERS)
    with np.errstate(over="ignore", invalid="ignore"):
        request.depth_image.data = (depth * rng.choice([1, 1, 1e-3, 1e3, 1e30])).astype("<f4").tobytes()


def _noise(rng: random.Random, request: Any) -> None:
    size = rng.choice([0, 1, len(request.depth_image.data)])
    request.depth_image.data = np.random.default_rng(rng.randrange(2**32)).bytes(size)


def _intrinsics(rng: random.Random, request: Any) -> None:
    values = list(request.camera_info.P)
    for index in rng.sample(range(12), rng.randint(1, 12)):
        values[index] = rng.choice(NUMBERS)
    request.camera_info.P = values


def _camera(rng: random.Random, request: Any) -> None:
    info = request.camera_info
    info.width, info.height, info.binning_x = rng.choice(SIZES), rng.choice(SIZES), rng.choice(SIZES)
    info.roi.x_offset, info.roi.width = rng.choice(SIZES), rng.choice(SIZES)


def _header(rng: random.Random, request: Any) -> None:
    header = rng.choice([request.depth_image.header, request.camera_info.header])
    header.stamp.secs, header.stamp.nsecs = rng.choice(SIZES), rng.choice(SIZES)
    header.frame_id = rng.choice(FRAMES)


def _mask(rng: random.Random, request: Any) -> None:
    width, height = rng.choice([(320, 240), (320, 239), (0, 0), (1, 1)])
    data = rng.choice([bytes(width * height), b"\1" * (width * height), b"", b"\1"])
    mask = Image(width=width, height=height, step=width, encoding=rng.choice(["mono8", "8UC1", "rgb8"]), data=data)
    setattr(request, rng.choice(["mask", "robot"]), mask)


def _region(rng: random.Random, request: Any) -> None:
    request.roi.x_offset, request.roi.y_offset = rng.choice(SIZES), rng.choice(SIZES)
    request.roi.width, request.roi.height = rng.choice(SIZES), rng.choice(SIZES)


def _scene(rng: random.Random, request: Any) -> None:
    request.up = Vector3(*rng.choices(NUMBERS, k=3))
    request.table = rng.choices(NUMBERS, k=rng.choice([0, 1, 4, 4, 5]))
    request.near, request.far = rng.choice(NUMBERS), rng.choice(NUMBERS)


def _count(rng: random.Random, request: Any) -> None:
    request.max_grasps = rng.choice(SIZES)


def _cloud(rng: random.Random, request: Any) -> None:
    """A cloud of the scene or of odd numbers, whole or not."""
    points = points_of(DEPTH).reshape(rng.choice([(240, 320, 3), (1, -1, 3)]))
    if rng.random() < 0.3:
        points[np.random.default_rng(rng.randrange(2**32)).random(points.shape) < rng.random()] = rng.choice(NUMBERS)
    height, width = points.shape[:2]
    fields = [PointField(name, rng.choice([4 * i] * 9 + SIZES), 7, 1) for i, name in enumerate("xyz")]
    head = request.depth_image.header
    request.cloud = PointCloud2(head, height, width, fields, False, 12, 12 * width, points.tobytes(), False)
    if rng.random() < 0.3:
        setattr(request.cloud, rng.choice(["width", "height", "point_step", "row_step"]), rng.choice(SIZES))
    request.viewpoint.header.frame_id = rng.choice(["", "", *FRAMES])
    request.viewpoint.point = Point(*rng.choices([0.0, 0.0, 0.0, *NUMBERS], k=3))


def _labels(rng: random.Random, request: Any) -> None:
    encoding, size = rng.choice([("mono8", 1), ("16UC1", 2), ("32SC1", 4), ("32FC1", 4)])
    labels = np.random.default_rng(rng.randrange(2**32)).integers(0, 3, 240 * 320 * size, np.uint8).tobytes()
    request.labels = Image(width=320, height=rng.choice([240, 239]), step=320 * size, encoding=encoding, data=labels)
    request.targets = rng.choices([-1, 0, 1, 2, 3, 2**31 - 1], k=rng.randint(0, 3))
    request.per_object = rng.choice(SIZES)


def _avoid(rng: random.Random, request: Any) -> None:
    for _ in range(rng.choice([1, 1, 3, 64])):
        failed = Grasp(kind=rng.choice(["jaws", "suction", "", "tongs"]))
        failed.header.frame_id = rng.choice(["", "", *FRAMES])
        failed.pose.position = Point(*rng.choices([0.0, 0.0, 0.7, *NUMBERS], k=3))
        failed.pose.orientation = Quaternion(*rng.choices([0.0, 1.0, *NUMBERS], k=4))
        request.avoid.append(failed)


def _views(rng: random.Random, request: Any) -> None:
    other = scene_request()
    view = DepthView(depth_image=other.depth_image, camera_info=other.camera_info)
    view.depth_image.header.frame_id = rng.choice(["camera_depth_optical_frame", *FRAMES])
    view.depth_image.header.stamp.secs = rng.choice([0, *SIZES])
    request.views = [view] * rng.choice([1, 1, 2, 8])


CHANGES = [_size, _encoding, _depths, _noise, _intrinsics, _camera, _header, _mask, _region, _scene, _count]
INPUTS = [_cloud, _labels, _views, _avoid]  # other inputs than one depth image, which may need tf
