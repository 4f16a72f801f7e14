"""The package's errors: each message says what was got and what was possible."""


class AntipodalError(Exception):
    """Base of every error that the package raises on purpose; `reason` is its kind in a word or two."""

    reason = "error"


class InputError(AntipodalError, ValueError):
    """An argument cannot be used; the message names what was got and what is possible."""

    reason = "bad input"


class ModelError(AntipodalError):
    """A model file is missing, damaged, of another version, or not a model."""

    reason = "bad model"


class NoGraspFound(AntipodalError):
    """No feasible grasp in this image; the message says which stage ran dry, with counts."""

    reason = "no grasp"

    def __init__(self, reason: str, counts: dict):
        super().__init__(reason)
        self.counts = dict(counts)
