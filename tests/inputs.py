"""Scenes as clouds, label images and several views."""

from __future__ import annotations

import numpy as np
from scenes import CAMERA, OVERHEAD, box, overhead, render

from antipodal import transforms

TWO = [box((0.03, 0.02), (0.10, 0.03, 0.04), 0.4), box((-0.06, 0.02), (0.05, 0.04, 0.06), 0.9)]
TOUCHING = [box((-0.015, 0.0), (0.03, 0.06, 0.05)), box((0.015, 0.0), (0.03, 0.06, 0.05))]


def points_of(depth, camera=CAMERA):
    """The organised cloud (H, W, 3) float32 of a depth image, NaN where it is missing."""
    v, u = np.mgrid[: camera.height, : camera.width]
    points = camera.deproject(np.stack([u, v], axis=-1), np.where(depth > 0, depth, np.nan))
    return points.astype(np.float32)


def labels_of(boxes, T_cam_table=OVERHEAD, camera=CAMERA):
    """Label image (H, W) of boxes, counted from 1."""
    depth, _ = render(boxes, camera, T_cam_table)
    labels = np.zeros(depth.shape, np.uint8)
    for i, one in enumerate(boxes):
        alone, mask = render([one], camera, T_cam_table)
        labels[mask & (np.abs(alone - depth) < 1e-6)] = i + 1
    return labels


def view_of_boxes(boxes, tilt, camera=CAMERA):
    """(depth, camera, pose) of boxes, the pose in the table's frame."""
    T_cam_table = overhead(tilt)
    return render(boxes, camera, T_cam_table)[0], camera, transforms.invert(T_cam_table)


def turned(seed):
    """A random rigid transform (4, 4)."""
    rng = np.random.default_rng(seed)
    R = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    return transforms.compose(R * np.sign(np.linalg.det(R)), rng.uniform(-2, 2, 3))


def apart(plan, other, T=None):
    """Largest difference of two plans' poses, those of the first moved by T."""
    assert len(plan) == len(other) > 0
    T = np.eye(4) if T is None else T
    return max(np.abs(T @ a.T_cam_grasp - b.T_cam_grasp).max() for a, b in zip(plan, other))


def write_pcd(path, points, viewpoint=(0, 0, 0), form="binary"):
    """A .pcd file of an organised cloud (H, W, 3)."""
    height, width = points.shape[:2]
    place = " ".join(f"{x:.9g}" for x in viewpoint)
    head = (
        f"# .PCD v0.7\nVERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nWIDTH {width}\nHEIGHT {height}\n"
        f"VIEWPOINT {place} 1 0 0 0\nPOINTS {width * height}\nDATA {form}\n"
    ).encode()
    rows = points.reshape(-1, 3)
    text = "".join(" ".join(f"{x:.9g}" for x in row) + "\n" for row in rows).encode() if form == "ascii" else b""
    path.write_bytes(head + (text or rows.astype("<f4").tobytes()))
