"""What is no target by its size or place: robots and people that come in from beyond the image, and high things."""

from __future__ import annotations

from typing import Callable, Dict, Tuple

import cv2
import numpy as np

from antipodal.perception import segmentation_numba as compiled
from antipodal.perception.components import Components, connected_components
from antipodal.perception.image_part import ImagePart, Window, bridged, grown, window_of
from antipodal.perception.segmentation_options import SegmentationOptions


def without_obstacles(
    above: np.ndarray,
    arriving: np.ndarray,
    border: np.ndarray,
    edge: np.ndarray,
    passing: Callable[[np.ndarray], np.ndarray],
    image: ImagePart,
    options: SegmentationOptions,
    counts: Dict[str, int],
) -> np.ndarray:
    """`above` (h, w) without the pieces that are higher than things, come in from beyond the image, or are cut by it
    over a long way, without walls, and without what a sensor makes of a table's edge. arriving: as by `entering`;
    passing: picks of pixels (h, w) bool those of walls that rise from below the table."""
    whole = above & ~_jumps(image, options.step)
    pieces = connected_components(bridged(whole, image), diagonal=False)
    size, high, _, raised, at_border, unseen, cut, shared = _facts(pieces, image, border, edge, arriving, options).T
    too_high = high > np.maximum(20, 0.02 * size)
    entering = ~too_high & (shared > 0.5 * size)
    long = cut * image.pixel > options.long
    wall = (at_border > 0) & ~(too_high | entering | long)
    if wall.any():
        wall &= pieces.shared(passing(pieces.paint(wall))) > 0.5 * size
    bulge = (raised < 0.05 * size) & (unseen > 0.25 * size)
    counts["too_high"], counts["entering"] = int(too_high.sum()), int((entering | long).sum())
    counts["walls"] = int(wall.sum())
    dropped = pieces.paint(too_high | entering | wall | bulge) | arriving
    dropped |= _cut_over_a_long_way(pieces.paint(long & ~too_high & ~entering), border, image, options)
    dropped |= _skirts(whole & ~dropped, arriving, border, image, options)
    if not dropped.any():
        return above
    left, others = above & ~dropped, whole & ~dropped
    return left & ~_dropped_rims(left & ~others, dropped, others, options.rim / image.pixel)


def _cut_over_a_long_way(
    mask: np.ndarray, border: np.ndarray, image: ImagePart, options: SegmentationOptions
) -> np.ndarray:
    """Pixels (h, w) bool of pieces that the image's border cuts over a long way, such as walls, without the things that
    touch them: what is left without a strip along the border and narrow joints, and reaches that strip over a short
    stretch or not at all."""
    if not mask.any():
        return mask
    strip = grown(border.astype(np.uint8), 2 * round(options.strip / image.pixel) + 1)
    size = 2 * round(options.joint / 2 / image.pixel) + 1
    cores = cv2.erode((mask & ~strip).view(np.uint8), np.ones((size, size), np.uint8)) > 0
    parts, ends = connected_components(cores, diagonal=False), grown(strip.view(np.uint8), size + 2)
    facts = _facts(parts, image, ends, ends, ends, options)
    things = facts[:, 6] * image.pixel <= options.stretch
    whole, others = (grown(parts.paint(which).view(np.uint8), size) for which in (things, ~things))
    return mask & ~(whole & ~others)


def reached(contents: np.ndarray, arriving: np.ndarray, image: ImagePart, options: SegmentationOptions) -> np.ndarray:
    """Pixels (h, w) bool of the pieces of a bin's contents that lead, without a jump, to what comes in from outside:
    the rest of an arm that reaches into the bin."""
    if not (arriving.any() and contents.any()):
        return np.zeros(contents.shape, bool)
    whole = (contents | arriving) & ~_jumps(image, options.step)
    pieces = connected_components(bridged(whole, image), diagonal=False)
    return contents & pieces.paint(pieces.shared(arriving) > 0)


def _skirts(
    rest: np.ndarray, arriving: np.ndarray, border: np.ndarray, image: ImagePart, options: SegmentationOptions
) -> np.ndarray:
    """Pixels (h, w) bool of the pieces of `rest` that belong to what comes in: they lead from it to the border without
    a jump, slope down from it as in smoothed depth, or are small and beside it: fingertips, what is left of its rim."""
    if not arriving.any():
        return arriving
    pieces = connected_components(bridged(rest, image), diagonal=False)
    low = arriving & (image.height < options.entering / 2 + options.sloping)
    beside, below, near = (
        pieces.shared(grown(part.astype(np.uint8), size)) > 0
        for part, size in ((arriving, 5), (low, 5), (arriving, 2 * round(options.rim / image.pixel) + 1))
    )
    joined = beside & (pieces.shared(border) > 0)
    small = near & (pieces.areas() < options.small / image.pixel**2)
    return pieces.paint(joined | below | small)


def entering(
    above: np.ndarray, border: np.ndarray, edge: np.ndarray, image: ImagePart, options: SegmentationOptions
) -> np.ndarray:
    """Pixels (h, w) bool of the high pieces of `above` that come in from beyond the image, such as arms and hands."""
    high = above & (image.height > options.entering / 2)
    if not (high & border).any():
        return np.zeros(high.shape, bool)
    whole = high & ~_jumps(image, options.entering_step)
    pieces = connected_components(bridged(whole, image), diagonal=False)
    facts = _facts(pieces, image, border, edge, edge, options)
    return pieces.paint(facts[:, 2] > np.maximum(3, options.entering_share * facts[:, 4]))


def _facts(
    pieces: Components,
    image: ImagePart,
    border: np.ndarray,
    edge: np.ndarray,
    marked: np.ndarray,
    options: SegmentationOptions,
) -> np.ndarray:
    limits = np.array([options.max_height, options.entering, options.low], np.float32)
    return compiled.piece_facts(pieces.runs, pieces.label, pieces.count, image.height, border, edge, marked, limits)


def _jumps(image: ImagePart, step: float) -> np.ndarray:
    """Pixels (h, w) bool where depth jumps by more than `step` [m], the table's own slope and the sensor's noise."""
    tilt = float(np.hypot(*image.table.normal[:2]) / max(image.table.normal[2], 0.2))
    slope, noise = np.float32(2.5 * tilt / image.focal), np.float32(5 * image.table.noise)
    return compiled.jumps(image.depth, np.float32(step), slope, noise)


def _dropped_rims(asked: np.ndarray, dropped: np.ndarray, others: np.ndarray, reach: float) -> np.ndarray:
    """Those of the asked pixels (h, w) bool that lie within `reach` pixels of what is dropped, and nearer to it than to
    others."""
    steps = np.arange(-int(reach), int(reach) + 1)
    row, column = (axis.ravel() for axis in np.meshgrid(steps, steps, indexing="ij"))
    square = row**2 + column**2
    order = np.argsort(square, kind="stable")[: np.count_nonzero(square <= reach**2)]
    return compiled.nearer_to(asked, dropped, others, np.stack([row, column, square], axis=1)[order])


def beside_edges(
    depth: np.ndarray, height: np.ndarray, window: Window, pixel: float, options: SegmentationOptions
) -> np.ndarray:
    """Pixels (h, w) bool of the window that lie beside where the table ends: wide missing depth, or what is lower."""
    size, wide = 2 * max(1, round(options.rim / pixel)) + 1, 9
    pad = size // 2 + wide
    low = [max(0, w.start - pad) for w in window]
    around = slice(low[0], window[0].stop + pad), slice(low[1], window[1].stop + pad)
    beyond = ((depth[around] <= 0) | (height[around] < -options.drop)).astype(np.uint8)
    inner = tuple(slice(w.start - a, w.stop - a) for w, a in zip(window, low))
    if not beyond.any():
        return np.zeros(beyond[inner].shape, bool)
    wide_gaps = cv2.morphologyEx(beyond, cv2.MORPH_OPEN, np.ones((wide, wide), np.uint8))
    return window_of(grown(wide_gaps, size), (inner[0], inner[1]))


def image_border(depth: np.ndarray, width: int) -> np.ndarray:
    """Pixels (H, W) bool within `width` of where the image ends: its border, or a strip there without depth, as
    registration to a colour camera leaves one."""
    border = np.ones(depth.shape, bool)
    u, v, last_u, last_v = window_with_depth(depth)
    border[v + width : last_v + 1 - width, u + width : last_u + 1 - width] = False
    return border


def window_with_depth(depth: np.ndarray) -> Tuple[int, int, int, int]:
    """First column and row, and last column and row, of an image (H, W) without the strips along its border that have
    no depth."""
    top, bottom, left, right = (_strip(image) for image in (depth, depth[::-1], depth.T, depth.T[::-1]))
    return left, top, depth.shape[1] - 1 - right, len(depth) - 1 - bottom


def _strip(depth: np.ndarray, empty: float = 0.05, widest: float = 0.1, soon: float = 0.02) -> int:
    """How many of an image's (H, W) first rows have depth in a share of their pixels that counts as `empty`; 0 where
    they are more than a strip, as in an image that was cut out for its object, or where the rows that follow soon are
    not half as full as those in the middle: the top of a thing before a background without depth."""
    most = int(widest * len(depth))
    for row in range(most):
        if np.count_nonzero(depth[row] > 0) > empty * depth.shape[1]:
            after, middle = (np.count_nonzero(depth[k] > 0) for k in (row + int(soon * len(depth)), len(depth) // 2))
            return row if after > middle / 2 else 0
    return 0
