"""Pictures whose plans call every compiled function, so that none is compiled or loaded while somebody waits."""

from __future__ import annotations

from typing import Iterator, Tuple

import numpy as np

from antipodal.camera import Camera
from antipodal.perception.hints import SceneHints

CAMERA = Camera(525.0, 525.0, 319.5, 239.5, 640, 480)
FLOOR, RIM, TOP = 0.75, 0.65, 0.7  # distances of the table, of a bin's rim and of a box's top [m]
NEAR_BOX = (-0.3, -0.3, 0.3, 0.3, 0.3, 0.9)  # a workspace round the box


def pictures() -> Iterator[Tuple[np.ndarray, SceneHints]]:
    """Depth images (H, W) float32 [m] of CAMERA, and what is told of their scenes."""
    yield _box(np.full((CAMERA.height, CAMERA.width), FLOOR)), SceneHints(workspace=NEAR_BOX)
    yield _box(_bin(0.13, 0.17, 0.012)), SceneHints()
    yield _box(_at_border(_below_arm(_beside_wall(0.25), 0.2))), SceneHints()


def _box(depth: np.ndarray) -> np.ndarray:
    """The picture with a box of 10 x 5 cm in its middle."""
    depth = depth.astype(np.float32)
    depth[220:260, 280:360] = TOP
    return depth


def _bin(half_width: float, half_length: float, thickness: float) -> np.ndarray:
    """A bin on the table, seen from above its middle [m]."""
    x, y = (np.maximum(np.abs(rays), 1e-9) for rays in CAMERA.rays())

    def walls(more: float) -> np.ndarray:
        """Where rays meet the planes of the four walls, `more` further out [m]."""
        return np.minimum((half_length + more) / x[None, :], (half_width + more) / y[:, None])

    inside = np.minimum(walls(0), FLOOR)
    return np.where(walls(0) >= RIM, inside, np.where(walls(thickness) >= RIM, RIM, FLOOR))


def _beside_wall(distance: float) -> np.ndarray:
    """The table, and a wall that stands at the right [m]."""
    x = np.maximum(CAMERA.rays()[0], 1e-9)
    return np.broadcast_to(np.minimum(FLOOR, distance / x), (CAMERA.height, CAMERA.width))


def _below_arm(depth: np.ndarray, height: float) -> np.ndarray:
    """The picture with an arm that comes in from the upper border at a height over the table [m]."""
    depth = depth.copy()
    depth[:120, 280:340] = FLOOR - height
    return depth


def _at_border(depth: np.ndarray) -> np.ndarray:
    """The picture with a thing that the lower border cuts, and a corner where the table ends [m]."""
    depth = depth.copy()
    depth[430:, 100:140], depth[440:, :60] = TOP, FLOOR + 0.2
    return depth
