"""Files that come with the package: models, grippers, cameras."""

from __future__ import annotations

import re
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Optional

from antipodal.errors import InputError


def find(relative: str) -> Path:
    """Path of a file of the package, such as "models/default.pt", in a source tree or an install space."""
    for parent in Path(__file__).resolve().parents:
        for candidate in (parent / relative, parent / "share" / "antipodal" / relative):
            if candidate.exists():
                return candidate
    raise InputError(f"{relative} did not come with this installation of antipodal; give a path")


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
