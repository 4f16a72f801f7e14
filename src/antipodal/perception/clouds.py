"""Point clouds as depth images: an organised cloud's own image, or what a camera at the sensor's place sees."""

from __future__ import annotations

import math
from typing import Optional, Sequence, Tuple

import cv2
import numpy as np

from antipodal import transforms
from antipodal.camera import Camera
from antipodal.errors import InputError
from antipodal.perception.cloud_camera import fit_camera, pixel_errors
from antipodal.perception.depth_view import DepthView
from antipodal.perception.inputs import MAX_RANGE, check_camera, unmasked
from antipodal.perception.z_buffer import nearest_in_pixels

ORIGIN = (0.0, 0.0, 0.0)
NEAREST_MEDIAN = 0.05  # a cloud whose median distance is less is in another unit [m]
FEWEST = 100  # points of a cloud
MAX_ERROR = 0.5  # of an organised cloud's pixels, root mean square [px]
WIDEST = math.radians(70)  # points further off the virtual camera's axis are not seen
MOSTLY_AROUND = 0.5  # with more of the points beyond that, the origin lies among them
SAMPLES = 20_000  # points that tell where a virtual camera looks, and how fine its pixels are
MAX_SIDE = 2000  # of a virtual camera's image [px]
PER_PIXEL = 2.0  # points in a virtual pixel, to begin with
COARSER, TRIES, MAX_HOLES = 1.2, 8, 0.08  # pixels grow until this share of the surfaces' pixels is missing at most
BEHIND = 0.01  # what lies this much behind most of its neighbours is seen through a gap between the points [m]


def cloud_view(points: np.ndarray, viewpoint: Sequence[float] = ORIGIN, camera: Optional[Camera] = None) -> DepthView:
    """The depth image of a cloud, its camera, and the camera's pose in the cloud's frame.

    points: (H, W, 3) of an organised cloud or (N, 3), float [m], not finite where there is none. viewpoint: (3,) where
    the sensor stood, in the cloud's frame [m]. camera: whose optical frame the points are in; when not given, that of
    an organised cloud is fitted to its points, and one that looks from the viewpoint at all points is made for others,
    with pixels as large as the points are apart. Raises InputError, also where the rows and columns of an organised
    cloud are those of no camera at the viewpoint; a nearly flat one does not show that.
    """
    rays = _checked(points, viewpoint)
    if camera is not None:
        check_camera(camera)
        return _seen_by(rays, camera, np.asarray(viewpoint, float))
    T_cloud_cam = np.eye(4)
    T_cloud_cam[:3, 3] = viewpoint
    if rays.ndim == 3:
        camera, T_cloud_cam[:3, :3] = _own_camera(rays, viewpoint)
        return DepthView(_depth_along(rays, T_cloud_cam[:3, 2]), camera, T_cloud_cam)
    T_cloud_cam[:3, :3] = _look_at(rays)
    return DepthView(*_virtual_image(rays @ T_cloud_cam[:3, :3]), T_cloud_cam)


def _checked(points: np.ndarray, viewpoint: Sequence[float]) -> np.ndarray:
    """The points from the viewpoint: (H, W, 3) as they are, or (N, 3) of those that are some and within range."""
    if not isinstance(points, np.ndarray) or points.dtype.kind != "f":
        got = points.dtype if isinstance(points, np.ndarray) else type(points).__name__
        raise InputError(f"a cloud must be a numpy array of floats in metres, got {got}")
    points = unmasked(points, np.nan)
    if points.ndim not in (2, 3) or points.shape[-1] != 3:
        raise InputError(f"a cloud must have shape (height, width, 3) or (N, 3), got {points.shape}")
    try:
        origin = np.asarray(viewpoint, float)
    except (TypeError, ValueError):
        origin = np.zeros(0)
    if origin.shape != (3,) or not np.isfinite(origin).all():
        raise InputError(f"viewpoint must be three finite numbers in metres, got {viewpoint!r}")
    with np.errstate(over="ignore", invalid="ignore"):
        rays = points if not origin.any() else points - origin
        squared = np.einsum("...i,...i->...", rays, rays)
        seen = (squared > 0) & (squared < np.inf)
    if not seen.any():
        raise InputError(f"the cloud is empty: none of its {seen.size} points is finite and off the viewpoint")
    _check_distances(np.sqrt(squared[seen]))
    return rays if rays.ndim == 3 else np.ascontiguousarray(rays[seen & (squared <= MAX_RANGE**2)])


def _check_distances(distance: np.ndarray) -> None:
    """Raises InputError where distances (N,) are no metres from a sensor, or too few."""
    middle = float(np.median(distance))
    if not NEAREST_MEDIAN <= middle <= MAX_RANGE:
        hint = "is it in millimetres?" if middle > MAX_RANGE else "is it in other units, or the viewpoint on it?"
        possible = f"{NEAREST_MEDIAN:g} to {MAX_RANGE:g} m"
        raise InputError(f"the cloud's points are {middle:.3g} m from the viewpoint in the median; {possible}: {hint}")
    count = int((distance <= MAX_RANGE).sum())
    if count < FEWEST:
        raise InputError(f"the cloud has {count} points within {MAX_RANGE:g} m of the viewpoint; {FEWEST} are needed")


def _depth_along(rays: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Depth (H, W) float32 of rays (H, W, 3) along an optical axis (3,), 0 where there is none or it lies behind."""
    with np.errstate(invalid="ignore"):
        depth = rays[..., 2] if np.array_equal(axis, [0, 0, 1]) else rays @ axis
        return np.where(depth > 0, depth, 0).astype(np.float32)


def _own_camera(rays: np.ndarray, viewpoint: Sequence[float]) -> Tuple[Camera, np.ndarray]:
    """The camera and its rotation (3, 3) in the cloud's frame, of the rows and columns (H, W, 3) of a cloud."""
    camera, R, error = fit_camera(rays)
    if error > MAX_ERROR:
        where = ", ".join(f"{x:g}" for x in viewpoint)
        nearest = f", the nearest one is {error:.3g} px off" if np.isfinite(error) else ""
        raise InputError(
            f"rows and columns of the organised cloud are not the pixels of a camera at ({where}){nearest}; "
            "give the sensor's place in the cloud's frame (viewpoint), or the points as (N, 3)"
        )
    return camera, R


def _seen_by(rays: np.ndarray, camera: Camera, origin: np.ndarray) -> DepthView:
    """What a given camera sees of points in its optical frame."""
    if origin.any():
        where = ", ".join(f"{x:g}" for x in origin)
        raise InputError(f"a cloud in its camera's frame is seen from (0, 0, 0), got the viewpoint ({where})")
    if rays.shape[:-1] != (camera.height, camera.width):
        return DepthView(nearest_in_pixels(rays.reshape(-1, 3), camera), camera)
    error = pixel_errors(rays, camera)
    if error > MAX_ERROR:
        raise InputError(f"the organised cloud is not what this camera sees: its points are {error:.3g} px off")
    return DepthView(_depth_along(rays, np.array([0.0, 0.0, 1.0])), camera)


def _look_at(rays: np.ndarray) -> np.ndarray:
    """Rotation (3, 3) of a camera that looks at rays (N, 3), which turns with them. Raises InputError where they lie
    all around."""
    ways = _some(rays)
    ways = ways / np.linalg.norm(ways, axis=1, keepdims=True)
    axis = ways.mean(axis=0)
    turned = ways @ (axis / max(float(np.linalg.norm(axis)), 1e-12)) < math.cos(WIDEST)
    if turned.mean() > MOSTLY_AROUND or np.linalg.norm(axis) < math.cos(WIDEST):
        raise InputError(
            f"the viewpoint lies within the cloud: {100 * turned.mean():.0f} % of its points are more than "
            f"{math.degrees(WIDEST):.0f} degrees from their mean direction; give the sensor's origin in its frame"
        )
    return transforms.rotation_to(axis, _longest(ways))


def _some(rows: np.ndarray) -> np.ndarray:
    """At most twice SAMPLES of rows (N, K), spread evenly."""
    return rows[:: max(1, len(rows) // SAMPLES)]


def _longest(ways: np.ndarray) -> np.ndarray:
    """The direction (3,) along which unit vectors (N, 3) spread most, towards the longer tail."""
    apart = ways - ways.mean(axis=0)
    longest = np.linalg.eigh(apart.T @ apart)[1][:, -1]
    return longest if ((apart @ longest) ** 3).sum() >= 0 else -longest


def _virtual_image(points: np.ndarray) -> Tuple[np.ndarray, Camera]:
    """What a camera, made for them, sees of points (N, 3) in its optical frame."""
    x, y, z = (np.ascontiguousarray(column) for column in points.T)
    ahead = z > math.cos(WIDEST) * np.sqrt(x * x + y * y + z * z)
    flat = np.stack([x[ahead] / z[ahead], y[ahead] / z[ahead]])
    low, high = flat.min(axis=1), flat.max(axis=1)
    pitch = max(_pitch(flat, low, high), float((high - low).max()) / MAX_SIDE)
    for _ in range(TRIES):
        camera = _camera_over(low, high, pitch)
        depth = nearest_in_pixels(points, camera)
        if _hole_share(depth) <= MAX_HOLES:
            break
        pitch *= COARSER
    return _mended(depth), camera


def _pitch(flat: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    """Side of a pixel at depth 1 that holds PER_PIXEL of the projected points (2, N), in the median of the places that
    they cover."""
    few = _some(flat.T)
    counts, columns, rows = np.histogram2d(few[:, 0], few[:, 1], bins=40, range=np.stack([low, high + 1e-9], axis=1))
    area = (columns[1] - columns[0]) * (rows[1] - rows[0]) * len(few) / flat.shape[1]
    return math.sqrt(PER_PIXEL * area / float(np.median(counts[counts > 0])))


def _camera_over(low: np.ndarray, high: np.ndarray, pitch: float) -> Camera:
    """A camera with pixels of `pitch` at depth 1 that sees everything from `low` to `high` (2,) there."""
    width, height = (int(n) for n in np.ceil((high - low) / pitch) + 1)
    return Camera(1 / pitch, 1 / pitch, -float(low[0]) / pitch, -float(low[1]) / pitch, width, height)


def _hole_share(depth: np.ndarray) -> float:
    """Missing pixels within the surfaces of a depth image (H, W), as a share of the surfaces'."""
    seen = (depth > 0).astype(np.uint8)
    closed = cv2.morphologyEx(seen, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    return 1 - int(seen.sum()) / max(1, int(closed.sum()))


def _mended(depth: np.ndarray) -> np.ndarray:
    """`depth` (H, W) with the median of their neighbours at pixels that are missing, or show what lies behind the
    surface round them."""
    middle = cv2.medianBlur(depth, 3)
    through = (depth == 0) | (depth > middle + np.float32(BEHIND))
    return np.where(through & (middle > 0), middle, depth)
