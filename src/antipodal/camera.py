"""Pinhole camera: project and deproject; optical frame x right, y down, z forward (REP 103)."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple, Union

import numpy as np
import yaml

from antipodal import resources
from antipodal.errors import InputError
from antipodal.files import is_number, read_json, read_parsed, shown

MOST_PIXELS = 2**27  # of an image
INTRINSICS = ("fx", "fy", "cx", "cy", "width", "height")
FACTS = ("radius", "noise", "source", "name", "depth_scale")  # that a camera's file may hold beside the intrinsics
GENERATED = {  # options of the generator that users expect here
    key: f"it is an option of the generator: --set cameras.{key}=..."
    for key in ("polar", "offset", "focal_jitter", "center_jitter", "normal_error")
}


@dataclass(frozen=True)
class Camera:
    """Pinhole intrinsics in pixels; pixel centres lie at whole (u, v) = (column, row)."""

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int

    def __post_init__(self) -> None:
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        if not all(is_number(value, sys.float_info.max) for value in values.values()):
            raise InputError(f"camera values must be finite numbers, got {shown(values)}")
        if self.fx <= 0 or self.fy <= 0:
            raise InputError(f"focal lengths must be positive (0 means uncalibrated), got fx={self.fx}, fy={self.fy}")
        if self.width < 1 or self.height < 1 or int(self.width) != self.width or int(self.height) != self.height:
            raise InputError(f"image size must be whole and positive, got {self.width} x {self.height}")
        if self.width * self.height > MOST_PIXELS:
            raise InputError(f"an image may have {MOST_PIXELS} pixels at most, got {self.width} x {self.height}")

    @classmethod
    def load(cls, path: Union[str, Path]) -> Camera:
        """Read a camera from a file, or by a name such as "realsense_d435", see `camera_facts`."""
        return cls.from_facts(camera_facts(path), path)

    @classmethod
    def from_facts(cls, facts: Dict[str, Any], path: Union[str, Path]) -> Camera:
        """The camera of the facts (`camera_facts`) that a file holds."""
        names = [f.name for f in fields(cls)]
        missing = [n for n in names if n not in facts]
        if missing:
            raise InputError(f"camera file {path} lacks {', '.join(missing)}; needed: {', '.join(names)}")
        try:
            return cls(**{n: facts[n] for n in names})
        except InputError as e:
            raise InputError(f"camera file {path}: {e}") from e

    @classmethod
    def from_field_of_view(cls, degrees: float, width: int, height: int) -> Camera:
        """A camera with square pixels that sees this angle from its left border to its right one."""
        if not (is_number(degrees) and 0 < degrees < 180):
            raise InputError(f"the field of view must be between 0 and 180 degrees, got {shown(degrees)}")
        focal = width / 2 / float(np.tan(np.deg2rad(degrees) / 2))
        return cls(focal, focal, (width - 1) / 2, (height - 1) / 2, width, height)

    def to_dict(self) -> dict:
        return asdict(self)

    def intrinsics(self) -> Tuple[float, float, float, float]:
        """fx, fy, cx, cy, as compiled functions take them."""
        return float(self.fx), float(self.fy), float(self.cx), float(self.cy)

    def rays(self, dtype: type = np.float32) -> Tuple[np.ndarray, np.ndarray]:
        """x (width,) and y (height,) at depth 1 of the rays through the pixels' centres."""
        x = (np.arange(self.width, dtype=dtype) - dtype(self.cx)) / dtype(self.fx)
        return x, (np.arange(self.height, dtype=dtype) - dtype(self.cy)) / dtype(self.fy)

    def project(self, points: np.ndarray) -> np.ndarray:
        """Pixels (..., 2) as (u, v) of points (..., 3) [m] in the optical frame, z > 0."""
        x, y, z = np.moveaxis(np.asarray(points), -1, 0)
        return np.stack([self.fx * x / z + self.cx, self.fy * y / z + self.cy], axis=-1)

    def deproject(self, px: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """Points (..., 3) [m] of pixels (..., 2) as (u, v) at depth (...) [m] along z."""
        px = np.asarray(px)
        x = (px[..., 0] - self.cx) / self.fx * depth
        y = (px[..., 1] - self.cy) / self.fy * depth
        return np.stack([x, y, np.broadcast_to(depth, x.shape)], axis=-1)


def camera_facts(path: Union[str, Path]) -> Dict[str, Any]:
    """What a camera's file says: fx, fy, cx, cy, width, height, and facts about the sensor (FACTS).

    path: JSON or YAML with these keys, YAML of a ROS camera_info or calibration, JSON of autolab (.intr), or the name
    of a camera that came with the package. Raises InputError, also for an unknown key.
    """
    path = resources.locate("cameras", path)
    try:
        data = read_json(path) if path.suffix in (".json", ".intr") else read_parsed(path, _first_document)
    except InputError as e:
        raise InputError(f"camera file: {e}") from e
    if not isinstance(data, dict):
        raise InputError(f"camera file {path} must hold a mapping with {', '.join(INTRINSICS)}")
    if path.suffix == ".intr":
        data = {key.lstrip("_"): value for key, value in data.items()}
        return {key: value for key, value in data.items() if key in INTRINSICS}
    matrix = _matrix(data, path)
    if matrix is not None:
        return _from_camera_info(data, matrix, path)
    _check_keys(data, path)
    return data


def _first_document(text: str) -> Any:
    """The first of the YAML documents that `rostopic echo` prints one after the other."""
    return next(yaml.safe_load_all(text), None)


def _check_keys(data: Dict[str, Any], path: Path) -> None:
    known = (*INTRINSICS, *FACTS)
    for key in data:
        if key not in known:
            guess = get_close_matches(str(key), known, n=1)
            hint = f"did you mean {guess[0]}?" if guess else f"possible: {', '.join(known)}"
            hint = GENERATED.get(str(key), hint)
            raise InputError(f"camera file {path}: unknown {key}; {hint}")


def _matrix(data: Dict[str, Any], path: Path) -> Optional[List[float]]:
    """The 3 x 4 or 3 x 3 matrix of a camera_info, row by row, of the image without distortion; None where there is
    none. Raises InputError where the file only describes an image with distortion."""
    rectified = _numbers(data, path, "projection_matrix", "P", "p")
    raw = _numbers(data, path, "camera_matrix", "K", "k")
    if rectified and rectified[0]:
        return rectified
    if raw and any(_numbers(data, path, "distortion_coefficients", "D", "d") or []):
        raise InputError(f"camera file {path} has distortion and no P of the rectified image, which is needed")
    return raw or rectified


def _numbers(data: Dict[str, Any], path: Path, *keys: str) -> Optional[List[float]]:
    """The numbers of the first of the keys that is there, None where none is; of a matrix of a calibration file, its
    data. Raises InputError where they are something else."""
    key = next((key for key in keys if key in data), "")
    value = data.get(key)
    value = value.get("data") if isinstance(value, dict) else value
    if value is not None and not (isinstance(value, list) and all(map(is_number, value))):
        raise InputError(f"camera file {path}: {key} must be a list of numbers, row by row, got {shown(value)}")
    return value


def _from_camera_info(data: Dict[str, Any], matrix: List[float], path: Path) -> Dict[str, Any]:
    """The facts of a sensor_msgs/CameraInfo as `rostopic echo` prints it, or of a calibration file."""
    if len(matrix) not in (9, 12):
        raise InputError(f"camera file {path}: its matrix must hold 9 or 12 numbers, got {shown(matrix)}")
    row = len(matrix) // 3
    facts = {"fx": matrix[0], "fy": matrix[row + 1], "cx": matrix[2], "cy": matrix[row + 2]}
    size = {n: data.get(n, data.get(f"image_{n}")) for n in ("width", "height")}
    return {**facts, **{name: value for name, value in size.items() if value is not None}}
