"""What may be grasped when nobody says: what stands on the support and is no part of the room or the robot."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Dict, Tuple

import cv2
import numpy as np

from antipodal.camera import Camera
from antipodal.perception import segmentation_numba as compiled
from antipodal.perception.components import Components, connected_components
from antipodal.perception.furniture import CELL, FurnitureOptions, find_furniture
from antipodal.perception.surroundings import SurroundingsOptions, find_surroundings
from antipodal.perception.table import Table

WALL = 3  # in place of how surely a pixel stands out
Window = Tuple[slice, slice]  # rows and columns
KINDS = ("pieces", "too_high", "entering", "carriers", "containers", "too_small")


@dataclass(frozen=True)
class SegmentationOptions:
    """What counts as an object."""

    min_height: float = 0.004  # above the table, at least [m]
    step: float = 0.01  # jump in depth between neighbouring pixels that parts two pieces [m]
    reach: float = 0.012  # what is barely higher than the table counts this near to what surely is [m]
    rim: float = 0.02  # jumps this near to a piece that is dropped, and nearer to no other piece, go with it [m]
    min_area: float = 0.0001  # smaller pieces are noise [m^2]
    max_height: float = 0.35  # pieces that reach higher are part of the room or a robot [m]
    entering: float = 0.10  # pieces that are higher than this where the image ends come in from outside [m]
    entering_share: float = 0.2  # of their pixels there
    entering_step: float = 0.07  # jump in depth that parts two pieces of what comes in from outside [m]
    long: float = 0.15  # pieces that the border cuts in places further apart than this are part of the room [m]
    wall: float = 0.012  # distance from a wall within which a pixel belongs to it [m]
    foot: float = 0.025  # and this much more below this height: walls are rounded at their feet [m]
    low: float = 0.02  # pieces lower than this beside the unseen, where sensors see the table bulge, are none [m]
    beyond: float = 0.08  # things stand over the table's surface, or this near to it [m]
    around: float = 0.08  # without a support, what is nearer than its surroundings this far round it is an object [m]
    stands_out: float = 0.015  # by this much [m]
    gap: int = 5  # missing pixels between that do not part a piece
    furniture: FurnitureOptions = field(default_factory=FurnitureOptions)
    surroundings: SurroundingsOptions = field(default_factory=SurroundingsOptions)


def segment_objects(
    depth: np.ndarray, camera: Camera, table: Table, options: SegmentationOptions = SegmentationOptions()
) -> Tuple[np.ndarray, Dict[str, int]]:
    """Pixels (H, W) bool that stand on the table and may be grasped, and how many pieces were dropped for what.

    depth: (H, W) float32 [m], 0 = missing.
    """
    rays = camera.rays()
    plane = np.append(table.normal, table.offset).astype(np.float32)
    height, sure = _heights(depth, camera, table, options)
    found, counts = np.zeros(depth.shape, bool), dict.fromkeys(KINDS, 0)
    window = _window(sure)
    if not sure[window].any():
        return found, counts
    rays = rays[0][window[1]], rays[1][window[0]]
    image = _Part(_cut(depth, window), _cut(height, window), rays, plane, table, camera.fx)
    sure = _cut(sure, window)
    _over_surface(sure, image, options)
    walls = sure == WALL
    above = _standing(sure, image.pixel, options)
    border, edge = _cut(_border(depth, options.gap), window), _edge(depth, window, image.pixel, options)
    furniture = _furniture(above | walls, image, options, counts)
    above = _without_obstacles(above & ~furniture, border, edge, image, options, counts)
    found[window] = _without_specks(above, image, options, counts)
    return found, counts


def on_support(
    depth: np.ndarray, camera: Camera, table: Table, options: SegmentationOptions = SegmentationOptions()
) -> np.ndarray:
    """Pixels (H, W) bool that `segment_objects` takes for the table's plane: they stand out by no more than its noise,
    nor lie further below it than the pieces that it parts."""
    height, sure = _heights(depth, camera, table, options)
    standing = _standing(sure, table.pixel(camera.fx), options)
    return ~standing & (depth > 0) & (height > -options.step)


def _heights(
    depth: np.ndarray, camera: Camera, table: Table, options: SegmentationOptions
) -> Tuple[np.ndarray, np.ndarray]:
    """Heights (H, W) [m] over the table, and how surely pixels stand out, as by `segmentation_numba.how_sure`."""
    plane = np.append(table.normal, table.offset).astype(np.float32)
    least = np.array([options.min_height / 2, options.min_height], np.float32)
    height = compiled.heights(depth, *camera.rays(), plane)
    middle = cv2.medianBlur(cv2.medianBlur(height, 3), 3)  # nearly the median of 5 x 5, in a fifth of its time
    return height, compiled.how_sure(height, middle, depth, *camera.rays(), plane, np.float32(table.noise), least)


def stands_out(depth: np.ndarray, camera: Camera, options: SegmentationOptions = SegmentationOptions()) -> np.ndarray:
    """Pixels (H, W) bool that are near, and nearer than what is round them: targets where no support is seen.

    depth: (H, W) float32 [m], 0 = missing.
    """
    valid = depth > 0
    nearest = float(np.percentile(depth[valid][::50], 5))
    near = valid & (depth < nearest + options.max_height)
    stride = max(1, round(0.005 * camera.fx / nearest))
    size = 2 * max(1, round(options.around * camera.fx / nearest / stride)) + 1
    few = np.where(valid, depth, 0)[::stride, ::stride]
    beyond = cv2.dilate(few, np.ones((size, size), np.uint8))
    beyond = cv2.resize(beyond, (depth.shape[1], depth.shape[0]), interpolation=cv2.INTER_NEAREST)
    out = near & (beyond - depth > options.stands_out)
    return out if out.any() else near


@dataclass(frozen=True)
class _Part:
    """The window of an image in which something stands."""

    depth: np.ndarray  # (h, w) float32 [m]
    height: np.ndarray  # (h, w) float32 over the table [m]
    rays: Tuple[np.ndarray, np.ndarray]  # x (w,) and y (h,) at depth 1
    plane: np.ndarray  # (4,) float32
    table: Table
    focal: float  # [px]

    @property
    def pixel(self) -> float:
        """Side of a pixel on the table [m], where the camera's axis meets it."""
        return self.table.pixel(self.focal)

    @cached_property
    def missing(self) -> np.ndarray:
        """Indices (N,) of the pixels without depth."""
        return np.flatnonzero(self.depth <= 0)

    def geometry(self) -> tuple:
        return self.depth, self.height, *self.rays, self.plane


def _edge(depth: np.ndarray, window: Window, pixel: float, options: SegmentationOptions) -> np.ndarray:
    """Pixels (h, w) bool of the window that lie beside wide missing depth."""
    size, wide = 2 * max(1, round(options.rim / pixel)) + 1, 9
    pad = size // 2 + wide
    low = [max(0, w.start - pad) for w in window]
    missing = (depth[low[0] : window[0].stop + pad, low[1] : window[1].stop + pad] <= 0).astype(np.uint8)
    inner = tuple(slice(w.start - a, w.stop - a) for w, a in zip(window, low))
    if not missing.any():
        return np.zeros(missing[inner].shape, bool)
    wide_gaps = cv2.morphologyEx(missing, cv2.MORPH_OPEN, np.ones((wide, wide), np.uint8))
    return _cut(_grown(wide_gaps, size), (inner[0], inner[1]))


def _grown(mask: np.ndarray, size: int) -> np.ndarray:
    """Pixels (h, w) bool in the squares of `size` pixels round those of a mask (h, w) uint8; a sum takes the same time
    for every size."""
    size = min(size, 2 * max(mask.shape) + 1)
    return cv2.boxFilter(mask, -1, (size, size), normalize=False, borderType=cv2.BORDER_CONSTANT) > 0


def _window(mask: np.ndarray) -> Window:
    """The smallest rows and columns that hold all of `mask` (H, W)."""
    spans = []
    for axis in (1, 0):
        occupied = np.flatnonzero(mask.any(axis=axis))
        spans.append(slice(occupied[0], occupied[-1] + 1) if len(occupied) else slice(0, 0))
    return spans[0], spans[1]


def _cut(image: np.ndarray, window: Window) -> np.ndarray:
    """The window of an image, contiguous: compiled functions would be compiled again for another layout."""
    return np.ascontiguousarray(image[window])


def _over_surface(sure: np.ndarray, image: _Part, options: SegmentationOptions) -> None:
    """Drop what does not stand over the table's surface: beyond its edge are floor, walls, people."""
    axes, corner, side = image.table.surface.grid()
    region = _near_surface(image.table, options.beyond)
    arguments: Any = (sure, *image.geometry(), axes, corner, side, region)
    compiled.keep_over(*arguments)
    for wall in image.table.walls:
        highest = float(image.table.height(wall.surface.points(wall.normal * wall.offset)).max())
        value = np.uint8(0 if highest > options.max_height else WALL)  # a room's, or that of a bin
        plane = np.append(wall.normal, wall.offset).astype(np.float32)
        limits = np.array([options.wall, 4 * image.table.noise, options.foot, options.foot], np.float32)
        arrays = (*image.rays, image.height, plane, *wall.surface.grid(), wall.surface.region)
        compiled.mark_wall(sure, image.depth, *arrays, limits, value)


def _near_surface(table: Table, beyond: float) -> np.ndarray:
    """Cells (count, count) bool of the table's grid that belong to its surface, are hidden within its outline, or lie
    `beyond` it by at most so much [m]."""
    _, corner, side = table.surface.grid()
    cells = 2 * round(beyond / side) + 1
    region = cv2.dilate(table.surface.region.astype(np.uint8), np.ones((cells, cells), np.uint8))
    if len(table.outline) > 2:
        cv2.fillConvexPoly(region, np.floor((table.outline - corner) / side).astype(np.int32), (1,))
    return region > 0


def _standing(sure: np.ndarray, pixel: float, options: SegmentationOptions) -> np.ndarray:
    """Pixels (h, w) bool that are surely higher than the table, and those perhaps higher that are near to them."""
    certain = (sure == 2).astype(np.uint8)
    certain &= cv2.boxFilter(certain, -1, (3, 3), normalize=False) >= 3  # lone pixels are noise
    size = 2 * max(1, round(options.reach / pixel)) + 1
    return _grown(certain, size) & (sure > 0) & (sure < WALL)


def _border(depth: np.ndarray, width: int) -> np.ndarray:
    """Pixels (H, W) bool within `width` of where the image ends: its border, or a strip there without depth, as
    registration to a colour camera leaves one."""
    border = np.ones(depth.shape, bool)
    top, bottom, left, right = (width + _strip(image) for image in (depth, depth[::-1], depth.T, depth.T[::-1]))
    border[top : len(depth) - bottom, left : depth.shape[1] - right] = False
    return border


def _strip(depth: np.ndarray, empty: float = 0.05, widest: float = 0.1) -> int:
    """How many of an image's (H, W) first rows have depth in a share of their pixels that counts as `empty`; 0 where
    they are more than a strip, as in an image that was cut out for its object."""
    most = int(widest * len(depth))
    for row in range(most):
        if np.count_nonzero(depth[row] > 0) > empty * depth.shape[1]:
            return row
    return 0


def _without_obstacles(
    above: np.ndarray,
    border: np.ndarray,
    edge: np.ndarray,
    image: _Part,
    options: SegmentationOptions,
    counts: Dict[str, int],
) -> np.ndarray:
    """`above` (h, w) without the pieces that are higher than things, come in from beyond the image, or are cut by it
    over a long way, and without what a sensor makes of a table's edge."""
    arriving = _entering(above & (image.height > options.entering / 2), border, edge, image, options)
    whole = above & ~_jumps(image, options.step)
    pieces = connected_components(_bridged(whole, image), diagonal=False)
    size, high, _, raised, _, unseen, cut, shared = _facts(pieces, image, border, edge, arriving, options).T
    too_high = high > np.maximum(20, 0.02 * size)
    entering = ~too_high & (shared > 0.5 * size)
    long = cut * image.pixel > options.long
    bulge = (raised < 0.05 * size) & (unseen > 0.25 * size)
    counts["too_high"], counts["entering"] = int(too_high.sum()), int((entering | long).sum())
    dropped = pieces.paint(too_high | entering | long | bulge) | arriving
    dropped |= _skirts(whole & ~dropped, arriving, border, image, options)
    return above & ~_with_rims(dropped, whole & ~dropped, options.rim / image.pixel) if dropped.any() else above


def _skirts(
    rest: np.ndarray, arriving: np.ndarray, border: np.ndarray, image: _Part, options: SegmentationOptions
) -> np.ndarray:
    """Pixels (h, w) bool of the pieces of `rest` that lead, without a jump, from what comes in to the border."""
    if not arriving.any():
        return arriving
    pieces = connected_components(_bridged(rest, image), diagonal=False)
    beside = _grown(arriving.astype(np.uint8), 5)
    facts = _facts(pieces, image, border, arriving, beside, options)
    return pieces.paint((facts[:, 4] > 0) & (facts[:, 7] > 0))


def _entering(
    high: np.ndarray, border: np.ndarray, edge: np.ndarray, image: _Part, options: SegmentationOptions
) -> np.ndarray:
    """Pixels (h, w) bool of the pieces of `high` that come in from beyond the image, such as arms and hands."""
    if not (high & border).any():
        return np.zeros(high.shape, bool)
    whole = high & ~_jumps(image, options.entering_step)
    pieces = connected_components(_bridged(whole, image), diagonal=False)
    facts = _facts(pieces, image, border, edge, edge, options)
    return pieces.paint(facts[:, 2] > np.maximum(3, options.entering_share * facts[:, 4]))


def _facts(
    pieces: Components,
    image: _Part,
    border: np.ndarray,
    edge: np.ndarray,
    marked: np.ndarray,
    options: SegmentationOptions,
) -> np.ndarray:
    limits = np.array([options.max_height, options.entering, options.low], np.float32)
    return compiled.piece_facts(pieces.runs, pieces.label, pieces.count, image.height, border, edge, marked, limits)


def _jumps(image: _Part, step: float) -> np.ndarray:
    """Pixels (h, w) bool where depth jumps by more than `step` [m], the table's own slope and the sensor's noise."""
    tilt = float(np.hypot(*image.table.normal[:2]) / max(image.table.normal[2], 0.2))
    slope, noise = np.float32(2.5 * tilt / image.focal), np.float32(5 * image.table.noise)
    return compiled.jumps(image.depth, np.float32(step), slope, noise)


def _bridged(mask: np.ndarray, image: _Part) -> np.ndarray:
    """`mask` (h, w) with the missing pixels in narrow gaps of it."""
    return compiled.bridge_gaps(mask, image.missing, 2)


def _with_rims(furniture: np.ndarray, others: np.ndarray, reach: float) -> np.ndarray:
    """Pixels (h, w) bool of the furniture, and those within `reach` pixels that are nearer to it than to others."""
    to_furniture = cv2.distanceTransform((~furniture).astype(np.uint8), cv2.DIST_L2, 3)
    to_others = cv2.distanceTransform((~others).astype(np.uint8), cv2.DIST_L2, 3)
    return (to_furniture <= reach) & (to_furniture < to_others)


def _furniture(above: np.ndarray, image: _Part, options: SegmentationOptions, counts: Dict[str, int]) -> np.ndarray:
    """Pixels (h, w) bool of boards that carry things, of the walls of trays and bins, and of what stands round the
    support."""
    axes, corner, _ = image.table.surface.grid()
    lower = above & (image.height < options.max_height)
    arguments: tuple = (lower, *image.geometry(), axes, corner, CELL)
    every: Any = (*arguments, max(1, int(0.7 * CELL / image.pixel)))
    top, first = compiled.plan(*every)
    round_it = _round_support(top, first, image, options)
    deviation = image.table.noise * image.table.offset**2 / max(float(image.table.normal[2]), 0.05)
    low, high, counts["carriers"], counts["containers"] = find_furniture(top, 3 * deviation, options.furniture)
    low[round_it], high[round_it] = 0, np.inf
    if counts["carriers"] + counts["containers"] == 0 and not round_it.any():
        return np.zeros(above.shape, bool)
    ranges: Any = (*arguments, first, low, high)
    return compiled.between(*ranges)


def _round_support(top: np.ndarray, first: np.ndarray, image: _Part, options: SegmentationOptions) -> np.ndarray:
    """Cells (rows, columns) bool of a plan that stand round the support; first: column and row of its first cell."""
    table = image.table
    if len(table.outline) < 3 or top.size == 0:
        return np.zeros(top.shape, bool)
    outline = (table.outline - table.surface.corner) / CELL - first
    return find_surroundings(top, outline, options.surroundings)


def _without_specks(mask: np.ndarray, image: _Part, options: SegmentationOptions, counts: Dict[str, int]) -> np.ndarray:
    """`mask` (h, w) without pieces smaller than `min_area`."""
    pieces = connected_components(_bridged(mask, image), diagonal=True)
    large = pieces.areas() >= options.min_area / image.pixel**2
    counts["pieces"], counts["too_small"] = int(large.sum()), int((~large).sum())
    return mask & pieces.paint(large)
