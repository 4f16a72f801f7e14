"""Thin upright walls in a plan of what stands."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from antipodal.perception.thin_walls import CELL, find_thin_walls


def plan_of(lines, height: float, thickness: float = 0.006) -> np.ndarray:
    """A plan of 0.9 x 0.9 m with straight lines ((x, y), (x, y)) [m] from its middle, of one height [m]."""
    top = np.zeros((150, 150), np.float32)
    for ends in lines:
        first, last = (tuple(round(75 + c / CELL) for c in end) for end in ends)
        cv2.line(top, first, last, (height,), max(1, round(thickness / CELL)))
    return top


def square(half: float, turn: float):
    c, s = half * np.cos(turn), half * np.sin(turn)
    corners = [(c - s, s + c), (-c - s, -s + c), (-c + s, -s - c), (c + s, s - c)]
    return list(zip(corners, corners[1:] + corners[:1]))


def taken(top: np.ndarray) -> float:
    """Share of what stands that is taken for thin walls."""
    return float((find_thin_walls(top)[0] >= top)[top > 0].mean())


@pytest.mark.parametrize("turn", np.linspace(0, np.pi / 2, 7))
@pytest.mark.parametrize("half", [0.1, 0.2, 0.26])
@pytest.mark.parametrize("height", [0.02, 0.05])
def test_all_four_walls_of_a_tray_are_found_at_every_angle(height: float, turn: float, half: float) -> None:
    assert taken(plan_of(square(half, turn), height)) > 0.97


def test_two_walls_of_a_low_tray_of_which_the_rest_is_hidden_are_found() -> None:
    assert taken(plan_of(square(0.2, 0.4)[:2], 0.02)) > 0.97


@pytest.mark.parametrize("turn", np.linspace(0, np.pi / 2, 7))
@pytest.mark.parametrize("whole", [(0, 1), (0, 2), (0, 1, 2)], ids=["corner", "facing", "three"])
def test_walls_of_a_tray_that_things_hide_in_part_are_found(whole, turn: float) -> None:
    sides = square(0.12, turn)
    parts = [
        sides[k] if k in whole else (sides[k][0], tuple(np.average(sides[k], axis=0, weights=[1, 1.2])))
        for k in range(4)
    ]
    assert taken(plan_of(parts, 0.04)) > 0.97


def test_a_thing_between_two_walls_stays() -> None:
    walls = [((-0.2, 0.2), (0.2, 0.2)), ((-0.2, -0.2), (0.2, -0.2))]
    top = plan_of([*walls, ((-0.2, -0.1), (-0.2, 0.0))], 0.05)  # and a quarter of a side
    thing = plan_of([((-0.2, -0.1), (-0.2, 0.0))], 0.05) > 0
    level, count = find_thin_walls(top)
    assert count == 2 and (level[thing] < 0).all()


def test_a_wall_as_thick_as_walls_may_be_is_found() -> None:
    top = plan_of(square(0.12, 0.0), 0.033, thickness=0.012)
    assert np.count_nonzero(top[:, 75]) == 2 * 3  # cells
    assert taken(top) > 0.97


def test_walls_whose_image_has_gaps_are_found() -> None:
    top = plan_of(square(0.2, 0.4), 0.05)
    top[:, 70:74] = 0
    assert taken(top) > 0.95


def test_one_long_wall_of_a_tray_that_is_cut_by_the_image_is_found() -> None:
    assert taken(plan_of([((-0.2, 0.1), (0.2, 0.15))], 0.06)) > 0.97


@pytest.mark.parametrize(
    "height, thickness",
    [(0.012, 0.012), (0.02, 0.006), (0.03, 0.03), (0.05, 0.036), (0.025, 0.018)],
    ids=["cable", "rule", "bar", "plank", "broomstick"],
)
def test_long_things_that_lie_are_no_walls(height: float, thickness: float) -> None:
    assert taken(plan_of([((-0.25, 0.0), (0.25, 0.1))], height, thickness)) == 0


def test_short_things_that_stand_on_edge_are_no_walls() -> None:
    assert taken(plan_of([((-0.09, 0.0), (0.09, 0.05))], 0.1)) == 0


def test_a_row_of_things_is_no_wall() -> None:
    top = np.zeros((150, 150), np.float32)
    for k in range(6):
        cv2.circle(top, (30 + 17 * k, 60), 5, (0.11,), -1)
    assert taken(top) == 0


def test_what_leans_on_a_wall_and_is_higher_stays() -> None:
    top = plan_of(square(0.2, 0.3), 0.05)
    thing = np.zeros(top.shape, bool)
    row, column = np.argwhere(top > 0)[40]
    thing[row - 4 : row + 5, column - 4 : column + 5] = True
    top[thing] = 0.09
    level, count = find_thin_walls(top)
    assert count >= 4 and (level[thing] < 0.09).all() and (level >= top)[(top > 0) & ~thing].mean() > 0.95


def test_an_empty_plan_has_no_walls() -> None:
    for shape in ((0, 0), (3, 5), (150, 150)):
        level, count = find_thin_walls(np.zeros(shape, np.float32))
        assert count == 0 and level.shape == shape and (level < 0).all()


def test_walls_along_the_border_of_the_plan_are_found():
    """A plan is cut where nothing stands any more, so without noise a tray fills it."""
    top = np.zeros((40, 50), np.float32)
    top[[0, 1, -2, -1]] = top[:, [0, 1, -2, -1]] = 0.06
    level, count = find_thin_walls(top)
    assert count >= 4 and (level[top > 0] >= 0.06).all()
