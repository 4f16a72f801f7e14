"""Convert sensor_msgs/PointCloud2 to arrays. Reads messages by their fields, imports no ROS."""

from __future__ import annotations

from typing import Any, List, Tuple

import numpy as np

from antipodal.errors import InputError

TYPES = {7: "f4", 8: "f8"}  # sensor_msgs/PointField's FLOAT32 and FLOAT64


def points_from(cloud: Any, max_points: int = 2**31) -> np.ndarray:
    """Points (H, W, 3) of an organised cloud or (N, 3), float32 or float64 [m]. Raises InputError.

    No copy where x, y and z lie one after the other in the byte order of this computer.
    """
    width, height, step, row_step = cloud.width, cloud.height, cloud.point_step, cloud.row_step
    if not width or not height:
        raise InputError(f"the cloud is empty: {width} x {height} points")
    if width * height > max_points:
        raise InputError(f"the cloud has {width} x {height} points; at most {max_points} (~max_pixels)")
    kind, offsets = _coordinates(cloud)
    if step < max(offsets) + kind.itemsize or (height > 1 and row_step < width * step):
        raise InputError(
            f"the cloud has a point_step of {step} and a row_step of {row_step} bytes; too few for {width}"
        )
    needed = (height - 1) * row_step + width * step
    if len(cloud.data) < needed:
        raise InputError(f"the cloud holds {len(cloud.data)} bytes; {width} x {height} points take {needed}")
    row_step = row_step if height > 1 else width * step
    shape, strides = (height, width), (row_step, step)
    if offsets == [offsets[0] + k * kind.itemsize for k in range(3)] and kind.isnative:
        points: np.ndarray = np.ndarray((*shape, 3), kind, cloud.data, offsets[0], (*strides, kind.itemsize))
    else:
        axes: List[np.ndarray] = [np.ndarray(shape, kind, cloud.data, offset, strides) for offset in offsets]
        points = np.stack(axes, axis=-1).astype(kind.newbyteorder("="))
    return points[0] if height == 1 else points


def _coordinates(cloud: Any) -> Tuple[np.dtype, List[int]]:
    """The numpy type of x, y and z and their offsets in a point [bytes]."""
    fields = {field.name: field for field in cloud.fields}
    if not {"x", "y", "z"} <= set(fields):
        raise InputError(f"the cloud lacks x, y or z; it has {', '.join(fields) or 'no field'}")
    x, y, z = (fields[name] for name in "xyz")
    if x.datatype not in TYPES or {x.datatype} != {y.datatype, z.datatype}:
        got = ", ".join(str(field.datatype) for field in (x, y, z))
        raise InputError(f"x, y and z of the cloud must be FLOAT32 (7) or FLOAT64 (8), got datatypes {got}")
    return np.dtype(TYPES[x.datatype]).newbyteorder(">" if cloud.is_bigendian else "<"), [x.offset, y.offset, z.offset]
