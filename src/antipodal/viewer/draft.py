"""A gripper while it is described: what is known of it, what is missing, and where it differs from its mesh."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Dict, List, Mapping, Optional

import numpy as np
import yaml

from antipodal.errors import InputError
from antipodal.grasp import Gripper
from antipodal.grasping.gripper_boxes import hand_boxes

MARGIN = 0.002  # how far a mesh may stand out of the boxes unsaid [m]
MEASURED = ("max_width", "jaw_thickness", "jaw_width", "jaw_length", "palm_x", "palm_y")  # by a mesh
MM = 1e3
UNITS: Dict[str, str] = {"force": "N"}  # of a value; mm otherwise
HINTS: Dict[str, str] = {
    "jaw_thickness": "of one jaw at the tip, along the closing axis",
    "jaw_width": "of one jaw at the tip, across",
    "jaw_length": "from the palm's face to the tips",
    "pad_length": "from the tips back, the part that may touch the object",
    "tip": "how far the jaws reach past the grasp's origin; 0 puts the origin between the tips",
    "min_width": "that the jaws close to",
}
WORDS: Dict[str, str] = {
    "max_width": "widest opening",
    "min_width": "narrowest opening",
    "jaw_thickness": "jaw thickness",
    "jaw_width": "jaw width",
    "jaw_length": "jaw length",
    "pad_length": "pad length",
    "tip": "tips past origin",
    "palm_x": "palm across",
    "palm_y": "palm along closing",
    "force": "closing force",
}


@dataclass(frozen=True)
class Draft:
    """What is known of a gripper, by the names in WORDS; lengths in metres, the force in newtons."""

    name: str
    values: Mapping[str, float]

    @classmethod
    def of(cls, gripper: Gripper, names: Optional[List[str]] = None) -> Draft:
        """All of a gripper's values that WORDS names, or those of the given names."""
        every = {f.name: getattr(gripper, f.name) for f in fields(gripper) if f.name in WORDS}
        every["palm_x"], every["palm_y"] = gripper.palm_size
        return cls(gripper.name, {k: float(v) for k, v in every.items() if names is None or k in names})

    @classmethod
    def from_text(cls, name: str, texts: Mapping[str, str]) -> Draft:
        """From what was typed, in mm and N; an empty text is a missing value. Raises InputError for any other text."""
        values = {}
        for key, text in texts.items():
            if not text.strip():
                continue
            try:
                values[key] = float(text) / (1 if UNITS.get(key) == "N" else MM)
            except ValueError:
                raise InputError(f"{WORDS[key]} must be a number, got {text!r}") from None
        return cls(name, values)

    def texts(self) -> Dict[str, str]:
        """What `from_text` reads."""
        scale = {key: 1 if UNITS.get(key) == "N" else MM for key in WORDS}
        return {k: f"{self.values[k] * scale[k]:g}" if k in self.values else "" for k in WORDS}

    def missing(self) -> List[str]:
        """What must still be told, in words: no other gripper's value stands in for it."""
        return [word for key, word in WORDS.items() if key not in self.values]

    def gripper(self) -> Gripper:
        """The gripper. Raises InputError where values are missing or impossible."""
        if self.missing():
            raise InputError(f"missing: {', '.join(self.missing())}")
        if not self.name.strip():
            raise InputError("missing: the name")
        plain = {k: v for k, v in self.values.items() if not k.startswith("palm_")}
        made = Gripper(name=self.name, palm_size=(self.values["palm_x"], self.values["palm_y"]), hand_box=None, **plain)
        if made.pad_length > made.jaw_length:
            raise InputError(f"pads of {MM * made.pad_length:g} mm are longer than the jaws")
        return made

    def shape(self) -> Optional[Gripper]:
        """The gripper as far as its boxes go, which do not need the pads and the force; None where a length is missing.
        For pictures alone."""
        lent = {"pad_length": self.values.get("jaw_length", 0.0), "force": Gripper.force}
        drawn = Draft("drawn", {**lent, **self.values})
        return None if drawn.missing() else drawn.gripper()

    def yaml(self, source: str) -> str:
        """The file that `Gripper.load` reads. Raises InputError as `gripper` does."""
        gripper = self.gripper()
        data = {**gripper.to_dict(), "palm_size": list(gripper.palm_size), "source": source}
        return yaml.safe_dump(data, sort_keys=False)


def standing_out(points: np.ndarray, gripper: Gripper, width: float) -> str:
    """Where a hand's surface (N, 3) [m] in the grasp frame leaves the boxes that planning keeps clear, in words; empty
    where it does not. Behind the palm's face the boxes are drawn out without end, as planning draws them."""
    boxes = [box.swept() for box in hand_boxes(gripper, width)]
    outside = ~np.any([box.holds(points, MARGIN) for box in boxes], axis=0)
    if not outside.any():
        return ""
    far = points[outside]
    excess = np.min([_distance(far, box.low, box.high) for box in boxes], axis=0)
    x, y, z = far[excess.argmax()]
    below = MM * (gripper.tip - z)
    return (
        f"the hand stands out of the boxes by up to {MM * excess.max():.0f} mm, at x {MM * x:.0f}, y {MM * y:.0f}, "
        f"{below:.0f} mm behind the tips: planning would not keep that clear; make jaw or palm larger"
    )


def _distance(points: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Distance (N,) [m] of points from a box."""
    return np.linalg.norm(np.maximum(np.maximum(low - points, points - high), 0), axis=1)
