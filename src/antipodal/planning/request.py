"""What a plan is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence

import numpy as np

from antipodal.camera import Camera
from antipodal.grasp import Grasp
from antipodal.perception.fusion import CameraView
from antipodal.perception.table import Table
from antipodal.planning.approach_cone import ApproachCone


@dataclass(frozen=True)
class Request:
    """One image to plan for, all in main memory."""

    depth: np.ndarray  # (H, W) float32 [m], 0 = missing
    graspable: np.ndarray  # (H, W) bool, True somewhere where depth is valid
    approach: np.ndarray  # (3,) unit, in the camera frame
    table: float  # depth of the table along the approach [m], inf where none is known
    start: Sequence[Grasp] = ()  # of an earlier plan, in the frame of this camera
    labels: Optional[np.ndarray] = None  # (H, W) int32: the object that each pixel shows, 0 = none
    others: Sequence[CameraView] = ()  # what further cameras see
    cone: Optional[ApproachCone] = None  # of approaches; `approach` is then what lies upright on the support
    directions: Optional[np.ndarray] = None  # (N, 3) unit, spread over the cone
    support: Optional[Table] = None  # of a cone's view; None where none was found

    def views(self, camera: Camera) -> List[CameraView]:
        """What all cameras see, that of the image first."""
        return [CameraView(self.depth, self.graspable, camera, np.eye(4), self.labels), *self.others]
