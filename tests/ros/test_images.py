"""ros.images: messages to arrays. Needs no ROS, the messages are read by their fields."""

from types import SimpleNamespace

import numpy as np
import pytest

from antipodal.camera import Camera
from antipodal.errors import InputError
from antipodal.ros.images import camera_from, depth_from, mask_from, region_from, rgb_from


def image(pixels, encoding, padding=0, big=False):
    """The message of pixels (H, W), every row followed by `padding` bytes of rubbish."""
    height, width = pixels.shape[:2]
    rows = pixels.astype(pixels.dtype.newbyteorder(">" if big else "<")).view(np.uint8).reshape(height, -1)
    data = np.concatenate([rows, np.full((height, padding), 255, np.uint8)], axis=1)
    return SimpleNamespace(
        height=height, width=width, encoding=encoding, is_bigendian=int(big), step=data.shape[1], data=data.tobytes()
    )


def roi(x=0, y=0, width=0, height=0):
    return SimpleNamespace(x_offset=x, y_offset=y, width=width, height=height)


def info(**changes):
    """camera_info of a 640 x 480 camera whose P differs from its K."""
    values = {
        "width": 640,
        "height": 480,
        "K": [500.0, 0, 320, 0, 510, 240, 0, 0, 1],
        "P": [520.0, 0, 321, 0, 0, 530, 241, 0, 0, 0, 1, 0],
        "D": [],
        "binning_x": 0,
        "binning_y": 0,
        "roi": roi(),
    }
    return SimpleNamespace(**{**values, **changes})


def test_the_largest_number_of_millimetres_means_no_return():
    depth = depth_from(image(np.array([[700, 65535, 65535, 65535]], np.uint16), "16UC1"))
    np.testing.assert_allclose(depth, [[0.7, 0, 0, 0]], rtol=1e-6)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("padding", [0, 6])
@pytest.mark.parametrize("encoding", ["16UC1", "mono16"])
def test_millimetres_become_metres(encoding, padding, big):
    mm = np.array([[0, 1, 700], [65534, 2, 3]], np.uint16)
    depth = depth_from(image(mm, encoding, padding, big))
    assert depth.dtype == np.float32
    np.testing.assert_allclose(depth, mm / 1000, rtol=1e-6)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("padding", [0, 4])
def test_metres_stay_and_what_was_not_seen_is_zero(padding, big):
    metres = np.array([[0.5, np.nan, np.inf], [-np.inf, -1.0, 0.0]], np.float32)
    depth = depth_from(image(metres, "32FC1", padding, big))
    np.testing.assert_array_equal(depth, [[0.5, 0, 0], [0, 0, 0]])


def test_decoding_copies():
    message = image(np.ones((2, 2), np.float32), "32FC1")
    depth_from(message)[0, 0] = 5
    assert depth_from(message)[0, 0] == 1


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"encoding": "rgb8"}, r"'rgb8'; possible: 32FC1, 16UC1, mono16"),
        ({"encoding": ""}, r"encoding ''"),
        ({"width": 0}, r"0 x 2"),
        ({"height": 0, "data": b""}, r"3 x 0"),
        ({"step": 11}, r"step of 11 bytes; 3 pixels take 12"),
        ({"data": bytes(23)}, r"23 bytes; 2 rows of 12"),
        ({"data": bytes(25)}, r"25 bytes; 2 rows of 12"),
        ({"width": 10**9, "height": 10**9, "step": 4 * 10**9}, r"1000000000 x 1000000000 pixels; at most 2147483648"),
    ],
)
def test_refuses_a_message_that_contradicts_itself(changes, said):
    message = image(np.ones((2, 3), np.float32), "32FC1")
    message.__dict__.update(changes)
    with pytest.raises(InputError, match=said):
        depth_from(message)


def test_mask():
    values = np.array([[0, 1], [255, 0]], np.uint8)
    for encoding in ("mono8", "8UC1"):
        np.testing.assert_array_equal(mask_from(image(values, encoding, 3)), values > 0)
    assert mask_from(SimpleNamespace(data=b"")) is None
    with pytest.raises(InputError, match=r"mask has encoding '32FC1'; possible: mono8, 8UC1"):
        mask_from(image(np.ones((2, 2), np.float32), "32FC1"))


def test_rgb():
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    np.testing.assert_array_equal(rgb_from(image(pixels, "rgb8", 5)), pixels)


def test_rectified_images_take_p_and_raw_ones_k():
    assert camera_from(info()) == Camera(520, 530, 321, 241, 640, 480)
    assert camera_from(info(), rectified=False) == Camera(500, 510, 320, 240, 640, 480)
    assert camera_from(info(D=[0.1, 0, 0, 0, 0])).fx == 520


def test_binning_of_none_is_binning_by_one():
    assert camera_from(info(binning_x=1, binning_y=1)) == camera_from(info())


def test_region_then_binning():
    camera = camera_from(info(binning_x=2, binning_y=2, roi=roi(100, 40, 320, 200)))
    assert camera == Camera(260, 265, (321 - 100) / 2, (241 - 40) / 2, 160, 100)


@pytest.mark.parametrize(
    "changes, rectified, said",
    [
        ({"P": [0.0] * 12}, True, r"P\[0\] is 0 \(K\[0\] is 500; ~rectified is True\)"),
        ({"K": [0.0] * 9}, False, r"K\[0\] is 0"),
        ({"D": [0.1, 0.0]}, False, r"distortion \[0\.1, 0\.0\]"),
        ({"width": 0}, True, r"0 x 480"),
        ({"P": [np.nan] * 12}, True, r"finite"),
        ({"K": [-500.0, 0, 320, 0, 510, 240, 0, 0, 1]}, False, r"fx=-500"),
        ({"binning_x": 1000}, True, r"image size"),
    ],
)
def test_refuses_a_camera_that_cannot_be(changes, rectified, said):
    with pytest.raises(InputError, match=said):
        camera_from(info(**changes), rectified)


def test_a_region_of_zeros_is_none():
    assert region_from(roi()) is None
    assert region_from(roi(1, 2, 3, 4)) == (1, 2, 3, 4)
    assert region_from(roi(1)) == (1, 0, 0, 0)  # for the planner to refuse


def relabelled(message, **changes):
    return SimpleNamespace(**{**vars(message), **changes})


METRES = np.linspace(0.6, 0.8, 48, dtype=np.float32).reshape(6, 8)
MILLIMETRES = (1000 * METRES).astype(np.uint16)


@pytest.mark.parametrize(
    "message, said",
    [
        (relabelled(image(METRES, "32FC1"), encoding="16UC1"), r"read as 16UC1 .*; as 32FC1 \(little"),
        (relabelled(image(MILLIMETRES, "16UC1", 16), encoding="32FC1"), r"read as 32FC1 .*; as 16UC1 \(little"),
        (relabelled(image(METRES, "32FC1"), is_bigendian=1), r"32FC1 \(big endian\), .*; as 32FC1 \(little"),
        (relabelled(image(MILLIMETRES, "16UC1", big=True), is_bigendian=0), r"; as 16UC1 \(big endian\) it"),
        (image(1000 * METRES, "32FC1"), r"quartiles of .* 700 and .* is it in millimetres\?"),
        (image(np.full((4, 4), 65000, np.uint16), "16UC1"), r"65 m; possible: a median of 0\.001 to 10 m$"),
    ],
)
def test_a_label_that_makes_no_sense_is_refused_with_the_one_that_would(message, said):
    with pytest.raises(InputError, match=said):
        depth_from(message)


def test_an_image_in_which_nothing_was_seen_is_not_mislabelled():
    assert not depth_from(image(np.full((4, 4), np.nan, np.float32), "32FC1")).any()


def test_more_pixels_than_allowed_are_refused_before_they_are_read():
    message = image(METRES, "32FC1")
    assert depth_from(message, 48).shape == (6, 8)
    with pytest.raises(InputError, match=r"8 x 6 pixels; at most 47 \(~max_pixels\)"):
        depth_from(message, 47)
