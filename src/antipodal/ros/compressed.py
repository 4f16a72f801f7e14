"""Decode depth images of compressed_depth_image_transport. Reads messages by their fields, imports no ROS."""

from __future__ import annotations

import struct
from typing import Any

import cv2
import numpy as np

from antipodal.errors import InputError

COMPRESSED = "compressedDepth"  # in the format of a message, and the last part of its topic
HEADER = struct.Struct("<iff")  # a compression format, then the two parameters of inverse depth
PNG_SIZE = struct.Struct(">II")  # width and height
PNG_SIZE_OFFSET = 16  # of every PNG
PNG_FIRST_CHUNK = 8
PNG_CHUNK = struct.Struct(">I4s")  # length of the data, and what they are
PNG_CHECKSUM = 4  # bytes after the data


def compressed_depth_from(message: Any, max_pixels: int) -> np.ndarray:
    """Depth (H, W) float32 [m], 0 = missing, of a sensor_msgs/CompressedImage with the format "16UC1; compressedDepth"
    [mm] or "32FC1; compressedDepth" (quantised inverse depth). Raises InputError."""
    encoding, _, transport = message.format.partition("; ")
    if encoding not in ("16UC1", "32FC1") or transport not in (COMPRESSED, f"{COMPRESSED} png"):
        possible = "'16UC1; compressedDepth' and '32FC1; compressedDepth', both of PNG"
        raise InputError(f"compressed image has format {message.format!r}; possible: {possible}")
    values = _decoded(bytes(message.data)[HEADER.size :], max_pixels)
    if encoding == "16UC1":
        return values.astype(np.float32) / 1000
    _, a, b = HEADER.unpack_from(message.data)
    with np.errstate(all="ignore"):
        depth = np.float32(a) / (values.astype(np.float32) - np.float32(b))
    return np.where((values > 0) & np.isfinite(depth) & (depth > 0), depth, np.float32(0))


def _decoded(png: bytes, max_pixels: int) -> np.ndarray:
    """Pixels (H, W) uint16 of a PNG. Its size and chunks are checked before it is decoded. Raises InputError."""
    if not png.startswith(b"\x89PNG") or len(png) < PNG_SIZE_OFFSET + PNG_SIZE.size:
        raise InputError(f"compressed image holds no PNG: {len(png)} bytes that start with {png[:4]!r}")
    width, height = PNG_SIZE.unpack_from(png, PNG_SIZE_OFFSET)
    if width * height > max_pixels:
        raise InputError(f"compressed image is {width} x {height} pixels; at most {max_pixels} (~max_pixels)")
    _check_chunks(png)
    try:
        values = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as e:
        raise InputError(f"compressed image cannot be decoded: {e}") from e
    if values is None or values.ndim != 2 or values.dtype != np.uint16:
        got = "nothing" if values is None else f"{values.dtype} of shape {values.shape}"
        raise InputError(f"compressed image must be a PNG of one channel of 16 bits, got {got}")
    return values


def _check_chunks(png: bytes) -> None:
    """Raises InputError where a chunk is longer than the rest of a PNG: OpenCV would reserve as much memory as it says,
    up to 2 GB, and take seconds."""
    start, kind = PNG_FIRST_CHUNK, b""
    while kind != b"IEND" and start + PNG_CHUNK.size <= len(png):
        length, kind = PNG_CHUNK.unpack_from(png, start)
        start += PNG_CHUNK.size + length + PNG_CHECKSUM
        if start > len(png):
            raise InputError(f"compressed image is cut or damaged: a chunk of {length} bytes in a PNG of {len(png)}")
