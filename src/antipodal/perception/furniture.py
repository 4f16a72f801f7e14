"""What carries or encloses things without being one: boards, trays and bins, seen in a plan of what stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Iterator, Optional, Tuple

import cv2
import numpy as np

from antipodal.perception.cells import CELL, wide_groups
from antipodal.perception.thin_walls import ThinWallOptions, find_thin_walls


@dataclass(frozen=True)
class FurnitureOptions:
    """What counts as a carrier or a container."""

    min_width: float = 0.16  # narrower ones are objects [m]
    gap: float = 0.015  # what stands this near to each other may be one of them [m]
    flat: float = 0.005  # how much a carrier's height varies [m]
    filled: float = 0.5  # share of its smallest rectangle that a carrier's surface fills
    carried: float = 0.0003  # area of what a carrier carries, at least [m^2]
    rim: float = 0.015  # how far in from its smallest rectangle a container's wall may begin [m]
    wall: float = 0.05  # thickest wall [m]
    sides: float = 2.5  # of the rectangle's four that have a wall, added up; a round bowl has 2.3 at most
    hollow: float = 0.5  # share of the inside that is lower than the rim
    min_height: float = 0.015  # of a rim [m]
    thin_walls: ThinWallOptions = field(default_factory=ThinWallOptions)


def find_furniture(
    top: np.ndarray, spread: float, options: FurnitureOptions = FurnitureOptions()
) -> Tuple[np.ndarray, np.ndarray, int, int]:
    """Heights (rows, columns) [m] between which every cell holds a carrier or a container, an empty range elsewhere;
    and how many there are of each.

    top: (rows, columns) greatest height in every cell of the plan [m], 0 where nothing stands; spread: of the heights
    of a flat surface [m].
    """
    high, containers = find_thin_walls(top, options.thin_walls)
    low, carriers = np.where(high > 0, np.float32(0), np.float32(np.inf)), 0
    if min(top.shape) * CELL < options.min_width / 1.5:
        return low, high, 0, containers
    spread, size = max(options.flat, spread), 2 * round(options.gap / CELL) + 1
    for own in _groups(top > np.maximum(high, 0), options):
        level = _carrier(top, own, spread, options)
        if level is not None:
            surface = _largest_piece(own & (np.abs(top - level) <= spread))
            beside = cv2.dilate(surface, np.ones((size, size), np.uint8)) > 0  # lower things may touch it
            flat = own & beside & (top < level + spread)
            low[flat], high[flat] = 0, level + spread
            carriers += 1
    rest = top > np.maximum(high, 0.8 * options.min_height)  # without the skirts that sensors give to what stands
    for own in _groups(rest, options):
        wall = _container(top, own, options)
        if wall is not None:
            low[wall[0]], high[wall[0]] = 0, wall[1]
            containers += 1
    return low, high, carriers, containers


def _largest_piece(cells: np.ndarray) -> np.ndarray:
    """The largest connected piece (rows, columns) uint8 of some cells bool."""
    _, label, facts, _ = cv2.connectedComponentsWithStats(cells.astype(np.uint8))
    return (label == 1 + np.argmax(facts[1:, cv2.CC_STAT_AREA])).astype(np.uint8)


def _groups(occupied: np.ndarray, options: FurnitureOptions) -> Iterator[np.ndarray]:
    """Cells (rows, columns) bool of the groups of occupied cells that are wider than an object both ways."""
    for own in wide_groups(occupied, options.gap, options.min_width / 1.5):
        if min(_rectangle(own)[1]) * CELL + CELL >= options.min_width:
            yield own


def _rectangle(own: np.ndarray) -> tuple:
    """Smallest rectangle round the cells: centre (x, y), sides [cells], angle [degrees]."""
    return cv2.minAreaRect(cv2.findNonZero(own.astype(np.uint8)))


def _carrier(top: np.ndarray, own: np.ndarray, spread: float, options: FurnitureOptions) -> Optional[float]:
    """Height [m] of a group that is a flat surface which carries something, or None."""
    height = top[own]
    bins = np.arange(0, height.max() + 2 * spread, spread)
    count = np.histogram(height, bins)[0]
    two = count[:-1] + count[1:]  # a level may lie across the border of two bins
    k = int(np.argmax(two))
    width, length = _rectangle(own)[1]
    level = float(np.median(height[(height >= bins[k]) & (height < bins[k + 2])]))
    carried = np.count_nonzero(height > level + 1.2 * spread) * CELL**2
    flat = two[k] >= options.filled * ((width + 1) * (length + 1) - carried / CELL**2)
    return level if flat and carried >= options.carried else None


def _container(top: np.ndarray, own: np.ndarray, options: FurnitureOptions) -> Optional[Tuple[np.ndarray, float]]:
    """Cells (rows, columns) bool of the walls round a hollow group and the height [m] of its rim, or None."""
    centre, size, angle = _rectangle(own)
    half = (np.array(size) + 1) / 2 * CELL
    v, u = np.mgrid[: top.shape[0], : top.shape[1]]
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    x, y = (u - centre[0]) * CELL, (v - centre[1]) * CELL
    x, y = c * x + s * y, c * y - s * x
    depth = np.stack([half[0] - x, half[0] + x, half[1] - y, half[1] + y])  # how far in from each side
    along = np.stack([y, y, x, x])
    inward = depth.min(axis=0)
    near = own & (inward <= options.rim)
    inside = inward > options.rim + 2 * CELL
    if not near.any() or not inside.any():
        return None
    rim = float(np.percentile(top[near], 75))
    high = own & (top > 0.5 * rim)
    sides = zip(depth, along, half[[1, 1, 0, 0]])
    walls = sum(_covered(high & (d <= options.rim), a, 2 * length) for d, a, length in sides)
    hollow = float((np.where(own, top, 0)[inside] < 0.6 * rim).mean())
    if rim < options.min_height or walls < options.sides or hollow < options.hollow:
        return None
    return own & (inward <= _thickness(high, inward, options)), rim + 0.015


def _covered(cells: np.ndarray, along: np.ndarray, length: float) -> float:
    """Share of a side of some length [m] that has cells at their places `along` it [m]."""
    places = np.unique(np.floor(along[cells] / (2 * CELL)))
    return min(1.0, len(places) * 2 * CELL / length)


def _thickness(high: np.ndarray, inward: np.ndarray, options: FurnitureOptions) -> float:
    """How far in [m] from the sides most of each ring is high."""
    thick = options.rim
    while thick < options.wall:
        ring = (inward > thick) & (inward <= thick + CELL)
        if 2 * np.count_nonzero(high & ring) <= np.count_nonzero(ring):
            break
        thick += CELL
    return thick
