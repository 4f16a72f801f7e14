"""Convert ROS image messages to arrays (REP 103, 117, 118). Reads messages by their fields, imports no ROS."""

from __future__ import annotations

import contextlib
from copy import copy
from typing import Any, Dict, Optional, Tuple

import numpy as np

from antipodal.camera import Camera
from antipodal.errors import InputError
from antipodal.perception.inputs import MAX_RANGE

MIN_DEPTH = 0.001  # a smaller lower quartile is not in metres [m]
SAMPLED = 100  # rows and columns, about, that the quartiles are taken from
USUAL_DEPTHS = (0.1, 5.0)  # quartiles of most images lie within [m]
DEPTHS = {"32FC1": "f4", "16UC1": "u2", "mono16": "u2"}  # numpy types of a pixel
MASKS = {"mono8": "u1", "8UC1": "u1"}
LABELS = {**MASKS, "mono16": "u2", "16UC1": "u2", "32SC1": "i4"}
COLOURS = {"rgb8": "V3"}


def depth_from(image: Any, max_pixels: int = 2**31) -> np.ndarray:
    """Depth (H, W) float32 [m] of a sensor_msgs/Image; NaN, infinite and negative values become 0 = missing.

    16UC1 and mono16 are millimetres, 32FC1 metres. Raises InputError if the message contradicts itself, has more than
    `max_pixels`, or holds impossible depths, as with a wrong encoding.
    """
    if image.width * image.height > max_pixels:
        raise InputError(f"depth image is {image.width} x {image.height} pixels; at most {max_pixels} (~max_pixels)")
    pixels = _pixels(image, DEPTHS, "depth image")
    quartiles = _quartiles(pixels, image.encoding)
    if not _plausible(quartiles):
        got = "depth image, read as {}, has quartiles of {:.3g}, {:.3g} and {:.3g} m".format(_label(image), *quartiles)
        raise InputError(f"{got}; possible: a median of {MIN_DEPTH:g} to {MAX_RANGE:g} m{_suggestion(image)}")
    return _metres(pixels, image.encoding)


def mask_from(image: Any, name: str = "mask") -> Optional[np.ndarray]:
    """Mask (H, W) bool of a sensor_msgs/Image, True = nonzero; None of an empty one. Raises InputError, which calls it
    `name`."""
    if not len(image.data):
        return None
    return _pixels(image, MASKS, name) != 0


def labels_from(image: Any) -> Optional[np.ndarray]:
    """Label image (H, W) of whole numbers of a sensor_msgs/Image; None of an empty one. Raises InputError."""
    return _pixels(image, LABELS, "label image") if len(image.data) else None


def rgb_from(image: Any) -> np.ndarray:
    """RGB (H, W, 3) uint8 of a sensor_msgs/Image. Raises InputError."""
    return _pixels(image, COLOURS, "picture").view(np.uint8).reshape(image.height, image.width, 3)


def camera_from(info: Any, rectified: bool = True) -> Camera:
    """Camera of a sensor_msgs/CameraInfo: P if the image is rectified, K if it is raw.

    Binning and region of interest are applied as in image_geometry. Raises InputError if the camera is not
    calibrated, or if a raw image has distortion, which the planner does not model.
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


def region_from(roi: Any) -> Optional[Tuple[int, int, int, int]]:
    """Window (u0, v0, width, height) of a sensor_msgs/RegionOfInterest [px]; None of one that is all zero."""
    region = (roi.x_offset, roi.y_offset, roi.width, roi.height)
    return region if any(region) else None


def _metres(pixels: np.ndarray, encoding: str) -> np.ndarray:
    """Depth (H, W) float32 [m] of pixels (H, W) in an encoding; 0 = missing."""
    depth = pixels.astype(np.float32)
    if encoding != "32FC1":
        depth[pixels == np.iinfo(np.uint16).max] = 0  # some drivers' code for no return
        depth /= 1000
    with np.errstate(invalid="ignore"):
        depth[~(np.isfinite(depth) & (depth > 0))] = 0
    return depth


def _quartiles(pixels: np.ndarray, encoding: str) -> np.ndarray:
    """Quartiles (3,) of the valid depths [m], 0 without any; large images are subsampled."""
    stride = max(1, min(pixels.shape) // SAMPLED)
    seen = _metres(pixels[::stride, ::stride], encoding)
    seen = seen[seen > 0]
    return np.percentile(seen, [25, 50, 75]) if seen.size else np.zeros(3)


def _plausible(quartiles: np.ndarray) -> bool:
    """Whether an image can have these quartiles [m]: bytes in a wrong encoding scatter over all magnitudes."""
    low, middle, high = quartiles
    return bool(high == 0 or (MIN_DEPTH <= low and middle <= MAX_RANGE and high <= 10 * MAX_RANGE))


def _suggestion(image: Any) -> str:
    """The end of an error message: the unit, encoding or byte order that gives usual depths; "" if none does."""
    if image.encoding == "32FC1" and _usual(_quartiles(_pixels(image, DEPTHS, ""), image.encoding) / 1000):
        return "; is it in millimetres?"
    for encoding in ("16UC1", "32FC1"):
        for big in (False, True):
            other = copy(image)
            other.encoding, other.is_bigendian = encoding, big
            with contextlib.suppress(InputError):
                quartiles = _quartiles(_pixels(other, DEPTHS, ""), encoding)
                if _usual(quartiles):
                    return f"; as {_label(other)} it would have a median of {quartiles[1]:.3g} m"
    return ""


def _usual(quartiles: np.ndarray) -> bool:
    return bool(USUAL_DEPTHS[0] <= quartiles[0] and quartiles[2] <= USUAL_DEPTHS[1])


def _label(image: Any) -> str:
    return f"{image.encoding} ({'big' if image.is_bigendian else 'little'} endian)"


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
    return (rows if image.step == row else np.ascontiguousarray(rows[:, :row])).view(dtype)
