"""How far apart two cameras see what both see: what a wrong pose, or a scene that moved, shows as."""

from __future__ import annotations

from dataclasses import replace
from typing import Optional, Tuple

import cv2
import numpy as np

from antipodal import transforms
from antipodal.camera import Camera
from antipodal.perception.fusion import CameraView, least_around
from antipodal.perception.fusion_numba import seen_through

SAMPLES = 4000  # points of the second camera
NEAR = 0.03  # of surfaces that may be the same [m]
FEWEST = 100  # points that both see
SMOOTH, BASE = 5, 4  # pixels over which depth is averaged, and to each side of a normal
ROUNDS, DAMPING = 5, 0.05
STEPS = (0.002, 0.004, 0.006, 0.008, 0.010, 0.015, 0.020, 0.030)  # beside things that are looked at [m]
STRAY = 0.03  # share of the pixels on things that may be anything, such as mixed depths at outlines


def disagreement(first: CameraView, other: CameraView) -> Optional[float]:
    """How far [m] two cameras are apart on what both see; None where that is nothing.

    The larger of two: how far the rigid motion that brings the other's points onto the first one's surface moves them;
    and how far beside the things of one camera, once they are moved, the other sees something as near.
    """
    points = _samples(other)
    motion = surface_motion(first, points)
    if motion is None:
        return None
    moved = replace(other, T_first_cam=motion @ other.T_first_cam)
    distance = float(np.linalg.norm(transforms.apply(motion, points) - points, axis=1).mean())
    return max(distance, outline_distance(first, moved), outline_distance(moved, first))


def surface_motion(first: CameraView, points: np.ndarray) -> Optional[np.ndarray]:
    """The rigid motion (4, 4) that brings points (N, 3) [m] in the first camera's frame onto its surface (point to
    plane, Chen and Medioni 1992); None where they have none in common within NEAR. It tells nothing along a surface."""
    smooth, motion = _averaged(first.depth), np.eye(4)
    for _ in range(ROUNDS):
        on, where, normal = _matched(transforms.apply(motion, points), smooth, first.camera)
        if len(on) < max(FEWEST, 0.1 * len(points)):
            return None
        motion = _step(on, where, normal) @ motion
    return motion


def outline_distance(first: CameraView, other: CameraView) -> float:
    """The least of STEPS [m], 0 or infinity, beside which the first camera sees something as near as all but a STRAY
    share of what may be grasped in the other's image."""
    depth = np.where(other.graspable, other.depth, np.float32(0))
    count = int(np.count_nonzero(depth))
    if count < FEWEST:
        return 0.0
    T_first_other = transforms.invert(first.T_first_cam) @ other.T_first_cam
    passed = 0.0
    for beside in STEPS:
        farther = least_around(first, beside)
        through = seen_through(depth, other.camera, farther, first.camera, T_first_other, NEAR / 3)
        if np.count_nonzero(through) <= STRAY * count:
            return passed
        passed = beside
    return passed


def _samples(view: CameraView) -> np.ndarray:
    """Some of a camera's points (N, 3) [m] in the first camera's frame."""
    few = np.zeros(view.depth.shape, bool)
    stride = max(1, int(np.sqrt(view.depth.size / SAMPLES)))
    few[::stride, ::stride] = True
    return view.points(few)


def _averaged(depth: np.ndarray) -> np.ndarray:
    """Averaged depth (H, W) [m], 0 where it is broken or missing."""
    kernel = np.ones((SMOOTH, SMOOTH), np.uint8)
    low, high = cv2.erode(depth, kernel), cv2.dilate(depth, kernel)
    return np.where((low > 0) & (high - low < NEAR), cv2.blur(depth, (SMOOTH, SMOOTH)), np.float32(0))


def _matched(points: np.ndarray, smooth: np.ndarray, camera: Camera) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Those of points (N, 3) that have a surface near them where the camera sees them: the points, the surface there,
    and its unit normals (M, 3)."""
    points = points[points[:, 2] > 0]
    u, v = np.rint(camera.project(points)).astype(int).T
    inside = (u >= BASE) & (u < camera.width - BASE) & (v >= BASE) & (v < camera.height - BASE)
    points, u, v = points[inside], u[inside], v[inside]
    where, normal, whole = _planes(u, v, smooth, camera)
    apart = np.abs(((points - where) * normal).sum(axis=1))
    same = whole & (apart < NEAR)
    if same.any():
        same &= apart < max(0.002, 3 * 1.4826 * float(np.median(apart[same])))
    return points[same], where[same], normal[same]


def _planes(
    u: np.ndarray, v: np.ndarray, smooth: np.ndarray, camera: Camera
) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The surface (N, 3) [m] at pixels u, v (N,), its unit normals, and (N,) bool where it is whole."""
    corners = [(u, v), (u - BASE, v), (u + BASE, v), (u, v - BASE), (u, v + BASE)]
    depths = np.stack([smooth[y, x] for x, y in corners]).astype(np.float64)
    where, left, right, upper, lower = (camera.deproject(np.stack(c, axis=-1), d) for c, d in zip(corners, depths))
    normal = np.cross(right - left, lower - upper)
    length = np.linalg.norm(normal, axis=1)
    whole = (depths > 0).all(axis=0) & (np.ptp(depths, axis=0) < NEAR) & (length > 1e-12)
    return where, normal / np.maximum(length, 1e-12)[:, None], whole


def _step(points: np.ndarray, where: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """The small rigid motion (4, 4) that brings points (N, 3) nearest to the planes; none where nothing tells."""
    middle = points.mean(axis=0)
    arm = points - middle
    scale = max(float(np.sqrt((arm**2).mean())), 1e-6)
    rows = np.hstack([np.cross(arm, normal) / scale, normal])
    apart = ((points - where) * normal).sum(axis=1)
    normal_matrix = rows.T @ rows + DAMPING * len(points) * np.eye(6)
    turn, shift = np.split(np.linalg.solve(normal_matrix, -rows.T @ apart), 2)
    R = cv2.Rodrigues(turn / scale)[0]
    return transforms.compose(R, middle + shift - R @ middle)
