"""What a planner's options may be, told by their defaults."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Dict, Optional, Tuple

import numpy as np

from antipodal.errors import InputError
from antipodal.files import MOST, is_number, shown

Limits = Tuple[float, float]  # least and greatest
Within = Dict[str, Limits]  # by the options' names
MOST_TIMES, MOST_AT_LEAST = 200, 1000  # a whole number may be so many defaults, or so much where that is more


def check_options(options: Any, prefix: str = "") -> None:
    """Raises InputError where a value in options, nested as they are, is of another type than its default, not finite,
    negative where the default is positive, a count that is 0 or would take for ever, or outside the limits that its
    class names in `WITHIN`. 0 is possible where the default is, and for what is no whole number, where it often
    switches something off.
    """
    within: Within = getattr(options, "WITHIN", {})
    for field in fields(options):
        default = field.default if field.default is not MISSING else field.default_factory()  # type: ignore
        _check_option(default, getattr(options, field.name), prefix + field.name, within.get(field.name))


def _check_option(default: Any, value: Any, name: str, limits: Optional[Limits]) -> None:
    if is_dataclass(default) and isinstance(value, type(default)):
        check_options(value, f"{name}.")
    elif isinstance(default, tuple) and isinstance(value, tuple) and value:
        for i, one in enumerate(value):
            _check_option(default[0], one, f"{name}[{i}]", limits)
    elif isinstance(default, (int, float)) and not isinstance(default, bool):
        _check_number(default, value, name, limits or _limits(default))
    elif type(value) is not type(default) or isinstance(value, tuple):
        wanted = f"{type(default).__name__}{' of at least one value' if isinstance(value, tuple) else ''}"
        raise InputError(f"option {name} must be {wanted}, got {shown(value)}")


def _check_number(default: float, value: Any, name: str, limits: Limits) -> None:
    whole, (least, most) = isinstance(default, int), limits
    possible = is_number(value, np.inf) and (isinstance(value, (int, np.integer)) or not whole)
    if not (possible and least <= value <= most):
        wanted = "whole number" if whole else "number"
        raise InputError(f"option {name} must be a {wanted} from {least:g} to {most:g}, got {shown(value)}")


def _limits(default: float) -> Limits:
    """Those of a number that names none."""
    if isinstance(default, int):
        return min(default, 1), max(MOST_TIMES * default, MOST_AT_LEAST)
    return 0.0 if default > 0 else -MOST, MOST
