"""Depth images, masks, poses from files: arrays, 16-bit images, point clouds; a unit that is not given is guessed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Callable, Dict, Optional, Tuple, Union

import cv2
import numpy as np

from antipodal.camera import Camera, camera_facts
from antipodal.errors import InputError
from antipodal.files import UNREADABLE, is_number, shown
from antipodal.perception.cloud_files import CLOUDS, holds_cloud, read_cloud
from antipodal.perception.inputs import MAX_RANGE
from antipodal.perception.z_buffer import nearest_in_pixels

INTEGER_SCALES = (0.001, 0.0001)  # metres a unit: millimetres, and tenths as some cameras at close range
FLOAT_SCALES = (1.0, 0.001)
NEAREST = 0.1  # a guessed unit gives a median of at least this [m] ...
FARTHEST = 6.0  # ... and of at most this


def read_depth(
    path: Path,
    scale: Optional[float] = None,
    camera: Optional[Camera] = None,
    tell: Callable[[str], None] = lambda _: None,
    stated: Optional[float] = None,
) -> np.ndarray:
    """Depth (H, W) float32 [m] of a file, 0 = missing. Raises InputError.

    scale: metres a unit; where it is None `stated` counts for whole numbers (a camera's file may know it), or else a
    plausible one, which is told unless it is metres of floats. camera: sees the points of a cloud, which are in its
    optical frame.
    """
    for given in (scale, stated):
        check_scale(given)
    if holds_cloud(path):
        return _seen_points(path, 1.0 if scale is None else scale, camera)
    pixels = _read_pixels(path)
    if pixels.dtype.kind != "f":
        scale = stated if scale is None else scale
    chosen = guess_scale(pixels, path) if scale is None else scale
    depth = (pixels * np.float64(chosen)).astype(np.float32)
    if pixels.dtype.kind == "u":
        depth[pixels == np.iinfo(pixels.dtype).max] = 0  # some drivers' code for no return
    if scale is None and (chosen != 1.0 or pixels.dtype.kind != "f"):
        middle = _median(depth)
        taken = f"one unit is taken for {chosen:g} m, a median of {middle:.3g} m"
        tell(f"{path.absolute()}: {taken}; --depth-scale sets another")
    return depth


def check_scale(scale: Any) -> None:
    """Raises InputError where a depth scale, None for a plausible one, is no number of metres a unit."""
    if scale is not None and not (is_number(scale) and scale > 0):
        raise InputError(f"the depth scale must be a positive number of metres a unit, got {shown(scale)}")


def read_with_camera(
    path: Path, camera: Union[str, Path], scale: Optional[float] = None, tell: Callable[[str], None] = lambda _: None
) -> Tuple[np.ndarray, Camera]:
    """As `read_depth`, of the camera in a file, which may state the unit; and that camera. Raises InputError."""
    facts = camera_facts(camera)
    found = Camera.from_facts(facts, camera)
    return read_depth(path, scale, found, tell, facts.get("depth_scale")), found


def guess_scale(pixels: np.ndarray, path: Path) -> float:
    """Metres a unit for which the median depth is plausible; of floats, 1 as long as that is possible at all."""
    middle, floats = _median(pixels), pixels.dtype.kind == "f"
    if floats and not middle > MAX_RANGE:
        return 1.0
    scales = FLOAT_SCALES if floats else INTEGER_SCALES
    for scale in scales:
        if NEAREST <= middle * scale <= FARTHEST:
            return scale
    if not middle > 0:  # nothing is seen; the planner says so
        return scales[0]
    raise InputError(
        f"{path.absolute()}: depths with a median of {middle:g} fit no usual unit "
        f"({', '.join(f'{s:g}' for s in scales)} m); give --depth-scale, the metres a unit"
    )


def _median(values: np.ndarray) -> float:
    """Of what is seen; 0 where nothing is."""
    seen = values[np.isfinite(values) & (values > 0)]
    return float(np.median(seen)) if seen.size else 0.0


def _read_pixels(path: Path) -> np.ndarray:
    """Pixels (H, W) as they stand in a file."""
    reader = READERS.get(path.suffix.lower())
    if reader is None and path.exists():
        raise InputError(f"cannot read depth image {path.absolute()}: its name must end in one of {_kinds()}")
    reader = reader or _read_npy
    try:
        pixels = reader(path)
    except (*UNREADABLE, cv2.error) as e:
        raise InputError(f"cannot read depth image {path.absolute()}, one of {_kinds()} is needed: {e}") from e
    pixels = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    if pixels.ndim != 2 or pixels.dtype.kind not in "fiu":
        raise InputError(f"depth {path} must hold numbers (height, width), got {pixels.dtype} of shape {pixels.shape}")
    return pixels


def _kinds() -> str:
    return ", ".join([*READERS, *CLOUDS])


def _read_npy(path: Path) -> np.ndarray:
    array = np.load(path, allow_pickle=False)
    if not isinstance(array, np.ndarray):
        array.close()
        raise ValueError("it holds several arrays; name it .npz")
    return array


def _read_npz(path: Path) -> np.ndarray:
    """The array called depth, or the only one."""
    with np.load(path, allow_pickle=False) as arrays:
        if isinstance(arrays, np.ndarray):
            return arrays
        if "depth" in arrays.files or len(arrays.files) == 1:
            return arrays["depth" if "depth" in arrays.files else arrays.files[0]]
        raise ValueError(f"no array is called depth; it holds {', '.join(arrays.files)}")


def _read_image(path: Path) -> np.ndarray:
    os.environ.setdefault("OPENCV_IO_ENABLE_OPENEXR", "1")  # OpenCV leaves it out otherwise
    path.stat()
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ValueError("OpenCV does not read it")
    if pixels.dtype == np.uint8:
        raise ValueError("it has 8 bits, a picture of depth; 16 bits or floats are needed")
    return pixels


READERS: Dict[str, Callable[[Path], np.ndarray]] = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".png": _read_image,
    ".tif": _read_image,
    ".tiff": _read_image,
    ".exr": _read_image,
}


def _seen_points(path: Path, scale: float, camera: Optional[Camera]) -> np.ndarray:
    """The cloud's depth image: in each pixel the nearest of the points that fall into it."""
    if camera is None:
        raise InputError(f"a cloud such as {path} needs --camera with the size of the image that it is seen in")
    points = read_cloud(path).points.reshape(-1, 3) * scale
    depth = nearest_in_pixels(points, camera)
    return np.where(np.isfinite(depth), depth, 0)


def read_mask(path: Path) -> np.ndarray:
    """Mask (H, W), nonzero = True, of a .npy file or an image; of one with transparency, what is not transparent."""
    if path.suffix.lower() == ".npy":
        return _read_by(_read_npy, path, "mask")
    mask = _read_by(_read_drawing, path, "mask") if path.exists() else None  # OpenCV prints a warning of its own
    if mask is None:
        raise InputError(f"cannot read mask {path.absolute()}, .npy or an image file such as PNG is needed")
    if mask.ndim == 2:
        return mask
    return mask[..., 3] if _is_cut_out(mask) else mask[..., :3].any(axis=2)


def _is_cut_out(image: np.ndarray) -> bool:
    """Whether an image (H, W, C) has transparent pixels."""
    return image.shape[2] == 4 and bool((image[..., 3] != np.iinfo(image.dtype).max).any())


def _read_by(reader: Callable[[Path], Any], path: Path, what: str) -> Any:
    """What the reader makes of a file. Raises InputError where it fails."""
    try:
        return reader(path)
    except (*UNREADABLE, cv2.error) as e:
        raise InputError(f"cannot read {what} {path.absolute()}: {e}") from e


def _read_drawing(path: Path) -> Any:
    """Pixels of an image of any depth, None where OpenCV reads none."""
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def read_labels(path: Path) -> np.ndarray:
    """Label image (H, W) of whole numbers, 0 = none: a .npy file, or an image of one channel with 8 or 16 bits."""
    if path.suffix.lower() == ".npy":
        return _read_by(_read_npy, path, "label image")
    labels = _read_by(_read_drawing, path, "label image")
    if labels is None or labels.ndim != 2:
        got = "nothing that is read as an image" if labels is None else f"{labels.shape[2]} channels"
        raise InputError(f"label image {path.absolute()} must be .npy or an image of one channel, got {got}")
    return labels


def read_pose(path: Path) -> np.ndarray:
    """A camera's pose (4, 4) from a file of 16 numbers, .npy or text. Raises InputError."""
    try:
        pose = np.load(path, allow_pickle=False) if path.suffix == ".npy" else np.loadtxt(path)
        return np.asarray(pose, float).reshape(4, 4)
    except (*UNREADABLE, TypeError) as e:
        raise InputError(f"cannot read the pose {path.absolute()}, 4 x 4 numbers are needed: {e}") from e
