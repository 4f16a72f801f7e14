"""A suction cup, and the file that describes one."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import ClassVar, Tuple, Union

import numpy as np

from antipodal import resources
from antipodal.errors import InputError
from antipodal.files import read_yaml

KIND = "suction"  # `type` in the file


@dataclass(frozen=True)
class SuctionCup:
    """A round cup on bellows, and the body behind it. Grasp frame: origin at the middle of the lip as it touches,
    z approach, x and y across; the cup is round, so the turn about z decides only where the body is.

    Lengths in metres. The cup is a cylinder of `radius` that reaches `length` backwards from the lip; the body is a box
    behind it.
    """

    kind: ClassVar[str] = KIND
    name: str
    radius: float  # of the lip
    length: float  # of the cup with its bellows, from the lip back to the body, along z
    travel: float  # of the bellows: how far the lip may be pushed back
    stiffness: float  # of the bellows along z [N/m]
    force: float  # largest pull at the working vacuum [N]
    friction: float  # between lip and object
    body_size: Tuple[float, float, float]  # box behind the cup, along x, y, z

    def __post_init__(self) -> None:
        object.__setattr__(self, "body_size", tuple(self.body_size))
        numbers = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("name", "body_size")}
        numbers.update({f"body_size[{i}]": v for i, v in enumerate(self.body_size)})
        for name, value in numbers.items():
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not np.isfinite(value) or value <= 0:
                raise InputError(f"suction cup {self.name}: {name} must be a number above 0, got {value!r}")
        if len(self.body_size) != 3:
            raise InputError(f"suction cup {self.name}: body_size must be three lengths, got {self.body_size}")
        if not (self.radius < 0.2 and self.travel <= self.length < 0.5):
            raise InputError(
                f"suction cup {self.name}: radius must be below 0.2 m, length below 0.5 m and travel at most the "
                f"length, got {self.radius}, {self.length}, {self.travel}"
            )

    @classmethod
    def load(cls, path: Union[str, Path]) -> SuctionCup:
        """Read a cup from YAML with `type: suction` and all of this class's fields; `source` may name where the figures
        are from, and `moveit` is ros.moveit's. path: a file, or a name such as "piab_b30". Raises InputError."""
        path = resources.locate("grippers", path)
        data = read_yaml(path)
        names = [f.name for f in fields(cls)]
        if not isinstance(data, dict):
            raise InputError(f"suction cup file {path} must hold a mapping with type, {', '.join(names)}")
        if data.pop("type", None) != KIND:
            raise InputError(f"{path} describes no suction cup: it has no `type: {KIND}`")
        for elsewhere in ("source", "moveit"):
            data.pop(elsewhere, None)
        unknown, missing = sorted(set(data) - set(names)), [n for n in names if n not in data]
        if unknown or missing:
            problem = f"unknown {', '.join(unknown)}" if unknown else f"lacks {', '.join(missing)}"
            raise InputError(f"suction cup file {path}: {problem}; needed: {', '.join(names)}")
        if not isinstance(data["body_size"], (list, tuple)):
            raise InputError(f"suction cup file {path}: body_size must be three lengths, got {data['body_size']!r}")
        return cls(**data)

    def to_dict(self) -> dict:
        """Plain values, the form of the file."""
        return {"type": KIND, **asdict(self), "body_size": list(self.body_size)}
