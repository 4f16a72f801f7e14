"""Points of .ply and .pcd files, text or binary; no library that the package needs anyway reads both."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, List, Tuple

import numpy as np

from antipodal.errors import InputError

AXES = ["x", "y", "z"]
PLY_TYPES = {
    **dict(char="i1", uchar="u1", short="i2", ushort="u2", int="i4", uint="u4", float="f4", double="f8"),
    **dict(int8="i1", uint8="u1", int16="i2", uint16="u2", int32="i4", uint32="u4", float32="f4", float64="f8"),
}
MAX_LINES = 1000  # of a header


def read_points(path: Path) -> np.ndarray:
    """Points (N, 3), NaN where the file has none. Raises InputError."""
    try:
        with open(path, "rb") as file:
            fields, count, order = _ply_header(file) if path.suffix.lower() == ".ply" else _pcd_header(file)
            return _read_vertices(file, fields, count, order)
    except (OSError, ValueError, KeyError, IndexError, MemoryError, OverflowError) as e:
        raise InputError(f"cannot read point cloud {path.absolute()}: {e}") from e


def _read_vertices(file: BinaryIO, fields: List[Tuple[str, str, int]], count: int, order: str) -> np.ndarray:
    """order: "" for text, or the byte order "<" or ">". fields: name, type and how many of it."""
    names = [name for name, _, _ in fields]
    if not set(AXES) <= set(names):
        raise ValueError(f"its points lack x, y or z; it holds {', '.join(names)}")
    if order:
        kind = np.dtype([(f"{i} {name}", order + code, (n,)) for i, (name, code, n) in enumerate(fields)])
        data = np.frombuffer(file.read(count * kind.itemsize), kind)
        columns = [data[f"{names.index(axis)} {axis}"][:, 0] for axis in AXES]
    else:
        starts = np.cumsum([0, *(n for _, _, n in fields)])
        at = [int(starts[names.index(axis)]) for axis in AXES]
        rows = [line.split() for line in file.read().splitlines()[:count]]
        columns = [np.array([float(row[i]) for row in rows]) for i in at]
    if len(columns[0]) != count:
        raise ValueError(f"it ends after {len(columns[0])} of {count} points")
    return np.stack([column.astype(np.float64) for column in columns], axis=1)


def _lines(file: BinaryIO, end: str) -> List[List[str]]:
    """The words of the header's lines, with that which starts with `end`."""
    lines: List[List[str]] = []
    while len(lines) < MAX_LINES:
        line = file.readline(1000)
        if not line:
            break
        lines.append(line.decode("ascii").split() or [""])
        if lines[-1][0] == end:
            return lines
    raise ValueError(f"its header has no {end}")


def _ply_header(file: BinaryIO) -> Tuple[List[Tuple[str, str, int]], int, str]:
    lines = _lines(file, "end_header")
    if lines[0] != ["ply"]:
        raise ValueError("it does not start with ply")
    orders = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
    order = orders[next(words[1] for words in lines if words[0] == "format")]
    elements = [i for i, words in enumerate(lines) if words[0] == "element"]
    if not elements or lines[elements[0]][1] != "vertex":
        raise ValueError("its first element is not vertex")
    end = elements[1] if len(elements) > 1 else len(lines)
    properties = [words for words in lines[elements[0] : end] if words[0] == "property"]
    return [(words[2], PLY_TYPES[words[1]], 1) for words in properties], int(lines[elements[0]][2]), order


def _pcd_header(file: BinaryIO) -> Tuple[List[Tuple[str, str, int]], int, str]:
    head = {words[0]: words[1:] for words in _lines(file, "DATA")}
    if head["DATA"] == ["binary_compressed"]:
        raise ValueError("it is compressed; save it as binary (pcl_convert_pcd_ascii_binary IN OUT 1)")
    orders = {"ascii": "", "binary": "<"}
    codes = [f"{kind.lower()}{size}" for kind, size in zip(head["TYPE"], head["SIZE"])]
    counts = [int(n) for n in head.get("COUNT", ["1"] * len(codes))]
    points = int(head["POINTS"][0]) if "POINTS" in head else int(head["WIDTH"][0]) * int(head["HEIGHT"][0])
    return list(zip(head["FIELDS"], codes, counts)), points, orders[head["DATA"][0]]
