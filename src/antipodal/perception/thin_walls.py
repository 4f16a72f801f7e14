"""Thin upright walls, such as those of trays and bins: straight lines in a plan of what stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, List, Tuple

import cv2
import numpy as np

CELL = 0.006  # side of a cell of the plan [m]


@dataclass(frozen=True)
class ThinWallOptions:
    """What counts as a thin wall."""

    alone: float = 0.3  # length of a wall that meets no other, at least [m]
    length: float = 0.15  # of one that meets another at a corner, at least [m]
    corner: float = 0.04  # distance between the ends of walls that meet, at most [m]
    square: float = 0.3  # cosine of the angle at which they meet, at most
    thickness: float = 0.018  # in the plan, at most [m]
    height: float = 0.025  # at least [m]; lower things are cables, pens, cutlery
    slender: float = 1.5  # times as high as thick, at least; a bar that lies is less
    even: float = 0.008  # how much the height of its edge varies [m]
    share: float = 0.6  # of its length where the edge is that even, at least; things lean on the rest
    gap: float = 0.05  # in an edge that is still one [m]
    beside: float = 0.015  # what lies this near to a wall and is no higher belongs to it [m]


@dataclass(frozen=True)
class _Line:
    """A straight line in the plan, in cells."""

    ends: np.ndarray  # (2, 2) first and last as (column, row)

    @property
    def cells(self) -> float:
        return float(np.linalg.norm(self.ends[1] - self.ends[0]))

    @property
    def way(self) -> np.ndarray:
        """Unit vector (2,) from the first to the last cell."""
        return (self.ends[1] - self.ends[0]) / self.cells

    def coordinates(self, shape: Tuple[int, ...]) -> Tuple[np.ndarray, np.ndarray]:
        """How far [m] every cell (rows, columns) lies along the line from its first end, and beside it."""
        v, u = np.mgrid[: shape[0], : shape[1]]
        x, y = CELL * (u - self.ends[0, 0]), CELL * (v - self.ends[0, 1])
        return self.way[0] * x + self.way[1] * y, np.abs(self.way[0] * y - self.way[1] * x)

    def meets(self, other: _Line, options: ThinWallOptions) -> bool:
        """Whether two lines form a corner."""
        nearest = np.linalg.norm(self.ends[:, None] - other.ends, axis=-1).min()
        return nearest * CELL <= options.corner and abs(float(self.way @ other.way)) <= options.square


def find_thin_walls(top: np.ndarray, options: ThinWallOptions = ThinWallOptions()) -> Tuple[np.ndarray, int]:
    """Height (rows, columns) [m] up to which every cell holds a thin wall, -1 elsewhere; and how many walls there are.

    top: (rows, columns) greatest height in every cell of the plan [m], 0 where nothing stands.
    """
    walls: List[Tuple[_Line, float]] = []
    taken = np.zeros(top.shape, bool)
    for _ in range(2):  # lines that meet others may lose cells to them in the first search
        for line in _lines(np.where(taken, 0, top), options):
            own = _own(top.shape, line, options)
            known = 2 * np.count_nonzero(own & taken) > np.count_nonzero(own)
            height = 0.0 if known else _height(top, line, options)
            if height > 0:
                walls.append((_extended(top, line, height, options), height))
                taken |= _own(top.shape, walls[-1][0], options)
    lines = [line for line, _ in walls]
    level, count = np.full(top.shape, -1, np.float32), 0
    for line, height in walls:
        if line.cells * CELL >= options.alone or any(line.meets(other, options) for other in lines):
            own = _own(top.shape, line, options)
            level[own], count = np.maximum(level[own], height + options.even), count + 1
    return level, count


def _lines(top: np.ndarray, options: ThinWallOptions) -> Iterator[_Line]:
    """The straight lines of what is high and thin."""
    if max(top.shape) * CELL < options.length:
        return
    high = (top >= options.height).astype(np.uint8)
    size = round(options.thickness / CELL) + 1
    thin = cv2.morphologyEx(high, cv2.MORPH_TOPHAT, np.ones((size, size), np.uint8))
    length = options.length / CELL
    longer_side = length / np.sqrt(2)  # OpenCV measures a line by its longer side along the axes
    found = cv2.HoughLinesP(thin, 1, np.pi / 90, round(length / 3), None, longer_side, options.gap / CELL)
    lines = [] if found is None else [_Line(ends.astype(float)) for ends in found.reshape(-1, 2, 2)]
    yield from (line for line in lines if line.cells + 1 >= length)


def _own(shape: Tuple[int, ...], line: _Line, options: ThinWallOptions) -> np.ndarray:
    """Cells (rows, columns) bool of the wall along a line."""
    along, beside = line.coordinates(shape)
    past = options.beside
    return (beside <= options.beside) & (along >= -past) & (along <= CELL * line.cells + past)


def _height(top: np.ndarray, line: _Line, options: ThinWallOptions) -> float:
    """Height [m] of the wall along a line; 0 where what stands there is none."""
    along, beside = line.coordinates(top.shape)
    place = np.floor(along / (2 * CELL)).astype(int)  # a slanted line has no cell at every CELL
    count = int(line.cells / 2)
    inside = (place >= 0) & (place < count)
    edge = np.zeros(count, np.float32)
    near = inside & (beside <= options.thickness / 2)
    np.maximum.at(edge, place[near], top[near])
    height = float(np.median(edge))
    even = float((np.abs(edge - height) <= options.even).mean())
    wide = inside & (beside <= 2 * options.thickness) & (top > height / 2)
    thickness = CELL * float(np.median(np.bincount(place[wide], minlength=count))) / 2
    thin = thickness <= min(options.thickness, height / options.slender)
    return height if height >= options.height and even >= options.share and thin else 0.0


def _extended(top: np.ndarray, line: _Line, height: float, options: ThinWallOptions) -> _Line:
    """A line as far as the edge of its wall goes on: lines are found in pieces."""
    along, beside = line.coordinates(top.shape)
    edge = (np.abs(top - height) <= options.even) & (beside <= options.beside)
    places = np.unique(np.floor(along[edge] / CELL))
    pieces = np.split(places, np.flatnonzero(np.diff(places) > options.gap / CELL) + 1)
    first = min(p[0] for p in pieces if len(p) and p[-1] >= 0)
    last = max(p[-1] for p in pieces if len(p) and p[0] <= line.cells)
    return _Line(line.ends[0] + np.outer([min(first, 0.0), max(last, line.cells)], line.way))
