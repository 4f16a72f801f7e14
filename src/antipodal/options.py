"""Frozen dataclasses of options from plain nested values, as a YAML file or a parameter server gives them."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Any, Type, TypeVar

from antipodal.errors import InputError

Options = TypeVar("Options")


def options_from_dict(cls: Type[Options], values: dict, prefix: str = "") -> Options:
    """`cls` with `values` in place of its defaults. Raises InputError for unknown keys and values of another type."""
    if not isinstance(values, dict):
        raise InputError(f"options {prefix.rstrip('.')} must be a mapping, got {values!r}")
    known = [f.name for f in fields(cls)]  # type: ignore[arg-type]
    for name in values:
        if name not in known:
            guess = get_close_matches(str(name), known, n=1)
            hint = f"did you mean {prefix}{guess[0]}?" if guess else f"possible: {', '.join(prefix + k for k in known)}"
            raise InputError(f"unknown option {prefix}{name}; {hint}")
    defaults = cls()
    return cls(**{k: _converted(getattr(defaults, k), v, prefix + k) for k, v in values.items()})


def _converted(default: Any, value: Any, name: str) -> Any:
    """`value` as the type of `default`, where that loses nothing."""
    if is_dataclass(default):
        return options_from_dict(type(default), value, f"{name}.")
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(default, tuple) and isinstance(value, (list, tuple)):
        return tuple(_converted(default[0], v, f"{name}[{i}]") for i, v in enumerate(value))
    if type(value) is not type(default):
        raise InputError(f"option {name} must be {type(default).__name__}, got {value!r}")
    return value
