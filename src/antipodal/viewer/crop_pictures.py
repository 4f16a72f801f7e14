"""Crops as networks see them, enlarged, with the hand that would come down there."""

from __future__ import annotations

import cv2
import numpy as np

from antipodal.grasp import Gripper
from antipodal.networks.crops import EXTENT
from antipodal.suction_cup import SuctionCup

ENLARGED = 320  # pixels a side of the picture
RED = (226, 60, 50)


def blank_picture() -> np.ndarray:
    """What is shown where no network saw anything (ENLARGED, ENLARGED, 3) uint8."""
    return np.full((ENLARGED, ENLARGED, 3), 236, np.uint8)


def enlarged_crop(crop: np.ndarray, gripper: Gripper, width: float) -> np.ndarray:
    """A crop (H, H) in widest openings enlarged to (ENLARGED, ENLARGED, 3) uint8, with the jaws at an opening [m]."""
    image, middle = grey_picture(crop, -0.5, 0.5), ENLARGED / 2
    scale = ENLARGED / (EXTENT * gripper.max_width)
    for side in (-1, 1):
        inner, outer = middle + side * scale * width / 2, middle + side * scale * (width / 2 + gripper.jaw_thickness)
        half = scale * gripper.jaw_width / 2
        corners = (round(inner), round(middle - half)), (round(outer), round(middle + half))
        cv2.rectangle(image, *corners, RED, 2)
    return image


def enlarged_heights(crop: np.ndarray, cup: SuctionCup, side: float) -> np.ndarray:
    """A crop (H, H) of heights over a tangent plane, in [-1, 1], whose side is a length [m], enlarged to (ENLARGED,
    ENLARGED, 3) uint8: high is bright, and the lip is a ring."""
    image, middle = grey_picture(-crop, -1.0, 1.0), ENLARGED // 2
    cv2.circle(image, (middle, middle), round(ENLARGED * cup.radius / side), RED, 2, cv2.LINE_AA)
    return image


def grey_picture(crop: np.ndarray, low: float, high: float) -> np.ndarray:
    """A crop as a grey picture (ENLARGED, ENLARGED, 3) uint8, `low` white."""
    grey = np.clip((high - crop) / max(high - low, 1e-6), 0, 1)
    image = cv2.resize((255 * grey).astype(np.uint8), (ENLARGED, ENLARGED), interpolation=cv2.INTER_NEAREST)
    return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
