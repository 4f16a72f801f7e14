"""Bins in plans of what stands."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antipodal.perception.bins import find_bins
from antipodal.perception.thin_walls import CELL

WIDE, RIM = 0.36, 0.15  # of the bins [m]


def distance_inwards(turn=0.0):
    """How far (120, 120) [m] cells lie within a square turned by `turn` [rad], negative outside."""
    v, u = (np.mgrid[:120, :120] - 59.5) * CELL
    x, y = np.cos(turn) * u + np.sin(turn) * v, np.cos(turn) * v - np.sin(turn) * u
    return WIDE / 2 - np.maximum(abs(x), abs(y))


def nowhere():
    return np.zeros((120, 120), bool)


def heaped(inward, floor, seed=0):
    """Heights (120, 120) [m] of a heap over `floor` where a bin is hollow."""
    rough = cv2.blur(np.random.default_rng(seed).uniform(0, 0.08, inward.shape), (7, 7))
    return np.where(inward > 0.03, floor + rough, 0.0)


def walled(turn=0.0, slope=None, floor=0.05):
    """Top of a full bin with upright walls, or with inner faces of a slope, and which cells are walls."""
    inward = distance_inwards(turn)
    wall = np.where(inward < 0.012, RIM, 0.0) if slope is None else RIM - slope * np.maximum(inward - 0.012, 0)
    heap = heaped(inward, floor)
    top = np.where(inward > 0, np.maximum(wall, heap), 0.0)
    return top.astype(np.float32), (top > 0) & (wall >= heap)


@pytest.mark.parametrize("turn", [0.0, 0.4, 0.785])
@pytest.mark.parametrize("slope", [None, 1.0, 3.0])
def test_walls_of_a_full_bin_are_marked_and_its_contents_are_not(turn, slope):
    top, wall = walled(turn, slope)
    (found,) = find_bins(top, nowhere)
    marked = found.wall >= top
    assert marked[wall].mean() > 0.95
    inner = (top > 0) & (cv2.dilate(wall.astype(np.uint8), np.ones((7, 7), np.uint8)) == 0)
    assert marked[inner].mean() < 0.05
    assert (found.full >= top)[inner].all()


def test_a_rim_that_leans_against_the_support_is_one():
    top, wall = walled()
    leaning = np.where(top > 0, top + 0.1 * CELL * (np.arange(120) - 60), 0).astype(np.float32)
    (found,) = find_bins(leaning, nowhere)
    assert (found.wall >= leaning)[wall].mean() > 0.95


def test_a_bin_that_the_image_cuts_is_one_where_it_is_told_so():
    top, _ = walled()
    top[:, :50] = 0  # one side and half of two others
    top[:, 110:] = 0
    cut = nowhere()
    assert len(find_bins(top, lambda: cut)) == 1  # three sides are enough
    top[:, 80:] = 0
    assert not find_bins(top, lambda: cut)
    cut[:, 50:52] = cut[:, 78:80] = True
    assert len(find_bins(top, lambda: cut)) == 1


def heap():
    return heaped(distance_inwards(), 0.05).astype(np.float32)


def carton():
    return np.where(distance_inwards() > 0, RIM, 0).astype(np.float32)


def bowl(radius=0.12):
    v, u = (np.mgrid[:120, :120] - 59.5) * CELL
    far = np.hypot(u, v)
    return np.where(far < radius, 0.02 + 0.06 * (far / radius) ** 2, 0).astype(np.float32)


def cans():
    """Twelve upright cans of two heights in a block."""
    top = np.zeros((120, 120), np.float32)
    for row in range(3):
        for column in range(4):
            cv2.circle(top, (25 + 14 * column, 30 + 14 * row), 5, (0.12 if (row + column) % 2 else 0.15,), -1)
    return top


@pytest.mark.parametrize("shape", [heap, carton, bowl, cans])
def test_what_has_no_rim_round_lower_things_is_no_bin(shape):
    assert find_bins(shape(), nowhere) == []


def test_an_empty_plan_and_a_small_one_hold_none():
    for shape in ((0, 0), (5, 90), (90, 90)):
        assert find_bins(np.zeros(shape, np.float32), nowhere) == []


@given(st.integers(0, 2**32 - 1))
def test_any_plan_is_looked_at(seed):
    """Lines, specks, blobs and rectangles, whole and cut."""
    rng = np.random.default_rng(seed)
    top = np.zeros(rng.integers(20, 90, 2), np.float32)
    for _ in range(rng.integers(1, 6)):
        ends = [tuple(map(int, rng.integers(0, 90, 2))) for _ in range(2)]
        cv2.rectangle(top, *ends, (float(rng.uniform(0.01, 0.3)),), int(rng.choice([-1, 1, 3])))
    top[rng.random(top.shape) < rng.choice([0, 0.3])] = 0
    for found in find_bins(top, lambda: rng.random(top.shape) < 0.3):
        assert found.wall.shape == found.full.shape == top.shape
        assert np.isfinite(found.wall).all() and np.isfinite(found.full).all()
