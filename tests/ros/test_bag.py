"""ros.bag and ros.recording: recordings of ROS 1 and ROS 2 in, a CSV and pictures out, with neither installed."""

import csv
import json
import struct
import subprocess
import sys

import cv2
import numpy as np
import pytest
import scenes
from conftest import REPO

from antipodal.errors import InputError
from antipodal.ros.bag import main, replay
from antipodal.ros.recording import open_recording, stamp_of
from antipodal.viewer.frames import open_frames
from tests.test_planner import PLANNER

rosbag1, rosbag2 = pytest.importorskip("rosbags.rosbag1"), pytest.importorskip("rosbags.rosbag2")
from rosbags.typesys import Stores, get_typestore

BAR, _ = scenes.render([scenes.box((0.03, 0.02), (0.10, 0.03, 0.04), 0.4)])
BARE, _ = scenes.render([])
KINDS = ["ros1", "ros1 lz4", "sqlite3", "mcap"]
DEPTH, COMPRESSED, INFO = (
    "/camera/depth/image_rect",
    "/camera/depth/image_rect/compressedDepth",
    "/camera/depth/camera_info",
)


class Writer:
    """Writes messages to a recording of one kind."""

    def __init__(self, folder, kind):
        self.ros1 = kind.startswith("ros1")
        self.store = get_typestore(Stores.ROS1_NOETIC if self.ros1 else Stores.ROS2_HUMBLE)
        if self.ros1:
            self.path = folder / "test.bag"
            self._writer = rosbag1.Writer(self.path)
            if kind == "ros1 lz4":
                self._writer.set_compression(rosbag1.Writer.CompressionFormat.LZ4)
        else:
            self.path = folder / "test"
            self._writer = rosbag2.Writer(self.path, **writer_options(kind))
        self._connections = {}

    def __enter__(self):
        self._writer.open()
        return self

    def __exit__(self, *_):
        self._writer.close()

    def write(self, topic, name, secs, **fields):
        kind = f"sensor_msgs/msg/{name}"
        if topic not in self._connections:
            self._connections[topic] = self._writer.add_connection(topic, kind, typestore=self.store)
        data = self._serialized(self.store.types[kind](header=self._header(secs), **fields), kind)
        self._writer.write(self._connections[topic], round(1e9 * secs), data)

    def info(self, secs):
        camera = scenes.CAMERA
        K = np.array([camera.fx, 0, camera.cx, 0, camera.fy, camera.cy, 0, 0, 1])
        P = np.insert(K.reshape(3, 3), 3, 0, axis=1).ravel()
        intrinsics = {"D": np.zeros(0), "K": K, "R": np.eye(3).ravel(), "P": P}
        if not self.ros1:
            intrinsics = {name.lower(): value for name, value in intrinsics.items()}
        roi = self.store.types["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
        size = {"height": camera.height, "width": camera.width, "distortion_model": "plumb_bob"}
        self.write(INFO, "CameraInfo", secs, binning_x=0, binning_y=0, roi=roi, **size, **intrinsics)

    def image(self, secs, depth, topic=DEPTH):
        data = np.frombuffer(depth.astype("<f4").tobytes(), np.uint8)
        height, width = depth.shape
        fields = {"encoding": "32FC1", "is_bigendian": 0, "step": 4 * width, "data": data}
        self.write(topic, "Image", secs, height=height, width=width, **fields)

    def compressed(self, secs, depth, topic=COMPRESSED):
        png = cv2.imencode(".png", np.round(1000 * depth).astype(np.uint16))[1].tobytes()
        data = np.frombuffer(struct.pack("<iff", 0, 0, 0) + png, np.uint8)
        self.write(topic, "CompressedImage", secs, format="16UC1; compressedDepth png", data=data)

    def _header(self, secs):
        time = self.store.types["builtin_interfaces/msg/Time"](int(secs), round(1e9 * (secs % 1)))
        header = self.store.types["std_msgs/msg/Header"]
        return header(0, time, "camera") if self.ros1 else header(time, "camera")

    def _serialized(self, message, kind):
        return self.store.serialize_ros1(message, kind) if self.ros1 else self.store.serialize_cdr(message, kind)


def writer_options(kind):
    if hasattr(rosbag2, "StoragePlugin"):
        return {"version": 9, "storage_plugin": rosbag2.StoragePlugin[kind.upper()]}
    if kind == "mcap":
        pytest.skip("the newest rosbags for Python 3.8 reads MCAP files and writes none")
    return {}


def recorded(folder, kind):
    """Three images, of a bar, a bare table and millimetres by mistake, with infos around them in time."""
    with Writer(folder, kind) as writer:
        for i, depth in enumerate([BAR, BARE, 1000 * BAR]):
            writer.info(10 + i - 0.4)
            writer.image(10 + i, depth)
            writer.info(10 + i + 0.1)
    return writer.path


@pytest.fixture(params=KINDS)
def path(request, tmp_path):
    return recorded(tmp_path, request.param)


def rows_of(folder):
    with (folder / "grasps.csv").open() as file:
        return list(csv.DictReader(file))


def test_every_image_has_a_row_and_its_reason(path, tmp_path):
    counts = []
    said = replay(path, PLANNER, tmp_path / "out", progress=counts.append)
    assert said.startswith("1 of 3 images with grasps; 1 bad input, 1 no grasp; p50 ") and counts == [1, 2, 3]
    rows = rows_of(tmp_path / "out")
    assert [r["reason"] for r in rows] == ["", "no grasp", "bad input"]
    assert [float(r["stamp"]) for r in rows] == [10, 11, 12]
    best = PLANNER.plan(BAR, scenes.CAMERA)[0]
    assert float(rows[0]["z"]) == pytest.approx(best.depth, abs=1e-5)
    assert float(rows[0]["u"]) == pytest.approx(best.center_px[0], abs=1e-3)
    pictures = sorted(path.name for path in (tmp_path / "out").glob("*.png"))
    assert pictures == ["000000.png", "000001.png"]  # what was seen, also without a grasp


def test_an_image_goes_with_the_info_nearest_in_time(path):
    with open_recording(path) as recording:
        differences = [stamp_of(info) - stamp_of(image) for image, info in recording.depth_pairs()]
    assert differences == pytest.approx([0.1, 0.1, 0.1])


@pytest.mark.parametrize("kind", KINDS)
def test_compressed_depth_is_found_by_itself_and_by_name(tmp_path, kind):
    with Writer(tmp_path, kind) as writer:
        writer.info(10)
        writer.compressed(10, BAR)
        jpeg = np.frombuffer(cv2.imencode(".jpg", np.zeros((4, 4, 3), np.uint8))[1].tobytes(), np.uint8)
        writer.write("/camera/color/compressed", "CompressedImage", 10, format="rgb8; jpeg compressed bgr8", data=jpeg)
    for number, names in enumerate([("", ""), (COMPRESSED, INFO)]):
        said = replay(writer.path, PLANNER, tmp_path / f"out{number}", *names)
        assert said.startswith("1 of 1 images with grasps")


def test_an_image_comes_before_its_own_compressed_topic(tmp_path):
    with Writer(tmp_path, "mcap") as writer:
        writer.info(10)
        writer.image(10, BAR)
        writer.compressed(10, BARE)
    with open_recording(writer.path) as recording:
        assert recording.depth_topics() == [DEPTH]


def test_a_stride_leaves_images_out(path, tmp_path):
    replay(path, PLANNER, tmp_path / "out", stride=2)
    assert [float(r["stamp"]) for r in rows_of(tmp_path / "out")] == [10, 12]
    with pytest.raises(InputError, match="stride must be at least 1"):
        replay(path, PLANNER, tmp_path / "out", stride=0)


@pytest.mark.parametrize(
    "depth, info, said",
    [
        ("/other", "", f"no topic /other in .*; possible: {INFO}, {DEPTH}"),
        ("", "/info", "no topic /info in"),
        ("", DEPTH, f"--info must name a topic of sensor_msgs/msg/CameraInfo; {DEPTH} holds sensor_msgs/msg/Image"),
        (INFO, "", "--depth must name a topic of sensor_msgs/msg/Image or sensor_msgs/msg/CompressedImage"),
    ],
)
def test_topics_that_are_missing_or_of_another_type_are_named(path, tmp_path, depth, info, said):
    with pytest.raises(InputError, match=said):
        replay(path, PLANNER, tmp_path / "out", depth, info)
    assert not (tmp_path / "out").exists()


def test_two_depth_topics_need_a_name(tmp_path):
    with Writer(tmp_path, "sqlite3") as writer:
        writer.info(10)
        writer.image(10, BAR)
        writer.image(10, BAR, "/other/image_rect")
    with open_recording(writer.path) as recording, pytest.raises(InputError, match=f"{DEPTH}, /other/image_rect"):
        next(recording.depth_pairs())


def files_of(path):
    return [path] if path.is_file() else [p for p in path.iterdir() if p.suffix != ".yaml"]


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_ros_2_are_recordings_too(tmp_path, kind):
    (file,) = files_of(recorded(tmp_path, kind))
    with open_recording(file) as recording:
        assert recording.depth_topics() == [DEPTH]


def test_what_is_no_recording_is_refused_with_what_is(tmp_path):
    np.save(tmp_path / "depth.npy", np.ones((4, 4)))
    for path in (tmp_path / "depth.npy", tmp_path):
        with pytest.raises(InputError, match=r"cannot read .* as a recording; possible: a \.bag file of ROS 1"):
            replay(path, PLANNER, tmp_path / "out")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9])
def test_a_damaged_recording_is_bad_input(path, tmp_path, share):
    (file,) = files_of(path)
    data = file.read_bytes()
    file.write_bytes(data[: int(share * len(data))])
    with pytest.raises(InputError, match=r"cannot read|must name one topic|no camera_info"):
        replay(path, PLANNER, tmp_path / "out")


def test_a_recording_full_of_wrong_bytes_is_bad_input(path, tmp_path):
    (file,) = files_of(path)
    data, rng = bytearray(file.read_bytes()), np.random.default_rng(0)
    for at in rng.integers(0, len(data), 2000):
        data[at] = rng.integers(256)
    file.write_bytes(data)
    try:
        replay(path, PLANNER, tmp_path / "out")
    except InputError as e:
        assert len(str(e)) > 10


def test_without_the_library_it_says_what_to_install(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "rosbags.highlevel", None)
    with pytest.raises(InputError, match=r"rosbags, .* pip install .*rosbags"), open_recording(path):
        pass


def test_from_a_shell(tmp_path):
    path = recorded(tmp_path, "mcap")

    def run(file):
        command = [sys.executable, str(REPO / "nodes" / "plan_bag"), str(file), "--device", "cpu"]
        return subprocess.run(command, capture_output=True, text=True, cwd=str(tmp_path))

    done = run(path)
    assert done.returncode == 0 and "1 of 3 images with grasps" in done.stdout, done.stderr
    assert (tmp_path / "test_grasps" / "grasps.csv").is_file()
    for wrong in (tmp_path / "none.bag", tmp_path / "test_grasps" / "grasps.csv", tmp_path / "test_grasps"):
        failed = run(wrong)
        assert failed.returncode == 2 and "error: " in failed.stderr and "Traceback" not in failed.stderr


def test_the_counts_as_json_are_those_of_the_table(tmp_path, capsys):
    arguments = [recorded(tmp_path, "mcap"), "--device", "cpu", "--out", tmp_path / "out", "--json", "-"]
    assert main([str(a) for a in arguments]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["images"], told["with_grasps"], sum(told["reasons"].values())) == (3, 1, 2)
    assert told["folder"] == str(tmp_path / "out") and "1 of 3 images with grasps" in told["summary"]


def test_bags_that_rosbag_wrote_are_read(tmp_path):
    rosbag = pytest.importorskip("rosbag")
    import rospy
    from std_msgs.msg import Header

    from antipodal.ros.cell import depth_message, info_message

    header = Header(stamp=rospy.Time(10), frame_id="camera")
    for compression in ("none", "bz2", "lz4"):
        path = tmp_path / f"{compression}.bag"
        with rosbag.Bag(str(path), "w", compression=compression) as bag:
            bag.write(INFO, info_message(scenes.CAMERA, header), header.stamp)
            bag.write(DEPTH, depth_message(BAR, header), header.stamp)
        assert replay(path, PLANNER, tmp_path / compression).startswith("1 of 1 images with grasps")


@pytest.mark.parametrize("kind", ["ros1", "mcap"])
def test_the_viewer_goes_through_a_recording(tmp_path, kind):
    with Writer(tmp_path, kind) as writer:
        for secs, depth in ((1.0, BAR), (2.0, BARE), (3.0, BAR)):
            writer.info(secs)
            writer.image(secs, depth)
    frames = open_frames(writer.path)
    assert len(frames) == 3 and frames[1].camera == scenes.CAMERA
    assert np.array_equal(frames[0].depth, BAR) and np.array_equal(frames[1].depth, BARE)
    assert "3.000 s" in frames[2].name
    assert [f.name for f in open_frames(writer.path, stride=2)] == ["image 1 of 2, 1.000 s", "image 2 of 2, 3.000 s"]
