"""Arrays and JSON on disk: written whole under another name, then renamed, so that no reader sees half a file."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from antipodal.errors import InputError


def write_array(path: Path, array: np.ndarray) -> None:
    _write(path, lambda file: np.save(file, array, allow_pickle=False))


def write_json(path: Path, data: Any) -> None:
    _write(path, lambda file: file.write((json.dumps(data, indent=1) + "\n").encode()))


def write_bytes(path: Path, data: bytes) -> None:
    _write(path, lambda file: file.write(data))


def _write(path: Path, fill) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            fill(file)
        os.replace(temporary, path)
    except OSError as e:
        if temporary.exists():
            temporary.unlink()
        raise InputError(f"cannot write {path}: {e.strerror or e}") from e


def read_array(path: Path) -> np.ndarray:
    """The array, mapped into memory."""
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as e:
        raise InputError(f"cannot read array {path}: {e}") from e


def read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as e:
        raise InputError(f"cannot read {path}: {e}") from e


def checksum(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
