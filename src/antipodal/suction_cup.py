"""A suction cup, and the file that describes one."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Dict, Tuple, Type, TypeVar, Union

import numpy as np

from antipodal import resources
from antipodal.errors import InputError
from antipodal.files import is_number, read_yaml, shown

KIND = "suction"  # `type` in the file
AnyHand = TypeVar("AnyHand")


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
    travel: float  # of the bellows: how far the lip may be pushed back, less than `length`
    stiffness: float  # of the bellows along z [N/m]
    force: float  # largest pull at the working vacuum [N]
    friction: float  # between lip and object
    body_size: Tuple[float, float, float]  # box behind the cup, along x, y, z

    def __post_init__(self) -> None:
        check_name("suction cup", self.name)
        if not isinstance(self.body_size, (list, tuple, np.ndarray)) or len(self.body_size) != 3:
            raise InputError(f"suction cup {self.name}: body_size must be three lengths, got {shown(self.body_size)}")
        for field in (f.name for f in fields(self) if f.name not in ("name", "body_size")):
            object.__setattr__(self, field, self._positive(field, getattr(self, field)))
        body = tuple(self._positive(f"body_size[{i}]", v) for i, v in enumerate(self.body_size))
        object.__setattr__(self, "body_size", body)
        if not (self.radius < 0.2 and self.travel < self.length < 0.5 and max(body) < 1):
            raise InputError(
                f"suction cup {self.name}: radius must be below 0.2 m, length below 0.5 m, travel below the length and "
                f"body_size below 1 m, got {self.radius:g}, {self.length:g}, {self.travel:g} and {list(body)} m"
            )

    def _positive(self, field: str, value: Any) -> float:
        """A quantity's value as a plain float. Raises InputError where it is no finite number above 0."""
        if not (is_number(value) and value > 0):
            got = shown(value)
            raise InputError(f"suction cup {self.name}: {field} must be a number above 0 and below 1e9, got {got}")
        return float(value)

    @classmethod
    def load(cls, path: Union[str, Path]) -> SuctionCup:
        """Read a cup from YAML with `type: suction` and all of this class's fields; `source` may name where the figures
        are from, and `moveit` is ros.moveit's. path: a file, or a name such as "piab_b30". Raises InputError."""
        path = resources.locate("grippers", path)
        data = hand_mapping(path)
        if data.pop("type", None) != KIND:
            raise InputError(f"{path} describes no suction cup: it has no `type: {KIND}`")
        return hand_of(cls, data, path)

    def to_dict(self) -> dict:
        """Plain values, the form of the file."""
        return {"type": KIND, **asdict(self), "body_size": list(self.body_size)}


def check_name(hand: str, name: Any) -> None:
    """Raises InputError where a hand's name is no text."""
    if not isinstance(name, str) or not name:
        raise InputError(f"a {hand}'s name must be a text that is not empty, got {shown(name)}")


def hand_mapping(path: Path) -> Dict[Any, Any]:
    """What a hand's file holds. Raises InputError where that is no mapping."""
    data = read_yaml(path)
    if not isinstance(data, dict):
        raise InputError(f"a hand's file must hold a mapping, {path} holds {shown(data)}")
    return data


def hand_of(cls: Type[AnyHand], data: Dict[Any, Any], path: Path) -> AnyHand:
    """The hand of a file's data, all of whose fields must be there, beside `source` and `moveit`. Raises InputError."""
    names = [f.name for f in fields(cls)]  # type: ignore[arg-type]
    data = {key: value for key, value in data.items() if key not in ("source", "moveit")}
    unknown, missing = sorted(map(str, set(data) - set(names))), [n for n in names if n not in data]
    if unknown or missing:
        problem = f"unknown {', '.join(unknown)}" if unknown else f"lacks {', '.join(missing)}"
        raise InputError(f"{path}: {problem}; needed: {', '.join(names)}")
    try:
        return cls(**data)
    except InputError as e:
        raise InputError(f"{path}: {e}") from e
