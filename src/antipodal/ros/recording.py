"""Depth images and their camera_info from recordings: bags of ROS 1 and ROS 2 (sqlite3, MCAP). Needs no ROS."""

from __future__ import annotations

import contextlib
from bisect import bisect_left
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, Iterator, List, Tuple

from antipodal.camera import MOST_PIXELS
from antipodal.errors import AntipodalError, InputError, missing_package
from antipodal.files import is_recording
from antipodal.ros.compressed import COMPRESSED, compressed_depth_from
from antipodal.ros.images import DEPTHS, depth_from

IMAGE, COMPRESSED_IMAGE = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
CAMERA_INFO = "sensor_msgs/msg/CameraInfo"
INTRINSICS = "DKRP"  # fields of camera_info that ROS 2 names in lower case


class Recording:
    """An open recording."""

    def __init__(self, path: Path, reader: Any):
        self.path, self._reader = path, reader
        self.types: Dict[str, str] = {c.topic: c.msgtype for c in reader.connections}

    def messages(self, topic: str) -> Iterator[Any]:
        """The messages of a topic, with ROS 1's names of fields. Raises InputError if the file is damaged."""
        connections = [c for c in self._reader.connections if c.topic == topic]
        with _readable(self.path):
            for connection, _, data in self._reader.messages(connections=connections):
                yield _as_ros1(self._reader.deserialize(data, connection.msgtype))

    def depth_topics(self) -> List[str]:
        """Topics of depth images. A compressed one counts only if the recording lacks the image itself."""
        topics = [t for t in sorted(self.types) if self._is_depth(t)]
        return [t for t in topics if _image_topic(t) == t or _image_topic(t) not in topics]

    def depth_pairs(self, depth: str = "", info: str = "") -> Iterator[Tuple[Any, Any]]:
        """Depth images with the camera_info nearest in time. Raises InputError for a missing or wrong topic.

        depth: topic; default: the only one of depth images. info: topic; default: the one beside `depth`.
        """
        depth = depth or self._only_depth_topic()
        info = info or _image_topic(depth).rsplit("/", 1)[0] + "/camera_info"
        self._check_topic("--depth", depth, (IMAGE, COMPRESSED_IMAGE))
        self._check_topic("--info", info, (CAMERA_INFO,))
        infos = list(self.messages(info))
        if not infos:
            raise InputError(f"no camera_info on {info} in {self.path}")
        infos.sort(key=stamp_of)
        stamps = [stamp_of(message) for message in infos]
        for image in self.messages(depth):
            yield image, infos[_nearest(stamps, stamp_of(image))]

    def _is_depth(self, topic: str) -> bool:
        if self.types[topic] not in (IMAGE, COMPRESSED_IMAGE):
            return False
        first = next(self.messages(topic), None)
        if self.types[topic] == IMAGE:
            return first is not None and first.encoding in DEPTHS
        return first is not None and COMPRESSED in first.format

    def _only_depth_topic(self) -> str:
        topics = self.depth_topics()
        if len(topics) != 1:
            raise InputError(f"--depth must name one topic; with depth images: {', '.join(topics) or 'none'}")
        return topics[0]

    def _check_topic(self, option: str, topic: str, types: Tuple[str, ...]) -> None:
        if topic not in self.types:
            raise InputError(f"no topic {topic} in {self.path}; possible: {', '.join(sorted(self.types))}")
        if self.types[topic] not in types:
            got = f"{topic} holds {self.types[topic]}"
            raise InputError(f"{option} must name a topic of {' or '.join(types)}; {got}")


@contextlib.contextmanager
def open_recording(path: Path) -> Iterator[Recording]:
    """A recording: a .bag file of ROS 1, or of ROS 2 a folder, an .mcap or a .db3 file. Raises InputError."""
    try:
        from rosbags.highlevel import AnyReader
        from rosbags.typesys import Stores, get_typestore
    except ImportError as e:
        raise InputError(missing_package("rosbags", ("bags",))) from e
    if not path.exists():
        raise InputError(f"no such recording: {path}")
    if not is_recording(path):
        possible = "a .bag file of ROS 1, or of ROS 2 a folder with metadata.yaml, an .mcap or a .db3 file"
        raise InputError(f"cannot read {path.absolute()} as a recording; possible: {possible}")
    source = path.parent if path.suffix == ".db3" and (path.parent / "metadata.yaml").is_file() else path
    with contextlib.ExitStack() as stack:
        with _readable(
            path
        ):  # older recordings of ROS 2 do not define their messages; those of images have not changed
            store = get_typestore(Stores.ROS2_HUMBLE)
            reader = stack.enter_context(AnyReader([source], default_typestore=store))
        yield Recording(path, reader)


def depth_of(image: Any) -> Any:
    """Depth (H, W) float32 [m], 0 = missing, of an image or a compressed image. Raises InputError."""
    return compressed_depth_from(image, MOST_PIXELS) if hasattr(image, "format") else depth_from(image, MOST_PIXELS)


def stamp_of(message: Any) -> float:
    """The stamp of a message's header [s]."""
    return message.header.stamp.sec + 1e-9 * message.header.stamp.nanosec


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turns whatever the library raises at a damaged file into an InputError."""
    try:
        yield
    except (AntipodalError, GeneratorExit):
        raise
    except Exception as e:
        raise InputError(f"cannot read {path}: {e or repr(e)}") from e


def _as_ros1(message: Any) -> Any:
    """The message with the fields of camera_info as ROS 1 names them."""
    fields = {name: getattr(message, name) for name in message.__dataclass_fields__ if name != "__msgtype__"}
    if message.__msgtype__ == CAMERA_INFO:
        fields = {name.upper() if name.upper() in INTRINSICS else name: value for name, value in fields.items()}
    return SimpleNamespace(**fields)


def _image_topic(topic: str) -> str:
    """The topic of the image that a compressed topic is of; the topic itself if it is no such topic."""
    suffix = f"/{COMPRESSED}"
    return topic[: -len(suffix)] if topic.endswith(suffix) else topic


def _nearest(stamps: List[float], stamp: float) -> int:
    """Index of the stamp nearest to `stamp`, of sorted ones."""
    after = bisect_left(stamps, stamp)
    return min([i for i in (after - 1, after) if 0 <= i < len(stamps)], key=lambda i: abs(stamps[i] - stamp))
