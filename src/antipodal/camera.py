"""Pinhole camera: project and deproject; optical frame x right, y down, z forward (REP 103)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Tuple, Union

import numpy as np
import yaml

from antipodal import resources
from antipodal.errors import InputError


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
        values = [getattr(self, f.name) for f in fields(self)]
        if not all(isinstance(v, (int, float, np.number)) and np.isfinite(v) for v in values):
            raise InputError(f"camera values must be finite numbers, got {self}")
        if self.fx <= 0 or self.fy <= 0:
            raise InputError(f"focal lengths must be positive (0 means uncalibrated), got fx={self.fx}, fy={self.fy}")
        if self.width < 1 or self.height < 1 or int(self.width) != self.width or int(self.height) != self.height:
            raise InputError(f"image size must be whole and positive, got {self.width} x {self.height}")

    @classmethod
    def load(cls, path: Union[str, Path]) -> Camera:
        """Read fx, fy, cx, cy, width, height from a JSON or YAML file, or `_fx` and so on from one of autolab's .intr;
        further keys are facts about the sensor."""
        path = resources.locate("cameras", path)
        try:
            text = path.read_text()
            data = json.loads(text) if path.suffix in (".json", ".intr") else yaml.safe_load(text)
        except (OSError, UnicodeDecodeError, ValueError, yaml.YAMLError) as e:
            raise InputError(f"cannot read camera file {path}: {e}") from e
        names = [f.name for f in fields(cls)]
        if path.suffix == ".intr" and isinstance(data, dict):
            data = {key.lstrip("_"): value for key, value in data.items()}
        missing = [n for n in names if not isinstance(data, dict) or n not in data]
        if missing:
            raise InputError(f"camera file {path} lacks {', '.join(missing)}; needed: {', '.join(names)}")
        return cls(**{n: data[n] for n in names})

    def to_dict(self) -> dict:
        return asdict(self)

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
