"""Looks at the lists of a serialized message before it is decoded: a few bytes can announce many items, and genpy makes
an object of each until the bytes end."""

from __future__ import annotations

import struct
from typing import Any

from genpy.message import get_message_class

from antipodal.errors import AntipodalError

NUMBERS = {"bool": 1, "int8": 1, "uint8": 1, "byte": 1, "char": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4}
NUMBERS.update({"int64": 8, "uint64": 8, "float32": 4, "float64": 8, "time": 8, "duration": 8})  # bytes
MOST_ITEMS = 64  # of a list of strings or messages
MOST_NUMBERS = 65_536  # of a list of numbers of more than a byte; bytes are images, and as cheap as their copy


class LimitExceeded(AntipodalError):
    """A client went over a limit; its connection is closed."""

    reason = "over a limit"


def end_of(message_class: Any, data: bytes, at: int = 0) -> int:
    """Where in `data` a message that begins at `at` ends [bytes]. Raises LimitExceeded for a list with too many items,
    struct.error where the data end before."""
    for kind in message_class._slot_types:
        at = _end_of_field(kind, data, at)
    return at


def _end_of_field(kind: str, data: bytes, at: int) -> int:
    base, bracket, count = kind.partition("[")
    if bracket:
        return _end_of_list(base, count.rstrip("]"), data, at)
    if base in NUMBERS:
        return at + NUMBERS[base]
    if base == "string":
        (length,) = struct.unpack_from("<I", data, at)
        return at + 4 + length
    return end_of(get_message_class(base), data, at)


def _end_of_list(base: str, fixed: str, data: bytes, at: int) -> int:
    if fixed:
        count = int(fixed)
    else:
        (count,) = struct.unpack_from("<I", data, at)
        at += 4
    size = NUMBERS.get(base, 0)
    most = len(data) if size == 1 else MOST_NUMBERS if size else MOST_ITEMS
    if count > most:
        raise LimitExceeded(f"a list of {count} {base}; at most {most} are read")
    if size:
        return at + size * count
    for _ in range(count):
        at = _end_of_field(base, data, at)
    return at
