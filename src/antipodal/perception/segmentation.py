"""What may be grasped when nobody says: what stands on the support and is no part of the room or the robot."""

from __future__ import annotations

from functools import partial
from typing import Any, Dict, Tuple

import cv2
import numpy as np

from antipodal.camera import Camera
from antipodal.perception import segmentation_numba as compiled
from antipodal.perception.bins import find_bins
from antipodal.perception.components import connected_components
from antipodal.perception.furniture import find_furniture
from antipodal.perception.image_part import ImagePart, Window, bridged, counted, grown, window_around, window_of
from antipodal.perception.obstacles import beside_edges, entering, image_border, reached, without_obstacles
from antipodal.perception.segmentation_options import SegmentationOptions
from antipodal.perception.surroundings import find_surroundings
from antipodal.perception.table import Table

WALL = 3  # in place of how surely a pixel stands out
APART = 2  # what lies in a bin that stands on another part of the support than is seen
KINDS = ("pieces", "too_high", "entering", "walls", "carriers", "containers", "too_small")


def segment_objects(
    depth: np.ndarray, camera: Camera, table: Table, options: SegmentationOptions = SegmentationOptions()
) -> Tuple[np.ndarray, Dict[str, int]]:
    """Pixels (H, W) bool that stand on the table and may be grasped, and how many pieces were dropped for what.

    depth: (H, W) float32 [m], 0 = missing.
    """
    whole = ImagePart.whole(depth, camera, table)
    window = _where_things_stand(whole, options)
    image = whole.part(window)
    found, counts = np.zeros(depth.shape, bool), dict.fromkeys(KINDS, 0)
    if image.depth.size == 0:
        return found, counts
    sure = _how_sure(image, options)
    certain = sure == 2
    border = window_of(image_border(depth, options.gap), window)
    edge = beside_edges(depth, whole.height, window, image.pixel, options)
    in_bins = _in_bins(sure, border, image, options, counts)
    _mark_walls(sure, image, options)
    arriving = np.zeros(sure.shape, bool)
    comes_in = (image.height[border & (sure > 0)] > options.entering).any()
    standing = _standing(sure, image.pixel, options) & (in_bins == 0) if comes_in else arriving
    _over_surface(sure, in_bins, image, options)
    walls = sure == WALL
    above = _standing(sure, image.pixel, options)
    furniture = _furniture((above & (in_bins < APART)) | walls, image, options, counts)
    above &= ~furniture
    if comes_in:
        leads_nowhere = _apart_from(border, furniture & (image.height < options.entering))
        arriving = entering(standing & ~leads_nowhere, border, edge, image, options)
    outside, contents = above & (in_bins == 0), above & (in_bins > 0)
    passing = partial(_passing, window, whole)
    free = without_obstacles(outside, arriving, border, edge, passing, image, options, counts)
    contents &= ~reached(contents, arriving, image, options)
    found[window] = _without_specks(free | contents, certain, image, options, counts)
    return found, counts


def on_and_above_support(
    depth: np.ndarray, camera: Camera, table: Table, options: SegmentationOptions = SegmentationOptions()
) -> Tuple[np.ndarray, np.ndarray]:
    """Pixels (H, W) bool that `segment_objects` takes for the table's plane, as they stand out by no more than its
    noise and lie no further below it than the pieces that it parts; and those that it takes to stand on it."""
    image = ImagePart.whole(depth, camera, table)
    standing = _standing(_how_sure(image, options), image.pixel, options) & (depth > 0)
    return ~standing & (depth > 0) & (image.height > -options.step), standing


def _where_things_stand(whole: ImagePart, options: SegmentationOptions) -> Window:
    """The part of an image that holds all that `_standing` can find."""
    surely = _without_lone(compiled.stands_surely(*_noise_of(whole, options)))
    return window_around(surely, _reach(whole.pixel, options) + 2)  # the medians below look two pixels further


def _how_sure(image: ImagePart, options: SegmentationOptions) -> np.ndarray:
    """How surely pixels (h, w) stand out, as by `segmentation_numba.how_sure`."""
    middle = cv2.medianBlur(cv2.medianBlur(image.height, 3), 3)  # nearly the median of 5 x 5, in a fifth of its time
    return compiled.how_sure(middle, *_noise_of(image, options))


def _noise_of(image: ImagePart, options: SegmentationOptions) -> tuple:
    least = np.array([options.min_height / 2, options.min_height], np.float32)
    return image.height, image.depth, *image.rays, image.plane, np.float32(image.table.noise), least


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


def _in_bins(
    sure: np.ndarray, border: np.ndarray, image: ImagePart, options: SegmentationOptions, counts: Dict[str, int]
) -> np.ndarray:
    """Pixels (h, w) uint8 of what lies in bins: APART, or 1 on the support; their walls are marked in `sure` (h, w)."""
    lower = (sure > 0) & (image.height < options.max_height)
    top, first = image.plan(lower)
    inside, lowest = np.zeros(sure.shape, np.uint8), np.zeros(top.shape, np.float32)
    bins = find_bins(top, lambda: image.plan_like(lower & border, first, top.shape), options.bins)
    counts["containers"] = len(bins)
    for one in bins:
        sure[image.between(lower, first, lowest, one.wall)] = WALL
        contents = image.between(sure > 0, first, lowest, one.full)
        inside[contents] = 1 if one.shares(image.outline(first)) else APART
    inside[sure == WALL] = 0
    return inside


def _over_surface(sure: np.ndarray, in_bins: np.ndarray, image: ImagePart, options: SegmentationOptions) -> None:
    """Drop what stands neither over the table's surface nor in a bin: beyond its edge are floor, walls, people."""
    axes, corner, side = image.table.surface.grid()
    region = _near_surface(image.table, options.beyond)
    arguments: Any = (sure, WALL, in_bins, *image.geometry(), axes, corner, side, region)
    compiled.keep_over(*arguments)


def _mark_walls(sure: np.ndarray, image: ImagePart, options: SegmentationOptions) -> None:
    """Mark the walls of bins in `sure` (h, w), and drop those of a room."""
    for wall in image.table.walls:
        heights = image.table.height(wall.surface.points(wall.normal * wall.offset))
        if heights.min() > options.entering:
            continue  # it hangs: a side of an arm
        value = np.uint8(0 if heights.max() > options.max_height else WALL)  # a room's, or that of a bin
        plane = wall.equation.astype(np.float32)
        limits = np.array([options.wall, 4 * image.table.noise, options.foot, options.foot], np.float32)
        arrays = (*image.rays, image.height, plane, *wall.surface.grid(), wall.surface.region)
        compiled.mark_wall(sure, image.depth, *arrays, limits, value)


def _passing(window: Window, whole: ImagePart, asked: np.ndarray) -> np.ndarray:
    """Those of the pixels (h, w) bool of a window that are asked for which walls show that rise from below the
    table."""
    if not (whole.height < -compiled.BELOW).any():
        return np.zeros(asked.shape, bool)
    mask = np.zeros(whole.depth.shape, bool)
    mask[window] = asked
    arguments: Any = (mask, *whole.geometry(), np.float32(whole.table.noise))
    return window_of(compiled.rises_from_below(*arguments), window)


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
    certain = _without_lone((sure == 2).view(np.uint8))
    return grown(certain, 2 * _reach(pixel, options) + 1) & (sure > 0) & (sure < WALL)


def _without_lone(certain: np.ndarray) -> np.ndarray:
    """Pixels (h, w) uint8 of which three or more are near each other: lone ones are noise."""
    return certain & (counted(certain, 3) >= 3)


def _reach(pixel: float, options: SegmentationOptions) -> int:
    return max(1, round(options.reach / pixel))


def _furniture(above: np.ndarray, image: ImagePart, options: SegmentationOptions, counts: Dict[str, int]) -> np.ndarray:
    """Pixels (h, w) bool of boards that carry things, of the walls of trays and bins, and of what stands round the
    support."""
    lower = above & (image.height < options.max_height)
    top, first = image.plan(lower)
    round_it = np.zeros(top.shape, bool)
    if len(image.table.outline) > 2 and top.size > 0:
        round_it = find_surroundings(top, image.outline(first), options.surroundings)
    deviation = image.table.noise * image.table.offset**2 / max(float(image.table.normal[2]), 0.05)
    low, high, counts["carriers"], containers = find_furniture(top, 3 * deviation, options.furniture)
    low[round_it], high[round_it] = 0, np.inf
    counts["containers"] += containers
    if counts["carriers"] + containers == 0 and not round_it.any():
        return np.zeros(above.shape, bool)
    return image.between(lower, first, low, high)


def _apart_from(border: np.ndarray, furniture: np.ndarray) -> np.ndarray:
    """The pieces of furniture (h, w) bool that do not reach the image's border: what stands on one side of a wall does
    not come in with what touches it on the other."""
    if not furniture.any():
        return furniture
    pieces = connected_components(furniture, diagonal=True)
    return pieces.paint(pieces.shared(border) == 0)


def _without_specks(
    mask: np.ndarray, certain: np.ndarray, image: ImagePart, options: SegmentationOptions, counts: Dict[str, int]
) -> np.ndarray:
    """`mask` (h, w) without pieces smaller than `min_area`, and without those near which few pixels are `certain` (h,
    w) to be higher than the table: of a bare table's many pixels some are by chance."""
    pieces = connected_components(bridged(mask, image), diagonal=True)
    large = pieces.areas() >= options.min_area / image.pixel**2
    near = counted((certain & mask).view(np.uint8), 2 * round(options.near / image.pixel) + 1)
    large &= pieces.shared(near >= options.min_certain) > 0
    counts["pieces"], counts["too_small"] = int(large.sum()), int((~large).sum())
    return mask & pieces.paint(large)
