"""Lists in serialized requests: their items are counted before any is made."""

import io
import random
import struct

import pytest
from conftest import ros_or_skip

ros_or_skip()

from genpy import DeserializationError
from ros_client import scene_request
from sensor_msgs.msg import PointField
from wire_fuzz import CHANGES, INPUTS, random_request

from antipodal.ros.list_limits import MOST_ITEMS, MOST_NUMBERS, LimitExceeded, end_of
from antipodal.srv import PlanGraspRequest


def serialized(request):
    buffer = io.BytesIO()
    request.serialize(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("change", [*CHANGES, *INPUTS], ids=lambda change: change.__name__)
def test_a_request_ends_where_its_bytes_end(change):
    rng = random.Random(3)
    for _ in range(10):
        request = scene_request()
        change(rng, request)
        try:
            data = serialized(request)
        except struct.error:  # a value that its field cannot hold
            continue
        assert end_of(PlanGraspRequest, data) == len(data)
        assert end_of(PlanGraspRequest, b"before" + data + b"after", 6) == len(data) + 6


@pytest.mark.parametrize(
    "name, items, most",
    [("hands", ["x"], MOST_ITEMS), ("targets", [1], MOST_NUMBERS), ("fields", [PointField()], MOST_ITEMS)],
)
def test_a_list_with_more_items_than_are_read_is_refused(name, items, most):
    request = scene_request()
    holder = request.cloud if name == "fields" else request
    setattr(holder, name, items * most)
    assert end_of(PlanGraspRequest, serialized(request))
    setattr(holder, name, items * (most + 1))
    with pytest.raises(LimitExceeded, match=f"a list of {most + 1} .*; at most {most} are read"):
        end_of(PlanGraspRequest, serialized(request))


def test_what_can_be_decoded_is_not_refused_and_nothing_else_is_raised():
    rng, refused = random.Random(5), 0
    for _ in range(1500):
        data = random_request(rng, CHANGES + INPUTS)
        try:
            end_of(PlanGraspRequest, data)
        except (LimitExceeded, struct.error):
            refused += 1
            with pytest.raises((DeserializationError, struct.error)):
                PlanGraspRequest().deserialize(data)
    assert refused > 50
