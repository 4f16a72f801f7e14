"""From a grasp's score to the probability that one pick of it holds, as executed picks have shown it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Dict

import torch

from antipodal.errors import ModelError

SUREST = 1e-7  # scores this near to 0 and 1 count as this: in single precision there is nothing between


@dataclass(frozen=True)
class PickCalibration:
    """P(a pick holds) = sigmoid(scale * log odds + shift), two numbers a hand in a model file (Platt, 1999).

    Training fits log odds to labels, which are means over errors of pose and friction; a pick meets one error. The map
    rises, so it changes no ranking.
    """

    scale: float = 1.0
    shift: float = 0.0

    def __call__(self, quality: torch.Tensor) -> torch.Tensor:
        """Calibrated P (N,) of scores (N,) in [0, 1]; -inf, where the gripper does not fit, stays."""
        if self == PickCalibration():
            return quality
        odds = self.scale * torch.logit(quality.clamp_min(0.0), eps=SUREST) + self.shift
        return torch.where(torch.isfinite(quality), torch.sigmoid(odds), quality)

    @classmethod
    def of_model(cls, meta: Dict[str, Any], hand: str) -> PickCalibration:
        """What a model's meta has under "picks" for the hand of this name; the identity where it has nothing, as
        another hand's picks tell little. Raises ModelError for nonsense."""
        told = meta.get("picks", {})
        try:
            own = told.get(hand, {})
            scale, shift = float(own.get("scale", 1.0)), float(own.get("shift", 0.0))
        except (AttributeError, TypeError, ValueError) as e:
            raise ModelError(f"the model's calibration must be scale and shift, two numbers a hand, got {told}") from e
        if not (0 < scale < math.inf and math.isfinite(shift)):
            raise ModelError(f"the model's calibration needs a scale above 0 and a finite shift, got {own} for {hand}")
        return cls(scale, shift)
