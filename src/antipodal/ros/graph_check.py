"""What `antipodal doctor` says of a running ROS graph: the master, cameras, their rate and units, tf, the planner."""

from __future__ import annotations

import os
import threading
import time
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
import rosgraph
import rospy
import tf2_ros
from sensor_msgs.msg import CameraInfo, Image

from antipodal.camera import Camera
from antipodal.errors import InputError
from antipodal.ros.findings import BAD, GOOD, NOTE, Finding
from antipodal.ros.images import camera_from, depth_from
from antipodal.ros.master_client import MasterClient, MasterUnavailable

SLOW = 5.0  # fewer images a second are slow
FEW = 0.2  # a smaller share of pixels with depth is little
MAX_CAMERAS = 4  # that are listened to
MASTER = "start roscore or the robot, or set ROS_MASTER_URI to the robot's master and ROS_IP to this computer's address"


def check_graph(depth: str, info: str, rectified: bool, target_frame: str, seconds: float) -> List[Finding]:
    """depth, info: topics, "" = what looks like them. target_frame: where grasps are wanted, "" = anywhere."""
    uri = rosgraph.get_master_uri()
    master = MasterClient(uri, "/antipodal_doctor")
    try:
        planner = master.knows_service(rospy.names.resolve_name("plan_grasp", "/antipodal_doctor"))
    except MasterUnavailable as e:
        return [Finding("ROS", NOTE, f"{os.environ.get('ROS_DISTRO', 'ROS')}, but {e}", MASTER)]
    rospy.init_node("antipodal_doctor", anonymous=True, disable_signals=True)
    found = [Finding("ROS", GOOD, f"{os.environ.get('ROS_DISTRO', 'ROS')}, master at {uri}")]
    frames = tf2_ros.Buffer()
    listener = tf2_ros.TransformListener(frames)
    topics = _depth_topics(depth)
    if not topics:
        advice = "start the camera's driver, or name its topic: --depth TOPIC"
        found.append(Finding("camera", BAD, "no topic of type sensor_msgs/Image has depth in its name", advice))
    for topic in topics[:MAX_CAMERAS]:
        found += _check_camera(topic, info, rectified, seconds, frames, target_frame)
    listener.unregister()
    return [*found, _check_planner(planner)]


def _depth_topics(depth: str) -> List[str]:
    if depth:
        return [rospy.resolve_name(depth)]
    images = [name for name, kind in rospy.get_published_topics() if kind == "sensor_msgs/Image"]
    return sorted(name for name in images if "depth" in name.lower() and "overlay" not in name)


def _check_planner(serves: bool) -> Finding:
    if serves:
        return Finding("planner", GOOD, "plan_grasp is served")
    advice = "roslaunch antipodal planner.launch depth_image:=TOPIC camera_info:=TOPIC"
    return Finding("planner", NOTE, "plan_grasp is not served", advice)


def _check_camera(
    topic: str, info: str, rectified: bool, seconds: float, frames: tf2_ros.Buffer, target: str
) -> List[Finding]:
    """Rate, units, intrinsics and frame of a camera."""
    beside = info or f"{topic.rpartition('/')[0]}/camera_info"
    images, infos = listen({topic: Image, beside: CameraInfo}, seconds)
    if not images:
        advice = "is its driver running, and does ROS_IP or ROS_HOSTNAME reach this computer? rostopic hz " + topic
        return [Finding("camera", BAD, f"{topic}: no image within {seconds:g} s", advice)]
    found = [_rate(topic, len(images), seconds), _depths(topic, images[-1])]
    found.append(_intrinsics(beside, infos[-1] if infos else None, rectified, images[-1]))
    return [*found, _frame(images[-1].header, frames, target)]


def listen(topics: Dict[str, Any], seconds: float) -> List[List[Any]]:
    """The messages of each topic in this time, counted from the first one of any."""
    lock = threading.Lock()
    got: Dict[str, List[Any]] = {topic: [] for topic in topics}

    def keep(message: Any, topic: str) -> None:
        with lock:
            got[topic].append(message)

    subscribers = [rospy.Subscriber(t, kind, keep, t, queue_size=100) for t, kind in topics.items()]
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not any(got.values()):
        time.sleep(0.02)
    time.sleep(seconds)
    for subscriber in subscribers:
        subscriber.unregister()
    with lock:
        return [list(got[topic]) for topic in topics]


def _rate(topic: str, count: int, seconds: float) -> Finding:
    rate = count / seconds
    if rate < SLOW:
        advice = "a slow network or driver: fewer pixels, or compressed:=true of planner.launch"
        return Finding("camera", NOTE, f"{topic}: {rate:.1f} images a second", advice)
    return Finding("camera", GOOD, f"{topic}: {rate:.1f} images a second")


def _depths(topic: str, image: Image) -> Finding:
    try:
        depth = depth_from(image)
    except InputError as e:
        return Finding("units", BAD, f"{topic}: {e}", "16UC1 must be millimetres, 32FC1 metres; correct the driver")
    share, seen = float((depth > 0).mean()), depth[depth > 0]
    said = f"{image.encoding}, {image.width} x {image.height}, {share:.0%} of the pixels have depth"
    if share < FEW:
        return Finding("units", NOTE, said, "is the lens covered, the scene too near (0.3 m), or black or shiny?")
    return Finding("units", GOOD, f"{said}, a median of {np.median(seen):.2f} m")


def _intrinsics(topic: str, info: Optional[CameraInfo], rectified: bool, image: Image) -> Finding:
    if info is None:
        return Finding("intrinsics", BAD, f"no camera_info on {topic}", "name it: --info TOPIC, camera_info:=TOPIC")
    try:
        camera = camera_from(info, rectified)
    except InputError as e:
        return Finding("intrinsics", BAD, f"{topic}: {e}", "calibrate the camera, or use its rectified image")
    if (camera.width, camera.height) != (image.width, image.height):
        said = f"{topic} is for {camera.width} x {camera.height} pixels, the image has {image.width} x {image.height}"
        return Finding("intrinsics", BAD, said, "use the camera_info of this image")
    return Finding("intrinsics", GOOD, _described(camera))


def _described(camera: Camera) -> str:
    return f"fx {camera.fx:.1f}, fy {camera.fy:.1f}, cx {camera.cx:.1f}, cy {camera.cy:.1f}"


def _frame(header: Any, frames: tf2_ros.Buffer, target: str) -> Finding:
    """Whether tf knows the image's frame, and leads from it to the target's."""
    known: Sequence[str] = frames._getFrameStrings()
    if not header.frame_id:
        return Finding("tf", BAD, "the image has no frame_id", "set it in the camera's driver")
    if not target:
        there = "is in tf" if header.frame_id in known else "is not in tf"
        advice = "" if header.frame_id in known else "only target_frame, workspace and up_frame need it"
        return Finding("tf", GOOD if not advice else NOTE, f"{header.frame_id} {there}", advice)
    try:
        frames.lookup_transform(target, header.frame_id, rospy.Time(0), rospy.Duration(1.0))
    except (tf2_ros.LookupException, tf2_ros.ConnectivityException, tf2_ros.ExtrapolationException) as e:
        advice = "start robot_state_publisher and the hand-eye transform (docs/robot.md)"
        return Finding("tf", BAD, f"no transform from {header.frame_id} to {target}: {e}", advice)
    return Finding("tf", GOOD, f"{header.frame_id} leads to {target}")
