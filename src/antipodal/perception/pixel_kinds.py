"""What the planner took each pixel of an image for, and the colours that show it."""

from __future__ import annotations

from typing import Dict, Tuple

import numpy as np

from antipodal.camera import Camera
from antipodal.perception.scene import Scene
from antipodal.perception.segmentation import on_support
from antipodal.perception.segmentation_options import SegmentationOptions

Colour = Tuple[int, int, int]
KINDS: Dict[str, Tuple[Colour, str]] = {
    "support": ((206, 201, 192), "support"),
    "graspable": ((64, 132, 204), "graspable"),
    "obstacle": ((176, 116, 72), "obstacle: kept clear of"),
    "unseen": ((92, 78, 122), "unseen: hidden, or no depth"),
}


def kinds_of(scene: Scene, camera: Camera, options: SegmentationOptions = SegmentationOptions()) -> np.ndarray:
    """What each pixel (H, W) was taken for, an index into KINDS."""
    names = list(KINDS)
    kinds = np.full(scene.depth.shape, names.index("obstacle"), np.uint8)
    if scene.support is not None:
        kinds[on_support(scene.depth, camera, scene.support, options)] = names.index("support")
    kinds[scene.graspable] = names.index("graspable")
    kinds[scene.depth <= 0] = names.index("unseen")
    return kinds
