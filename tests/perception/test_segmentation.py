import cv2
import numpy as np
import pytest
from scenes import CAMERA, box, overhead, render

from antipodal.camera import Camera
from antipodal.perception import segmentation
from antipodal.perception.image_part import ImagePart, bridged
from antipodal.perception.segmentation import segment_objects, stands_out
from antipodal.perception.segmentation_numba import jumps
from antipodal.perception.table import find_table


def segmented(boxes, spoil=lambda depth: depth):
    depth, truth = render(boxes)
    depth = spoil(depth)
    return segment_objects(depth, CAMERA, find_table(depth, CAMERA, np.random.default_rng(0)))[0], truth


def test_objects_are_what_stands_on_the_table():
    mask, truth = segmented([box((-0.05, 0), (0.04, 0.05, 0.03)), box((0.06, 0.03), (0.05, 0.03, 0.06), 0.5)])
    assert (mask & truth).sum() > 0.97 * truth.sum()
    assert not (mask & ~truth).any()


def test_a_wall_that_reaches_the_frame_is_furniture():
    wall, thing = box((0, 0.14), (1.0, 0.03, 0.08)), box((0, -0.02), (0.04, 0.05, 0.03))
    mask, _ = segmented([wall, thing])
    _, only_thing = render([thing])
    assert (mask & only_thing).sum() > 0.95 * only_thing.sum()
    assert not (mask & ~only_thing).any()


def test_a_thing_against_the_wall_is_still_an_object():
    wall, thing = box((0, 0.14), (1.0, 0.03, 0.08)), box((0, 0.10), (0.06, 0.05, 0.03))
    mask, _ = segmented([wall, thing])
    _, only_thing = render([thing])
    assert (mask & only_thing).sum() > 0.7 * only_thing.sum()


def test_a_thing_cut_by_missing_depth_or_the_border_is_an_object():
    def lose_right_side(depth):
        depth[:, 200:] = 0
        return depth

    mask, truth = segmented([box((0.05, 0), (0.08, 0.05, 0.04)), box((-0.22, 0), (0.08, 0.05, 0.04))], lose_right_side)
    seen = truth & (np.arange(CAMERA.width) < 200)
    assert (mask & seen).sum() > 0.95 * seen.sum()


def test_what_comes_in_from_a_strip_without_depth_comes_in_from_outside():
    arm, thing = box((-0.22, 0), (0.2, 0.06, 0.16)), box((0.05, 0), (0.04, 0.05, 0.03))
    _, only_thing = render([thing])
    for strip in (0, 15):
        depth, _ = render([arm, thing])
        depth[:, :strip] = 0
        table = find_table(depth, CAMERA, np.random.default_rng(0))
        mask, counts = segment_objects(depth, CAMERA, table)
        assert counts["entering"] == 1 and not (mask & ~only_thing).any()
        assert (mask & only_thing).sum() > 0.95 * only_thing.sum()


@pytest.mark.parametrize("height", [0.015, 0.025, 0.04])
def test_a_lower_thing_beside_a_board_that_carries_another_is_no_part_of_it(height):
    board, carried = box((0.05, 0.0), (0.22, 0.2, 0.025)), box((0.06, 0.02), (0.04, 0.05, 0.06))
    beside = box((-0.105, 0.0), (0.08, 0.04, height))  # 5 mm from the board
    depth, _ = render([board, carried, beside])
    found, counts = segment_objects(depth, CAMERA, find_table(depth, CAMERA, np.random.default_rng(0)))
    _, wanted = render([beside])
    assert counts["carriers"] == 1 and (found & wanted).sum() > 0.75 * wanted.sum()


@pytest.mark.parametrize("row", [8, 14, 20])
def test_the_top_of_a_thing_before_a_background_without_depth_is_no_border(row):
    """It was taken for the end of a strip without depth, and the thing for one that comes in over it."""
    depth, mask = render([box((0.0, 0.12), (0.06, 0.08, 0.13))])
    top = np.flatnonzero(mask.any(axis=1))[0]
    depth, mask = np.roll(depth, row - top, axis=0), np.roll(mask, row - top, axis=0)
    background = np.arange(len(depth))[:, None] < row + 10
    depth = np.where(background & ~mask, np.float32(0), depth)
    found = segment_objects(depth, CAMERA, find_table(depth, CAMERA, np.random.default_rng(0)))[0]
    assert (found & mask).sum() > 0.95 * mask.sum()


@pytest.mark.parametrize("seen", [0.012, 0.02, 0.028])
def test_a_thing_that_touches_what_the_border_cuts_over_a_long_way_is_an_object(seen):
    left = -CAMERA.cx / CAMERA.fx * 0.66  # where the image ends, 4 cm above the table
    wall = box((left + seen - 0.05, 0.0), (0.1, 0.24, 0.04))
    things = [box((left + seen + 0.05, y), (0.1, 0.04, 0.04)) for y in (-0.06, 0.05)]
    mask, _ = segmented([wall, *things])
    _, only_things = render(things)
    assert (mask & only_things).sum() > 0.6 * only_things.sum()
    assert (mask & ~only_things).sum() < 0.05 * only_things.sum()


@pytest.mark.parametrize("tilt", [0.0, 0.2, 0.4, -0.3])
@pytest.mark.parametrize("height", [0.11, 0.16])
def test_what_touches_a_trays_wall_does_not_come_in_with_what_touches_it_outside(tilt, height):
    camera, view, thick, half = Camera(525.0, 525.0, 319.5, 239.5, 640, 480), overhead(tilt), 0.012, 0.15
    walls = [box((0, side * half), (2 * half + thick, thick, 0.06)) for side in (-1, 1)]
    walls += [box((side * half, 0), (thick, 2 * half + thick, 0.06)) for side in (-1, 1)]
    crate = box((half + 0.35, 0.02), (0.69, 0.16, height))  # the image cuts it
    thing = box((half - 0.031, 0.03), (0.05, 0.04, 0.05))
    depth, _ = render([*walls, crate, thing], camera, view)
    shown = depth < render([*walls, crate], camera, view)[0] - 0.002
    depth += np.random.default_rng(0).normal(0, 0.0007, depth.shape).astype(np.float32)
    mask = segment_objects(depth, camera, find_table(depth, camera, np.random.default_rng(0)))[0]
    assert mask[shown].mean() > 0.7
    assert (mask & ~shown).sum() < 0.2 * shown.sum()


def test_noise_on_a_bare_table_is_no_object():
    rng = np.random.default_rng(0)
    mask, _ = segmented([], lambda d: (d + rng.normal(scale=0.0015, size=d.shape)).astype(np.float32))
    assert not mask.any()


def test_a_low_part_is_kept_under_noise_and_its_outline_stays():
    low, high = box((0.0, 0), (0.16, 0.04, 0.0045)), box((0.09, 0), (0.04, 0.06, 0.03))
    rng = np.random.default_rng(0)
    mask, truth = segmented([low, high], lambda d: (d + rng.normal(scale=0.0015, size=d.shape)).astype(np.float32))
    assert (mask & truth).sum() > 0.98 * truth.sum()  # 0.86 where each pixel is judged alone
    beside = cv2.dilate(truth.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert (mask & ~beside).sum() < 0.002 * truth.sum()


def test_jumps_are_what_opencvs_morphology_finds():
    rng = np.random.default_rng(0)
    depth = (0.7 - 0.05 * (rng.random((40, 60)) < 0.02) + 0.003 * rng.random((40, 60))).astype(np.float32)
    depth[rng.random(depth.shape) < 0.1] = 0
    square = np.ones((3, 3), np.uint8)
    filled = np.where(depth > 0, depth, np.float32(1e3))
    expected = (cv2.dilate(depth, square) - cv2.erode(filled, square)) > np.float32(0.01)
    assert 0 < expected.sum() < expected.size
    none = np.float32(0)
    np.testing.assert_array_equal(jumps(depth, np.float32(0.01), none, none), expected)


def test_what_stands_is_the_same_in_its_part_of_the_image_and_in_all_of_it(monkeypatch):
    things = [box((-0.05, 0), (0.04, 0.05, 0.03)), box((0.06, 0.03), (0.05, 0.03, 0.006), 0.5)]
    rng = np.random.default_rng(0)
    noise = rng.normal(scale=0.0015, size=(CAMERA.height, CAMERA.width))
    part, truth = segmented(things, lambda d: (d + noise).astype(np.float32))
    monkeypatch.setattr(segmentation, "window_around", lambda mask, pad: tuple(slice(0, n) for n in mask.shape))
    whole, _ = segmented(things, lambda d: (d + noise).astype(np.float32))
    assert part.sum() > 0.9 * truth.sum()
    np.testing.assert_array_equal(part, whole)


def test_gaps_are_bridged_at_missing_depth_alone():
    depth = np.full((60, 80), 0.7, np.float32)
    mask = np.zeros(depth.shape, bool)
    mask[20:40, 20:60] = True
    depth[20:40, 38:42] = 0  # a narrow gap, a wide one, and one in which there is depth
    depth[20:40, 50:57] = 0
    mask[20:40, [38, 39, 40, 41, 28, 29, *range(50, 57)]] = False
    camera = Camera(60.0, 60.0, 39.5, 29.5, 80, 60)
    table = find_table(np.full(depth.shape, 0.75, np.float32), camera, np.random.default_rng(0))
    expected = mask.copy()
    expected[20:40, 38:42] = True
    np.testing.assert_array_equal(bridged(mask, ImagePart.whole(depth, camera, table)), expected)


def test_without_a_support_what_is_near_and_stands_out_may_be_grasped():
    depth = np.full((240, 320), 2.5, np.float32)  # a wall, far behind
    depth[80:160, 120:180] = 0.6  # a thing in a hand
    expected = depth < 1
    np.testing.assert_array_equal(stands_out(depth, CAMERA), expected)
    depth[expected & (np.arange(320) < 150)] = 0.57  # two of a heap: the upper one
    assert stands_out(depth, CAMERA)[expected].all()


def test_a_level_heap_without_a_support_is_not_the_whole_image():
    rng = np.random.default_rng(0)
    blocks = np.kron(rng.uniform(0.5, 0.6, (12, 16)), np.ones((20, 20))).astype(np.float32)
    out = stands_out(blocks, CAMERA)
    assert 0.3 < out.mean() < 0.97 and not out[blocks > 0.595].any()


@pytest.mark.parametrize(
    "rows, columns", [(slice(None, None, 2), slice(None, None, 2)), (slice(None, None, 10), slice(None))]
)
def test_scattered_holes_and_dead_rows_lose_nothing(rows, columns):
    def spoil(depth):
        depth[rows, columns] = 0
        return depth

    mask, truth = segmented([box((0, 0), (0.08, 0.05, 0.04))], spoil)
    seen = np.ones(truth.shape, bool)
    seen[rows, columns] = False
    assert (mask & truth).sum() > 0.9 * (truth & seen).sum()


def test_a_board_that_carries_a_flat_part_is_a_support():
    board, part = box((0, 0), (0.26, 0.2, 0.02)), box((0, 0.01), (0.05, 0.07, 0.028))
    mask, _ = segmented([board, part])
    _, only_part = render([part])
    assert (mask & only_part).sum() > 0.9 * only_part.sum()
    assert (mask & ~only_part).sum() < 0.2 * only_part.sum()
