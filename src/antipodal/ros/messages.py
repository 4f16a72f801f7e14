"""Convert grasps, poses, pictures and coloured clouds to ROS messages, and grasps back."""

from __future__ import annotations

from typing import List, Optional, Sequence, Union

import numpy as np
from geometry_msgs.msg import Point, Pose, Quaternion, Vector3
from sensor_msgs.msg import Image, PointCloud2, PointField
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from antipodal import msg, transforms
from antipodal.errors import InputError
from antipodal.grasp import JAWS, Grasp, Hand
from antipodal.grasping.draw import quality_colour
from antipodal.grasping.hand_shapes import Cylinder, hand_for, solids_of

STRETCH = 0.02  # of a cup's way that stands for a candidate [m]


def grasp_message(grasp: Grasp, header: Header, T_frame_cam: Optional[np.ndarray] = None) -> msg.Grasp:
    """antipodal/Grasp in the frame of `header`; T_frame_cam (4, 4) if that is not the camera's frame."""
    T = grasp.T_cam_grasp if T_frame_cam is None else T_frame_cam @ grasp.T_cam_grasp
    return msg.Grasp(
        header=header,
        pose=pose_message(T),
        width=grasp.width,
        quality=grasp.quality,
        center_px=list(grasp.center_px),
        angle=grasp.angle,
        depth=grasp.depth,
        label=grasp.label,
        hand=grasp.hand,
        kind=grasp.kind,
    )


def grasp_from(message: msg.Grasp) -> Grasp:
    """The grasp of an antipodal/Grasp. Raises InputError if a value is not finite or the quaternion is 0."""
    u, v = message.center_px
    T, values = transform_from(message.pose), (message.width, message.quality, u, v, message.angle, message.depth)
    if not (np.isfinite(T).all() and np.isfinite(values).all()):
        raise InputError(f"the grasp's pose must be rigid and its values finite, got {message.pose} and {values}")
    hand = {"hand": message.hand, "kind": message.kind or JAWS}
    return Grasp(T, message.width, message.quality, (u, v), message.angle, message.depth, label=message.label, **hand)


def pose_message(T: np.ndarray) -> Pose:
    """geometry_msgs/Pose of a rigid transform (4, 4) [m]."""
    return Pose(Point(*T[:3, 3]), Quaternion(*transforms.quaternion(T[:3, :3])))


def transform_from(pose: Pose) -> np.ndarray:
    """Rigid transform (4, 4) of a geometry_msgs/Pose [m], with a quaternion of any length; NaN if that is 0."""
    return transform_from_parts(pose.position, pose.orientation)


def transform_from_parts(p: Point, q: Quaternion) -> np.ndarray:
    """Rigid transform (4, 4) of a translation [m] and a quaternion of any length; NaN if that is 0."""
    with np.errstate(invalid="ignore"):
        x, y, z, w = np.array([q.x, q.y, q.z, q.w]) / np.linalg.norm([q.x, q.y, q.z, q.w])
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return transforms.compose(np.eye(3) + 2 * w * cross + 2 * cross @ cross, np.array([p.x, p.y, p.z]))


def image_message(image: np.ndarray, header: Header) -> Image:
    """sensor_msgs/Image of RGB (H, W, 3) uint8."""
    height, width = image.shape[:2]
    return Image(header, height, width, "rgb8", 0, 3 * width, np.ascontiguousarray(image).tobytes())


def cloud_message(points: np.ndarray, colours: np.ndarray, header: Header) -> PointCloud2:
    """sensor_msgs/PointCloud2 of points (N, 3) [m] with colours (N, 3) uint8, as `rgb`, which RViz shows."""
    rows = np.empty(len(points), [("xyz", "<f4", 3), ("bgr", "u1", 3), ("unused", "u1")])
    rows["xyz"], rows["bgr"], rows["unused"] = points, colours[:, ::-1], 0
    fields = [PointField(name, 4 * i, PointField.FLOAT32, 1) for i, name in enumerate(("x", "y", "z", "rgb"))]
    return PointCloud2(header, 1, len(rows), fields, False, 16, 16 * len(rows), rows.tobytes(), True)


def marker_array(
    grasps: Sequence[Grasp], candidates: Sequence[Grasp], hands: Union[Hand, Sequence[Hand]], header: Header
) -> MarkerArray:
    """The hand at the best grasp, and candidates as lines from jaw to jaw, or along the last stretch of a cup's way,
    coloured by quality. Deletes earlier markers first. hands: one, or those that the grasps are for."""
    markers = [Marker(header=header, action=Marker.DELETEALL)]
    if len(grasps):
        markers += hand_markers(grasps[0], hand_for(grasps[0], hands), header)
    if len(candidates):
        markers.append(candidate_marker(candidates, header))
    return MarkerArray(markers)


def hand_markers(grasp: Grasp, hand: Hand, header: Header) -> List[Marker]:
    """The jaws, the palm and what is behind it as boxes at a grasp, or a cup as a cylinder and its body as a box."""
    colour = _colour(grasp.quality, 0.9)
    return [
        Marker(
            header=header,
            ns="gripper",
            id=i,
            type=Marker.CYLINDER if isinstance(solid, Cylinder) else Marker.CUBE,
            pose=pose_message(grasp.T_cam_grasp @ transforms.compose(np.eye(3), solid.center)),
            scale=Vector3(*solid.size),
            color=colour,
        )
        for i, solid in enumerate(solids_of(hand, grasp.width).values())
    ]


def box_marker(low: Sequence[float], high: Sequence[float], frame: str) -> Marker:
    """A transparent box between two corners [m] in a frame."""
    marker = Marker(header=Header(frame_id=frame), ns="box", type=Marker.CUBE, frame_locked=True)
    marker.pose = Pose(Point(*(np.add(low, high) / 2)), Quaternion(0, 0, 0, 1))
    marker.scale, marker.color = Vector3(*np.subtract(high, low)), ColorRGBA(0.4, 0.6, 1.0, 0.15)
    return marker


def candidate_marker(candidates: Sequence[Grasp], header: Header) -> Marker:
    """One list of lines, from jaw to jaw of every candidate, or the last STRETCH of a cup's way."""
    marker = Marker(header=header, ns="candidates", type=Marker.LINE_LIST, scale=Vector3(0.001, 0, 0))
    marker.pose.orientation.w = 1.0
    for grasp in candidates:
        ends = np.array([[0, -grasp.width / 2, 0], [0, grasp.width / 2, 0]])
        if grasp.width == 0:
            ends = np.array([[0, 0, -STRETCH], [0, 0, 0]])
        marker.points += [Point(*p) for p in transforms.apply(grasp.T_cam_grasp, ends)]
        marker.colors += [_colour(grasp.quality, 0.5)] * 2
    return marker


def _colour(quality: float, alpha: float) -> ColorRGBA:
    r, g, b = quality_colour(quality)
    return ColorRGBA(r / 255, g / 255, b / 255, alpha)
