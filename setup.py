"""For catkin, which installs the Python package with the ROS package, and for pip, which also reads pyproject.toml."""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

DATA = ("models/*.pt", "config/grippers/*.yaml", "config/cameras/*.yaml", "config/generate/*.yaml")
CATKIN = "CATKIN_BINARY_DIR" in os.environ  # it installs models and config by itself, into share/antipodal


class BuildWithData(build_py):
    """Puts models and config into the package's folder, where `antipodal.resources` looks first."""

    def run(self) -> None:
        super().run()
        if CATKIN or getattr(self, "editable_mode", False):
            return
        for file in [file for pattern in DATA for file in Path().glob(pattern)]:
            to = Path(self.build_lib, "antipodal", file)
            self.mkpath(str(to.parent))
            self.copy_file(str(file), str(to))


def scratch_folders() -> dict:
    """Options that keep what a build leaves behind out of the source tree."""
    if CATKIN or {"sdist", "develop", "editable_wheel"} & set(sys.argv):
        return {}
    folder = tempfile.mkdtemp(prefix="antipodal-build-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return {"build": {"build_base": folder}, "egg_info": {"egg_base": folder}}


setup(
    name="antipodal",
    version="0.1.0",
    packages=find_packages("src"),
    package_dir={"": "src"},
    scripts=["scripts/antipodal"],
    cmdclass={"build_py": BuildWithData},
    options=scratch_folders(),
)
