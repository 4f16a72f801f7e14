"""ROS image messages as the planner's arrays (REP 103, 117, 118). Reads messages by their fields, imports no ROS."""

from __future__ import annotations

from typing import Any, Dict, Optional

import numpy as np

from antipodal.camera import Camera
from antipodal.errors import InputError
from antipodal.inputs import Region

DEPTHS = {"32FC1": "f4", "16UC1": "u2", "mono16": "u2"}  # numpy types of a pixel
MASKS = {"mono8": "u1", "8UC1": "u1"}
COLOURS = {"rgb8": "V3"}


def depth_from(image: Any) -> np.ndarray:
    """Depth (H, W) float32 [m] of a sensor_msgs/Image; what is NaN, infinite or negative becomes 0 = missing.

    16UC1 and mono16 are millimetres, 32FC1 metres. Raises InputError.
    """
    depth = _pixels(image, DEPTHS, "depth image").astype(np.float32)
    if image.encoding != "32FC1":
        depth /= 1000
    with np.errstate(invalid="ignore"):
        depth[~(np.isfinite(depth) & (depth > 0))] = 0
    return depth


def mask_from(image: Any) -> Optional[np.ndarray]:
    """Mask (H, W) bool of a sensor_msgs/Image, nonzero = may be grasped; None of an empty one. Raises InputError."""
    if not len(image.data):
        return None
    return _pixels(image, MASKS, "mask") != 0


def rgb_from(image: Any) -> np.ndarray:
    """RGB (H, W, 3) uint8 of a sensor_msgs/Image. Raises InputError."""
    return _pixels(image, COLOURS, "picture").view(np.uint8).reshape(image.height, image.width, 3)


def camera_from(info: Any, rectified: bool = True) -> Camera:
    """Camera of a sensor_msgs/CameraInfo: P where its image is rectified, K where it is raw.

    Binning and region of interest are applied as in image_geometry. Raises InputError where it is not calibrated, or
    where a raw image is distorted: grasps planned in it as a pinhole's would be off.
    """
    name, matrix = ("P", np.reshape(info.P, (3, 4))) if rectified else ("K", np.reshape(info.K, (3, 3)))
    if matrix[0, 0] == 0:
        other = f"K[0] is {info.K[0]:g}" if rectified else f"P[0] is {info.P[0]:g}"
        raise InputError(f"camera_info is not calibrated: {name}[0] is 0 ({other}; ~rectified is {rectified})")
    if not rectified and np.any(info.D):
        raise InputError(f"raw image with distortion {list(info.D)}; rectify it first and set ~rectified to true")
    bin_x, bin_y = max(1, info.binning_x), max(1, info.binning_y)
    return Camera(
        fx=float(matrix[0, 0]) / bin_x,
        fy=float(matrix[1, 1]) / bin_y,
        cx=(float(matrix[0, 2]) - info.roi.x_offset) / bin_x,
        cy=(float(matrix[1, 2]) - info.roi.y_offset) / bin_y,
        width=(info.roi.width or info.width) // bin_x,
        height=(info.roi.height or info.height) // bin_y,
    )


def region_from(roi: Any) -> Optional[Region]:
    """Window (u0, v0, width, height) of a sensor_msgs/RegionOfInterest [px]; None of one that is all zero."""
    region = (roi.x_offset, roi.y_offset, roi.width, roi.height)
    return region if any(region) else None


def _pixels(image: Any, types: Dict[str, str], what: str) -> np.ndarray:
    """Pixels (H, W) of an image message, whatever its padding and byte order. Raises InputError."""
    if image.encoding not in types:
        raise InputError(f"{what} has encoding {image.encoding!r}; possible: {', '.join(types)}")
    dtype = np.dtype(types[image.encoding]).newbyteorder(">" if image.is_bigendian else "<")
    row = image.width * dtype.itemsize
    if not row or not image.height:
        raise InputError(f"{what} is {image.width} x {image.height} pixels; both must be positive")
    if image.step < row:
        raise InputError(f"{what} has a step of {image.step} bytes; {image.width} pixels take {row}")
    if len(image.data) != image.step * image.height:
        raise InputError(f"{what} holds {len(image.data)} bytes; {image.height} rows of {image.step} are needed")
    rows = np.frombuffer(image.data, np.uint8).reshape(image.height, image.step)
    return np.ascontiguousarray(rows[:, :row]).view(dtype)
