"""ros.point_clouds: messages to points. Needs no ROS, the messages are read by their fields."""

from types import SimpleNamespace

import numpy as np
import pytest

from antipodal.errors import InputError
from antipodal.ros.point_clouds import points_from

POINTS = np.random.default_rng(0).normal(size=(4, 5, 3)).astype(np.float32)


def cloud(points=POINTS, order=("x", "y", "z"), before=0, kind="f4", big=False, padding=0):
    """The message of points (H, W, 3): each has `before` bytes of rubbish, then its coordinates in an order; rows end
    with padding."""
    height, width = points.shape[:2]
    code = np.dtype(kind).newbyteorder(">" if big else "<")
    values = np.stack([points[..., "xyz".index(name)] for name in order], axis=-1).astype(code)
    rows = values.reshape(height, width, -1).view(np.uint8).reshape(height, width, -1)
    rows = np.concatenate([np.full((height, width, before), 7, np.uint8), rows], axis=2).reshape(height, -1)
    rows = np.concatenate([rows, np.full((height, padding), 9, np.uint8)], axis=1)
    datatype = {"f4": 7, "f8": 8}[kind]
    fields = [
        SimpleNamespace(name=name, offset=before + i * code.itemsize, datatype=datatype) for i, name in enumerate(order)
    ]
    return SimpleNamespace(
        height=height,
        width=width,
        fields=fields,
        is_bigendian=big,
        point_step=before + 3 * code.itemsize,
        row_step=rows.shape[1],
        data=rows.tobytes(),
    )


@pytest.mark.parametrize("kind", ["f4", "f8"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("before, padding", [(0, 0), (4, 0), (20, 12), (3, 1)])
@pytest.mark.parametrize("order", [("x", "y", "z"), ("z", "x", "y")])
def test_points_come_out_whatever_the_layout(kind, big, before, padding, order):
    points = points_from(cloud(kind=kind, big=big, before=before, padding=padding, order=order))
    assert points.dtype == np.dtype(kind)
    np.testing.assert_array_equal(points, POINTS.astype(kind))


def test_usual_clouds_are_not_copied():
    message = cloud(before=4, padding=8)
    points = points_from(message)
    held = np.frombuffer(message.data, np.uint8)
    assert np.shares_memory(points, held)
    assert not np.shares_memory(points_from(cloud(order=("z", "x", "y"))), held)


def test_one_row_is_no_organised_cloud():
    assert points_from(cloud(POINTS.reshape(1, -1, 3))).shape == (20, 3)


def changed(**values):
    return SimpleNamespace(**{**vars(cloud()), **values})


REFUSED = [
    (changed(width=0), "the cloud is empty: 0 x 4"),
    (changed(height=0), "the cloud is empty: 5 x 0"),
    (changed(data=cloud().data[:-1]), "holds 239 bytes; 5 x 4 points take 240"),
    (changed(fields=cloud().fields[:2]), "lacks x, y or z; it has x, y"),
    (changed(fields=[]), "it has no field"),
    (changed(fields=[SimpleNamespace(name=n, offset=0, datatype=2) for n in "xyz"]), "got datatypes 2, 2, 2"),
    (changed(point_step=11), "point_step of 11"),
    (changed(row_step=59), "row_step of 59"),
    (changed(fields=[SimpleNamespace(name=n, offset=2**32 - 1, datatype=7) for n in "xyz"]), "point_step of 12"),
]


@pytest.mark.parametrize("message, complaint", REFUSED, ids=lambda x: x if isinstance(x, str) else "")
def test_messages_that_contradict_themselves_are_refused(message, complaint):
    with pytest.raises(InputError, match=complaint):
        points_from(message)


def test_too_large_clouds_are_refused():
    with pytest.raises(InputError, match=r"has 5 x 4 points; at most 19 \(~max_pixels\)"):
        points_from(cloud(), 19)
