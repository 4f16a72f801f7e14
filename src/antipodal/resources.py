"""Files that come with the package: models, grippers, cameras, options of the generator."""

from __future__ import annotations

import contextlib
import re
import subprocess
from difflib import get_close_matches
from importlib import metadata
from pathlib import Path
from typing import List, Optional, Union

from antipodal.errors import InputError

KINDS = {
    "grippers": "config/grippers/*.yaml",
    "cameras": "config/cameras/*.yaml",
    "models": "models/*.pt",
    "options": "config/generate/*.yaml",
}


def find(relative: str) -> Path:
    """Path of a file of the package, such as "models/default.pt", in a source tree or an install space."""
    for parent in Path(__file__).resolve().parents:
        for candidate in (parent / relative, parent / "share" / "antipodal" / relative):
            if candidate.exists():
                return candidate
    raise InputError(f"{relative} did not come with this installation of antipodal; give a path")


def names(kind: str) -> List[str]:
    """What came with the package of a kind, one of KINDS, by name: "franka_hand"."""
    folder, _, pattern = KINDS[kind].rpartition("/")
    return sorted(path.stem for path in find(folder).glob(pattern))


def locate(kind: str, name: Union[str, Path]) -> Path:
    """The absolute path of one of a kind, such as "grippers": a file, the name of one that came with the package
    ("franka_hand"), or its path within the package. Raises InputError that says what was looked for."""
    if not isinstance(name, (str, Path)):
        raise InputError(f"a file of {kind} is told by its path or name, got {name!r}"[:200])
    path = Path(name).expanduser()
    if path.exists() and not path.is_dir():
        return path.absolute()
    known, pattern = names(kind), KINDS[kind]
    if str(path) in known or (path.name == str(path) and path.stem in known and path.suffix == Path(pattern).suffix):
        return find(pattern.replace("*", path.stem))
    if not path.is_absolute() and ".." not in path.parts:
        with contextlib.suppress(InputError):
            return find(str(path))
    guess = get_close_matches(str(name), known, n=1)
    hint = f"; did you mean {guess[0]}?" if guess else ""
    raise InputError(f"no {kind[:-1]} file {path.resolve()}, nor one that came by name: {', '.join(known)}{hint}")


def version() -> str:
    """The installed version of antipodal; in a ROS workspace, which pip does not know, that of its package.xml."""
    try:
        return metadata.version("antipodal")
    except metadata.PackageNotFoundError:
        return re.findall(r"<version>(.*?)</version>", find("package.xml").read_text())[0]


def source_commit(folder: Optional[Path] = None) -> str:
    """The commit of this source, with "-dirty" where it has changes; "unknown" outside a repository."""
    where = str(folder or Path(__file__).parent)
    try:
        told = subprocess.run(
            ["git", "-C", where, "describe", "--always", "--abbrev=12", "--dirty", "--exclude=*"],
            capture_output=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return told.stdout.strip() or "unknown"
