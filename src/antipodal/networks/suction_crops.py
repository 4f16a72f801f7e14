"""THE crop of a suction grasp: how the observed surface rises and falls round the lip. Training and planning call it.

After Dex-Net 3.0 (Mahler et al., ICRA 2018, section V), but metric and aligned with the surface: heights over the
tangent plane at the contact, along its normal, in a square whose side is a multiple of the lip's radius. A flat surface
gives a crop of zeros from wherever the camera looks, and one model serves any camera and cups of several sizes.
"""

from __future__ import annotations

from typing import Any, Dict, Optional, Tuple

import numpy as np

from antipodal.camera import Camera
from antipodal.networks import suction_crops_numba as compiled
from antipodal.suction_cup import SuctionCup

SUCTION_CROP = "suction"  # crop["input"] of a model file
SUCTION_SIZE = 32  # pixels a side
SIDE = 4.0  # of a crop, in radii of the lip
UNIT = 0.5  # height that a value of 1 stands for, in radii; what is higher or lower is clipped to +- 1
MISSING = -1.0  # value where nothing was measured or the image ends: as a surface that is too far away to seal against
LOOKS = 3  # into the image, for one pixel of a crop
SUCTION_CONDITIONS = 4  # columns of suction_conditions


def suction_crop_definition() -> Dict[str, Any]:
    """What `crop_suction` makes: a model serves only with the crops that it was trained on."""
    return {"input": SUCTION_CROP, "size": SUCTION_SIZE, "side": SIDE, "unit": UNIT, "missing": MISSING}


def is_suction(crop: Optional[Dict[str, Any]]) -> bool:
    """Whether a model's or a data set's `crop` is what `crop_suction` makes."""
    return crop is not None and crop.get("input") == SUCTION_CROP


def crop_suction(
    depth: np.ndarray, camera: Camera, contact: np.ndarray, approach: np.ndarray, cup: SuctionCup
) -> np.ndarray:
    """Heights (N, 32, 32) float32 of the observed surface over the tangent planes of N contacts, outward positive, in
    units of `UNIT` radii, in [-1, 1].

    depth: (H, W) float32 [m], 0 = missing. contact: (N, 3) [m] middle of the lip in the camera's frame; approach:
    (N, 3) unit, into the surface. Columns of a crop run along x and rows along y of `suction_axes`. A pixel holds where
    the line along the normal through it leaves what is seen to be free: behind an edge, the shadow's border.
    """
    axes, contact = suction_axes(approach), np.asarray(contact, np.float64).reshape(-1, 3)
    made = np.empty((len(contact), SUCTION_SIZE, SUCTION_SIZE), np.float32)
    limits = UNIT * cup.radius, LOOKS, MISSING
    depth = np.ascontiguousarray(depth, np.float32)
    compiled.heights_numba(depth, camera.intrinsics(), contact, axes, offsets(cup), limits, made)
    return made


def crop_suction_numpy(
    depth: np.ndarray, camera: Camera, contact: np.ndarray, approach: np.ndarray, cup: SuctionCup
) -> np.ndarray:
    """As `crop_suction`, of which it defines the answer."""
    axes, across = suction_axes(approach)[:, None, None], offsets(cup)
    x, y, normal = axes[..., 0], axes[..., 1], -axes[..., 2]
    contact = np.asarray(contact, np.float64).reshape(-1, 1, 1, 3)
    plane = contact + across[None, None, :, None] * x + across[None, :, None, None] * y
    limit, height = UNIT * cup.radius, np.zeros(plane.shape[:-1])
    behind, free = np.full_like(height, -np.inf), np.full_like(height, np.inf)
    missing = np.zeros(height.shape, bool)
    for look in range(LOOKS):
        found, seen = _height_seen(depth, camera, plane, normal, height)
        missing |= ~seen & (look == 0)
        free = np.where(seen & (found <= height), height, free)
        behind = np.where(seen & (found > height), height, behind)
        found = np.clip(found, -limit, limit)
        between = (found >= behind) & (found <= free)  # always so until both are known
        halfway = 0.5 * (np.where(between, 0.0, behind) + np.where(between, 0.0, free))
        height = np.where(seen & ~missing, np.where(between, found, halfway), height)
    return np.where(missing, MISSING, height / limit).astype(np.float32)


def _height_seen(
    depth: np.ndarray, camera: Camera, plane: np.ndarray, normal: np.ndarray, height: np.ndarray
) -> Tuple[np.ndarray, np.ndarray]:
    """Height (...) [m] over the tangent plane of what the camera sees where points of the plane (..., 3), moved along
    the normal by `height` (...), would appear; and whether (...) it measures anything there."""
    point = plane + height[..., None] * normal
    ahead = point[..., 2] > 0
    px = camera.project(np.where(ahead[..., None], point, 1.0))
    u, v = np.floor(px[..., 0] + 0.5), np.floor(px[..., 1] + 0.5)
    seen = ahead & (u >= 0) & (u < camera.width) & (v >= 0) & (v < camera.height)
    u, v = (np.where(seen, i, 0).astype(int) for i in (u, v))
    z = depth[v, u].astype(np.float64)
    surface = camera.deproject(np.stack([u, v], axis=-1).astype(np.float64), z)
    return ((surface - plane) * normal).sum(axis=-1), seen & (z > 0)


def suction_axes(approach: np.ndarray) -> np.ndarray:
    """Rotations (N, 3, 3) of grasps along N unit approaches (N, 3): z is the approach, x as near the camera's x as may
    be (its y, where they are parallel)."""
    z = np.asarray(approach, np.float64).reshape(-1, 3)
    steep = (np.abs(z[:, 0]) > 0.999).astype(int)
    axes, each = np.empty((len(z), 3, 3)), np.arange(len(z))
    x = -z[each, steep, None] * z
    x[each, steep] += 1
    x /= np.sqrt((x * x).sum(axis=1, keepdims=True))
    axes[..., 0], axes[..., 2] = x, z
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):  # the cross product z x x; np.cross is slow
        axes[:, i, 1] = z[:, j] * x[:, k] - z[:, k] * x[:, j]
    return axes


def offsets(cup: SuctionCup) -> np.ndarray:
    """Where (32,) [m] the middles of a crop's pixels lie along x, and along y, from the contact."""
    return (np.arange(SUCTION_SIZE) + 0.5 - SUCTION_SIZE / 2) * (SIDE * cup.radius / SUCTION_SIZE)


def suction_conditions(contact: np.ndarray, approach: np.ndarray, down: np.ndarray, cup: SuctionCup) -> np.ndarray:
    """What a crop cannot show of N grasps, (N, 4) float32: radius of the lip in 50 mm; travel of the bellows in radii;
    cosine between the approach and the ray from the camera to the contact, 1 where the surface is seen head on; cosine
    between the approach and `down`, 1 where the cup comes from above.

    contact: (N, 3) [m] and approach: (N, 3) unit, in the camera's frame, as is `down` (3,) unit: into the support, or
    the camera's axis where none is known (`Scene.approach`).
    """
    contact, approach = (np.asarray(a, np.float64).reshape(-1, 3) for a in (contact, approach))
    ray = contact / np.linalg.norm(contact, axis=1, keepdims=True)
    made = np.empty((len(contact), SUCTION_CONDITIONS), np.float32)
    made[:, 0], made[:, 1] = cup.radius / 0.05, cup.travel / cup.radius
    made[:, 2], made[:, 3] = (ray * approach).sum(axis=1), approach @ np.asarray(down, np.float64)
    return made
