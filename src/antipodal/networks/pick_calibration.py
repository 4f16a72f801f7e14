"""From a grasp's score to the probability that one pick of it holds, as executed picks have shown it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Dict

import torch

from antipodal.errors import ModelError

SUREST = 1e-7  # scores this near to 0 and 1 count as this: in single precision there is nothing between


@dataclass(frozen=True)
class PickCalibration:
    """P(a pick holds), by three numbers a hand in a model file.

    Of a plan's best grasp P = sigmoid(z), z = scale * log odds + shift (Platt, 1999). Of another one, which is worse by
    a gap in z, P = sigmoid(z + lift * log(1 + gap / lift)): training fits log odds to labels, which are means over
    errors of pose and friction, a pick meets one error, and a low score means less where a better grasp stands beside
    it. The map rises, so it changes no ranking.
    """

    scale: float = 1.0
    shift: float = 0.0
    lift: float = 0.0
    best: float = 0.0  # score of the plan's best grasp

    def numbers(self) -> Dict[str, float]:
        """What a model file keeps of it."""
        return {"scale": self.scale, "shift": self.shift, "lift": self.lift}

    def beside(self, quality: torch.Tensor) -> PickCalibration:
        """The same for the grasps of one plan, of which these are all scores (N,)."""
        return replace(self, best=float(quality.max())) if len(quality) else self

    def __call__(self, quality: torch.Tensor) -> torch.Tensor:
        """Calibrated P (N,) of scores (N,) in [0, 1]; -inf, where the gripper does not fit, stays."""
        if self.numbers() == PickCalibration().numbers():
            return quality
        odds = self.of_odds(_log_odds(quality))
        return torch.where(torch.isfinite(quality), torch.sigmoid(odds + self.lifted(odds)), quality)

    def lifted(self, odds: torch.Tensor) -> torch.Tensor:
        """What the scaled and shifted log odds (N,) gain beside the plan's best grasp."""
        if self.lift == 0:
            return torch.zeros_like(odds)
        gap = self.of_odds(_log_odds(torch.tensor(self.best, dtype=odds.dtype, device=odds.device))) - odds
        return self.lift * torch.log1p(gap.clamp_min(0.0) / self.lift)

    def of_odds(self, odds: torch.Tensor) -> torch.Tensor:
        """Log odds (N,) scaled and shifted, without the lift."""
        return self.scale * odds + self.shift

    @classmethod
    def of_model(cls, meta: Dict[str, Any], hand: str) -> PickCalibration:
        """What a model's meta has under "picks" for the hand of this name; the identity where it has nothing, as
        another hand's picks tell little. Raises ModelError for nonsense."""
        told = meta.get("picks", {})
        try:
            own = told.get(hand, {})
            scale, shift, lift = (float(own.get(k, d)) for k, d in (("scale", 1.0), ("shift", 0.0), ("lift", 0.0)))
        except (AttributeError, TypeError, ValueError) as e:
            raise ModelError(
                f"the model's calibration must be scale, shift and lift, numbers a hand, got {told}"
            ) from e
        if not (0 < scale < math.inf and math.isfinite(shift) and 0 <= lift < math.inf):
            needs = "a scale above 0, a finite shift and a lift of at least 0"
            raise ModelError(f"the model's calibration needs {needs}, got {own} for {hand}")
        return cls(scale, shift, lift)


def _log_odds(quality: torch.Tensor) -> torch.Tensor:
    return torch.logit(quality.clamp_min(0.0), eps=SUREST)
