"""The grasps that a request asks to avoid."""

from __future__ import annotations

from typing import Callable, List, Sequence

from std_msgs.msg import Header

from antipodal import msg, transforms
from antipodal.errors import InputError
from antipodal.grasp import JAWS, Grasp, moved_grasps
from antipodal.ros.frames import TransformLookup
from antipodal.ros.headers import check_frame_id, names_frame_of
from antipodal.ros.messages import grasp_from
from antipodal.suction_cup import KIND


def grasps_to_avoid(
    messages: Sequence[msg.Grasp], header: Header, any_tf: Callable[[], TransformLookup]
) -> List[Grasp]:
    """The grasps in the frame of an image or cloud with `header`, at its time. any_tf: makes transforms where they are
    needed. Raises InputError, NoTransform."""
    grasps = [grasp_from(message) for message in messages]
    for message, grasp in zip(messages, grasps):
        check_frame_id(message.header.frame_id, "avoid")
        if grasp.kind not in (JAWS, KIND):
            raise InputError(f"the kind of a grasp to avoid must be {JAWS!r} or {KIND!r}, got {grasp.kind!r}")
    return [_in_frame_of(header, m.header.frame_id, g, any_tf) for m, g in zip(messages, grasps)]


def _in_frame_of(header: Header, frame: str, grasp: Grasp, any_tf: Callable[[], TransformLookup]) -> Grasp:
    if names_frame_of(frame, header):
        return grasp
    return moved_grasps([grasp], transforms.invert(any_tf().lookup(frame, header)))[0]
