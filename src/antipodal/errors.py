"""The package's errors: each message says what was got and what was possible."""

from typing import Any


class AntipodalError(Exception):
    """Base of every error that the package raises on purpose; `reason` is its kind in a word or two."""

    reason = "error"


class InputError(AntipodalError, ValueError):
    """An argument cannot be used; the message names what was got and what is possible."""

    reason = "bad input"


class HandTooWide(InputError):
    """A gripper that is wider than all that an image shows."""


class ModelError(AntipodalError):
    """A model file is missing, damaged, of another version, or not a model."""

    reason = "bad model"


class NoGraspFound(AntipodalError):
    """No feasible grasp in this image; the message says which stage ran dry, with counts.

    scene, camera: what the planner saw and the camera of that image, as in a `Plan`; None from others than the planner.
    """

    reason = "no grasp"

    def __init__(self, message: str, counts: dict):
        super().__init__(message)
        self.counts = dict(counts)
        self.scene: Any = None
        self.camera: Any = None
