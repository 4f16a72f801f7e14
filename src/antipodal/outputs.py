"""What a command writes: none of it may replace an input or another output."""

import argparse
import os
from pathlib import Path
from typing import Any, List, Mapping, Optional, Sequence

from antipodal.errors import InputError


def check_outputs(
    args: argparse.Namespace,
    files: Sequence[str],
    folders: Sequence[str] = (),
    inputs: Sequence[str] = (),
    beside: Optional[Mapping[str, Path]] = None,
) -> None:
    """Raises InputError where an output of a command cannot be written, or would replace another output or an input.

    files, folders, inputs: names in the arguments, whose values are paths, lists of them, or None. beside: what else
    the command writes or reads, by what it is. A link counts as what it points to, and "-" as standard output.
    """
    taken = {os.path.realpath(path): name for name in inputs for path in _paths_in(args, name) if path.exists()}
    outputs = [(name, path) for name in (*files, *folders) for path in _paths_in(args, name)]
    for name, path in outputs:
        _check_writable(name, path, name in folders)
    for name, path in [*((beside or {}).items()), *outputs]:
        real = os.path.realpath(path)
        if real in taken:
            raise InputError(f"{name} and {taken[real]} are one file, {real}; an output needs one of its own")
        if not is_device(path):  # which takes several
            taken[real] = name


def _paths_in(args: argparse.Namespace, name: str) -> List[Path]:
    """The paths in an argument, however deep."""

    def within(value: Any) -> List[Path]:
        if isinstance(value, (list, tuple)):
            return [path for one in value for path in within(one)]
        wanted = isinstance(value, (str, Path)) and value and (value, name) != ("-", "json")
        return [Path(value)] if wanted else []

    return within(getattr(args, name))


def _check_writable(name: str, path: Path, folder: bool) -> None:
    """Raises InputError where neither a file nor, if so, a folder can be written at a path."""
    if str(path) == "-":
        raise InputError(f"{name} cannot be standard output, -; possible: a path")
    if is_device(path) and not folder:
        return
    if path.exists() and path.is_dir() != folder:
        wanted, got = ("a folder", "a file") if folder else ("a file", "a folder")
        raise InputError(f"{name} must be {wanted}, {path} is {got}")
    whole = path.absolute()
    above = next(p for p in (whole, *whole.parents)[0 if folder else 1 :] if p.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise InputError(f"cannot write {name} {path}: {above} is no folder that may be written to")


def is_device(path: Path) -> bool:
    """Whether a path is of a device or a pipe."""
    return path.exists() and not (path.is_file() or path.is_dir())
