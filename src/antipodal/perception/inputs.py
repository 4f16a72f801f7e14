"""Checks of what callers hand to the planner: each refusal says what was got and what is possible."""

from __future__ import annotations

from typing import Any, Optional, Tuple, Union

import numba
import numpy as np

from antipodal.camera import Camera
from antipodal.errors import HandTooWide, InputError
from antipodal.grasp import Gripper
from antipodal.perception.box_numba import pixels_in_box
from antipodal.perception.hints import SceneHints

Region = Union[Tuple[int, int, int, int], np.ndarray]  # a window (u0, v0, width, height) [px], or pixels (H, W) bool

MIN_FOCAL, MAX_PIXELS = 1.0, 1e6  # focal lengths and principal points beyond are no camera's [px]
MAX_SEED = 2**63 - 1
MOSTLY_MASKED = 0.8  # a mask that covers more of the image leaves too little outside to tell the table
MAX_RANGE = 10.0  # metres; beyond it lie codes for "no return" and renderers' far planes, or all is in millimetres


def check_camera(camera: Camera) -> None:
    """Raises InputError for finite intrinsics that no camera has, as of a damaged calibration."""
    if not isinstance(camera, Camera):
        raise InputError(f"camera must be a Camera, got {camera!r}")
    if not all(MIN_FOCAL <= f <= MAX_PIXELS for f in (camera.fx, camera.fy)):
        raise InputError(f"focal lengths must be {MIN_FOCAL:g} to {MAX_PIXELS:g} px, got {camera.fx:g}, {camera.fy:g}")
    if not all(abs(c) <= MAX_PIXELS for c in (camera.cx, camera.cy)):
        raise InputError(f"the principal point must lie within {MAX_PIXELS:g} px, got {camera.cx:g}, {camera.cy:g}")


def check_size(depth: np.ndarray, camera: Camera, what: str = "depth") -> None:
    """Raises InputError where a depth image (H, W) has another size than the camera's. what: its name there."""
    if depth.shape != (camera.height, camera.width):
        got = f"{depth.shape[1]} x {depth.shape[0]}"
        raise InputError(f"{what} is {got} pixels but the camera's image is {camera.width} x {camera.height}")


def check_depth(depth: np.ndarray, camera: Camera) -> np.ndarray:
    """`depth` as (H, W) float32 [m] with every missing or masked-out value 0. Raises InputError."""
    if not isinstance(depth, np.ndarray):
        raise InputError(f"depth must be a numpy array of floats in metres, got {type(depth).__name__}")
    depth = unmasked(depth, 0)
    if depth.ndim == 3 and depth.shape[2] == 1:
        depth = depth[..., 0]
    if depth.ndim != 2 or depth.size == 0:
        raise InputError(f"depth must have shape (height, width), got {depth.shape}")
    if depth.dtype.kind != "f":
        hint = "; divide millimetres by 1000" if depth.dtype.kind in "iu" else ""
        raise InputError(f"depth must be floats in metres, got {depth.dtype}{hint}")
    check_camera(camera)
    check_size(depth, camera)
    with np.errstate(over="ignore", invalid="ignore"):
        clean = valid_or_zero(np.ascontiguousarray(depth, dtype=np.float32), np.float32(MAX_RANGE))
    few = clean[::4, ::4]
    if np.count_nonzero(few) < 0.01 * few.size:
        _refuse_millimetres(depth)
        if not clean.any():
            raise InputError(f"depth has no valid pixel: all {depth.size} are zero, negative, NaN or infinite")
    return clean


def unmasked(array: np.ndarray, value: float) -> np.ndarray:
    """An array with `value` where numpy's masked arrays say that there is none."""
    return np.asarray(np.ma.filled(array, value))


def _refuse_millimetres(depth: np.ndarray) -> None:
    """Raises InputError where most of the finite positive values of `depth` lie beyond any camera's range."""
    positive = depth[np.isfinite(depth) & (depth > 0)]
    if len(positive) and np.median(positive) > MAX_RANGE:
        middle = float(np.median(positive))
        raise InputError(f"depth must be metres below {MAX_RANGE:g}, got a median of {middle:g}: is it in millimetres?")


def typical_depth(depth: np.ndarray) -> float:
    """Median [m] of the valid pixels of `depth` (H, W), of a thousand or two of them where there are more."""
    stride = max(1, int(np.sqrt(depth.size / 1000)))
    few = depth[::stride, ::stride]
    valid = few[few > 0]
    return float(np.median(valid if len(valid) > 100 else depth[depth > 0]))


def check_gripper(gripper: Gripper, narrowest: float, camera: Camera, depth: np.ndarray) -> None:
    """Raises HandTooWide where the gripper, at its `narrowest` opening on approach [m], is wider than what is seen."""
    distance = typical_depth(depth)
    seen = camera.width / camera.fx * distance, camera.height / camera.fy * distance
    needed = narrowest + 2 * gripper.jaw_thickness
    if needed > max(seen):
        raise HandTooWide(
            f"gripper {gripper.name} is {needed:.3g} m wide on approach, "
            f"but the image shows only {seen[0]:.3g} x {seen[1]:.3g} m at {distance:.3g} m"
        )


def check_mask(mask: Optional[np.ndarray], depth: np.ndarray) -> Optional[np.ndarray]:
    """`mask` as (H, W) bool that covers some valid pixel of `depth`, or None. Raises InputError."""
    if mask is None:
        return None
    mask = as_mask("mask", mask, depth)
    if not mask.any():
        raise InputError("mask is empty: no pixel may be grasped")
    if not (mask & (depth > 0)).any():
        raise InputError(f"depth is missing at all {int(mask.sum())} pixels of the mask")
    return mask


def check_robot(robot: Optional[np.ndarray], depth: np.ndarray) -> Optional[np.ndarray]:
    """The robot's mask as (H, W) bool, or None. Raises InputError."""
    return None if robot is None else as_mask("robot", robot, depth)


def as_mask(name: str, mask: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """A mask of `depth` as (H, W) bool: bool or whole numbers from 0, (H, W) or (H, W, 1). Raises InputError."""
    mask = as_channel(name, mask, depth)
    if mask.dtype.kind not in "biuf":
        raise InputError(f"{name} must be boolean or whole numbers, nonzero = True, got {mask.dtype}")
    if mask.dtype.kind in "if":
        _refuse_values(name, mask)
    return mask != 0


def as_channel(name: str, image: Any, depth: np.ndarray) -> np.ndarray:
    """An image of `depth` as (H, W), from (H, W) or (H, W, 1). Raises InputError."""
    image = unmasked(np.asanyarray(image), 0)
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[..., 0]
    if image.shape != depth.shape:
        raise InputError(f"{name} must have the depth image's shape {depth.shape}, got {image.shape}")
    return image


def _refuse_values(name: str, mask: np.ndarray) -> None:
    """Raises InputError where a numeric mask holds what is neither True nor False."""
    kinds = {"NaN": np.isnan(mask), "negative values": mask < 0}
    if mask.dtype.kind == "f":
        kinds["fractions"] = (mask != np.floor(mask)) & ~np.isnan(mask)
    got = [f"{kind} at {int(where.sum())} pixels" for kind, where in kinds.items() if where.any()]
    if got:
        raise InputError(f"{name} must hold 0 (False) and positive whole numbers (True), got {', '.join(got)}")


def check_seed(seed: int) -> None:
    """Raises InputError where the generators of random numbers do not take the seed."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed <= MAX_SEED:
        raise InputError(f"seed must be a whole number from 0 to {MAX_SEED}, got {seed!r}")


def _window_numbers(region: Any) -> Tuple[int, ...]:
    """The four whole numbers of a window. Raises InputError where it is none."""
    numbers = tuple(region) if isinstance(region, (tuple, list)) else ()
    if len(numbers) != 4 or not all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) for n in numbers):
        raise InputError(f"region must be four whole numbers (u0, v0, width, height) or pixels, got {region!r}")
    return numbers


def check_region(region: Optional[Region], depth: np.ndarray) -> Optional[np.ndarray]:
    """Pixels (H, W) bool of a region of `depth`, or None. Raises InputError where it is not one of that image."""
    if region is None:
        return None
    if isinstance(region, np.ndarray):
        region = unmasked(region, 0)
        if region.shape != depth.shape or region.dtype != bool:
            raise InputError(f"region must be bool of shape {depth.shape}, got {region.dtype} of {region.shape}")
        return region
    u, v, width, height = _window_numbers(region)
    rows, columns = depth.shape
    if not (0 <= u and 0 < width <= columns - u and 0 <= v and 0 < height <= rows - v):
        raise InputError(f"region {width} x {height} at ({u}, {v}) does not lie in the image, {columns} x {rows}")
    window = np.zeros(depth.shape, bool)
    window[v : v + height, u : u + width] = True
    return window


@numba.njit(cache=True)
def valid_or_zero(depth, farthest):
    """`depth` (H, W) float32 with 0 in place of what is negative, NaN or beyond `farthest` float32."""
    out = np.empty_like(depth)
    for v in range(depth.shape[0]):
        for u in range(depth.shape[1]):
            d = depth[v, u]
            out[v, u] = d if (d > 0) & (d <= farthest) else np.float32(0)
    return out


def within_hints(depth: np.ndarray, camera: Camera, hints: SceneHints) -> Tuple[np.ndarray, Optional[np.ndarray]]:
    """`depth` (H, W) with 0 outside the depths asked for, and the pixels (H, W) bool in the workspace, None for all.

    Raises InputError where nothing is left.
    """
    near, far = np.float32(hints.nearest), np.float32(hints.farthest)
    if near > 0 or far < MAX_RANGE:
        depth = np.where((depth >= near) & (depth <= far), depth, np.float32(0))
        if not depth.any():
            raise InputError(f"no depth lies between {near:g} and {far:g} m")
    if hints.workspace is None:
        return depth, None
    box = np.asarray(hints.workspace, float)
    T_box_cam = np.eye(4) if hints.T_workspace_cam is None else hints.T_workspace_cam
    return depth, pixels_in_box(depth, camera, T_box_cam, box[:3], box[3:])


def outside_mask(mask: Optional[np.ndarray]) -> Optional[np.ndarray]:
    """Pixels (H, W) bool that may show the table: those outside the mask, where enough are left to tell; else None."""
    return ~mask if mask is not None and mask.mean() < MOSTLY_MASKED else None
