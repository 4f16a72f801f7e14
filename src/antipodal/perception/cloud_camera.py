"""The pinhole camera whose pixels the rows and columns of an organised cloud are, by least squares."""

from __future__ import annotations

import math
from typing import Tuple

import numpy as np

from antipodal.camera import Camera

MAX_SAMPLES = 20_000  # pixels that the fit looks at
ALIKE = 0.05  # a camera along the cloud's own axes is taken where it is no worse than this [px]
FEWEST = 500  # of them, below which every pixel is looked at
MAX_SKEW = 0.01  # of a pixel's axes, in focal lengths


def fit_camera(rays: np.ndarray) -> Tuple[Camera, np.ndarray, float]:
    """The camera that sees rays (H, W, 3) from its centre, NaN where there is none, at their columns and rows; its
    rotation (3, 3) in the frame of the rays; and the root mean square error [px], inf where no camera does.

    The cloud's own frame is tried first as the optical one, then any rotation (direct linear transform, Hartley and
    Zisserman 2004, section 7.1).
    """
    v, u = _sampled(rays)
    ways = rays[v, u].astype(np.float64)
    size = rays.shape[1], rays.shape[0]
    straight = _fit_straight(ways, u, v, size)
    if straight[2] <= ALIKE:
        return straight
    return min(straight, _fit_turned(ways, u, v, size), key=lambda fit: fit[2])


def pixel_errors(rays: np.ndarray, camera: Camera) -> float:
    """Root mean square distance [px] between the columns and rows of rays (H, W, 3) and where a camera sees them."""
    v, u = _sampled(rays)
    return _error(rays[v, u].astype(np.float64), u, v, camera, np.eye(3))


def _sampled(rays: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Rows and columns (N,) of some of the finite rays (H, W, 3)."""
    step = max(1, int(math.sqrt(rays.shape[0] * rays.shape[1] / MAX_SAMPLES)))
    few = np.isfinite(rays[::step, ::step]).all(axis=-1) & rays[::step, ::step].any(axis=-1)
    if np.count_nonzero(few) < FEWEST:
        step, few = 1, np.isfinite(rays).all(axis=-1) & rays.any(axis=-1)
    v, u = np.nonzero(few)
    return v * step, u * step


Fit = Tuple[Camera, np.ndarray, float]
NONE: Fit = (Camera(1.0, 1.0, 0.0, 0.0, 1, 1), np.eye(3), float("inf"))


def _fit_straight(ways: np.ndarray, u: np.ndarray, v: np.ndarray, size: Tuple[int, int]) -> Fit:
    """The fit with the optical axis along z and rows along x."""
    if not (ways[:, 2] > 0).all():
        return NONE
    lines = [_fitted_line(ways[:, k] / ways[:, 2], px) for k, px in enumerate((u, v))]
    if not all(slope > 0 for slope, _ in lines):
        return NONE
    (fx, cx), (fy, cy) = lines
    camera = Camera(fx, fy, cx, cy, *size)
    return camera, np.eye(3), _error(ways, u, v, camera, np.eye(3))


def _fitted_line(x: np.ndarray, px: np.ndarray) -> Tuple[float, float]:
    """Slope and intercept of px (N,) over x (N,), to a ten-thousandth; slope 0 where x does not vary."""
    apart = x - x.mean()
    slope = float(apart @ (px - px.mean()) / max(float(apart @ apart), 1e-12))
    return round(slope, 4), round(float(px.mean() - slope * x.mean()), 4)


def _fit_turned(ways: np.ndarray, u: np.ndarray, v: np.ndarray, size: Tuple[int, int]) -> Fit:
    """The fit with any rotation: the matrix that maps rays to pixels, taken apart."""
    scale, middle = max(size), np.array(size) / 2
    x, y = (u - middle[0]) / scale, (v - middle[1]) / scale
    rays = ways / np.linalg.norm(ways, axis=1, keepdims=True)
    none = np.zeros_like(rays)
    rows = np.vstack([np.hstack([rays, none, -x[:, None] * rays]), np.hstack([none, rays, -y[:, None] * rays])])
    P = np.linalg.eigh(rows.T @ rows)[1][:, 0].reshape(3, 3)
    P = np.array([[scale, 0, middle[0]], [0, scale, middle[1]], [0, 0, 1]]) @ P
    P = P * np.sign(np.median(rays @ P[2]))
    K, R_cam_frame = _apart(P)
    if np.linalg.det(R_cam_frame) < 0 or not abs(K[0, 1]) < MAX_SKEW * K[0, 0]:
        return NONE
    fx, fy, cx, cy = (round(float(n), 4) for n in (K[0, 0], K[1, 1], K[0, 2], K[1, 2]))
    camera = Camera(fx, fy, cx, cy, *size)
    return camera, R_cam_frame.T, _error(ways, u, v, camera, R_cam_frame.T)


def _apart(P: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """The upper triangle with a positive diagonal and last number 1, and the orthogonal matrix, that multiply to
    `P` (3, 3) up to a positive factor."""
    Q, upper = np.linalg.qr(P[::-1].T)
    K, R = upper.T[::-1, ::-1], Q.T[::-1]
    signs = np.where(np.diag(K) < 0, -1.0, 1.0)
    K, R = K * signs, R * signs[:, None]
    return K / max(float(K[2, 2]), 1e-12), R


def _error(ways: np.ndarray, u: np.ndarray, v: np.ndarray, camera: Camera, R: np.ndarray) -> float:
    """Root mean square error [px] of a camera with rotation R (3, 3) that sees rays (N, 3) at u, v (N,)."""
    seen = ways @ R
    if not (seen[:, 2] > 0).mean() > 0.99:
        return float("inf")
    ahead = seen[:, 2] > 0
    off = camera.project(seen[ahead]) - np.stack([u, v], axis=-1)[ahead]
    return float(np.sqrt(np.square(off).sum(axis=1).mean()))
