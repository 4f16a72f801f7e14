"""Objects on the table, in the two forms that grasps are judged on: slices across the approach, which closing jaws
meet, and a map of heights against it, which descending jaws meet."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Optional, Tuple

import numba
import numpy as np

from antipodal.errors import InputError
from antipodal.synth.images.render import ceil_pixel, floor_pixel
from antipodal.synth.objects.own_box import median_side

BLOCK = 4  # cells a side
FLATTEST = 0.02  # cosine of the largest lean


@dataclass(frozen=True)
class SceneOptions:
    """Resolution of the forms [m]."""

    cell: float = 0.001  # of the map of heights
    first: float = 0.00025  # height of the lowest slice; thin plates need some
    fine: float = 0.001  # between slices near the table
    coarse: float = 0.0025  # between slices further up
    fine_below: float = 0.008
    max_side: float = 1.0  # larger objects are refused


@dataclass(frozen=True)
class TableScene:
    """Scene frame: z against the approach. Slice k is the segments `start[k]` to `start[k + 1]`.

    Where the approach is the table's normal, the table is z = 0; where it leans, the lowest point of the objects is.
    """

    vertices: np.ndarray  # (V, 3) float64 [m]
    faces: np.ndarray  # (F, 3) int32
    heights: np.ndarray  # (K,) of the slices [m]
    start: np.ndarray  # (K + 1,) int64
    segments: np.ndarray  # (S, 4) x0, y0, x1, y1 [m]
    normals: np.ndarray  # (S, 3) outward unit normals of the faces cut
    owner: np.ndarray  # (S,) int64 object that each segment belongs to
    face_owner: np.ndarray  # (F,) int64 object that each face belongs to
    centers: np.ndarray  # (B, 3) centres of mass of the objects [m]
    top: np.ndarray  # (H, W) float32 highest surface [m]; bare cells 0, or -inf in a scene that leans
    blocks: np.ndarray  # (ceil(H / BLOCK), ceil(W / BLOCK)) the highest of each block of cells
    near: np.ndarray  # (2 more each way) the same of each block and those around it, from one block before the first
    origin: Tuple[float, float]  # x, y of cell (0, 0) [m]; cell (r, c) is centred on origin + cell * (c, r)
    cell: float
    T_scene_table: np.ndarray  # (4, 4) of the table, which is z = 0 in its own frame

    @property
    def leans(self) -> bool:
        """Whether the approach leans against the table's normal."""
        return _leans(self.T_scene_table)

    @cached_property
    def ground(self) -> Tuple[float, float, float]:
        """The table as its height at the origin [m] and its slopes along x and y."""
        x, y, z = self.T_scene_table[:3, 2]
        return float(self.T_scene_table[:3, 2] @ self.T_scene_table[:3, 3] / z), float(-x / z), float(-y / z)

    def table_at(self, points: np.ndarray) -> np.ndarray:
        """Height (N,) [m] of the table where points (N, 2 or more) are."""
        start, dx, dy = self.ground
        return start + dx * points[:, 0] + dy * points[:, 1]

    @property
    def slices(self) -> tuple:
        """Segments, normals, starts, heights and owners, for kernels."""
        return self.segments, self.normals, self.start, self.heights, self.owner

    @property
    def heightmap(self) -> tuple:
        """The three maps, the origin, the cell, the height and the table, for kernels."""
        return self.top, self.blocks, self.near, self.origin[0], self.origin[1], self.cell, self.height, self.ground

    @cached_property
    def sizes(self) -> np.ndarray:
        """Median half sides (B,) of the objects' own boxes, which epsilon divides torques by [m]."""
        corners = [self.vertices[self.faces[self.face_owner == i]] for i in range(len(self.centers))]
        return np.array([median_side(c.reshape(-1, 3)) / 2 for c in corners])

    @cached_property
    def height(self) -> float:
        """Of the highest point [m]."""
        return float(self.vertices[:, 2].max())


def build_scene(
    vertices: np.ndarray,
    faces: np.ndarray,
    options: SceneOptions = SceneOptions(),
    centers: Optional[np.ndarray] = None,
    owner: Optional[np.ndarray] = None,
    T_scene_table: Optional[np.ndarray] = None,
) -> TableScene:
    """The scene of meshes (V, 3) [m], (F, 3) in the scene frame with outward normals. Raises InputError if too big.

    centers: (B, 3) centres of mass of the objects [m], by default that of one surface; owner: (F,) object of each face,
    by default the first; T_scene_table: (4, 4) of the table, by default level at z = 0.
    """
    T_scene_table = np.eye(4) if T_scene_table is None else T_scene_table
    if T_scene_table[2, 2] < FLATTEST:
        raise InputError("an approach cannot lean by 90 degrees and more against the table's normal")
    vertices = np.ascontiguousarray(vertices, dtype=np.float64)
    faces = np.ascontiguousarray(faces, dtype=np.int32)
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    if (high - low).max() > options.max_side:
        raise InputError(f"object is {(high - low).max():.3g} m long, at most {options.max_side} m can be sliced")
    heights = slice_heights(high[2], options)
    start, segments, normals, cut = _slice(vertices, faces, heights)
    centers = _surface_center(vertices[faces])[None] if centers is None else np.asarray(centers, dtype=np.float64)
    owner = np.zeros(len(faces), dtype=np.int64) if owner is None else np.asarray(owner, dtype=np.int64)
    size = np.ceil((high[:2] - low[:2]) / options.cell).astype(int) + 1
    top = np.full((size[1], size[0]), -np.inf if _leans(T_scene_table) else 0.0, dtype=np.float32)
    _draw_top((vertices - [low[0], low[1], 0]) / [options.cell, options.cell, 1], faces, top)
    origin = (float(low[0]), float(low[1]))
    blocks, near = _blocks(top)
    objects = (owner[cut], owner, centers)
    return TableScene(
        vertices,
        faces,
        heights,
        start,
        segments,
        normals,
        *objects,
        top,
        blocks,
        near,
        origin,
        options.cell,
        T_scene_table,
    )


def _leans(T_scene_table: np.ndarray) -> bool:
    return bool(T_scene_table[2, 2] != 1)


def _surface_center(corners: np.ndarray) -> np.ndarray:
    """Centre of mass (3,) of the surface of triangles (F, 3, 3)."""
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    return np.average(corners.mean(axis=1), axis=0, weights=area)


def slice_heights(top: float, options: SceneOptions) -> np.ndarray:
    """Heights (K,) [m] below `top`: close together near the table, where only the tips reach."""
    fine = np.arange(options.first, min(top, options.fine_below), options.fine)
    heights = np.concatenate([fine, np.arange(options.fine_below, top, options.coarse)])
    return heights if len(heights) else np.array([top / 2])


@numba.njit(cache=True)
def _slice(vertices, faces, heights):
    """Segments in which faces cross horizontal planes, in the order of the planes, and the faces that they are of."""
    start = np.zeros(len(heights) + 1, dtype=np.int64)
    for f in range(len(faces)):
        low, high = _crossed(vertices, faces[f], heights)
        for k in range(low, high):
            start[k + 1] += 1
    start = np.cumsum(start)
    segments, normals, fill = np.empty((start[-1], 4)), np.empty((start[-1], 3)), start[:-1].copy()
    cut = np.empty(start[-1], dtype=np.int64)
    for f in range(len(faces)):
        low, high = _crossed(vertices, faces[f], heights)
        if low < high:
            a, b, c = vertices[faces[f, 0]], vertices[faces[f, 1]], vertices[faces[f, 2]]
            normal = np.cross(b - a, c - a)
            normal /= np.sqrt(np.sum(normal**2)) + 1e-30
            for k in range(low, high):
                _cut(a, b, c, heights[k], segments[fill[k]])
                normals[fill[k]], cut[fill[k]] = normal, f
                fill[k] += 1
    return start, segments, normals, cut


@numba.njit(cache=True)
def _crossed(vertices, face, heights):
    """Range of the planes with the lowest corner at or below and the highest above."""
    a, b, c = vertices[face[0], 2], vertices[face[1], 2], vertices[face[2], 2]
    return np.searchsorted(heights, min(a, b, c)), np.searchsorted(heights, max(a, b, c))


@numba.njit(cache=True)
def _cut(a, b, c, height, out):
    n = 0
    for p, q in ((a, b), (b, c), (c, a)):
        if (p[2] <= height) != (q[2] <= height) and n < 4:
            t = (height - p[2]) / (q[2] - p[2])
            out[n], out[n + 1] = p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])
            n += 2


@numba.njit(cache=True)
def _draw_top(points, faces, top):
    """Keep the highest surface at each cell's centre; points (V, 3) are columns, rows and heights."""
    for f in range(len(faces)):
        a, b, c = points[faces[f, 0]], points[faces[f, 1]], points[faces[f, 2]]
        area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
        if abs(area) < 1e-12:
            continue
        lowest, highest = min(a[2], b[2], c[2]), max(a[2], b[2], c[2])
        dx = ((b[2] - a[2]) * (c[1] - a[1]) - (c[2] - a[2]) * (b[1] - a[1])) / area
        dy = ((c[2] - a[2]) * (b[0] - a[0]) - (b[2] - a[2]) * (c[0] - a[0])) / area
        first = max(0, ceil_pixel(min(a[1], b[1], c[1])))
        last = min(top.shape[0] - 1, floor_pixel(max(a[1], b[1], c[1])))
        for row in range(first, last + 1):
            left, right = span(a[0], a[1], b[0], b[1], c[0], c[1], row)
            # on a row that only touches a triangle there is no column: left is infinite, right minus infinite
            for column in range(max(0, ceil_pixel(left)), min(top.shape[1] - 1, floor_pixel(right)) + 1):
                height = a[2] + dx * (column - a[0]) + dy * (row - a[1])
                top[row, column] = max(top[row, column], min(max(height, lowest), highest))


@numba.njit(cache=True)
def _blocks(top):
    """The highest cell of each block, and of each block with its neighbours."""
    size = ((top.shape[0] - 1) // BLOCK + 1, (top.shape[1] - 1) // BLOCK + 1)
    blocks = np.full(size, -np.inf, dtype=np.float32)
    for r in range(top.shape[0]):
        for c in range(top.shape[1]):
            blocks[r // BLOCK, c // BLOCK] = max(blocks[r // BLOCK, c // BLOCK], top[r, c])
    near = np.zeros((blocks.shape[0] + 2, blocks.shape[1] + 2), dtype=np.float32)
    for r in range(near.shape[0]):
        for c in range(near.shape[1]):
            near[r, c] = blocks[max(0, r - 2) : r + 1, max(0, c - 2) : c + 1].max()
    return blocks, near


@numba.njit(cache=True)
def span(ua, va, ub, vb, uc, vc, v):
    """Leftmost and rightmost u of a triangle on the row v, which crosses it."""
    low, high = np.inf, -np.inf
    low, high = _widen(ua, va, ub, vb, v, low, high)
    low, high = _widen(ub, vb, uc, vc, v, low, high)
    return _widen(uc, vc, ua, va, v, low, high)


@numba.njit(cache=True)
def _widen(ua, va, ub, vb, v, low, high):
    if (va < v and vb < v) or (va > v and vb > v):
        return low, high
    if va == vb:
        return min(low, ua, ub), max(high, ua, ub)
    u = ua + (v - va) / (vb - va) * (ub - ua)
    return min(low, u), max(high, u)
