"""Files that come with the package: models, grippers, cameras."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

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
