"""What a function returned last, kept for plans that are made again and again in one image."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Callable, Optional

import numpy as np

from antipodal.perception.observe import observe
from antipodal.perception.pixel_kinds import kinds_of
from antipodal.perception.solid_scene import SolidScene, solid_scene


class LastResult:
    """A function that is not called again while its arguments are those of the last call; arrays are compared by what
    they hold. Its results must not be changed."""

    def __init__(self, function: Callable[..., Any]):
        self._function = function
        self._last: Optional[tuple] = None  # arguments and result

    def __call__(self, *arguments: Any) -> Any:
        """What the function returns."""
        last = self._last
        if last is None or not alike(last[0], arguments):
            last = self._last = arguments, self._function(*arguments)
        return last[1]


@dataclass(frozen=True)
class Perceived:
    """What the last plan found before its hand mattered: what images show, what each pixel was taken for, the solids,
    and these from many sides."""

    observe: LastResult = field(default_factory=lambda: LastResult(observe))
    kinds: LastResult = field(default_factory=lambda: LastResult(kinds_of))
    solids: LastResult = field(default_factory=lambda: LastResult(solid_scene))
    atlas: LastResult = field(default_factory=lambda: LastResult(SolidScene.atlas))


def alike(a: Any, b: Any) -> bool:
    """Whether two values are equal: plain ones, arrays, and sequences and dataclasses of such."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b)
    if is_dataclass(a):
        return all(alike(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(alike, a, b))
    return bool(a == b)
