"""Where a cup might seal: points on what may be grasped whose surface is smooth over the width of the lip.

After Dex-Net 3.0 (Mahler et al., ICRA 2018, section VI), which draws points of the cloud and comes along the normals
there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from antipodal.errors import POSITIVE
from antipodal.files import MOST
from antipodal.perception.fusion import CameraView
from antipodal.perception.option_limits import Within, check_options
from antipodal.perception.surface_normals import LocalPlanes, local_planes
from antipodal.suction_cup import SuctionCup

LEAST_ACROSS = 4  # pixels over the lip's width that a plane needs: LEAST of surface_normals.py on a disc


@dataclass(frozen=True)
class SuctionPointOptions:
    """Which points are looked at, and what counts as smooth."""

    WITHIN: ClassVar[Within] = dict.fromkeys(("reach", "residual", "flat"), (POSITIVE, MOST))
    drawn: int = 256  # points looked at in each image
    reach: float = 1.0  # of the plane that stands for the surface at a point, in radii of the lip
    coverage: float = 0.5  # least share of the lip's disc that shows this plane
    residual: float = 0.12  # greatest rms distance of the surface from it, in radii; where the sensor is noisier:
    noise: float = 0.006  # this times the squared depth in metres [m]
    facing: float = 0.25  # least cosine between the approach and the camera's ray: what is seen at a glance says little
    flat: float = 0.02  # a surface rougher by this is a candidate less often by a factor of e, in radii

    def __post_init__(self) -> None:
        check_options(self, "points.")


def draw_pixels(view: CameraView, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` pixels (count, 2) as (u, v), drawn evenly from those that may be grasped; (0, 2) where none may."""
    index = np.flatnonzero(view.graspable)
    if not len(index):
        return np.empty((0, 2))
    v, u = np.divmod(index[rng.integers(0, len(index), count)], view.camera.width)
    return np.stack([u, v], axis=1).astype(np.float64)


def values_at(image: np.ndarray, px: np.ndarray) -> np.ndarray:
    """Values (N,) of an image (H, W) at pixels (N, 2), at the border where they lie outside."""
    u, v = np.clip(np.floor(px + 0.5).astype(int), 0, [image.shape[1] - 1, image.shape[0] - 1]).T
    return image[v, u]


def seen_too_small(view: CameraView, cup: SuctionCup) -> str:
    """Why no plane under the lip can be told, at the depth where most of what may be grasped lies: its pixels are too
    coarse, or all of the image is less than the lip; "" where neither is so."""
    depth = float(np.median(view.depth[view.graspable]))
    across = 2 * cup.radius * min(view.camera.fx, view.camera.fy) / depth
    if across < LEAST_ACROSS:
        return f": at {depth:.2g} m it is {across:.2g} pixels wide, and {LEAST_ACROSS} are needed"
    least = min(view.camera.width, view.camera.height)
    return f": at {depth:.2g} m it is {across:.4g} pixels wide, and the image {least}" if across > least else ""


def planes_at(view: CameraView, px: np.ndarray, cup: SuctionCup, options: SuctionPointOptions) -> LocalPlanes:
    """The planes that stand for the surface under the lip at pixels (N, 2), in the frame of the view's camera."""
    return local_planes(view.depth, view.camera, px, options.reach * cup.radius, view.labels)


def is_smooth(planes: LocalPlanes, cup: SuctionCup, options: SuctionPointOptions) -> np.ndarray:
    """Which of the planes (N,) bool are those of a surface that the lip may lie on, seen well enough to tell."""
    rough = np.maximum(options.residual * cup.radius, options.noise * planes.point[:, 2] ** 2)
    ray = planes.point / np.maximum(np.linalg.norm(planes.point, axis=1, keepdims=True), 1e-9)
    faces = -(ray * planes.normal).sum(axis=1) >= options.facing
    return faces & (planes.coverage >= options.coverage) & (planes.residual <= rough)


def drawn_order(
    residual: np.ndarray, cup: SuctionCup, options: SuctionPointOptions, rng: np.random.Generator
) -> np.ndarray:
    """An order (N,) of points with these residuals (N,) [m], drawn without putting back, flat ones more often (the
    exponential races of Efraimidis and Spirakis 2006)."""
    log_weight = -residual / (options.flat * cup.radius)
    return np.argsort(np.log(rng.exponential(size=len(residual))) - log_weight, kind="stable")
