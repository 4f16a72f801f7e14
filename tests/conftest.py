"""What tests share: the optional data folder, and the messages that a ROS workspace generates."""

import os
import pkgutil
from pathlib import Path

import pytest
from hypothesis import settings

import antipodal

settings.register_profile("no test asserts on time", deadline=None)
settings.load_profile("no test asserts on time")

REPO = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("ANTIPODAL_DATA", REPO.parent / "shared"))

# The generated messages lie in the sourced workspace, in a second folder of the same package.
antipodal.__path__ = pkgutil.extend_path(antipodal.__path__, "antipodal")


# Files that take longest, by measured CPU time. They begin first, so that parallel workers end together.
LONGEST_FIRST = """test_trainer test_survival test_properties test_doc_commands test_page test_main test_launch
test_generate test_processes test_inspect test_epsilon test_sensor test_studies test_examples test_live_view test_site
test_rooms""".split()


def pytest_collection_modifyitems(items):
    place = {name: k for k, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(place)))


def ros_or_skip():
    """Skip the calling module where no ROS workspace is sourced."""
    for module in ("rospy", "antipodal.msg"):
        pytest.importorskip(module, reason="needs a sourced ROS workspace: make setup, then source env.sh")


@pytest.fixture(scope="session")
def mesh_folder() -> Path:
    return _folder("meshes")


@pytest.fixture(scope="session")
def real_depth_folder() -> Path:
    return _folder("real_depth")


def _folder(name: str) -> Path:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"no folder {name} in the optional data; set ANTIPODAL_DATA to the folder that holds it")
    return folder
