"""Clouds from .ply and .pcd files, text or binary, and from arrays; no library that the package needs reads all."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Dict, List, NamedTuple, Tuple

import numpy as np

from antipodal.errors import InputError
from antipodal.files import UNREADABLE

AXES = ["x", "y", "z"]
PLY_TYPES = {
    **dict(char="i1", uchar="u1", short="i2", ushort="u2", int="i4", uint="u4", float="f4", double="f8"),
    **dict(int8="i1", uint8="u1", int16="i2", uint16="u2", int32="i4", uint32="u4", float32="f4", float64="f8"),
}
MAX_LINES = 1000  # of a header


CLOUDS = (".ply", ".pcd")
ARRAYS = (".npy", ".npz")  # that hold points (height, width, 3) or (N, 3), or depth


class FileCloud(NamedTuple):
    """What a file holds, in its own unit."""

    points: np.ndarray  # (H, W, 3) where it is organised, else (N, 3); NaN where there is none
    viewpoint: np.ndarray  # (3,) where the sensor stood; zeros where the file does not say


def holds_cloud(path: Path) -> bool:
    """Whether a file holds points: by its suffix, or its array's shape (..., 3). One that cannot be read does not."""
    if path.suffix.lower() in CLOUDS:
        return True
    try:
        return path.suffix.lower() in ARRAYS and _is_cloud(_read_arrays(path)["points"])
    except UNREADABLE:
        return False


def read_cloud(path: Path) -> FileCloud:
    """The cloud of a file. Raises InputError."""
    try:
        if path.suffix.lower() in ARRAYS:
            arrays = _read_arrays(path)
            return FileCloud(arrays["points"], np.asarray(arrays.get("viewpoint", np.zeros(3)), float))
        with open(path, "rb") as file:
            if path.suffix.lower() == ".ply":
                return FileCloud(_read_vertices(file, *_ply_header(file)), np.zeros(3))
            fields, count, order, viewpoint, shape = _pcd_header(file)
            points = _read_vertices(file, fields, count, order)
            return FileCloud(points.reshape(*shape, 3) if shape[0] > 1 else points, viewpoint)
    except (*UNREADABLE, IndexError, OverflowError, TypeError) as e:
        what = f"its header lacks or misnames {e}" if isinstance(e, KeyError) else str(e) or "it ends too early"
        raise InputError(f"cannot read point cloud {path.absolute()}: {what}") from e


def _read_arrays(path: Path) -> Dict[str, np.ndarray]:
    """The arrays of an .npz file, or that of an .npy file as "points"."""
    held = np.load(path, allow_pickle=False, mmap_mode="r" if path.suffix.lower() == ".npy" else None)
    if isinstance(held, np.ndarray):
        return {"points": held}
    with held:
        return {name: held[name] for name in held.files if name in ("points", "viewpoint")}


def _is_cloud(array: np.ndarray) -> bool:
    return array.ndim in (2, 3) and array.shape[-1] == 3 and array.dtype.kind == "f"


def _read_vertices(file: BinaryIO, fields: List[Tuple[str, str, int]], count: int, order: str) -> np.ndarray:
    """order: "" for text, or the byte order "<" or ">". fields: name, type and how many of it."""
    names = [name for name, _, _ in fields]
    if not set(AXES) <= set(names):
        raise ValueError(f"its points lack x, y or z; it holds {', '.join(names)}")
    if order:
        kind = np.dtype([(f"{i} {name}", order + code, (n,)) for i, (name, code, n) in enumerate(fields)])
        held = file.read(count * kind.itemsize)
        if len(held) < count * kind.itemsize:
            raise ValueError(f"it ends after {len(held) // kind.itemsize} of {count} points")
        data = np.frombuffer(held, kind)
        columns = [data[f"{names.index(axis)} {axis}"][:, 0] for axis in AXES]
    else:
        starts = np.cumsum([0, *(n for _, _, n in fields)])
        at = [int(starts[names.index(axis)]) for axis in AXES]
        rows = [line.split() for line in file.read().splitlines()[:count]]
        columns = [np.array([float(row[i]) for row in rows]) for i in at]
    if len(columns[0]) != count:
        raise ValueError(f"it ends after {len(columns[0])} of {count} points")
    return np.stack([column.astype(np.float64) for column in columns], axis=1)


def _header_lines(file: BinaryIO, end: str) -> List[List[str]]:
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
    lines = _header_lines(file, "end_header")
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


def _pcd_header(
    file: BinaryIO,
) -> Tuple[List[Tuple[str, str, int]], int, str, np.ndarray, Tuple[int, int]]:
    """Fields, number of points, byte order, the viewpoint's place (3,) and the numbers of rows and columns."""
    head = {words[0]: words[1:] for words in _header_lines(file, "DATA")}
    if head["DATA"] == ["binary_compressed"]:
        raise ValueError("it is compressed; save it as binary (pcl_convert_pcd_ascii_binary IN OUT 1)")
    orders = {"ascii": "", "binary": "<"}
    codes = [f"{kind.lower()}{size}" for kind, size in zip(head["TYPE"], head["SIZE"])]
    counts = [int(n) for n in head.get("COUNT", ["1"] * len(codes))]
    width, height = int(head["WIDTH"][0]), int(head["HEIGHT"][0])
    points = int(head["POINTS"][0]) if "POINTS" in head else width * height
    shape = (height, width) if width * height == points else (1, points)
    viewpoint = np.array([float(x) for x in head.get("VIEWPOINT", ["0"] * 3)[:3]])
    return list(zip(head["FIELDS"], codes, counts)), points, orders[head["DATA"][0]], viewpoint, shape
