"""Bins and trays that are full of things: a level rim, and what lies inside it lower, in a plan of what stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Tuple

import cv2
import numpy as np

from antipodal.perception.thin_walls import CELL


@dataclass(frozen=True)
class BinOptions:
    """What counts as a bin."""

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
    over: float = 0.05  # what reaches higher over the rim was not put into the bin [m]


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


def find_bins(top: np.ndarray, cut: np.ndarray, options: BinOptions = BinOptions()) -> List[Bin]:
    """Bins in a plan of what stands.

    top: (rows, columns) greatest height in every cell [m], 0 where nothing stands; cut: (rows, columns) bool, where the
    image ends.
    """
    if min(top.shape) * CELL < options.min_width:
        return []
    bins = [_bin_of(top, own, cut, options) for own in _wide_groups(top > 0, options)]
    return [one for one in bins if one is not None]


def _bin_of(top: np.ndarray, own: np.ndarray, cut: np.ndarray, options: BinOptions) -> Optional[Bin]:
    """The bin whose walls and contents are a group of cells (rows, columns) bool, or None."""
    for box in _boxes(own & (top > options.low * np.percentile(top[own], 95)), options.filled):
        sides = [_Side(k, box, top, own) for k in range(4)]
        rims = [side.rim(options) for side in sides]
        if _enclose(sides, rims, cut, options):
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


def _boxes(own: np.ndarray, filled: float, least: float = 0.08) -> List[tuple]:
    """Rectangles round the cells, as by OpenCV: the smallest, and those along the long sides of the convex hull, which
    lie right also where the image cuts a bin."""
    cells = cv2.findNonZero(own.astype(np.uint8))
    if cells is None:
        return []
    whole = cv2.convexHull(cells)
    hull = cv2.approxPolyDP(whole, 2.0, True)[:, 0].astype(float)
    ways = np.roll(hull, -1, axis=0) - hull
    long = np.argsort(-np.linalg.norm(ways, axis=1))[:4]
    boxes = [cv2.minAreaRect(cells)]
    for way in ways[long]:
        if np.linalg.norm(way) * CELL >= least:
            axes = np.array([way, [-way[1], way[0]]]) / np.linalg.norm(way)
            low, high = (f(whole[:, 0] @ axes.T, axis=0) for f in (np.min, np.max))
            middle, size = axes.T @ ((low + high) / 2), high - low
            boxes.append((tuple(middle), tuple(size), float(np.degrees(np.arctan2(way[1], way[0])))))
    area = cv2.contourArea(whole)
    return [box for box in boxes if area >= filled * box[1][0] * box[1][1]]


def _enclose(sides: List[_Side], rims: List[Optional[np.ndarray]], cut: np.ndarray, options: BinOptions) -> bool:
    """Whether enough sides of a rectangle have a rim: three, or two where the image ends along the others."""
    found = sum(rim is not None for rim in rims)
    ends = sum(rim is None and side.is_cut(cut, options) for side, rim in zip(sides, rims))
    return found >= 3 or (found == 2 and ends == 2)


def _rim_plane(
    sides: List[_Side], rims: List[Optional[np.ndarray]], shape: Tuple[int, ...], options: BinOptions
) -> np.ndarray:
    """Height (rows, columns) [m] of the plane through the rims."""
    edges = [np.column_stack(side.edge(rim, options)) for side, rim in zip(sides, rims) if rim is not None]
    rows, columns, height = np.concatenate(edges).T
    plane = np.linalg.lstsq(np.column_stack([rows, columns, np.ones(len(rows))]), height, rcond=None)[0]
    v, u = np.mgrid[: shape[0], : shape[1]]
    return (plane[0] * v + plane[1] * u + plane[2]).astype(np.float32)


def _wide_groups(occupied: np.ndarray, options: BinOptions) -> List[np.ndarray]:
    """Cells (rows, columns) bool of the groups of occupied cells that are as wide as a bin both ways."""
    size = 2 * round(options.gap / CELL) + 1
    joined = cv2.morphologyEx(occupied.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((size, size), np.uint8))
    count, label, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    sides = np.minimum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]) * CELL
    return [(label == k) & occupied for k in range(1, count) if sides[k] >= options.min_width]


class _Side:
    """One side of a group's smallest rectangle, and the cells that are nearer to it than to the others."""

    def __init__(self, side: int, box: tuple, top: np.ndarray, own: np.ndarray) -> None:
        (u, v), size, angle = box
        rows, columns = np.nonzero(own)
        c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        x, y = (columns - u) * CELL, (rows - v) * CELL
        x, y = c * x + s * y, c * y - s * x
        half = (np.array(size) + 1) / 2 * CELL
        inward = np.stack([half[0] - x, half[0] + x, half[1] - y, half[1] + y])
        mine = inward.argmin(axis=0) == side
        self.cells = rows[mine], columns[mine]
        self.height = top[self.cells]
        self.inward = inward[side][mine]  # from the side [m]
        self.place = ((y, y, x, x)[side][mine] + half[1 - side // 2]) / (2 * CELL)  # along it, in columns of two cells
        self.count = max(1, int(half[1 - side // 2] / CELL))

    def rim(self, options: BinOptions) -> Optional[np.ndarray]:
        """Height (count,) [m] of a straight rim along the side, or None where there is none, or nothing lies lower.
        What lies beyond the rim is left out of the side."""
        outermost, best, shift = self.inward, None, 0
        for k in range(options.beyond):
            self.inward = outermost - k * CELL
            line = self._line(options)
            if line is not None and (best is None or np.median(line) > np.median(best) + options.even):
                best, shift = line, k
        self.inward = outermost - shift * CELL
        if best is None or not np.less_equal(self._fall(best, options), -options.drop).any():
            return None
        return best

    def _line(self, options: BinOptions) -> Optional[np.ndarray]:
        """Height (count,) [m] of what stands along the side, if that is a straight line."""
        edge = np.full(self.count, np.nan)
        near = (self.inward >= 0) & (self.inward <= options.rim)
        np.fmax.at(edge, np.clip(self.place[near].astype(int), 0, self.count - 1), self.height[near])
        third = max(1, self.count // 3)
        first, last = edge[:third], edge[-third:]
        if np.isfinite(edge).mean() < options.covered or not (np.isfinite(first).any() and np.isfinite(last).any()):
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

    def _fall(self, line: np.ndarray, options: BinOptions) -> List[float]:
        """Median heights over the rim [m] of the cells 0, 1, 2, ... in from the side, NaN where there are none."""
        step, below = np.floor(self.inward / CELL).astype(int), self._below(line)
        steps = range(min(int(options.reach / CELL), int(step.max(initial=0))))
        return [float(np.median(below[step == k])) if (step == k).any() else np.nan for k in steps]

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
