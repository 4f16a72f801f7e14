"""Compiled passes over a depth image: heights over a plane, jumps, facts of pieces, and a plan seen from above."""

from __future__ import annotations

import numba
import numpy as np

from antipodal.backends import EXACT

BELOW = np.float32(0.02)  # so far under the plane, and twice as far, a wall that passes it is seen [m]
THROUGH = np.float32(0.03)  # what is seen so far behind a place shows that nothing is there [m]


@numba.njit(cache=True, fastmath=EXACT, error_model="numpy")
def heights(depth, ray_x, ray_y, plane):
    """Heights (H, W) float32 [m] over a plane (4,), 0 where depth is missing.

    depth: (H, W) float32 [m]; ray_x: (W,), ray_y: (H,) float32 rays at depth 1.
    """
    H, W = depth.shape
    height = np.empty((H, W), np.float32)
    a, b, c, offset = plane
    for v in range(H):
        for u in range(W):
            d = depth[v, u]
            along = ray_x[u] * a + ray_y[v] * b + c
            height[v, u] = offset - d * along if d > 0 else np.float32(0)
    return height


@numba.njit(cache=True, fastmath=EXACT, error_model="numpy")
def stands_surely(height, depth, ray_x, ray_y, plane, noise, least):
    """Pixels (H, W) uint8 that surely stand out: 2 in `how_sure`, with the same arguments."""
    H, W = depth.shape
    surely = np.empty((H, W), np.uint8)
    for v in range(H):
        for u in range(W):
            deviation = _deviation(depth[v, u], ray_x[u], ray_y[v], plane, noise)
            surely[v, u] = _is_sure(height[v, u], deviation, least)
    return surely


@numba.njit(cache=True, inline="always")
def _deviation(d, ray_x, ray_y, plane, noise):
    """Standard deviation [m] of a pixel's height over a plane, at depth d."""
    return noise * d * d * abs(ray_x * plane[0] + ray_y * plane[1] + plane[2])


@numba.njit(cache=True, inline="always")
def _is_sure(height, deviation, least):
    return height > max(least[1], np.float32(3.5) * deviation)


@numba.njit(cache=True, fastmath=EXACT, error_model="numpy")
def how_sure(middle, height, depth, ray_x, ray_y, plane, noise, least):
    """Whether a pixel stands out surely (2), perhaps (1) or not (0), (H, W) uint8.

    middle, height: (H, W) float32 [m], the median of those round each pixel, in which there is less noise, and its own;
    noise: standard deviation of depth at 1 m, it grows with the square of depth; least: (2,) float32, heights [m] from
    which it stands out perhaps and surely. The rest as in `heights`.
    """
    H, W = depth.shape
    sure = np.empty((H, W), np.uint8)
    for v in range(H):
        for u in range(W):
            d, h = depth[v, u], height[v, u]
            deviation = _deviation(d, ray_x[u], ray_y[v], plane, noise)
            perhaps = h > max(least[0], 2 * deviation)
            surely = perhaps and _is_sure(h, deviation, least)
            perhaps = perhaps or (d > 0 and middle[v, u] > max(least[0], deviation))
            sure[v, u] = np.uint8(perhaps) + np.uint8(surely)
    return sure


@numba.njit(cache=True)
def keep_over(sure, wall, in_bins, depth, height, ray_x, ray_y, plane, axes, corner, side, region):
    """Set `sure` (H, W) to 0 where a pixel does not stand over a surface: cells (count, count) bool of the plane; but
    not where it is `wall`, nor `in_bins` (H, W) uint8."""
    count = region.shape[0]
    for v in range(sure.shape[0]):
        for u in range(sure.shape[1]):
            if sure[v, u] and sure[v, u] != wall and not in_bins[v, u]:
                x, y = plan_cell(depth[v, u], height[v, u], ray_x[u], ray_y[v], plane, axes, corner, side)
                if x < 0 or x >= count or y < 0 or y >= count or not region[y, x]:
                    sure[v, u] = 0


@numba.njit(cache=True)
def mark_wall(sure, depth, ray_x, ray_y, height, wall, axes, corner, side, region, limits, value):
    """Set `sure` (H, W) to `value` where a pixel lies on a wall: a plane (4,), its surface's grid and cells.

    limits: (4,) distance from the plane [m], noise [1/m] times the square of depth where that is more, and what lies
    lower than a height [m] counts this much further away [m]: walls are rounded at their feet.
    """
    count = region.shape[0]
    for v in range(sure.shape[0]):
        for u in range(sure.shape[1]):
            if sure[v, u]:
                d = depth[v, u]
                along = ray_x[u] * wall[0] + ray_y[v] * wall[1] + wall[2]
                foot = limits[3] if height[v, u] < limits[2] else np.float32(0)
                if abs(d * along - wall[3]) < max(limits[0], limits[1] * d * d) + foot:
                    x, y = plan_cell(d, np.float32(0), ray_x[u], ray_y[v], wall, axes, corner, side)
                    if 0 <= x < count and 0 <= y < count and region[y, x]:
                        sure[v, u] = value


@numba.njit(cache=True, inline="always")
def plan_cell(d, h, ray_x, ray_y, plane, axes, corner, side):
    """Column and row of the cell that a pixel stands over."""
    p0, p1, p2 = ray_x * d, ray_y * d, d
    x = (axes[0, 0] * p0 + axes[0, 1] * p1 + axes[0, 2] * p2 - corner[0]) / side
    y = (axes[1, 0] * p0 + axes[1, 1] * p1 + axes[1, 2] * p2 - corner[1]) / side
    return int(np.floor(x)), int(np.floor(y))


@numba.njit(cache=True)
def jumps(depth, step, slope, noise):
    """Pixels (H, W) bool whose valid 3 x 3 neighbours in `depth` (H, W) float32 [m] span more than a step at depth d:
    step [m] + slope d + noise d^2, all float32."""
    H, W = depth.shape
    out = np.empty((H, W), np.bool_)
    far = np.float32(1e3)
    high, low = np.zeros(W + 2, np.float32), np.full(W + 2, far)
    for v in range(H):
        first, last = max(v - 1, 0), min(v + 1, H - 1)
        for u in range(W):
            a, b, c = depth[first, u], depth[v, u], depth[last, u]
            high[u + 1] = max(a, max(b, c))
            low[u + 1] = min(a if a > 0 else far, min(b if b > 0 else far, c if c > 0 else far))
        for u in range(W):
            nearest = min(low[u], min(low[u + 1], low[u + 2]))
            span = max(high[u], max(high[u + 1], high[u + 2])) - nearest
            out[v, u] = span > step + nearest * (slope + noise * nearest)
    return out


@numba.njit(cache=True)
def nearer_to(asked, one, other, offsets):
    """Those of the asked pixels (H, W) bool that have one of `one` (H, W) at one of the offsets, and none of `other`
    (H, W) as near.

    offsets: (K, 3) int64 rows, columns and their squared distance, nearest first.
    """
    H, W = asked.shape
    found = np.zeros((H, W), np.bool_)
    for v in range(H):
        for u in range(W):
            if asked[v, u]:
                found[v, u] = _is_nearer(v, u, one, other, offsets)
    return found


@numba.njit(cache=True)
def _is_nearer(v, u, one, other, offsets):
    H, W = one.shape
    nearest = np.int64(-1)  # squared distance to `one`
    for k in range(len(offsets)):
        row, column, square = v + offsets[k, 0], u + offsets[k, 1], offsets[k, 2]
        if nearest >= 0 and square > nearest:
            break
        if 0 <= row < H and 0 <= column < W:
            if other[row, column]:
                return False
            if one[row, column]:
                nearest = square
    return nearest >= 0


@numba.njit(cache=True)
def piece_facts(runs, label, count, height, border, edge, marked, limits):
    """Facts (count, 8) of pieces, in pixels: all, those higher than each of `limits` (3,) [m] (of the second those at
    the border alone), those at the border (H, W) bool, those in `edge` (H, W) bool; how far apart those at the
    border are; and those in `marked` (H, W) bool."""
    facts = np.zeros((count, 8), np.float64)
    first, last = np.full((count, 2), 1 << 30), np.full((count, 2), -1)
    for r in range(len(runs)):
        v, k = runs[r, 0], label[r]
        for u in range(runs[r, 1], runs[r, 2]):
            facts[k, 0] += 1
            facts[k, 1] += height[v, u] > limits[0]
            facts[k, 3] += height[v, u] > limits[2]
            facts[k, 5] += edge[v, u]
            facts[k, 7] += marked[v, u]
            if border[v, u]:
                facts[k, 2] += height[v, u] > limits[1]
                facts[k, 4] += 1
                first[k, 0], first[k, 1] = min(first[k, 0], u), min(first[k, 1], v)
                last[k, 0], last[k, 1] = max(last[k, 0], u), max(last[k, 1], v)
    for k in range(count):
        if last[k, 0] >= 0:
            facts[k, 6] = max(last[k, 0] - first[k, 0], last[k, 1] - first[k, 1]) + 1
    return facts


@numba.njit(cache=True)
def plan(mask, depth, height, ray_x, ray_y, plane, axes, corner, side, stride, overhead):
    """A plan of every `stride`-th masked pixel: the greatest height [m] in each of its cells (rows, columns), 0 where
    there is none, and the first cell's column and row on the grid of the plane. What is higher than `overhead` [m] and
    hangs is left out."""
    H, W = mask.shape
    standing = np.zeros((-(-H // stride), -(-W // stride)), np.bool_)
    low, high = np.full(2, 1 << 30), np.full(2, -(1 << 30))
    for v in range(0, H, stride):
        for u in range(0, W, stride):
            h = height[v, u]
            if mask[v, u] and not (h > overhead and hangs(depth, h, v, u, ray_x, ray_y, plane)):
                standing[v // stride, u // stride] = True
                x, y = plan_cell(depth[v, u], h, ray_x[u], ray_y[v], plane, axes, corner, side)
                low[0], low[1], high[0], high[1] = min(low[0], x), min(low[1], y), max(high[0], x), max(high[1], y)
    if high[0] < low[0] or high[0] - low[0] > 2000 or high[1] - low[1] > 2000:
        return np.zeros((0, 0), np.float32), low
    top = np.zeros((high[1] - low[1] + 1, high[0] - low[0] + 1), np.float32)
    for v in range(0, H, stride):
        for u in range(0, W, stride):
            if standing[v // stride, u // stride]:
                x, y = plan_cell(depth[v, u], height[v, u], ray_x[u], ray_y[v], plane, axes, corner, side)
                top[y - low[1], x - low[0]] = max(top[y - low[1], x - low[0]], height[v, u])
    return top, low


@numba.njit(cache=True)
def hangs(depth, height, v, u, ray_x, ray_y, plane):
    """Whether the camera sees through what is under a pixel of this height [m]: a roof's, not a wall's. Depth is looked
    up at a third and two thirds of the way down to the plane (4,)."""
    through = 0
    for k in range(1, 3):
        z, seen = seen_below(depth, v, u, ray_x, ray_y, plane, height * np.float32(k) / 3)
        if z <= 0 or 0 < seen < z + THROUGH:
            return False
        through += seen > 0
    return through > 0


@numba.njit(cache=True)
def seen_below(depth, v, u, ray_x, ray_y, plane, down):
    """Depth [m] of the place `down` [m] below a pixel, along the normal of a plane (4,), 0 behind the camera; and what
    the camera sees in its direction, 0 where that is nothing."""
    if len(ray_x) < 2 or len(ray_y) < 2:
        return np.float32(0), np.float32(0)
    x = ray_x[u] * depth[v, u] + plane[0] * down
    y = ray_y[v] * depth[v, u] + plane[1] * down
    z = depth[v, u] + plane[2] * down
    if z <= 0:
        return np.float32(0), np.float32(0)
    column = int(np.rint((x / z - ray_x[0]) / (ray_x[1] - ray_x[0])))
    row = int(np.rint((y / z - ray_y[0]) / (ray_y[1] - ray_y[0])))
    inside = 0 <= column < depth.shape[1] and 0 <= row < depth.shape[0]
    return z, depth[row, column] if inside else np.float32(0)


@numba.njit(cache=True)
def rises_from_below(mask, depth, height, ray_x, ray_y, plane, noise):
    """Masked pixels (H, W) bool straight below which, under the plane (4,), the camera sees the same surface go on: of
    a wall that passes a table's edge. What stands on the table hides what is there. noise: of depth at 1 m [m]."""
    found = np.zeros(mask.shape, np.bool_)
    for v in range(mask.shape[0]):
        for u in range(mask.shape[1]):
            if mask[v, u] and depth[v, u] > 0:
                near, found[v, u] = np.float32(min(max(0.01, 4 * noise * depth[v, u] ** 2), 0.015)), True
                for k in range(1, 3):
                    z, seen = seen_below(depth, v, u, ray_x, ray_y, plane, height[v, u] + k * BELOW)
                    found[v, u] &= seen > 0 and abs(seen - z) < near
    return found


@numba.njit(cache=True)
def between(mask, depth, height, ray_x, ray_y, plane, axes, corner, side, first, low, high):
    """Masked pixels (H, W) bool whose height lies between the `low` and `high` (rows, columns) [m] of their cell in a
    plan whose first cell is `first`."""
    inside = np.zeros(height.shape, np.bool_)
    for v in range(height.shape[0]):
        for u in range(height.shape[1]):
            if mask[v, u]:
                x, y = plan_cell(depth[v, u], height[v, u], ray_x[u], ray_y[v], plane, axes, corner, side)
                x, y = x - first[0], y - first[1]
                if 0 <= x < low.shape[1] and 0 <= y < low.shape[0]:
                    inside[v, u] = low[y, x] <= height[v, u] <= high[y, x]
    return inside
