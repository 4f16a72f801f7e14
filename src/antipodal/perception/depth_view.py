"""What one camera saw, and where it stood."""

from __future__ import annotations

from typing import NamedTuple, Optional

import numpy as np

from antipodal.camera import Camera


class DepthView(NamedTuple):
    """A depth image with its camera and the camera's pose in a frame that several views, or a cloud, share."""

    depth: np.ndarray  # (H, W) float [m] along the optical axis; 0, NaN and Inf are missing
    camera: Camera
    T_frame_cam: np.ndarray = np.eye(4)  # (4, 4) of the optical frame
    mask: Optional[np.ndarray] = None  # (H, W), nonzero = may be grasped
    labels: Optional[np.ndarray] = None  # (H, W) whole numbers: the object that each pixel shows, 0 = none
    robot: Optional[np.ndarray] = None  # (H, W), nonzero = robot: an obstacle, never a target or a table
