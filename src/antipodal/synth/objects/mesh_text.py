"""Text of mesh files made readable: letters in any encoding, and OBJ indices that count backwards."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import List

ASCII = bytes(b if b < 128 else ord("?") for b in range(256))  # numbers are ASCII; names and comments do not matter
END_OF_HEADER = b"end_header"
COMMENT = re.compile(rb"^[ \t]*#[^\n]*", re.M)  # in some encodings a letter looks like the \\ that continues a line
BACKWARDS = re.compile(rb"^[flp][ \t][^\n]*-", re.M)
INDEXED = {b"f": 3, b"l": 2, b"p": 1}  # OBJ elements, and how many kinds of index (v, vt, vn) they may have
COUNTED = {b"v": 0, b"vt": 1, b"vn": 2}


def readable(path: Path) -> bytes:
    """The bytes of an OBJ, STL, PLY or OFF file as trimesh can read them."""
    data, suffix = path.read_bytes(), path.suffix.lower()
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        data = data.decode("utf-16", errors="replace").encode()
    if suffix == ".obj":
        return absolute_indices(COMMENT.sub(b"", data).translate(ASCII))
    if suffix == ".ply":
        end = data.find(END_OF_HEADER)  # what follows may be binary
        return data[:end].translate(ASCII) + data[end:] if end >= 0 else data
    if suffix == ".stl" and is_binary_stl(data):
        return data
    return data.translate(ASCII)


def is_binary_stl(data: bytes) -> bool:
    """Whether an STL file's length is what its face count says: 84 bytes and 50 a face."""
    return len(data) >= 84 and len(data) == 84 + 50 * int.from_bytes(data[80:84], "little")


def absolute_indices(text: bytes) -> bytes:
    """An OBJ file whose indices count from its first vertex. Negative ones count back from the line that they stand in,
    which a reader that collects all vertices first gets wrong."""
    text = text.replace(b"\\\r\n", b" ").replace(b"\\\n", b" ")
    if not BACKWARDS.search(text):
        return text
    counts: List[int] = [0, 0, 0]
    lines = []
    for line in text.split(b"\n"):
        words = line.split()
        kind = words[0] if words else b""
        if kind in COUNTED:
            counts[COUNTED[kind]] += 1
        elif kind in INDEXED and b"-" in line:
            line = b" ".join([kind, *(_absolute(word, counts) for word in words[1:])])
        lines.append(line)
    return b"\n".join(lines)


def _absolute(corner: bytes, counts: List[int]) -> bytes:
    """A corner such as b"-1/-2/5" with indices from 1."""
    parts = []
    for part, count in zip(corner.split(b"/"), counts):
        parts.append(str(count + 1 + int(part)).encode() if part.startswith(b"-") else part)
    return b"/".join(parts)
