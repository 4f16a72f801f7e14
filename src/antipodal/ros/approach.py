"""The cone of approaches that the parameters or a request ask for."""

from __future__ import annotations

from typing import Callable, Optional, Tuple

import numpy as np
from std_msgs.msg import Header

from antipodal.errors import InputError
from antipodal.planning.approach_cone import ApproachCone
from antipodal.ros.frames import TransformLookup
from antipodal.ros.headers import check_frame_id, names_frame_of
from antipodal.ros.options import NodeOptions
from antipodal.srv import PlanGraspRequest


def requested_cone(
    options: NodeOptions, request: PlanGraspRequest, header: Header, any_tf: Callable[[], TransformLookup]
) -> Optional[ApproachCone]:
    """The cone in the frame of an image or cloud with `header`: the request's, else the parameters'; None where neither
    names an axis. any_tf: makes transforms where they are needed. Raises InputError, NoTransform."""
    axis, frame, angle = _asked_for(options, request)
    if not any(axis):
        return None
    ApproachCone(axis, angle)  # a wrong one is bad input, whatever tf knows
    check_frame_id(frame, "approach_axis")
    if names_frame_of(frame, header):
        return ApproachCone(axis, angle)
    x, y, z = any_tf().lookup(frame, header)[:3, :3].T @ np.array(axis)
    return ApproachCone((float(x), float(y), float(z)), angle)


def _asked_for(options: NodeOptions, request: PlanGraspRequest) -> Tuple[Tuple[float, float, float], str, float]:
    """Axis, its frame and the angle."""
    asked = request.approach_axis
    axis = (asked.vector.x, asked.vector.y, asked.vector.z)
    if any(axis):
        return axis, asked.header.frame_id, request.approach_angle
    if request.approach_angle:
        raise InputError(f"approach_angle {request.approach_angle:g} needs an approach_axis, got (0, 0, 0)")
    return options.approach_axis, options.approach_frame, options.approach_angle
