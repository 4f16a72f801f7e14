"""The package's errors: each message says what was got and what was possible."""

import os
import sys
from typing import Callable


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


def run_command(main: Callable[[], int]) -> int:
    """The exit code of `main`; 0 where whoever read its output has seen enough and left, as `| head` does."""
    try:
        code = main()
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter's last flush complains
        return 0
