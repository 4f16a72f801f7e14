"""Check stamps and frame ids of messages, before they reach tf or a reply. Reads messages by their fields."""

from __future__ import annotations

from typing import Any

from antipodal.errors import InputError

MAX_SECONDS = 2**31 - 1 - 3600  # of a stamp: differences of stamps fit into ros::Duration, for which tf2 aborts
MAX_FRAME_ID = 1024  # characters


def check_header(header: Any, message: str) -> None:
    """Raises InputError if the stamp or the frame id of a std_msgs/Header cannot be used."""
    secs, nsecs = header.stamp.secs, header.stamp.nsecs
    if not (0 <= secs <= MAX_SECONDS and 0 <= nsecs < 10**9):
        raise InputError(f"{message} has the stamp {secs} s, {nsecs} ns; possible: 0 to {MAX_SECONDS} s, below 1e9 ns")
    check_frame_id(header.frame_id, message)


def check_frame_id(frame_id: str, message: str) -> None:
    """Raises InputError if tf cannot have a frame with this id."""
    printable = all(c.isprintable() and c != "\ufffd" for c in frame_id)  # undecodable bytes arrive as U+FFFD
    if len(frame_id) > MAX_FRAME_ID or not printable:
        possible = f"at most {MAX_FRAME_ID} printable characters in UTF-8"
        raise InputError(f"{message} has the frame id {frame_id[:40]!r}; possible: {possible}")


def tf_frame(frame_id: str) -> str:
    """A frame id as tf2 knows it: without the leading slash that drivers of the time before tf2 write."""
    return frame_id.lstrip("/")


def names_frame_of(frame_id: str, header: Any) -> bool:
    """Whether a frame id is that of a message with this header, or empty, which stands for it."""
    return not frame_id or tf_frame(frame_id) == tf_frame(header.frame_id)
