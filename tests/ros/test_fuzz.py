"""Whatever a request holds, it is refused as bad input or read as what it says, and raises nothing else."""

import math
import struct
from types import SimpleNamespace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from antipodal.errors import InputError
from antipodal.perception.clouds import cloud_view
from antipodal.perception.inputs import MAX_RANGE, check_depth, check_mask, check_region
from antipodal.ros.images import DEPTHS, MASKS, MIN_DEPTH, camera_from, depth_from, mask_from, region_from
from antipodal.ros.point_clouds import points_from

UINT32 = st.one_of(st.integers(0, 9), st.sampled_from([2**16, 2**31 - 1, 2**31, 2**32 - 1]), st.integers(0, 2**32 - 1))
FLOAT = st.floats(width=64)  # NaN, infinities, subnormal numbers and all
ENCODING = st.one_of(st.sampled_from([*DEPTHS, *MASKS, "rgb8", "32FC", "16uc1", ""]), st.text(max_size=5))
SIDE = st.integers(1, 12)


@st.composite
def images(draw, encodings=ENCODING):
    """Messages that are whole, and such whose fields contradict each other."""
    encoding = draw(encodings)
    width, height, padding = draw(SIDE), draw(SIDE), draw(st.integers(0, 9))
    step = width * np.dtype({**DEPTHS, **MASKS}.get(encoding, "u1")).itemsize + padding
    size = step * height
    message = SimpleNamespace(
        encoding=encoding,
        width=width,
        height=height,
        step=step,
        is_bigendian=draw(st.sampled_from([0, 0, 1, 255])),
        data=draw(st.one_of(st.binary(min_size=size, max_size=size), plausible(size))),
    )
    for name in draw(st.lists(st.sampled_from(["width", "height", "step", "data"]), max_size=2)):
        setattr(message, name, draw(st.binary(max_size=64) if name == "data" else UINT32))
    return message


def plausible(size):
    """Bytes of depths around half a metre, in either encoding."""
    metres = np.linspace(0.4, 0.6, 1 + size // 2)
    return st.sampled_from([metres.astype("<f4").tobytes()[:size], (1000 * metres).astype("<u2").tobytes()[:size]])


@st.composite
def rois(draw):
    return SimpleNamespace(x_offset=draw(UINT32), y_offset=draw(UINT32), width=draw(UINT32), height=draw(UINT32))


@st.composite
def infos(draw):
    number = st.one_of(st.floats(100, 1000), FLOAT)
    return SimpleNamespace(
        width=draw(UINT32),
        height=draw(UINT32),
        K=draw(st.lists(number, min_size=9, max_size=9)),
        P=draw(st.lists(number, min_size=12, max_size=12)),
        D=draw(st.lists(FLOAT, max_size=5)),
        binning_x=draw(UINT32),
        binning_y=draw(UINT32),
        roi=draw(rois()),
    )


def read(function, *arguments):
    """What the function returns, or None where it refuses with a reason."""
    try:
        return function(*arguments)
    except InputError as e:
        assert len(str(e)) > 10
        return None


@given(images())
@settings(max_examples=1500, deadline=None)
def test_depth(message):
    depth = read(depth_from, message, 10_000)
    if depth is None:
        return
    assert depth.shape == (message.height, message.width) and depth.dtype == np.float32
    assert np.isfinite(depth).all() and (depth >= 0).all()
    seen = depth[depth > 0]
    assert not seen.size or MIN_DEPTH <= np.median(seen) <= MAX_RANGE
    code, unit = ("f", 1) if message.encoding == "32FC1" else ("H", 1000)
    (first,) = struct.unpack_from((">" if message.is_bigendian else "<") + code, message.data)
    expected = np.float32(first) / np.float32(unit)
    assert depth[0, 0] == (expected if np.isfinite(expected) and expected > 0 else 0)


@given(images(st.one_of(st.sampled_from(list(MASKS)), ENCODING)))
@settings(max_examples=500, deadline=None)
def test_mask(message):
    mask = read(mask_from, message)
    if mask is not None:
        assert mask.shape == (message.height, message.width) and mask.dtype == bool
        assert mask[0, 0] == (message.data[0] != 0)


@given(infos(), st.booleans())
@settings(max_examples=1500, deadline=None)
def test_camera(info, rectified):
    camera = read(camera_from, info, rectified)
    if camera is not None:
        assert camera.fx > 0 and camera.fy > 0 and camera.width >= 1 and camera.height >= 1
        assert all(map(math.isfinite, [camera.fx, camera.fy, camera.cx, camera.cy]))
        assert rectified or not any(info.D)


@given(rois(), SIDE, SIDE)
@settings(max_examples=500, deadline=None)
def test_region(roi, width, height):
    depth = np.ones((height, width), np.float32)
    region = region_from(roi)
    window = read(check_region, region, depth)
    if window is not None:
        assert window.shape == depth.shape and window.sum() == roi.width * roi.height > 0


@given(images(), infos(), images(st.sampled_from(list(MASKS))))
@settings(max_examples=500, deadline=None)
def test_what_is_read_is_checked_against_each_other(message, info, mask_message):
    depth, camera = read(depth_from, message, 10_000), read(camera_from, info)
    if depth is None or camera is None:
        return
    checked = read(check_depth, depth, camera)
    if checked is None:
        return
    assert checked.shape == (camera.height, camera.width)
    mask = read(check_mask, read(mask_from, mask_message), checked)
    assert mask is None or mask.any()


@st.composite
def clouds(draw):
    """Messages of points that are whole, and such whose fields contradict each other."""
    width, height, before, padding = draw(SIDE), draw(SIDE), draw(st.integers(0, 9)), draw(st.integers(0, 9))
    step = 12 + before
    row_step = width * step + padding
    fields = [SimpleNamespace(name=n, offset=before + 4 * i, datatype=7) for i, n in enumerate("xyz")]
    size = row_step * height
    message = SimpleNamespace(
        width=width,
        height=height,
        fields=draw(st.lists(st.sampled_from(fields), max_size=3)) if draw(st.booleans()) else fields,
        is_bigendian=draw(st.sampled_from([0, 0, 1, 255])),
        point_step=step,
        row_step=row_step,
        data=draw(st.binary(min_size=size, max_size=size)),
    )
    for name in draw(st.lists(st.sampled_from(["width", "height", "point_step", "row_step", "data"]), max_size=2)):
        setattr(message, name, draw(st.binary(max_size=64) if name == "data" else UINT32))
    return message


@settings(max_examples=300)
@given(message=clouds(), viewpoint=st.tuples(FLOAT, FLOAT, FLOAT))
def test_clouds(message, viewpoint):
    try:
        points = points_from(message, 10_000)
    except InputError:
        return
    assert points.shape in ((message.height, message.width, 3), (message.width, 3))
    try:
        view = cloud_view(points, viewpoint)
    except InputError:
        return
    assert view.depth.shape == (view.camera.height, view.camera.width)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), power=st.integers(-30, 30), count=st.integers(100, 300), flat=st.booleans())
def test_scattered_points(seed, power, count, flat):
    """Clouds of any size that are a line, a plane or anything else."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(count, 3)) * 10.0 ** rng.uniform(-2, 1, 3) * 10.0**power + rng.normal(size=3)
    points = points[:1] * rng.random((count, 1)) if flat else points
    try:
        view = cloud_view(points)
    except InputError:
        return
    assert view.depth.shape == (view.camera.height, view.camera.width) and np.isfinite(view.depth).all()
