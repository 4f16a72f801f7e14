"""Bins and trays that are full of things: a level rim, and what lies inside it lower, in a plan of what stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, ClassVar, List, Optional, Tuple

import cv2
import numpy as np

from antipodal.perception.cells import CELL, convex_hull, medians, wide_groups
from antipodal.perception.option_limits import Within


@dataclass(frozen=True)
class BinOptions:
    """What counts as a bin."""

    WITHIN: ClassVar[Within] = {"beyond": (0, 1200)}
    min_width: float = 0.16  # [m]
    gap: float = 0.015  # what stands this near to each other may be one bin [m]
    filled: float = 0.85  # share of its rectangle that its convex hull fills, at least; a circle fills 0.79
    rim: float = 0.015  # how far in from its smallest rectangle the rim may lie [m]
    min_height: float = 0.025  # of the rim [m]
    covered: float = 0.7  # share of a side along which a rim is seen, at least
    even: float = 0.01  # how much the height of the rim varies about a straight line [m]
    spread: float = 0.015  # and that of a wall's parts about its middle [m]
    share: float = 0.6  # of a side where it is that even, at least; things lean on the rest
    slope: float = 0.25  # of the rim against the support, at most
    drop: float = 0.015  # what is inside lies this much lower than the rim [m]
    thick: float = 0.05  # thickest rim [m]
    reach: float = 0.2  # widest inner face of a wall, seen from above [m]
    low: float = 0.4  # what is lower than this share of what stands is no part of a rim
    beyond: int = 6  # cells that noise and a leaning outer face may reach beyond the rim
    steep: float = 0.3  # slope of an inner face, at least
    over: float = 0.02  # what reaches higher over the rim was not put into the bin [m]


@dataclass(frozen=True)
class Bin:
    """A bin in a plan (rows, columns)."""

    corners: np.ndarray  # (4, 2) of its rectangle, as (column, row)
    wall: np.ndarray  # height [m] up to which a cell holds a wall, -1 where none
    full: np.ndarray  # height [m] up to which a cell holds what lies in the bin, -1 outside

    def shares(self, outline: np.ndarray) -> bool:
        """Whether it stands on an outline (K, 2), corners of a convex hull as (column, row), or round it."""
        if len(outline) < 3:
            return False
        own, other = self.corners.astype(np.float32), outline.astype(np.float32)
        shared = cv2.intersectConvexConvex(own, other)[0]
        return bool(2 * shared > min(cv2.contourArea(own), cv2.contourArea(other)))


def find_bins(top: np.ndarray, cut: Callable[[], np.ndarray], options: BinOptions = BinOptions()) -> List[Bin]:
    """Bins in a plan of what stands.

    top: (rows, columns) greatest height in every cell [m], 0 where nothing stands; cut: makes (rows, columns) bool,
    where the image ends.
    """
    if min(top.shape) * CELL < options.min_width:
        return []
    groups = [own for own in wide_groups(top > 0, options.gap, options.min_width) if _is_hollow(top, own)]
    if not groups:
        return []
    ends = cut()
    bins = [_bin_of(top, own, ends, options) for own in groups]
    return [one for one in bins if one is not None]


def _is_hollow(top: np.ndarray, own: np.ndarray) -> bool:
    """Whether a group (rows, columns) bool is higher along its convex hull than within it."""
    inner = own & (cv2.erode(convex_hull(own), np.ones((9, 9), np.uint8), borderValue=(0,)) > 0)
    rim = own & ~inner
    return not inner.any() or bool(np.percentile(top[rim], 75) > np.median(top[inner]))


def _bin_of(top: np.ndarray, own: np.ndarray, cut: np.ndarray, options: BinOptions) -> Optional[Bin]:
    """The bin whose walls and contents are a group of cells (rows, columns) bool, or None."""
    for box in _boxes(own & (top > options.low * np.percentile(top[own], 95)), options):
        sides, rims = _rims(box, top, own, cut, options)
        if sides:
            level, wall = _rim_plane(sides, rims, top.shape, options), np.full(top.shape, -1, np.float32)
            for side, rim in zip(sides, rims):
                if rim is None:
                    side.mark_high(level, wall, options)
                else:
                    side.mark(rim, wall, options)
            corners, inside = cv2.boxPoints(box), np.zeros(top.shape, np.uint8)
            cv2.fillConvexPoly(inside, np.round(corners).astype(np.int32), (1,))
            full = np.where(inside > 0, level + np.float32(options.over), np.float32(-1))
            return Bin(corners, cv2.dilate(wall, np.ones((3, 3), np.uint8)), full)
    return None


def _boxes(own: np.ndarray, options: BinOptions, least: float = 0.08) -> List[tuple]:
    """Rectangles round the cells, as by OpenCV: the smallest, and that along the longest side of the convex hull, which
    lies right also where the image cuts a bin."""
    cells = cv2.findNonZero(own.astype(np.uint8))
    if cells is None:
        return []
    whole = cv2.convexHull(cells)
    hull = cv2.approxPolyDP(whole, 2.0, True)[:, 0].astype(float)
    ways = np.roll(hull, -1, axis=0) - hull
    boxes = [cv2.minAreaRect(cells)]
    way = ways[np.argmax(np.hypot(*ways.T))]
    if np.hypot(*way) * CELL >= least:
        axes = np.array([way, [-way[1], way[0]]]) / np.hypot(*way)
        low, high = (f(whole[:, 0] @ axes.T, axis=0) for f in (np.min, np.max))
        middle, size = axes.T @ ((low + high) / 2), high - low
        boxes.append((tuple(middle), tuple(size), float(np.degrees(np.arctan2(way[1], way[0])))))
    area = cv2.contourArea(whole)
    wide = [box for box in boxes if (min(box[1]) + 1) * CELL >= options.min_width]
    return [box for box in wide if area >= options.filled * box[1][0] * box[1][1]]


def _rims(
    box: tuple, top: np.ndarray, own: np.ndarray, cut: np.ndarray, options: BinOptions
) -> Tuple[List[_Side], List[Optional[np.ndarray]]]:
    """The sides of a rectangle and their rims, None where there is none. Nothing where too few have one for a bin:
    three must, or two where the image ends along the others."""
    sides = _sides(box, top, own)
    rims: List[Optional[np.ndarray]] = []
    ends = 0
    for side in sides:
        rims.append(side.rim(options))
        ends += rims[-1] is None and side.is_cut(cut, options)
        missing = sum(rim is None for rim in rims)
        if missing > 2 or (missing == 2 and ends < 2):
            return [], []
    return sides, rims


def _rim_plane(
    sides: List[_Side], rims: List[Optional[np.ndarray]], shape: Tuple[int, ...], options: BinOptions
) -> np.ndarray:
    """Height (rows, columns) [m] of the plane through the rims."""
    edges = [np.column_stack(side.edge(rim, options)) for side, rim in zip(sides, rims) if rim is not None]
    rows, columns, height = np.concatenate(edges).T
    plane = np.linalg.lstsq(np.column_stack([rows, columns, np.ones(len(rows))]), height, rcond=None)[0]
    v, u = np.mgrid[: shape[0], : shape[1]]
    return (plane[0] * v + plane[1] * u + plane[2]).astype(np.float32)


def _sides(box: tuple, top: np.ndarray, own: np.ndarray) -> List[_Side]:
    """The four sides of a rectangle round a group of cells (rows, columns) bool."""
    (u, v), size, angle = box
    rows, columns = np.nonzero(own)
    c, s = CELL * np.cos(np.radians(angle)), CELL * np.sin(np.radians(angle))
    x, y = c * (columns - u) + s * (rows - v), c * (rows - v) - s * (columns - u)
    half = (np.array(size) + 1) / 2 * CELL
    inward = np.stack([half[0] - x, half[0] + x, half[1] - y, half[1] + y])
    nearest, height = inward.argmin(axis=0), top[rows, columns]
    sides = []
    for k, (along, length) in enumerate(((y, half[1]), (y, half[1]), (x, half[0]), (x, half[0]))):
        mine = np.flatnonzero(nearest == k)
        cells = rows[mine], columns[mine]
        sides.append(_Side(cells, height[mine], inward[k, mine], along[mine] + length, 2 * length))
    return sides


class _Side:
    """One side of a group's smallest rectangle, and the cells that are nearer to it than to the others."""

    def __init__(self, cells: tuple, height: np.ndarray, inward: np.ndarray, along: np.ndarray, length: float) -> None:
        self.cells = cells  # rows and columns, (N,) each
        self.height = height  # (N,) [m]
        self.inward = inward  # (N,) from the side [m]
        self.place = along / (2 * CELL)  # (N,) along it, in columns of two cells
        self.count = max(1, int(length / (2 * CELL)))

    def rim(self, options: BinOptions) -> Optional[np.ndarray]:
        """Height (count,) [m] of a straight rim along the side, or None where there is none, or nothing lies lower.
        What lies beyond the rim is left out of the side."""
        outermost, best, shift = self.inward, None, 0
        for k in range(0, options.beyond, 2):
            self.inward = outermost - k * CELL
            line = self._line(options)
            if line is not None and (best is None or np.median(line) > np.median(best) + options.even):
                best, shift = line, k
        self.inward = outermost - shift * CELL
        if best is None:
            return None
        fall = self._fall(best, options)
        seen = np.isfinite(fall[: round(options.rim / CELL) + 1]).any()
        return best if seen and np.less_equal(fall, -options.drop).any() else None

    def _line(self, options: BinOptions) -> Optional[np.ndarray]:
        """Height (count,) [m] of what stands along the side, if that is a straight line."""
        near = (self.inward >= 0) & (self.inward <= options.rim)
        place = np.clip(self.place[near].astype(int), 0, self.count - 1)
        if np.count_nonzero(np.bincount(place, minlength=self.count)) < options.covered * self.count:
            return None
        edge = np.full(self.count, np.nan)
        np.fmax.at(edge, place, self.height[near])
        third = max(1, self.count // 3)
        first, last = edge[:third], edge[-third:]
        if not (np.isfinite(first).any() and np.isfinite(last).any()):
            return None
        slope = float(np.nanmedian(last) - np.nanmedian(first)) / max(self.count - third, 1)
        along = slope * np.arange(self.count)
        line = along + float(np.nanmedian(edge - along))
        even = float((np.abs(edge - line) <= options.even).mean())
        level = abs(slope) <= 2 * CELL * options.slope and line.min() >= options.min_height
        return line if level and even >= options.share else None

    def _below(self, line: np.ndarray) -> np.ndarray:
        """Heights (N,) [m] of the cells over the rim beside them."""
        return self.height - line[np.clip(self.place.astype(int), 0, self.count - 1)]

    def _fall(self, line: np.ndarray, options: BinOptions) -> np.ndarray:
        """Median heights (K,) over the rim [m] of the cells 0, 1, 2, ... in from the side, NaN where there are none."""
        step = np.floor(self.inward / CELL).astype(int)
        return medians(self._below(line), step, min(int(options.reach / CELL), int(step.max(initial=0))))

    def is_cut(self, cut: np.ndarray, options: BinOptions) -> bool:
        """Whether the image ends along most of the side."""
        near = self.inward <= 2 * options.rim
        ends = self.place[near & cut[self.cells]].astype(int)
        return len(np.unique(ends)) >= 0.5 * self.count

    def mark(self, line: np.ndarray, wall: np.ndarray, options: BinOptions) -> None:
        """Raise `wall` (rows, columns) [m] to the height of the rim and of the inner face as far in as it falls."""
        fall = self._fall(line, options)
        first = int(np.nanargmax(fall[: round(options.rim / CELL) + 1]))  # beyond it lies what noise makes of the edge
        last = first + 1
        while last < len(fall) and fall[last] >= -options.even and last * CELL < options.thick:
            last += 1
        if last + 1 < len(fall) and fall[last + 1] < fall[last] - options.steep * CELL:
            last += 1
            while last < len(fall) and fall[last] < fall[last - 1] - options.steep * CELL:
                last += 1
        face = np.fmin(0.0, [*np.zeros(first + 1), *fall[first + 1 : last], 0.0])
        step = np.clip(np.floor(self.inward / CELL).astype(int), 0, len(face) - 1)
        face = face[step]
        own = (step < last) & (self._below(line) <= face + options.spread)
        self._raise(own, self.height - self._below(line) + face + options.spread, wall)

    def edge(self, line: np.ndarray, options: BinOptions) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows, columns and heights [m] (N,) of the outermost cells, on a rim."""
        own = (self.inward >= 0) & (self.inward <= options.rim)
        return self.cells[0][own], self.cells[1][own], (self.height - self._below(line))[own]

    def mark_high(self, level: np.ndarray, wall: np.ndarray, options: BinOptions) -> None:
        """Raise `wall` (rows, columns) [m] to what is nearly as high as the rims' plane (rows, columns) [m]."""
        high = self.height >= level[self.cells] - options.drop
        self._raise((self.inward <= options.thick) & high, self.height + CELL, wall)

    def _raise(self, own: np.ndarray, level: np.ndarray, wall: np.ndarray) -> None:
        rows, columns = self.cells[0][own], self.cells[1][own]
        wall[rows, columns] = np.maximum(wall[rows, columns], level[own])
