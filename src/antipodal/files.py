"""Files, written whole or not at all: under a name of their own, then renamed, so that no reader sees half a file.

Also options from the plain values that such a file, or a parameter server, holds.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import secrets
import shutil
import tempfile
import tokenize
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from reprlib import Repr
from typing import Any, BinaryIO, Callable, Iterator, List, Optional, Sequence, Type, TypeVar, Union

import numpy as np
import yaml

from antipodal.errors import InputError, is_device

PathLike = Union[str, Path]
Options = TypeVar("Options")
# what numpy raises for files that are damaged, or no arrays
UNREADABLE = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    SyntaxError,
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
    tokenize.TokenError,
)
MOST = 1e9  # of a number in a file
SHORT = Repr()  # beyond its limits the middle of a text and the end of a list become dots
SHORT.maxlevel, SHORT.maxdict, SHORT.maxstring, SHORT.maxother, SHORT.maxlong = 2, 12, 60, 60, 30
LEFTOVER = re.compile(r"\..*\.\d+\.[0-9a-f]{8}\.tmp")  # as `temporary_name` makes them


def write_array(path: PathLike, array: np.ndarray) -> None:
    """Write a .npy file."""
    write_file(path, lambda file: np.save(file, array, allow_pickle=False))


def write_json(path: PathLike, data: Any) -> None:
    """Write plain values as JSON."""
    write_text(path, json.dumps(data, indent=1) + "\n")


def write_result(path: PathLike, data: Any) -> None:
    """Write a command's result as JSON to a file, or to standard output where the path is "-"."""
    if str(path) == "-":
        print(json.dumps(data, indent=1))
    else:
        write_json(path, data)


@contextmanager
def result_file(path: Optional[PathLike]) -> Iterator[Path]:
    """Where a command keeps its result and what comes beside it: without a file, or where the result goes to standard
    output, in a folder that is removed."""
    if path is not None and str(path) != "-":
        yield Path(path)
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "summary.json"


def write_text(path: PathLike, text: str) -> None:
    """Write text as UTF-8."""
    write_bytes(path, text.encode())


def write_bytes(path: PathLike, data: bytes) -> None:
    """Write bytes."""
    write_file(path, lambda file: file.write(data))


def write_file(path: PathLike, fill: Callable[[BinaryIO], Any]) -> None:
    """Write what `fill` puts into an open file, making the folder. Raises InputError where that is not possible; an
    older file of that name is then left as it was. A link's target is written; a device or pipe gets the bytes."""
    path = Path(path)
    device = is_device(path)
    path = path.resolve() if path.is_symlink() and not device else path
    temporary = temporary_name(path)
    try:
        if device:
            path.write_bytes(_filled(fill))
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "xb") as file:
            fill(file)
        os.replace(temporary, path)
    except OSError as e:
        raise InputError(f"cannot write {path}: {e.strerror or e}") from e
    finally:
        if temporary.exists():
            temporary.unlink()


def _filled(fill: Callable[[BinaryIO], Any]) -> bytes:
    """What `fill` puts into a file, which it may go back in, as in a pipe it cannot."""
    buffer = io.BytesIO()
    fill(buffer)
    return buffer.getvalue()


def temporary_name(path: Path) -> Path:
    """A hidden name beside `path` that no other writer, in this process or another, has."""
    return path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files and folders of killed writers below `folder`, which no other process may write to."""
    for path in [p for p in folder.rglob(".*.tmp") if LEFTOVER.fullmatch(p.name)]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


@contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """Within it no other process may enter it for the same path: a folder, or a file that is about to be written.

    The lock ends with its process, however that ends. Raises InputError where another process holds it.
    """
    import fcntl

    lock = path if path.is_dir() else path.with_name(f".{path.name}.lock")
    descriptor = _open_lock(lock)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            raise InputError(f"another process is writing {path}; wait for it, or give another output") from e
        try:
            yield
        finally:
            if lock != path:
                lock.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _open_lock(lock: Path) -> int:
    if lock.is_dir():
        return os.open(lock, os.O_RDONLY)
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        return os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as e:
        raise InputError(f"cannot write beside {lock}: {e.strerror or e}") from e


def read_array(path: Path) -> np.ndarray:
    """The array, mapped into memory."""
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as e:
        raise InputError(f"cannot read array {path}: {e}") from e


def read_json(path: PathLike) -> Any:
    """The value of a JSON file. Raises InputError."""
    return read_parsed(path, json.loads)


def json_lines(text: str) -> List[dict]:
    """The mappings of a text that holds one as JSON in each line. Raises ValueError."""
    rows = [json.loads(line) for line in text.splitlines()]
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("each line must hold a mapping as JSON")
    return rows


def read_yaml(path: PathLike) -> Any:
    """The value of a YAML file. Raises InputError."""
    return read_parsed(path, yaml.safe_load)


def read_parsed(path: PathLike, parse: Callable[[str], Any]) -> Any:
    """What `parse` makes of a text file. Raises InputError."""
    path = Path(path).absolute()
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as e:
        raise InputError(f"cannot read {path}: {getattr(e, 'strerror', None) or e}") from e
    return parsed(text, parse, str(path))


def parsed(text: str, parse: Callable[[str], Any], source: str) -> Any:
    """What `parse` makes of a text from `source`. Raises InputError."""
    try:
        return parse(text)
    except RecursionError as e:
        raise InputError(f"cannot read {source}: its values are nested too deep") from e
    except Exception as e:  # of an odd text YAML raises nearly anything
        raise InputError(f"cannot read {source}: {' '.join(str(e).split())}") from e  # in one line


def is_number(value: Any, most: float = MOST) -> bool:
    """Whether a value is a number from -1e9 to 1e9, or other limits: no text or truth value, not NaN or infinite."""
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    return number and bool(abs(value) <= most)


def shown(value: Any) -> str:
    """A value of a file as a message shows it, however large it is."""
    return SHORT.repr(value)


def read_names(path: Optional[PathLike]) -> List[str]:
    """The names in a file, one a line, blanks within them kept; none where no file is given. Raises InputError where
    it cannot be read or names nothing."""
    if path is None:
        return []
    try:
        names = [line.strip() for line in Path(path).read_text().splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as e:
        raise InputError(f"cannot read names from {path}: {e}") from e
    if not names:
        raise InputError(f"{path} names nothing")
    return names


def is_recording(path: Path) -> bool:
    """Whether a path is that of a bag of ROS 1, or of ROS 2 a folder or a file, by its name."""
    return path.suffix in (".bag", ".mcap", ".db3") or (path / "metadata.yaml").is_file()


def checksum(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def options_from_dict(cls: Type[Options], values: dict, prefix: str = "") -> Options:
    """`cls` with `values` in place of its defaults. Raises InputError for unknown keys and values of another type."""
    return with_values(cls(), values, prefix)


def with_values(options: Options, values: dict, prefix: str = "") -> Options:
    """Options with `values`, nested as they are, in place of their own. Raises InputError as options_from_dict does."""
    if not isinstance(values, dict):
        raise InputError(f"options {prefix.rstrip('.')}".rstrip() + f" must be a mapping, got {shown(values)}")
    types = {f.name: str(f.type) for f in fields(options)}  # type: ignore[arg-type]
    known = list(types)
    for name in values:
        if name not in known:
            guess = get_close_matches(str(name), known, n=1)
            hint = f"did you mean {prefix}{guess[0]}?" if guess else f"possible: {', '.join(prefix + k for k in known)}"
            raise InputError(f"unknown option {prefix}{name}; {hint}")
    changed = {k: _converted(getattr(options, k), v, prefix + k) for k, v in values.items()}
    for name, value in changed.items():
        wanted = getattr(options, name)
        if isinstance(wanted, tuple) and "..." not in types[name] and len(value) != len(wanted):
            raise InputError(f"option {prefix}{name} must hold {len(wanted)} values, got {shown(value)}")
    return replace(options, **changed)  # type: ignore[type-var]


def nested(assignments: Sequence[str]) -> dict:
    """Nested values of texts such as "cameras.polar=[0, 0.3]", whose values are YAML. Raises InputError."""
    values: dict = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        if not equals or not all(name.split(".")):
            raise InputError(f"an option is set as NAME=VALUE, such as cameras.polar=[0,0.3]; got {text!r}")
        *groups, last = name.split(".")
        group = values
        for key in groups:
            group = group.setdefault(key, {})
            if not isinstance(group, dict):
                raise InputError(f"{key} is set to a value and as a group, in {text!r}")
        group[last] = parsed(value, yaml.safe_load, f"the value of {text!r}"[:200])
    return values


def _converted(default: Any, value: Any, name: str) -> Any:
    """`value` as the type of `default`, where that loses nothing."""
    if is_dataclass(default):
        return with_values(default, value, f"{name}.")
    if isinstance(default, float) and is_number(value):
        return float(value)
    if isinstance(default, tuple) and isinstance(value, (list, tuple)):
        return tuple(_converted(default[0], v, f"{name}[{i}]") for i, v in enumerate(value))
    if type(value) is not type(default) or value != value:
        wanted = f"values such as {list(default)}" if isinstance(default, tuple) else type(default).__name__
        raise InputError(f"option {name} must be {wanted}, got {shown(value)}")
    return value
