"""What a plan is made in beside one depth image: clouds with their viewpoint, and further cameras."""

from __future__ import annotations

from typing import Callable, List

import numpy as np
from geometry_msgs.msg import PointStamped
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from antipodal import transforms
from antipodal.errors import InputError
from antipodal.msg import DepthView as DepthViewMessage
from antipodal.perception.clouds import cloud_view
from antipodal.perception.depth_view import DepthView
from antipodal.perception.observe import MAX_VIEWS
from antipodal.ros.frames import TransformLookup
from antipodal.ros.headers import check_header, names_frame_of
from antipodal.ros.images import camera_from, depth_from, labels_from, mask_from
from antipodal.ros.newest_image import StaleImage
from antipodal.ros.options import NodeOptions
from antipodal.ros.point_clouds import points_from

Tf = Callable[[], TransformLookup]  # made when it is first needed


def cloud_view_from(cloud: PointCloud2, viewpoint: PointStamped, options: NodeOptions, tf: Tf) -> DepthView:
    """The depth image of a cloud, with its camera's pose in the cloud's frame. Raises InputError, NoTransform."""
    points = points_from(cloud, options.max_pixels)
    return cloud_view(points, _sensor_place(cloud.header, viewpoint, options, tf))


def _sensor_place(header: Header, viewpoint: PointStamped, options: NodeOptions, tf: Tf) -> List[float]:
    """Where the sensor stood (3,) [m] in the frame of a cloud with this header: as a request or ~sensor_frame says."""
    place = np.array([viewpoint.point.x, viewpoint.point.y, viewpoint.point.z])
    frame = viewpoint.header.frame_id or ("" if place.any() else options.sensor_frame)
    if names_frame_of(frame, header):
        return place.tolist()
    T_sensor_cloud = tf().lookup(frame, header)
    return transforms.apply(transforms.invert(T_sensor_cloud), place[None])[0].tolist()


def further_views(header: Header, messages: List[DepthViewMessage], options: NodeOptions, tf: Tf) -> List[DepthView]:
    """What further cameras see, with their poses in the frame of the first one's optical frame, whose image has this
    header. Raises InputError, StaleImage, NoTransform."""
    if len(messages) > MAX_VIEWS - 1:
        raise InputError(f"a request may have {MAX_VIEWS - 1} further views, got {len(messages)}")
    if not messages:
        return []
    fixed = options.fixed_frame or header.frame_id
    T_first_fixed = transforms.invert(tf().lookup(fixed, header))
    found = []
    for i, message in enumerate(messages):
        image = message.depth_image
        check_header(image.header, f"view {i + 2}")
        _check_stamp(image.header, header, i + 2, options.max_apart)
        camera = camera_from(message.camera_info, options.rectified)
        depth = depth_from(image, options.max_pixels)
        pose = T_first_fixed @ tf().lookup(fixed, image.header)
        masks = mask_from(message.mask), labels_from(message.labels), mask_from(message.robot, "robot mask")
        found.append(DepthView(depth, camera, pose, *masks))
    return found


def _check_stamp(header: Header, first: Header, number: int, most: float) -> None:
    """Raises StaleImage where a view is `most` [s] or further from the first one."""
    apart = abs((header.stamp - first.stamp).to_sec())
    if apart > most:
        raise StaleImage(f"view {number} is {apart:.3f} s from the first one; ~max_apart is {most:g} s")
