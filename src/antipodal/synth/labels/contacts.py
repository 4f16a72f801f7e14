"""What closing jaws touch: first-hit profiles of the object's slices, the patches of contact, the friction they need.

The pads are flat areas, not points. Where a pad's interior touches the object first, the pad is tangent there, so the
contact normal is the closing axis whatever the shape; only over a pad's edge may the object's own slope bear on it.
"""

from __future__ import annotations

import numba
import numpy as np

from antipodal.backends import EXACT

SPACING = 0.002  # between the columns of a profile, across the jaws [m]
SOFTNESS = 0.0005  # rubber gives way so far: surface this near the first touch is touched too [m]
NEVER = 10.0  # friction needed where no closing holds the object


@numba.njit(cache=True)
def profile(slices, first, last, x, y, angle, reach, left, right, left_id, right_id):
    """Where jaws closing along `angle` from +- `reach` around (x, y) first meet the slices first..last.

    Writes v, the position along the closing axis, into left and right (last - first, C): +-inf where a jaw meets
    nothing. Column i lies at `(i - (C - 1) / 2) * SPACING` along the grasp's x. The ids are the segments met.
    """
    segments, _, start, _, _ = slices
    c, s = np.cos(angle), np.sin(angle)
    C, begin = left.shape[1], start[first]
    edge = -(C - 1) / 2 * SPACING
    columns = _columns(segments[begin : start[last]], x, y, c, s, edge, C)
    for k in range(first, last):
        row = k - first
        left[row], right[row] = np.inf, -np.inf
        for i in range(start[k], start[k + 1]):
            low, high = columns[0, i - begin], columns[1, i - begin]
            if low > high:
                continue
            ax, ay, bx, by = segments[i, 0] - x, segments[i, 1] - y, segments[i, 2] - x, segments[i, 3] - y
            au, bu = ax * s - ay * c, bx * s - by * c
            av, bv = ax * c + ay * s, bx * c + by * s
            slope = (bv - av) / (bu - au) if bu != au else 0.0
            for column in range(low, high + 1):
                v = av + slope * (edge + column * SPACING - au)
                if -reach <= v <= reach:
                    if v < left[row, column]:
                        left[row, column], left_id[row, column] = v, i
                    if v > right[row, column]:
                        right[row, column], right_id[row, column] = v, i


@numba.njit(cache=True, fastmath=EXACT)
def _columns(segments, x, y, c, s, edge, C):
    """First and last column (2, S) of the profile that segments span, the first beyond the last where none. A loop of
    its own, so that it compiles to vectors."""
    out = np.empty((2, len(segments)), dtype=np.int32)
    for i in range(len(segments)):
        ax, ay, bx, by = segments[i, 0] - x, segments[i, 1] - y, segments[i, 2] - x, segments[i, 3] - y
        au, bu = ax * s - ay * c, bx * s - by * c
        out[0, i] = max(0.0, min(float(C), np.ceil((min(au, bu) - edge) / SPACING)))
        out[1, i] = max(-1.0, min(C - 1.0, np.floor((max(au, bu) - edge) / SPACING)))
    return out


@numba.njit(cache=True, fastmath=EXACT)
def first_contacts(left, right, heights, rows, columns, tilt):
    """Positions where the left and the right jaw first touch within half-open windows of the profile, +-inf where
    nothing is there.

    tilt: slopes by which a turn of the object about the vertical and about the jaws' width shears the profile; heights:
    of its rows.
    """
    l, r = np.inf, -np.inf  # noqa: E741
    for i in range(rows[0], rows[1]):
        a, b = left[i, columns[0] : columns[1]], right[i, columns[0] : columns[1]]
        for j in range(len(a)):
            shift = tilt[0] * SPACING * (columns[0] + j) + tilt[1] * heights[i]
            l, r = min(l, a[j] + shift), max(r, b[j] + shift)  # noqa: E741
    return l, r


@numba.njit(cache=True)
def first_touch(left, right, heights, rows, columns, tilt, contacts):
    """Position, row and column where the left and the right jaw first touch, which is at the `first_contacts`; rows of
    -1 where they touch nothing."""
    l, r = contacts  # noqa: E741
    li, lj = _find(left, l, heights, rows, columns, tilt)
    ri, rj = _find(right, r, heights, rows, columns, tilt)
    return l, li, lj, r, ri, rj


@numba.njit(cache=True)
def _find(surface, value, heights, rows, columns, tilt):
    """Row and column of the first cell that comes to `value`, -1 where that is infinite."""
    if np.isfinite(value):
        for i in range(rows[0], rows[1]):
            for j in range(columns[0], columns[1]):
                if surface[i, j] + (tilt[0] * SPACING * j + tilt[1] * heights[i]) == value:
                    return i, j
    return -1, -1


@numba.njit(cache=True)
def needed_friction(line):
    """The least friction coefficient at which the contacts of a `closing_line` hold (force closure), or NEVER.

    Two soft contacts close a grasp if some line between them lies in both friction cones (Nguyen, 1988).
    """
    found, lean_left, lean_right, slope, _ = line
    if not found:
        return NEVER
    return max(_tangent(slope, lean_left), _tangent(slope, lean_right))


@numba.njit(cache=True)
def closing_line(touch, slices, heights, profiles, rows, pad_row, columns, angle, tilt, min_width):
    """The line between the patches that the pads touch which lies best in both friction cones.

    rows, columns: window of the profile under the jaws; rows from `pad_row` on lie above the pads, which must touch.
    Returns whether there is one; slopes across the jaws and along z against the closing axis of the left and the right
    contact's normal and of the line; and the line's left end (column, height).
    """
    l, li, lj, r, ri, rj = touch  # noqa: E741
    left, right, left_id, right_id = profiles
    _, normals, _, _, owner = slices
    none = (False, (0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0))
    gap = r - l
    if li < 0 or gap < max(min_width, 1e-4) or owner[left_id[li, lj]] != owner[right_id[ri, rj]]:
        return none
    c, s = np.cos(angle), np.sin(angle)
    at = (lj == columns[0], lj == columns[1] - 1, li == rows[0])
    lu, lz = _lean(normals[left_id[li, lj]], c, s, tilt, at, -1.0)
    at = (rj == columns[0], rj == columns[1] - 1, ri == rows[0])
    ru, rz = _lean(normals[right_id[ri, rj]], c, s, tilt, at, 1.0)
    window = (rows[0], pad_row, columns[0], columns[1])
    lu0, lu1, lk0, lk1 = _patch(left, heights, tilt, l, window, 1.0)
    ru0, ru1, rk0, rk1 = _patch(right, heights, tilt, r, window, -1.0)
    if lu1 < 0 or ru1 < 0:
        return none
    # lines from the left patch to the right one have these slopes against the closing axis
    su = _clamp((lu + ru) / 2, (ru0 - lu1) * SPACING / gap, (ru1 - lu0) * SPACING / gap)
    sz = _clamp((lz + rz) / 2, (heights[rk0] - heights[lk1]) / gap, (heights[rk1] - heights[lk0]) / gap)
    column = _common_middle(lu0, lu1, ru0 - su * gap / SPACING, ru1 - su * gap / SPACING)
    height = _common_middle(heights[lk0], heights[lk1], heights[rk0] - sz * gap, heights[rk1] - sz * gap)
    return True, (lu, lz), (ru, rz), (su, sz), (column, height)


@numba.njit(cache=True)
def _lean(normal, c, s, tilt, at, side):
    """Slopes across the jaw and along z of the contact's inward normal against the closing axis.

    Only where the touch is at the pad's border, and the object would come nearer still beyond it, does it lean.
    at: whether the touch is at the low and the high end of the columns, and at the bottom; side: -1 for the left jaw,
    which meets normals against the closing axis, 1 for the right.
    """
    v = side * (normal[0] * c + normal[1] * s)
    flip = side if v >= 0 else -side  # of a face turned inside out
    v = max(abs(v), 1e-3)
    u, z = flip * (normal[0] * s - normal[1] * c) / v - tilt[0], flip * normal[2] / v - tilt[1]
    u = u if (at[0] and side * u > 0) or (at[1] and side * u < 0) else 0.0
    z = z if at[2] and side * z > 0 else 0.0
    return u, z


@numba.njit(cache=True, fastmath=EXACT)
def _patch(surface, heights, tilt, touch, window, side):
    """Columns and rows (u0, u1, k0, k1) that the surface within SOFTNESS of the first touch spans."""
    u0, u1, k0, k1 = 1 << 30, -1, 1 << 30, -1
    for k in range(window[0], window[1]):
        low, high, row = 1 << 30, -1, surface[k, window[2] : window[3]]
        for j in range(len(row)):
            i = window[2] + j
            near = side * (row[j] + tilt[0] * SPACING * i + tilt[1] * heights[k] - touch) <= SOFTNESS
            low, high = min(low, i if near else 1 << 30), max(high, i if near else -1)
        if high >= 0:
            u0, u1, k0, k1 = min(u0, low), max(u1, high), min(k0, k), max(k1, k)
    return u0, u1, k0, k1


@numba.njit(cache=True)
def _clamp(x, low, high):
    return min(max(x, low), high)


@numba.njit(cache=True)
def _common_middle(low, high, other_low, other_high):
    """Of the common part of two intervals."""
    return (max(low, other_low) + min(high, other_high)) / 2


@numba.njit(cache=True)
def _tangent(a, b):
    """Tangent of the angle between the directions (a0, 1, a1) and (b0, 1, b1), at most NEVER."""
    au, az, bu, bz = a[0], a[1], b[0], b[1]
    dot = 1 + au * bu + az * bz
    if dot <= 0:
        return NEVER
    cross = (az - bz) ** 2 + (au - bu) ** 2 + (au * bz - az * bu) ** 2
    return min(np.sqrt(cross) / dot, NEVER)
