"""The compiled loops of solid_scene.py."""

from __future__ import annotations

import numba
import numpy as np

from antipodal.backends import EXACT

HIDDEN, SEEN = 1, 2  # values of a voxel; 0 = free
FAR_STRIDE = 7  # of the points beyond the voxels one in so many stands for all


@numba.njit(cache=True)
def points_above(depth, graspable, ray_x, ray_y, plane, noise, flat):
    """Points (N, 3) float32 [m] of the valid pixels that stand higher over a plane (4,) than `flat` [m] and 3.5
    standard deviations of the noise, or may be grasped; which of them may, and which stand so high, (N,) bool."""
    a, b, c, offset = plane
    points = np.empty((depth.size, 3), np.float32)
    target, standing = np.empty(depth.size, np.bool_), np.empty(depth.size, np.bool_)
    n = 0
    for v in range(depth.shape[0]):
        for u in range(depth.shape[1]):
            d = depth[v, u]
            if d > 0:
                along = ray_x[u] * a + ray_y[v] * b + c
                least = max(flat, np.float32(3.5) * noise * d * d * abs(along))
                stands = offset - d * along > least
                if graspable[v, u] or stands:
                    points[n, 0], points[n, 1], points[n, 2] = ray_x[u] * d, ray_y[v] * d, d
                    target[n], standing[n] = graspable[v, u], stands
                    n += 1
    return points[:n].copy(), target[:n].copy(), standing[:n].copy()


@numba.njit(cache=True)
def mark_seen(points, target, low, side, grid):
    """Mark the voxels of a grid that points (N, 3) lie in as SEEN; returns the first point of each voxel, a target
    before others, and some of those beyond the grid, as indices (K,)."""
    kept = np.empty(len(points), np.int64)
    count = 0
    for wanted in (True, False):
        for n in range(len(points)):
            if target[n] != wanted:
                continue
            x, y, z = voxel_of(points[n], low, side)
            if inside_grid(x, y, z, grid.shape):
                if grid[x, y, z] == 0:
                    grid[x, y, z] = SEEN
                    kept[count] = n
                    count += 1
            elif n % FAR_STRIDE == 0:
                kept[count] = n
                count += 1
    return kept[:count].copy()


@numba.njit(cache=True)
def voxel_of(point, low, side):
    return (
        int(np.floor((point[0] - low[0]) / side)),
        int(np.floor((point[1] - low[1]) / side)),
        int(np.floor((point[2] - low[2]) / side)),
    )


@numba.njit(cache=True)
def inside_grid(x, y, z, shape):
    return x >= 0 and x < shape[0] and y >= 0 and y < shape[1] and z >= 0 and z < shape[2]


@numba.njit(cache=True)
def mark_hidden(points, eye, low, side, grid, plane, longest):
    """Mark the free voxels behind points (N, 3), seen from an eye (3,), as HIDDEN: up to a plane (4,), for `longest`
    [m] at most. Returns one hidden place in each (M, 3) float32 [m]."""
    way, place = np.empty(3, np.float32), np.empty(3, np.float32)
    places, count = np.empty((1024, 3), np.float32), 0
    high = low + side * np.array(grid.shape).astype(np.float32)
    for n in range(len(points)):
        point = points[n]
        for k in range(3):
            way[k] = point[k] - eye[k]
        length = np.sqrt(way[0] ** 2 + way[1] ** 2 + way[2] ** 2)
        for k in range(3):
            way[k] /= length
        first, last = _span_in_box(point, way, low, high, longest)
        sinking = plane[0] * way[0] + plane[1] * way[1] + plane[2] * way[2]
        above = plane[3] - (plane[0] * point[0] + plane[1] * point[1] + plane[2] * point[2])
        if sinking > 1e-6:
            last = min(last, above / sinking)
        for i in range(1, int((last - first) / side) + 1):
            for k in range(3):
                place[k] = point[k] + (first + i * side) * way[k]
            x, y, z = voxel_of(place, low, side)
            if inside_grid(x, y, z, grid.shape) and grid[x, y, z] == 0:
                grid[x, y, z] = HIDDEN
                if count == len(places):
                    places = np.concatenate((places, np.empty_like(places)))
                places[count] = place
                count += 1
    return places[:count].copy()


@numba.njit(cache=True)
def _span_in_box(point, way, low, high, longest):
    """First and last distance along a ray, 0 to `longest`, that lie in a box; the last is less than the first where
    none does."""
    first, last = np.float32(0), longest
    for k in range(3):
        if abs(way[k]) < 1e-9:
            if point[k] < low[k] or point[k] > high[k]:
                return np.float32(0), np.float32(-1)
            continue
        a, b = (low[k] - point[k]) / way[k], (high[k] - point[k]) / way[k]
        first, last = max(first, min(a, b)), min(last, max(a, b))
    return first, last


@numba.njit(cache=True)
def set_free(places, low, side, grid):
    """Mark the voxels of places (M, 3) as free."""
    for n in range(len(places)):
        x, y, z = voxel_of(places[n], low, side)
        grid[x, y, z] = 0


@numba.njit(cache=True)
def beside_free(places, grid, low, side):
    """Which places (M, 3) lie in voxels of a grid that have a free one beside them, (M,) bool; none on its border."""
    X, Y, Z = grid.shape
    found = np.zeros(len(places), np.bool_)
    for n in range(len(places)):
        x, y, z = voxel_of(places[n], low, side)
        if 0 < x < X - 1 and 0 < y < Y - 1 and 0 < z < Z - 1:
            beside = grid[x - 1, y, z] == 0 or grid[x + 1, y, z] == 0 or grid[x, y - 1, z] == 0
            found[n] = beside or grid[x, y + 1, z] == 0 or grid[x, y, z - 1] == 0 or grid[x, y, z + 1] == 0
    return found


@numba.njit(cache=True, fastmath=EXACT, error_model="numpy")
def extent_of(points, R):
    """Least and greatest coordinates (3,) float32 along the columns of R (3, 3) of points (3, N), by coordinate."""
    low, high = np.empty(3, np.float32), np.empty(3, np.float32)
    x, y, z = points
    for k in range(3):
        a, b, c = R[0, k], R[1, k], R[2, k]
        least, greatest = np.float32(np.inf), np.float32(-np.inf)
        for n in range(len(x)):
            along = x[n] * a + y[n] * b + z[n] * c
            least, greatest = min(least, along), max(greatest, along)
        low[k], high[k] = least, greatest
    return low, high


@numba.njit(cache=True, fastmath=EXACT, error_model="numpy")
def nearest_in_cells(points, target, hidden, half, R, origin, cell, nearest, masked):
    """Lower `nearest` (H, W) float32 to the least depth along the last column of R in every cell, of the points (N, 3)
    and of hidden places (M, 3) that stand for `half` [m] to each side; and `masked` to that of the targets alone."""
    H, W = nearest.shape
    x, y, z = np.empty(len(points), np.float32), np.empty(len(points), np.float32), np.empty(len(points), np.float32)
    _in_cells(points, R, origin, cell, x, y, z)
    right, bottom = np.float32(W - 1), np.float32(H - 1)
    for n in range(len(points)):
        c, r = np.rint(x[n]), np.rint(y[n])
        if c >= 0 and c <= right and r >= 0 and r <= bottom:
            i, j = np.uint32(r), np.uint32(c)
            nearest[i, j] = min(nearest[i, j], z[n])
            if target[n]:
                masked[i, j] = min(masked[i, j], z[n])
    x, y, z = np.empty(len(hidden), np.float32), np.empty(len(hidden), np.float32), np.empty(len(hidden), np.float32)
    _in_cells(hidden, R, origin, cell, x, y, z)
    reach = half / cell
    narrow = 2 * reach < 1  # a place reaches two cells of a row or column at most
    for n in range(len(hidden)):
        first_c, last_c = max(np.rint(x[n] - reach), np.float32(0)), min(np.rint(x[n] + reach), right)
        first_r, last_r = max(np.rint(y[n] - reach), np.float32(0)), min(np.rint(y[n] + reach), bottom)
        if first_c <= last_c and first_r <= last_r:
            top, left, end_r, end_c = np.uint32(first_r), np.uint32(first_c), np.uint32(last_r), np.uint32(last_c)
            if narrow:  # as often for each place, some cells twice: branches guessed wrong cost more
                _lower_corners(nearest, top, left, end_r, end_c, z[n])
            else:
                for row in range(top, end_r + np.uint32(1)):
                    for column in range(left, end_c + np.uint32(1)):
                        nearest[row, column] = min(nearest[row, column], z[n])


@numba.njit(cache=True, inline="always")
def _lower_corners(depth, i, j, k, m, z):
    """Lower the cells of a depth image in rows i and k and columns j and m to z."""
    a, b, c, d = depth[i, j], depth[i, m], depth[k, j], depth[k, m]
    depth[i, j], depth[i, m], depth[k, j], depth[k, m] = min(a, z), min(b, z), min(c, z), min(d, z)


@numba.njit(cache=True, fastmath=EXACT, error_model="numpy")
def _in_cells(points, R, origin, cell, x, y, z):
    """Columns x and rows y (N,) [cells], and depths z (N,) [m] of points (N, 3) along the columns of R."""
    xx, xy, xz = R[0]
    yx, yy, yz = R[1]
    zx, zy, zz = R[2]
    left, top = origin[0], origin[1]
    for n in range(len(points)):
        a, b, c = points[n, 0], points[n, 1], points[n, 2]
        x[n] = (a * xx + b * yx + c * zx - left) / cell
        y[n] = (a * xy + b * yy + c * zy - top) / cell
        z[n] = a * xz + b * yz + c * zz


@numba.njit(cache=True)
def with_plane(nearest, masked, R, origin, cell, plane, limits, depth, lifted, graspable, bare):
    """Write the surface `depth` (H, W) float32 of what was seen or hidden and of a plane (4,), the same with the plane
    lifted, where grasps may be centred, and where nothing but the plane is (H, W) bool.

    limits: (3,) nearest and farthest depth of the plane [m], and how far it is lifted [m].
    """
    H, W = nearest.shape
    closed, closed_masked = _closed(nearest), _closed(masked)
    slope = np.empty(3, np.float32)
    for k in range(3):
        slope[k] = plane[0] * R[0, k] + plane[1] * R[1, k] + plane[2] * R[2, k]
    for r in range(H):
        for c in range(W):
            above = plane[3] - slope[0] * (origin[0] + c * cell) - slope[1] * (origin[1] + r * cell)
            ground = _plane_depth(above, slope[2], limits)
            depth[r, c] = min(closed[r, c], ground)
            lifted[r, c] = min(closed[r, c], _plane_depth(above - limits[2], slope[2], limits))
            bare[r, c] = ground < closed[r, c]
            inner = r > 0 and c > 0 and r < H - 1 and c < W - 1
            graspable[r, c] = inner and closed_masked[r, c] < depth[r, c] + cell


@numba.njit(cache=True)
def _plane_depth(above, slope, limits):
    """Depth at which a line meets a plane that lies `above` [m] below its start, within limits."""
    if slope > 1e-6:
        return np.float32(min(max(above / slope, limits[0]), limits[1]))
    return np.float32(limits[1] if above > 0 else limits[0])


@numba.njit(cache=True)
def _closed(depth):
    """`depth` (H, W) with the cells that hold nothing, between two in a row or column that do, at the deeper of
    these."""
    H, W = depth.shape
    out = depth.copy()
    for r in range(H):
        for c in range(W):
            if depth[r, c] == np.inf:
                if 0 < c < W - 1:
                    out[r, c] = min(out[r, c], max(depth[r, c - 1], depth[r, c + 1]))
                if 0 < r < H - 1:
                    out[r, c] = min(out[r, c], max(depth[r - 1, c], depth[r + 1, c]))
    return out
