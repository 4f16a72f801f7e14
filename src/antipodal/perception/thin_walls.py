"""Thin upright walls, such as those of trays and bins: straight lines in a plan of what stands."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Iterable, Iterator, List, NamedTuple, Optional, Tuple

import cv2
import numpy as np

from antipodal.perception.cells import CELL
from antipodal.perception.option_limits import Within

KNOWN = 0.9  # share of a side on which walls are known, from which it is one of them


@dataclass(frozen=True)
class ThinWallOptions:
    """What counts as a thin wall."""

    WITHIN: ClassVar[Within] = {
        "length": (0.01, 10),
        "thickness": (0, 1),
        "beside": (0, 1),
    }  # they become cells
    alone: float = 0.3  # length of a wall that meets no other, at least [m]
    length: float = 0.15  # of one that meets another at a corner, at least [m]
    corner: float = 0.04  # distance between the ends of walls that meet, at most [m]
    square: float = 0.3  # cosine of the angle at which they meet, at most
    parallel: float = 0.2  # sine of the angle between walls that face each other, at most
    apart: Tuple[float, float] = (0.1, 0.7)  # distance between these [m]
    thickness: float = 0.018  # in the plan, at most [m]
    height: float = 0.018  # of one that meets another, at least [m]; lower things are cables, pens, cutlery
    alone_height: float = 0.025  # of one that meets no other, at least [m]
    slender: float = 1.5  # times as high as thick, at least; a bar that lies is less
    even: float = 0.008  # how much the height of its edge varies [m]
    share: float = 0.6  # of its length where the edge is that even, at least; things lean on the rest
    gap: float = 0.05  # in an edge that is still one [m]
    beside: float = 0.015  # what lies this near to a wall and is no higher belongs to it [m]
    completed: float = 0.35  # share of the side that two walls lack, as high as they are, that makes it a wall


@dataclass(frozen=True)
class _Line:
    """A straight line in the plan, in cells."""

    ends: np.ndarray  # (2, 2) first and last as (column, row)

    @cached_property
    def cells(self) -> float:
        return math.hypot(*(self.ends[1] - self.ends[0]))

    @cached_property
    def way(self) -> np.ndarray:
        """Unit vector (2,) from the first to the last cell."""
        return (self.ends[1] - self.ends[0]) / self.cells

    def coordinates(self, cells: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """How far [m] cells (N, 2) lie along the line from its first end, and to its left."""
        x, y = CELL * (cells - self.ends[0]).T
        return self.way[0] * x + self.way[1] * y, self.way[0] * y - self.way[1] * x

    def band(self, shape: Tuple[int, ...], reach: float) -> np.ndarray:
        """Cells (rows, columns) bool within `reach` [m] of the line, and as far past its ends."""
        past = np.outer([-reach / CELL, reach / CELL], self.way)
        first, last = np.round(self.ends + past).astype(int)
        image = np.zeros(shape, np.uint8)
        cv2.line(image, tuple(first.tolist()), tuple(last.tolist()), (1,), 2 * round(reach / CELL) + 1)
        return image > 0

    def share_on(self, cells: np.ndarray) -> float:
        """Share of the line that lies on cells (rows, columns) bool."""
        u, v = np.round(self.ends[0] + np.outer(np.arange(self.cells + 1), self.way)).astype(int).T
        inside = (u >= 0) & (u < cells.shape[1]) & (v >= 0) & (v < cells.shape[0])
        return np.count_nonzero(cells[v[inside], u[inside]]) / len(u)

    def moved_to(self, cells: np.ndarray, most: float, reach: float) -> Tuple[_Line, float]:
        """The line, moved sideways by up to `most` [m] to where cells (N, 2) lie within `reach` [m] along most of it,
        and the share of it along which they do."""
        along, beside = self.coordinates(cells)
        count = max(1, int(self.cells / 2))
        place = np.floor(along / (2 * CELL)).astype(int)
        near = (np.abs(beside) <= most + reach) & (place >= 0) & (place < count)
        place, beside, steps = place[near], beside[near], round(most / CELL)
        covered = {k: len(np.unique(place[np.abs(beside - k * CELL) <= reach])) for k in range(-steps, steps + 1)}
        best = max(covered, key=lambda k: (covered[k], -abs(k)))
        return _Line(self.ends + best * np.array([-self.way[1], self.way[0]])), covered[best] / count

    def meets(self, other: _Line, options: ThinWallOptions) -> bool:
        """Whether two lines form a corner."""
        nearest = np.linalg.norm(self.ends[:, None] - other.ends, axis=-1).min()
        return nearest * CELL <= options.corner and abs(float(self.way @ other.way)) <= options.square

    def faces(self, other: _Line, options: ThinWallOptions) -> bool:
        """Whether two lines are parallel and side by side, as opposite walls of a tray are."""
        along, beside = self.coordinates(other.ends)
        shorter = CELL * min(self.cells, other.cells)
        overlap = min(along.max(), CELL * self.cells) - max(along.min(), 0.0)
        parallel = abs(float(self.way @ other.way)) >= np.sqrt(1 - options.parallel**2)
        return parallel and overlap >= shorter / 2 and options.apart[0] <= abs(beside.mean()) <= options.apart[1]

    def sides_with(self, other: _Line, options: ThinWallOptions) -> Tuple[_Line, _Line]:
        """The other two sides of the parallelogram of two lines that meet, or of the rectangle of two that face."""
        if self.meets(other, options):
            apart = np.linalg.norm(self.ends[:, None] - other.ends, axis=-1)
            i, k = np.unravel_index(apart.argmin(), apart.shape)
            ends = self.ends[1 - i], other.ends[1 - k]
            across = ends[1] - (self.ends[i] + other.ends[k]) / 2
            return _Line(np.stack([ends[0], ends[0] + across])), _Line(np.stack([ends[1], ends[0] + across]))
        along = (other.ends - self.ends[0]) @ self.way
        ends = self.ends[0] + np.outer([min(0.0, along.min()), max(self.cells, along.max())], self.way)
        across = other.ends.mean(axis=0) - self.ends[0]
        across -= (across @ self.way) * self.way
        return _Line(np.stack([ends[0], ends[0] + across])), _Line(np.stack([ends[1], ends[1] + across]))


class _Wall(NamedTuple):
    line: _Line
    own: np.ndarray  # cells (rows, columns) bool that belong to it
    height: float  # [m]


def find_thin_walls(top: np.ndarray, options: ThinWallOptions = ThinWallOptions()) -> Tuple[np.ndarray, int]:
    """Height (rows, columns) [m] up to which every cell holds a thin wall, -1 elsewhere; and how many walls there are.

    top: (rows, columns) greatest height in every cell of the plan [m], 0 where nothing stands.
    """
    cells = np.argwhere(top >= options.height / 2)[:, ::-1]
    walls = _search(top, cells, options)
    pairs = [(one, other) for i, one in enumerate(walls) for other in walls[:i] if _enclose(one, other, options)]
    sides = {id(wall) for pair in pairs for wall in pair}
    sure = [wall for wall in walls if id(wall) in sides or _stands_alone(wall, options)]
    level = np.full(top.shape, -1, np.float32)
    _raise(level, sure, options)
    known = level > 0
    for pair in pairs:
        _raise(level, _half_hidden(top, cells, known, *pair, options), options)
    return level, len(sure)


def _raise(level: np.ndarray, walls: Iterable[_Wall], options: ThinWallOptions) -> None:
    """Raise the level (rows, columns) [m] up to which cells hold walls."""
    for _, own, height in walls:
        level[own] = np.maximum(level[own], height + options.even)


def _search(top: np.ndarray, cells: np.ndarray, options: ThinWallOptions) -> List[_Wall]:
    """Whatever looks like a wall, once each. cells: as in `_wall`."""
    walls: List[_Wall] = []
    taken, rest = np.zeros(top.shape, bool), top.copy()
    for _ in range(2):  # lines that meet others may lose cells to them in the first search
        for line in _lines(rest, options):
            own = line.band(top.shape, options.beside)
            known = 2 * np.count_nonzero(own & taken) > np.count_nonzero(own)
            wall = None if known else _wall(top, cells, line, options)
            if wall is not None:
                walls.append(_Wall(wall[0], wall[0].band(top.shape, options.beside), wall[1]))
                taken |= walls[-1].own
                rest[wall[0].band(top.shape, CELL)] = 0
        if not walls:
            break
    return walls


def _stands_alone(wall: _Wall, options: ThinWallOptions) -> bool:
    return wall.line.cells * CELL >= options.alone and wall.height >= options.alone_height


def _enclose(one: _Wall, other: _Wall, options: ThinWallOptions) -> bool:
    """Whether two walls meet at a corner, or face each other and are as high: sides of a tray or a bin."""
    as_high = abs(one.height - other.height) <= options.even
    return one.line.meets(other.line, options) or (as_high and one.line.faces(other.line, options))


def _half_hidden(
    top: np.ndarray, cells: np.ndarray, known: np.ndarray, one: _Wall, other: _Wall, options: ThinWallOptions
) -> Iterator[_Wall]:
    """The other sides of what two walls enclose, of which enough is seen: things hide the rest, or part it.

    cells: as in `_wall`; known: (rows, columns) bool, those of walls.
    """
    sides = [side for side in one.line.sides_with(other.line, options) if side.share_on(known) < KNOWN]
    if not sides:
        return
    height = (one.height + other.height) / 2
    as_high = cells[np.abs(top[cells[:, 1], cells[:, 0]] - height) <= options.even]
    for side in sides:
        line, share = side.moved_to(as_high, options.beside, options.thickness / 2)
        if share >= options.completed:
            yield _Wall(line, line.band(top.shape, CELL), height)


def _lines(top: np.ndarray, options: ThinWallOptions) -> List[_Line]:
    """The straight lines of what is high and thin."""
    if max(top.shape) * CELL < options.length:
        return []
    high = (top >= options.height).astype(np.uint8)
    size = round(options.thickness / CELL) + 1
    square = np.ones((size, size), np.uint8)
    thin = cv2.morphologyEx(high, cv2.MORPH_TOPHAT, square, borderType=cv2.BORDER_CONSTANT, borderValue=(0,))
    length = options.length / CELL
    longer_side = length / np.sqrt(2)  # OpenCV measures a line by its longer side along the axes
    found = cv2.HoughLinesP(thin, 1, np.pi / 90, round(length / 3), None, longer_side, options.gap / CELL)
    lines = [] if found is None else [_Line(ends.astype(float)) for ends in found.reshape(-1, 2, 2)]
    return [line for line in lines if line.cells + 1 >= length]


def _wall(top: np.ndarray, cells: np.ndarray, line: _Line, options: ThinWallOptions) -> Optional[Tuple[_Line, float]]:
    """The wall along a line, as far as its edge goes on, and its height [m]; None where what stands there is none.

    cells: (N, 2) those that something stands in, as (column, row).
    """
    heights, (along, aside) = top[cells[:, 1], cells[:, 0]], line.coordinates(cells)
    beside = np.abs(aside)
    place = np.floor(along / (2 * CELL)).astype(int)  # a slanted line has no cell at every CELL
    count = int(line.cells / 2)
    inside = (place >= 0) & (place < count)
    edge = np.zeros(count, np.float32)
    near = inside & (beside <= options.thickness / 2)
    np.maximum.at(edge, place[near], heights[near])
    height = float(np.median(edge))
    even = float((np.abs(edge - height) <= options.even).mean())
    wide = inside & (beside <= 2 * options.thickness) & (heights > height / 2)
    thickness = CELL * float(np.median(np.bincount(place[wide], minlength=count))) / 2
    thin = thickness <= min(options.thickness, height / options.slender) + 1e-6  # of rounding
    if height < options.height or even < options.share or not thin:
        return None
    going_on = (np.abs(heights - height) <= options.even) & (beside <= options.beside)
    return _extended(line, along[going_on], options), height


def _extended(line: _Line, along: np.ndarray, options: ThinWallOptions) -> _Line:
    """A line as far as its edge goes on, of which cells lie at the places `along` it [m]: lines are found in pieces."""
    places = np.unique(np.floor(along / CELL))
    pieces = np.split(places, np.flatnonzero(np.diff(places) > options.gap / CELL) + 1)
    own = [p for p in pieces if len(p) and p[-1] >= 0 and p[0] <= line.cells]
    first, last = min([0.0, *(p[0] for p in own)]), max([line.cells, *(p[-1] for p in own)])
    return _Line(line.ends[0] + np.outer([first, last], line.way))
