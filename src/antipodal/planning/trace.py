"""What a plan looked at on its way to its grasps, kept for whoever asks: the viewer, a study."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Dict, List, NamedTuple, Optional

import numpy as np
import torch

from antipodal.grasping.antipodal_pairs import Pairs
from antipodal.grasping.clearance import Clearance
from antipodal.grasping.view_grasps import ViewGrasps
from antipodal.networks.pick_calibration import PickCalibration
from antipodal.networks.score import Score
from antipodal.perception.scene import Scene
from antipodal.perception.view import View
from antipodal.planning.last_result import Perceived
from antipodal.planning.suction_trace import SuctionTrace


class Stages(NamedTuple):
    """The intermediate results of the CPU pipeline, as its stages handed them on."""

    view: View
    distance: torch.Tensor  # (H, W) of every graspable cell from its object's centroid [m]
    pairs: Pairs  # where the search could start
    clearance: Clearance


@dataclass
class Trace:
    """Hand an empty one to `ImagePlanner.plan`, which fills it as far as it comes, also where it finds no grasp.

    Of a plan on a GPU, which is one launch, only `scene`, `ranked` and `chosen` are kept. A plan over a cone has no
    `stages` here; each direction that was searched in full has a trace of its own in `leaning`. A plan for a suction
    cup fills `scene`, `suction`, `ranked`, `frames` and `chosen`. A plan for several hands fills `scene`, and a trace
    of its own for each hand in `hands`. Traces of plans that are made one after the other may share a `perceived`: what
    one plan found there, the next one with the same images takes over.
    """

    scene: Optional[Scene] = None  # what was taken for the support and for graspable
    stages: Optional[Stages] = None
    score: Optional[Score] = None  # what the search asked of its samples, for this image
    batches: List[ViewGrasps] = field(default_factory=list)  # scored by the search: its start, then each iteration's
    ranked: Optional[ViewGrasps] = None  # likely enough and in the region, best first
    chosen: List[int] = field(default_factory=list)  # which of `ranked` were returned
    leaning: List[Trace] = field(default_factory=list)  # of the views of a cone, in their order
    frames: Optional[np.ndarray] = None  # (V, 4, 4) of the views of `ranked` in the camera's, of a plan for a cup
    suction: List[SuctionTrace] = field(default_factory=list)  # of a plan for a cup, one for each camera
    hands: Dict[str, Trace] = field(default_factory=dict)  # of a plan for several hands, by their kinds
    refusal: str = ""  # why this one of several hands found no grasp
    calibration: PickCalibration = field(default_factory=PickCalibration)  # which every quality here has had
    perceived: Perceived = field(default_factory=Perceived)

    def calibrate(self, calibration: PickCalibration) -> None:
        """Calibrate what the search scored, as what was returned is."""
        self.calibration = calibration
        self.batches = [replace(b, quality=calibration(b.quality)) for b in self.batches]
        for search in self.leaning:
            search.calibrate(calibration)
        for of_camera in self.suction:
            of_camera.calibrate(calibration)

    def fitting(self, batch: int) -> ViewGrasps:
        """Those of a batch at which the gripper fits, the only ones that the network scored."""
        grasps = self.batches[batch]
        return grasps[torch.isfinite(grasps.quality)]
