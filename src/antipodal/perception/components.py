"""Compiled connected components of a mask, by runs (union-find after Wu, Otoo and Suzuki 2009)."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np


@dataclass(frozen=True)
class Components:
    """The R runs of true pixels in a mask's rows, and the C connected components that they make up."""

    shape: tuple  # (H, W) of the mask
    runs: np.ndarray  # (R, 3) int32: row, first column, column after the last
    label: np.ndarray  # (R,) int32: component of every run, counted in the order of their first runs

    @property
    def count(self) -> int:
        return int(self.label.max()) + 1 if len(self.label) else 0

    def areas(self) -> np.ndarray:
        """Pixels (C,) of every component."""
        return np.bincount(self.label, self._length(), self.count)

    def sizes(self) -> np.ndarray:
        """Width and height (C, 2) [px] of every component's bounding box."""
        row, first, last = self.runs.T
        low, high = np.full((self.count, 2), np.iinfo(np.int32).max), np.zeros((self.count, 2), int)
        for k, (a, b) in enumerate([(first, last), (row, row + 1)]):
            np.minimum.at(low[:, k], self.label, a)
            np.maximum.at(high[:, k], self.label, b)
        return high - low

    def middles(self) -> np.ndarray:
        """Centroids (C, 2) of the components as (column, row)."""
        row, first, last = self.runs.T
        length = self._length()
        sums = [np.bincount(self.label, x, self.count) for x in (length * (first + last - 1) / 2, length * row)]
        return np.stack(sums, axis=-1) / self.areas()[:, None]

    def shared(self, other: np.ndarray) -> np.ndarray:
        """Pixels (C,) of every component that are in the mask `other` (H, W) bool."""
        return _shared(self.runs, self.label, other, self.count)

    def paint(self, values: np.ndarray, background: float = 0) -> np.ndarray:
        """(H, W) of the type of `values` (C,): every pixel has its component's, others the background's."""
        image = np.full(self.shape, background, values.dtype)
        _paint(self.runs, self.label, values, image)
        return image

    def distances(self) -> np.ndarray:
        """(H, W) float32: how far every pixel lies from its component's centroid [px]; 0 outside all of them."""
        image = np.zeros(self.shape, np.float32)
        _distances(self.runs, self.label, self.middles(), image)
        return image

    def _length(self) -> np.ndarray:
        return self.runs[:, 2] - self.runs[:, 1]


def connected_components(mask: np.ndarray, diagonal: bool) -> Components:
    """Components of the true pixels of `mask` (H, W) bool; `diagonal`: whether pixels that share a corner connect."""
    runs, label = _label_runs(np.ascontiguousarray(mask), 1 if diagonal else 0)
    return Components(mask.shape, runs, label)


@numba.njit(cache=True)
def _label_runs(mask, reach):
    """Runs (R, 3) and their components (R,); runs whose columns come within `reach` of overlapping connect."""
    H, W = mask.shape
    runs = np.empty((H * ((W + 1) // 2), 3), np.int32)
    parent = np.empty(len(runs), np.int32)
    count, above = 0, 0
    for row in range(H):
        begin = count
        column = 0
        while column < W:
            if not mask[row, column]:
                column += 1
                continue
            first = column
            while column < W and mask[row, column]:
                column += 1
            runs[count, 0], runs[count, 1], runs[count, 2] = row, first, column
            parent[count] = count
            count += 1
        _join(runs, parent, above, begin, count, reach)
        above = begin
    return runs[:count].copy(), _number_components(parent[:count])


@numba.njit(cache=True)
def _join(runs, parent, above, begin, end, reach):
    """Unite the runs begin..end of a row with those above..begin of the row before that they touch."""
    a = above
    for b in range(begin, end):
        while a < begin and runs[a, 2] + reach <= runs[b, 1]:
            a += 1
        k = a
        while k < begin and runs[k, 1] < runs[b, 2] + reach:
            one, two = _root(parent, k), _root(parent, b)
            parent[max(one, two)] = min(one, two)
            k += 1


@numba.njit(cache=True)
def _root(parent, i):
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@numba.njit(cache=True)
def _number_components(parent):
    """Components (R,) counted from 0; a parent is never behind its child."""
    label = np.empty(len(parent), np.int32)
    count = 0
    for i in range(len(parent)):
        if parent[i] == i:
            label[i] = count
            count += 1
        else:
            label[i] = label[parent[i]]
    return label


@numba.njit(cache=True)
def _shared(runs, label, other, count):
    shared = np.zeros(count, np.int64)
    for r in range(len(runs)):
        for column in range(runs[r, 1], runs[r, 2]):
            shared[label[r]] += other[runs[r, 0], column]
    return shared


@numba.njit(cache=True)
def _paint(runs, label, values, image):
    for r in range(len(runs)):
        image[runs[r, 0], runs[r, 1] : runs[r, 2]] = values[label[r]]


@numba.njit(cache=True)
def _distances(runs, label, middles, image):
    for r in range(len(runs)):
        column, row = middles[label[r]]
        for u in range(runs[r, 1], runs[r, 2]):
            image[runs[r, 0], u] = np.sqrt((u - column) ** 2 + (runs[r, 0] - row) ** 2)
