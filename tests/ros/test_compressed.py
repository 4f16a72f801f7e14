"""ros.compressed: what compressed_depth_image_transport sends. Needs no ROS, messages are read by their fields."""

import struct
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antipodal.errors import InputError
from antipodal.ros.compressed import compressed_depth_from

MILLIMETRES = np.array([[0, 500, 700], [65535, 1, 2]], np.uint16)


def message(values, encoding="16UC1", a=0.0, b=0.0, form="; compressedDepth"):
    data = struct.pack("<iff", 0, a, b) + cv2.imencode(".png", values)[1].tobytes()
    return SimpleNamespace(format=encoding + form, data=data)


@pytest.mark.parametrize("form", ["; compressedDepth", "; compressedDepth png"])
def test_millimetres(form):
    depth = compressed_depth_from(message(MILLIMETRES, form=form), 100)
    assert depth.dtype == np.float32
    np.testing.assert_allclose(depth, MILLIMETRES / 1000, rtol=1e-6)


def test_inverse_depth():
    """Quantised as compressed_depth_image_transport does: value = a / depth + b."""
    quantum, furthest = 100.0, 10.0
    a, b = quantum * (quantum + 1), 1 - quantum * (quantum + 1) / furthest
    metres = np.array([[0.3, 0.7, 2.0]], np.float32)
    values = (a / metres + b).astype(np.uint16)
    values[0, 2] = 0
    depth = compressed_depth_from(message(values, "32FC1", a, b), 100)
    np.testing.assert_allclose(depth[0, :2], metres[0, :2], rtol=1e-3)
    assert depth[0, 2] == 0


@pytest.mark.parametrize(
    "wrong, said",
    [
        (message(MILLIMETRES, form="; compressedDepth rvl"), "format '16UC1; compressedDepth rvl'; possible"),
        (message(MILLIMETRES, "rgb8"), "format 'rgb8; compressedDepth'"),
        (message(MILLIMETRES.astype(np.uint8)), "16 bits, got uint8"),
        (SimpleNamespace(format="16UC1; compressedDepth", data=b"short"), "holds no PNG"),
        (message(np.zeros((20, 20), np.uint16)), r"20 x 20 pixels; at most 100 \(~max_pixels\)"),
    ],
)
def test_refusals(wrong, said):
    with pytest.raises(InputError, match=said):
        compressed_depth_from(wrong, 100)


def test_a_chunk_longer_than_the_message_is_refused_before_it_is_decoded(monkeypatch):
    """OpenCV would reserve 2 GB for it."""
    sent = message(MILLIMETRES)
    data = bytearray(sent.data)
    data[data.index(b"IDAT") - 4] = 0x7F
    monkeypatch.setattr(cv2, "imdecode", lambda *a: pytest.fail("it was decoded"))
    with pytest.raises(InputError, match=r"cut or damaged: a chunk of 21\d+ bytes in a PNG of \d+"):
        compressed_depth_from(SimpleNamespace(format=sent.format, data=bytes(data)), 100)


@given(st.integers(0, 200), st.integers(0, 255), st.sampled_from(["16UC1", "32FC1"]))
@settings(max_examples=300, deadline=None)
def test_a_byte_that_flipped_is_refused_or_read(at, byte, encoding):
    sent = message(MILLIMETRES, encoding, 100.0, 1.0)
    data = bytearray(sent.data)
    data[at % len(data)] = byte
    try:
        depth = compressed_depth_from(SimpleNamespace(format=sent.format, data=bytes(data)), 100)
    except InputError:
        return
    assert np.isfinite(depth).all() and (depth >= 0).all() and depth.size <= 100
