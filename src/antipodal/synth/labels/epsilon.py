"""Ferrari and Canny's epsilon (ICRA 1992) of two soft contacts, in closed form.

The quality is the radius of the largest ball about the origin inside the hull of the contacts' wrenches: of the EDGES
unit forces at the rim of each friction pyramid, and of both torsions, as in Dex-Net 2.0. Its inverse is the greatest
norm among the vertices of the polar polytope {d: d . w <= 1 for every wrench w}. For two contacts these vertices need
no search. A direction d acts on contact i as a vector g_i; both g_i share their component s along the line between the
contacts, so each lies in a pyramid that shrinks linearly in s to its apex, the contact's normal. Hence every vertex has
one g_i at its apex and the other at a corner of its pyramid, up to the turn about the line, which only the torsions
bound.
"""

from __future__ import annotations

import numba
import numpy as np

EDGES = 8  # of a friction pyramid
FINGER = 0.005  # radius of a soft finger's contact [m]
STEP = 2 * np.pi / EDGES
RIM = np.stack([np.cos(STEP * np.arange(EDGES)), np.sin(STEP * np.arange(EDGES))], axis=1)
BETWEEN = np.stack([np.cos(STEP * (np.arange(EDGES) + 0.5)), np.sin(STEP * (np.arange(EDGES) + 0.5))], axis=1)


@numba.njit(cache=True)
def torsion(friction, size):
    """Torque that a soft finger's contact resists per unit of normal force, over the object's `size` [m]: friction
    times the contact's area, which is Dex-Net 2.0's convention."""
    return np.pi * FINGER**2 * friction / size


def wrenches(points: np.ndarray, normals: np.ndarray, friction: float, size: float) -> np.ndarray:
    """Wrenches (2 * EDGES + 4, 6) in whose hull the ball lies: forces, and torques over `size`.

    points: (2, 3) [m] relative to the centre of mass; normals: (2, 3) inward unit normals.
    """
    rows = []
    for point, normal in zip(points / size, normals):
        across = np.array(_basis(normal))
        for force in normal + friction * RIM @ across:
            rows.append(np.concatenate([force, np.cross(point, force)]))
        for sign in (-1, 1):
            rows.append(np.concatenate([np.zeros(3), sign * torsion(friction, size) * normal]))
    return np.array(rows)


def epsilon_quality(points: np.ndarray, normals: np.ndarray, friction: np.ndarray, size: float) -> np.ndarray:
    """Epsilon (N,) of N grasps; 0 where the line between the contacts is not inside both friction pyramids, although
    the hull may hold the origin there by its pure torsions.

    points: (N, 2, 3) contacts [m] relative to the object's centre of mass; normals: (N, 2, 3) inward unit normals;
    friction: (N,) coefficients; size: of the object [m], by which torques are divided.
    """
    points, normals, friction = (np.ascontiguousarray(a, dtype=np.float64) for a in (points, normals, friction))
    return _epsilon_each(points, normals, friction, float(size))


@numba.njit(cache=True)
def _epsilon_each(points, normals, friction, size):
    out = np.empty(len(points))
    for i in range(len(points)):
        p, q = _vector(points[i, 0], size), _vector(points[i, 1], size)
        twist = torsion(friction[i], size)
        out[i] = epsilon(p, q, _vector(normals[i, 0], 1.0), _vector(normals[i, 1], 1.0), friction[i], twist)
    return out


@numba.njit(cache=True)
def epsilon(p, q, n, m, friction, twist):
    """Epsilon of contacts at p and q with inward unit normals n and m, all (x, y, z); lengths over the object's size.

    twist: torque about its normal that a contact resists.
    """
    span = _add(q, -1.0, p)
    length = np.sqrt(_dot(span, span))
    if length < 1e-9 or twist <= 0:
        return 0.0
    axis = _add((0.0, 0.0, 0.0), 1 / length, span)
    at_n, at_m = _dot(n, axis), _dot(m, axis)
    if at_n <= 0 or at_m >= 0:
        return 0.0
    base = np.empty((2 * EDGES, 8))  # g_p, the rotation across the axis, and the turns in the middle of both torsions
    across_n, across_m = _basis(n), _basis(m)
    for i in range(EDGES):
        to_n, to_m = _edge(across_n, i, n, friction), _edge(across_m, i, m, friction)
        if _dot(to_n, axis) >= 0 or _dot(to_m, axis) <= 0:
            return 0.0
        corner = _add(n, (at_m - at_n) / _dot(to_n, axis), to_n)
        _write_wrench(base[i], corner, m, axis, length, n, at_n, m, at_m)
        corner = _add(m, (at_n - at_m) / _dot(to_m, axis), to_m)
        _write_wrench(base[EDGES + i], n, corner, axis, length, n, at_n, m, at_m)
    return 1 / np.sqrt(_farthest(base, p, axis, (1 / (twist * at_n), -1 / (twist * at_m))))


@numba.njit(cache=True)
def _edge(basis, i, normal, friction):
    """Direction of edge i of the polar pyramid that hangs from the apex `normal`: no force of the cone is along it."""
    first, second = basis
    across = _add(_add((0.0, 0.0, 0.0), BETWEEN[i, 0], first), BETWEEN[i, 1], second)
    return _add(across, -friction * np.cos(STEP / 2), normal)


@numba.njit(cache=True)
def _basis(normal):
    """Two unit vectors across `normal` and each other."""
    first = (1.0, 0.0, 0.0) if abs(normal[0]) < 0.6 else (0.0, 1.0, 0.0)
    first = _add(first, -_dot(first, normal), normal)
    first = _add((0.0, 0.0, 0.0), 1 / np.sqrt(_dot(first, first)), first)
    return first, _cross(normal, first)


@numba.njit(cache=True)
def _write_wrench(row, g_p, g_q, axis, length, n, at_n, m, at_m):
    across = _cross(axis, _add(g_q, -1.0, g_p))
    for k in range(3):
        row[k], row[3 + k] = g_p[k], across[k] / length
    row[6], row[7] = -_dot(row[3:6], n) / at_n, -_dot(row[3:6], m) / at_m


@numba.njit(cache=True)
def _farthest(base, p, axis, reach):
    """Greatest squared norm in the polar polytope: above each point of the base polytope, the turn about the axis
    ranges over the common part of two intervals with middles (6, 7) and half lengths `reach`."""
    most, skew = 0.0, 0.0
    for i in range(len(base)):
        most = max(most, _norm(base[i], base[i], 0.0, p, axis, reach))
        skew = max(skew, abs(base[i, 6] - base[i, 7]))
    difference, both = abs(reach[0] - reach[1]), reach[0] + reach[1]
    if skew <= difference + 1e-9 * both:
        return most  # one interval holds the other everywhere
    for i in range(len(base)):
        for j in range(i):
            a, b = base[i, 6] - base[i, 7], base[j, 6] - base[j, 7]
            for level in (-difference, difference, -both, both):
                if (a < level) != (b < level):  # between the two, ends of the intervals meet
                    most = max(most, _norm(base[i], base[j], (level - a) / (b - a), p, axis, reach))
    return most


@numba.njit(cache=True)
def _norm(one, other, share, p, axis, reach):
    """Greatest squared norm above the point at `share` from one point of the base to another; 0 where no turn is
    left."""
    row = one + share * (other - one) if share != 0.0 else one
    low, high = max(row[6] - reach[0], row[7] - reach[1]), min(row[6] + reach[0], row[7] + reach[1])
    if low > high + 1e-9 * (reach[0] + reach[1]):
        return 0.0
    most = 0.0
    for turn in (low, high):
        rotation = _add(_vector(row[3:6], 1.0), turn, axis)
        force = _add(_vector(row[:3], 1.0), -1.0, _cross(rotation, p))
        most = max(most, _dot(rotation, rotation) + _dot(force, force))
    return most


@numba.njit(cache=True)
def _vector(a, size):
    return a[0] / size, a[1] / size, a[2] / size


@numba.njit(cache=True)
def _add(a, share, b):
    return a[0] + share * b[0], a[1] + share * b[1], a[2] + share * b[2]


@numba.njit(cache=True)
def _dot(a, b):
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@numba.njit(cache=True)
def _cross(a, b):
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]
