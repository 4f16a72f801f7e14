import math

import numpy as np
import pytest

from antipodal.errors import InputError
from antipodal.planning.approach_cone import (
    ApproachCone,
    ConeOptions,
    check_approach,
    cone_of,
    free_directions,
    spread_over,
)

DOWN = np.array([0.0, 0.0, 1.0])


@pytest.mark.parametrize("angle", [0.1, 0.7, math.pi / 2])
def test_directions_are_spread_evenly_over_the_cone_and_start_at_its_axis(angle):
    cone = ApproachCone((0.3, -0.5, 0.9), angle)
    directions = spread_over(cone, 200)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1)
    np.testing.assert_array_equal(directions[0], cone.axis)
    assert cone.holds(directions).all() and directions.shape == (200, 3)
    cosines = directions @ np.array(cone.axis)  # evenly spread over the sphere: evenly in the cosine
    np.testing.assert_allclose(np.sort(cosines), np.linspace(math.cos(angle), 1, 200), atol=1e-9)
    gaps = np.arccos(np.clip(np.sort(directions @ directions.T, axis=1)[:, -2], -1, 1))
    assert gaps.max() < 2 * gaps.min() + 0.5 * gaps.mean()


def test_a_cone_of_no_angle_is_its_axis():
    cone = ApproachCone((0, 0, 2), 0.0)
    np.testing.assert_array_equal(spread_over(cone, 32), [[0, 0, 1]])


def test_a_unit_axis_stays_as_it_is_to_the_last_bit():
    axis = np.array([0.1, -0.2, 0.97])
    axis /= np.linalg.norm(axis)
    assert ApproachCone(tuple(axis), 0.1).axis == tuple(axis)


@pytest.mark.parametrize(
    "axis, angle, complaint",
    [
        ((0, 0, 0), 0.1, r"no direction: \(0, 0, 0\)"),
        ((0, 0, math.nan), 0.1, "3 finite numbers"),
        ((0, 1), 0.1, "3 finite numbers"),
        ("down", 0.1, "3 finite numbers"),
        ((0, 0, 1), -0.1, r"0 to 1.5708 rad \(90 degrees\), got -0.1"),
        ((0, 0, 1), 20, r"got 20 \(1145.92 degrees\)"),
        ((0, 0, 1), math.nan, "got nan"),
        ((0, 0, 1), "wide", "got 'wide'"),
    ],
)
def test_a_cone_that_is_none_is_refused_with_what_was_got(axis, angle, complaint):
    with pytest.raises(InputError, match=complaint):
        ApproachCone(axis, angle)


def test_a_right_angle_in_single_precision_is_one():
    assert ApproachCone((0, 0, 1), float(np.float32(math.pi / 2))).angle == math.pi / 2


def test_no_direction_comes_from_below_the_support():
    normal = np.array([0.0, 0.6, 0.8])
    for axis in ((1, 0, 0), (0, -1, 0.7), (0, 0.6, 0.8)):
        found = free_directions(ApproachCone(axis, math.pi / 2), 32, normal)
        assert (found @ normal >= -1e-6).all() and 28 <= len(found) <= 40


def test_a_cone_below_the_support_is_refused_with_what_is_possible():
    with pytest.raises(InputError, match=r"within 20 degrees of \(0, 0, -1\) comes from below.*180.0 degrees"):
        free_directions(ApproachCone((0, 0, -1), math.radians(20)), 32, DOWN)


def test_an_approach_is_a_name_or_a_cone():
    for approach in ("table", "camera", "any", ApproachCone((0, 0, 1), 0.2)):
        assert check_approach(approach) == approach
    for wrong in ("sideways", None, 3, (0, 0, 1)):
        with pytest.raises(InputError, match="'table', 'camera', 'any' or an ApproachCone"):
            check_approach(wrong)
    assert cone_of("table", DOWN) is None and cone_of("camera", DOWN) is None
    assert cone_of("any", np.array([0.0, 0.6, 0.8])) == ApproachCone((0, 0.6, 0.8), math.pi / 2)


@pytest.mark.parametrize("wrong", [{"directions": 0}, {"searched": 0}, {"around": -1}, {"cell": 0.0}])
def test_options_of_a_search_over_a_cone_are_checked(wrong):
    with pytest.raises(InputError, match=f"cone.{next(iter(wrong))}"):
        ConeOptions(**wrong)
