"""What the planner took each pixel of an image for, and the colours that show it."""

from __future__ import annotations

from typing import Dict, Tuple

import numpy as np

from antipodal.camera import Camera
from antipodal.perception.scene import Scene
from antipodal.perception.segmentation import on_and_above_support
from antipodal.perception.segmentation_options import SegmentationOptions

Colour = Tuple[int, int, int]
KINDS: Dict[str, Tuple[Colour, str]] = {
    "support": ((206, 201, 192), "support"),
    "graspable": ((64, 132, 204), "graspable"),
    "dropped": ((198, 110, 158), "dropped: taken for no target"),
    "obstacle": ((176, 116, 72), "other obstacle"),
    "unseen": ((92, 78, 122), "unseen: hidden, or no depth"),
}
LEVELS = 256  # of brightness


def kinds_of(scene: Scene, camera: Camera, options: SegmentationOptions = SegmentationOptions()) -> np.ndarray:
    """What each pixel (H, W) was taken for, an index into KINDS. Dropped is what stands on the support and is no
    target, though mask, workspace and robot would let it be one."""
    names = list(KINDS)
    kinds = np.full(scene.depth.shape, names.index("obstacle"), np.uint8)
    if scene.support is not None:
        on, above = on_and_above_support(scene.depth, camera, scene.support, options)
        kinds[on] = names.index("support")
        kinds[above if scene.eligible is None else above & scene.eligible] = names.index("dropped")
    kinds[scene.graspable] = names.index("graspable")
    kinds[scene.depth <= 0] = names.index("unseen")
    return kinds


def coloured(kinds: np.ndarray, brightness: np.ndarray) -> np.ndarray:
    """Colours (..., 3) uint8 RGB of pixels by kind (...), an index into KINDS, and brightness (...) in [0, 1]."""
    palette = np.array([colour for colour, _ in KINDS.values()], np.float32)
    levels = np.arange(LEVELS, dtype=np.float32) / (LEVELS - 1)
    shades = (palette[:, None] * levels[:, None]).astype(np.uint8).reshape(-1, 3)
    which = kinds.astype(np.uint16) * LEVELS + np.rint(brightness * (LEVELS - 1)).astype(np.uint16)
    return shades.take(which, axis=0)  # ten times faster than to multiply each pixel's colour
