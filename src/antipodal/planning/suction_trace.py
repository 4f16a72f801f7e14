"""What the search for a cup looked at in the image of one camera."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import List, NamedTuple, Optional

import numpy as np
import torch

from antipodal.grasping.suction_points import values_at
from antipodal.networks.pick_calibration import PickCalibration
from antipodal.networks.suction_score import ScoreContacts
from antipodal.perception.fusion import CameraView
from antipodal.planning.contacts import Contacts


class ScoredContacts(NamedTuple):
    """N contacts that the search looked at."""

    contacts: Contacts
    quality: torch.Tensor  # (N,) P(success), -inf where the cup cannot come or the surface is none to seal on


@dataclass
class SuctionTrace:
    """Filled by the search as far as it comes; everything is in the frame of the view's camera."""

    view: CameraView
    score: ScoreContacts  # what the search asked of contacts
    distance: np.ndarray  # (H, W) of every graspable pixel from its object's middle [px]
    drawn: Optional[Contacts] = None  # the points that were looked at first
    free: Optional[np.ndarray] = None  # (N,) bool, to which of them the cup comes freely
    batches: List[ScoredContacts] = field(default_factory=list)  # of the search: its start, then each iteration's

    def away(self, px: np.ndarray, depth: np.ndarray) -> torch.Tensor:
        """How far (N,) [m] contacts at pixels (N, 2) and depths (N,) [m] are from their object's middle."""
        return torch.from_numpy(values_at(self.distance, px) * depth / self.view.camera.fx)

    def calibrate(self, calibration: PickCalibration) -> None:
        """Calibrate what the search scored, as what was returned is."""
        self.batches = [ScoredContacts(contacts, calibration(quality)) for contacts, quality in self.batches]
