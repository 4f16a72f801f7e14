"""The depth images that the page goes through: files, folders of files, recordings."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np

from antipodal.camera import Camera
from antipodal.errors import InputError
from antipodal.files import is_recording
from antipodal.perception.cloud_files import CLOUDS
from antipodal.perception.depth_files import READERS, read_depth, read_mask, read_with_camera
from antipodal.perception.inputs import check_size

KINDS = (*READERS, *CLOUDS)
MOST_FRAMES = 300  # of a recording that are kept in memory
CameraOf = Union[str, Callable[[int, int], Camera]]  # a file or a name, or what makes one of height and width


@dataclass(frozen=True, eq=False)
class Frame:
    """One depth image."""

    name: str
    depth: np.ndarray  # (H, W) float [m], 0 = missing
    camera: Camera
    mask: Optional[np.ndarray] = None  # (H, W), nonzero = may be grasped

    def __post_init__(self) -> None:
        """Raises InputError where the camera has another size."""
        check_size(self.depth, self.camera, f"{self.name}: depth")


class FileFrames(Sequence):
    """Depth images in files, each read when it is looked at; the camera of all, or one file beside each image."""

    def __init__(
        self,
        paths: Sequence[Path],
        camera: Optional[CameraOf] = None,
        mask: Optional[Path] = None,
        scale: Optional[float] = None,
    ):
        """scale: metres a unit of depth, None for a plausible one."""
        if not paths:
            raise InputError("no depth image to show")
        self.paths, self.camera, self.mask, self.scale = list(paths), camera, mask, scale
        for path in self.paths if camera is None else []:
            self._file_beside(path)  # a missing one is said before the page opens

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: Any) -> Any:
        path = self.paths[index]
        mask = None if self.mask is None else read_mask(self.mask)
        return Frame(path.name, *self._read(path), mask)

    def _read(self, path: Path) -> Tuple[np.ndarray, Camera]:
        if callable(self.camera):
            depth = read_depth(path, self.scale)
            return depth, self.camera(*depth.shape)
        return read_with_camera(path, self.camera or self._file_beside(path), self.scale)

    @staticmethod
    def _file_beside(depth: Path) -> Path:
        beside = [depth.with_suffix(suffix) for suffix in (".json", ".yaml", ".intr")]
        found = [path for path in beside if path.is_file()]
        if not found:
            raise InputError(f"no camera for {depth}: give --camera, --fx, --fov, or a file {beside[0].name} beside it")
        return found[0]


class RecordedFrames(Sequence):
    """Depth images of a bag, at most MOST_FRAMES of them, `stride` apart."""

    def __init__(self, path: Path, depth: str = "", info: str = "", stride: int = 1):
        """depth, info: topics, as in Recording.depth_pairs."""
        # By name: ros/ comes after this package, and these two of its modules need no ROS.
        recording, self._images = import_module("antipodal.ros.recording"), import_module("antipodal.ros.images")
        self._depth_of, self._stamp_of = recording.depth_of, recording.stamp_of
        with recording.open_recording(path) as opened:
            pairs = opened.depth_pairs(depth, info)
            self.messages = list(islice(pairs, 0, MOST_FRAMES * stride, stride))
        if not self.messages:
            raise InputError(f"{path} holds no depth image")

    def __len__(self) -> int:
        return len(self.messages)

    def __getitem__(self, index: Any) -> Any:
        image, info = self.messages[index]
        name = f"image {index + 1} of {len(self)}, {self._stamp_of(image):.3f} s"
        return Frame(name, self._depth_of(image), self._images.camera_from(info, True))


def _of_one_kind(folder: Path) -> List[Path]:
    """The files of the first of KINDS of which there are any; others may be pictures of plans."""
    by_kind = (sorted(p for p in folder.iterdir() if p.suffix.lower() == kind) for kind in KINDS)
    return next((paths for paths in by_kind if paths), [])


def _refuse_idle(path: Path, of: str, given: Dict[str, Any]) -> None:
    """Raises InputError where something is given that means nothing for a path."""
    idle = [name for name, value in given.items() if value is not None]
    if idle:
        raise InputError(f"{' and '.join(idle)} is of {of} such as {path}; leave it out")


def open_frames(
    path: Path,
    camera: Optional[CameraOf] = None,
    mask: Optional[Path] = None,
    topics: Tuple[str, str] = ("", ""),
    stride: int = 1,
    scale: Optional[float] = None,
) -> Sequence[Frame]:
    """The depth images of a file, a folder or a recording. Raises InputError.

    topics: of depth and camera_info in a recording; scale: metres a unit in files, None for a plausible one.
    """
    if stride < 1:
        raise InputError(f"stride must be at least 1, got {stride}")
    if is_recording(path):
        given = dict(camera=camera, mask=mask, depth_scale=scale)
        _refuse_idle(path, "depth images in files, not of a recording", given)
        return RecordedFrames(path, *topics, stride)
    _refuse_idle(path, "a recording, not of files", dict(zip(("topic", "info"), (t or None for t in topics))))
    if not path.exists():
        raise InputError(f"no such file or folder: {path}")
    paths = [path] if path.is_file() else _of_one_kind(path)
    if not paths:
        raise InputError(f"{path} holds no depth image ({', '.join(KINDS)})")
    return FileFrames(paths[::stride], camera, mask, scale)
