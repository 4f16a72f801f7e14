"""What is written in a format that people have is read as the same metres."""

import io

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from antipodal.camera import Camera
from antipodal.errors import InputError
from antipodal.perception.depth_files import guess_scale, read_depth, read_mask

CAMERA = Camera(40.0, 41.0, 5.5, 3.5, 12, 8)
depths = arrays.arrays(np.float32, (8, 12), elements=st.floats(0.25, 4, width=32))
units = arrays.arrays(np.uint16, (8, 12), elements=st.integers(1, 60000))


def folder_of(factory):
    return factory.mktemp("depth")


@given(depth=depths, suffix=st.sampled_from([".npy", ".npz", ".tiff", "channel.npy"]))
def test_floats_come_back_as_they_were(tmp_path_factory, depth, suffix):
    path, said = folder_of(tmp_path_factory) / f"depth{suffix}", []
    if suffix == ".npz":
        np.savez(path, depth=depth, rgb=np.zeros(3))
    elif suffix == ".tiff":
        assert cv2.imwrite(str(path), depth)
    else:
        np.save(path, depth[..., None] if "channel" in suffix else depth)
    np.testing.assert_array_equal(read_depth(path, tell=said.append), depth)
    assert not said


@given(pixels=units, scale=st.sampled_from([0.001, 0.0001, 0.00025]), suffix=st.sampled_from([".png", ".tif", ".npy"]))
def test_whole_numbers_come_back_in_the_unit_that_is_given(tmp_path_factory, pixels, scale, suffix):
    path = folder_of(tmp_path_factory) / f"depth{suffix}"
    if suffix == ".npy":
        np.save(path, pixels)
    else:
        assert cv2.imwrite(str(path), pixels)
    np.testing.assert_allclose(read_depth(path, scale), pixels * scale, rtol=1e-6)


@given(middle=st.floats(0.1, 6.0))
def test_millimetres_are_guessed_wherever_they_are_plausible(middle):
    assert guess_scale(np.array([[round(1000 * middle)]], np.uint16), "depth.png") == 0.001
    assert guess_scale(np.array([[middle]], np.float32), "depth.npy") == 1.0
    if middle > 0.1:
        assert guess_scale(np.array([[1000 * middle]], np.float32), "depth.npy") == 0.001


def test_a_guess_is_said_and_no_return_is_missing(tmp_path):
    pixels, said = np.full((8, 12), 700, np.uint16), []
    pixels[0] = 65535
    cv2.imwrite(str(tmp_path / "depth.png"), pixels)
    depth = read_depth(tmp_path / "depth.png", tell=said.append)
    assert (depth[0] == 0).all() and np.allclose(depth[1:], 0.7)
    assert len(said) == 1 and "0.001 m, a median of 0.7 m; --depth-scale" in said[0]


def test_no_plausible_unit_is_an_error_that_names_the_option(tmp_path):
    np.save(tmp_path / "depth.npy", np.full((8, 12), 3, np.uint16))
    with pytest.raises(InputError, match=r"median of 3 fit no usual unit .*--depth-scale"):
        read_depth(tmp_path / "depth.npy")


def points_of(depth):
    v, u = np.mgrid[: CAMERA.height, : CAMERA.width]
    return CAMERA.deproject(np.stack([u, v], axis=-1).reshape(-1, 2), depth.ravel())


def ply(points, form, kind):
    head = f"ply\nformat {form} 1.0\ncomment x\nelement vertex {len(points)}\nproperty uchar red\n"
    head += "".join(f"property {kind} {axis}\n" for axis in "xyz") + "element face 0\nproperty list uchar int i\n"
    return head.encode() + b"end_header\n", [("red", "u1")]


def pcd(points, form, size):
    return (
        f"# .PCD\nVERSION 0.7\nFIELDS rgb x y z\nSIZE 1 {size} {size} {size}\nTYPE U F F F\nCOUNT 2 1 1 1\n"
        f"WIDTH {CAMERA.width}\nHEIGHT {CAMERA.height}\nPOINTS {len(points)}\nDATA {form}\n"
    ).encode(), [("rgb", "u1", (2,))]


CLOUDS = {
    "binary.ply": (ply, "binary_little_endian", "float", "<f4"),
    "big.ply": (ply, "binary_big_endian", "double", ">f8"),
    "text.ply": (ply, "ascii", "float", ""),
    "binary.pcd": (pcd, "binary", "4", "<f4"),
    "double.pcd": (pcd, "binary", "8", "<f8"),
    "text.pcd": (pcd, "ascii", "4", ""),
}


def write(path, points):
    """A cloud with a colour before each point's place."""
    make, form, size, code = CLOUDS[path.name]
    head, before = make(points, form, size)
    if code:
        rows = np.zeros(len(points), np.dtype([*before, ("xyz", code, (3,))]))
        rows["xyz"] = points
        path.write_bytes(head + rows.tobytes())
        return
    text = io.StringIO()
    colours = np.zeros((len(points), before[0][2][0] if len(before[0]) == 3 else 1))
    np.savetxt(text, np.hstack([colours, points]), fmt="%.9g")
    path.write_bytes(head + text.getvalue().encode())


@pytest.mark.parametrize("name", CLOUDS)
@settings(max_examples=20)
@given(depth=depths)
def test_a_cloud_seen_by_its_camera_is_the_depth_image_that_it_was_made_of(name, tmp_path_factory, depth):
    points = points_of(depth)
    points[5] = np.nan  # a hole, as organised clouds mark it
    path = folder_of(tmp_path_factory) / name
    write(path, np.random.default_rng(0).permutation(points))
    expected = depth.copy().ravel()
    expected[5] = 0
    np.testing.assert_allclose(read_depth(path, camera=CAMERA).ravel(), expected, rtol=1e-6)
    np.testing.assert_allclose(read_depth(path, 0.001, CAMERA).ravel(), expected / 1000, rtol=1e-6)


def test_the_nearest_of_two_points_in_a_pixel_is_seen(tmp_path):
    near, far = points_of(np.full((8, 12), 0.5)), points_of(np.full((8, 12), 0.9))
    write(tmp_path / "binary.ply", np.concatenate([near, far, -near]))
    np.testing.assert_allclose(read_depth(tmp_path / "binary.ply", camera=CAMERA), 0.5)


BAD = {
    "a.npz": ("cannot read", b"junk"),
    "b.png": ("cannot read", b"junk"),
    "c.ply": ("does not start with ply", b"pla\nend_header\n"),
    "d.ply": ("header has no end_header", b"ply\nformat ascii 1.0\n"),
    "e.ply": ("ends after 1 of 2", ply([0, 0], "ascii", "float")[0] + b"0 1 2 3\n"),
    "f.ply": ("lack x, y or z", b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nend_header\n1\n"),
    "g.pcd": ("is compressed", pcd([0], "binary_compressed", "4")[0]),
    "h.pcd": ("cannot read", b"DATA binary\n"),
    "j.jpg": ("its name must end in one of .npy", b"no matter"),
    "i.ply": ("ends after 0 of 2 points", ply([0] * 2, "binary_little_endian", "float")[0] + b"123"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_says_why(name, tmp_path):
    complaint, content = BAD[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=complaint):
        read_depth(tmp_path / name, camera=CAMERA)


def test_several_arrays_eight_bits_and_a_cloud_without_a_camera_are_refused(tmp_path):
    np.savez(tmp_path / "two.npz", a=np.ones((2, 2)), b=np.ones((2, 2)))
    cv2.imwrite(str(tmp_path / "eight.png"), np.full((8, 12), 100, np.uint8))
    write(tmp_path / "text.pcd", points_of(np.ones((8, 12))))
    for name, complaint in [
        ("two.npz", "called depth; it holds a, b"),
        ("eight.png", "8 bits"),
        ("text.pcd", "--camera"),
    ]:
        with pytest.raises(InputError, match=complaint):
            read_depth(tmp_path / name)


def test_exr_is_read_where_opencv_writes_it(tmp_path):
    import os

    os.environ["OPENCV_IO_ENABLE_OPENEXR"] = "1"
    depth = np.random.default_rng(0).uniform(0.3, 2, (8, 12)).astype(np.float32)
    try:
        written = cv2.imwrite(str(tmp_path / "depth.exr"), depth)
    except cv2.error:
        written = False
    if not written:
        pytest.skip("this OpenCV has no EXR")
    np.testing.assert_array_equal(read_depth(tmp_path / "depth.exr"), depth)


def test_a_mask_is_an_image_or_an_array(tmp_path):
    mask = np.arange(96).reshape(8, 12) % 3 == 0
    np.save(tmp_path / "mask.npy", mask)
    cv2.imwrite(str(tmp_path / "mask.png"), 255 * mask.astype(np.uint8))
    for name in ("mask.npy", "mask.png"):
        np.testing.assert_array_equal(read_mask(tmp_path / name) > 0, mask)
    with pytest.raises(InputError, match="an image file such as PNG"):
        read_mask(tmp_path / "mask.txt")


def damaged(folder):
    """Files that are no arrays, by name."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, depth=np.random.default_rng(0).random((40, 40), np.float32))
    whole = buffer.getvalue()
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }".ljust(117) + "\n"
    files = {
        "cut.npz": whole[: len(whole) // 2],
        "zip.npy": b"PK\x03\x04 no archive",
        "flipped.npz": whole[:200] + bytes(b ^ 255 for b in whole[200:400]) + whole[400:],
        "huge.npy": b"\x93NUMPY\x01\x00\x76\x00" + (header % "100000000, 100000000").encode(),
        "open.npy": b"\x93NUMPY\x01\x00\x76\x00" + (header % "(((8, 12").encode(),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return files


def test_damaged_files_are_refused(tmp_path):
    for name in damaged(tmp_path):
        with pytest.raises(InputError, match="cannot read"):
            read_depth(tmp_path / name)
        if name.endswith(".npy"):
            with pytest.raises(InputError, match="cannot read"):
                read_mask(tmp_path / name)
