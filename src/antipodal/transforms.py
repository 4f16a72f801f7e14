"""Rigid transforms as (..., 4, 4) float64 arrays; `T_a_b` maps coordinates in frame b to frame a."""

from __future__ import annotations

from typing import Any

import numpy as np

from antipodal.errors import InputError


def compose(R: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Transform (..., 4, 4) from rotations (..., 3, 3) and translations (..., 3) [m]."""
    R, t = np.asarray(R, dtype=np.float64), np.asarray(t, dtype=np.float64)
    batch = np.broadcast_shapes(R.shape[:-2], t.shape[:-1])
    T = np.zeros((*batch, 4, 4))
    T[..., :3, :3], T[..., :3, 3], T[..., 3, 3] = R, t, 1.0
    return T


def invert(T: np.ndarray) -> np.ndarray:
    """Inverse of rigid transforms (..., 4, 4): `invert(T_a_b)` is `T_b_a`."""
    R_inv = np.swapaxes(T[..., :3, :3], -1, -2)
    return compose(R_inv, -(R_inv @ T[..., :3, 3:])[..., 0])


def is_rigid(T: Any) -> bool:
    """Whether something is a rigid transform (4, 4), its numbers finite."""
    T = np.asarray(T)
    if T.shape != (4, 4) or T.dtype.kind not in "fiu" or not np.isfinite(T).all() or (T[3] != [0, 0, 0, 1]).any():
        return False
    R = T[:3, :3]
    return bool(np.abs(R @ R.T - np.eye(3)).max() < 1e-3 and np.linalg.det(R) > 0)


def check_rigid(name: str, T: Any) -> None:
    """Raises InputError where something is no rigid transform."""
    if not is_rigid(T):
        raise InputError(f"{name} must be a rigid transform (4, 4) in metres, got {np.asarray(T).tolist()}")


def apply(T: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points (..., N, 3) mapped by transforms (..., 4, 4)."""
    return points @ np.swapaxes(T[..., :3, :3], -1, -2) + T[..., None, :3, 3]


def rotation_to(z: np.ndarray, x_hint: np.ndarray) -> np.ndarray:
    """Rotation (3, 3) whose columns are a right-handed frame with the given z and x as near `x_hint` as may be."""
    z = np.asarray(z, dtype=np.float64) / np.linalg.norm(z)
    x = np.asarray(x_hint, dtype=np.float64) - np.dot(x_hint, z) * z
    if np.linalg.norm(x) < 1e-6:  # the hint is parallel to z: any perpendicular will do
        x = np.cross(z, np.eye(3)[np.argmin(np.abs(z))])
    x /= np.linalg.norm(x)
    y = np.array([z[1] * x[2] - z[2] * x[1], z[2] * x[0] - z[0] * x[2], z[0] * x[1] - z[1] * x[0]])  # np.cross is slow
    return np.stack([x, y, z], axis=-1)


def about_z(angle: np.ndarray) -> np.ndarray:
    """Rotations (..., 3, 3) by `angle` [rad] about z."""
    c, s = np.cos(angle), np.sin(angle)
    R = np.zeros((*np.shape(angle), 3, 3))
    R[..., 0, 0], R[..., 0, 1], R[..., 1, 0], R[..., 1, 1], R[..., 2, 2] = c, -s, s, c, 1.0
    return R


def quaternion(R: np.ndarray) -> np.ndarray:
    """Unit quaternion (x, y, z, w) of a rotation (3, 3), w >= 0 (Bar-Itzhack 2000: no case has a small divisor)."""
    symmetric = R + R.T - np.trace(R) * np.eye(3)
    skew = np.array([R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1]])
    K = np.block([[symmetric, skew[:, None]], [skew[None, :], np.trace(R)]])
    q = np.linalg.eigh(K)[1][:, -1]
    return -q if q[3] < 0 else q
