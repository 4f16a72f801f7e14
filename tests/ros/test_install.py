"""The install space: what `cmake --install` copies is all that a node needs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPO, ros_or_skip

ros_or_skip()

from ros_client import Client, scene_request
from ros_process import Ros, wait_for

BUILD = Path(os.environ.get("CMAKE_PREFIX_PATH", "").split(":")[0]).parent / "build"
COMPILE = 240.0  # longest wait for the first start, which compiles the kernels [s]
CLEAN = ("HOME", "USER", "LANG", "ROS_MASTER_URI", "ROS_HOSTNAME", "OMP_NUM_THREADS")


@pytest.fixture(scope="module")
def installed():
    """Folder of the install space."""
    if not (BUILD / "cmake_install.cmake").is_file():
        pytest.skip(f"no build in {BUILD}")
    subprocess.run(["cmake", "--install", str(BUILD)], check=True, stdout=subprocess.DEVNULL)
    folder = BUILD.parent / "install"
    hand_compiled_on(next(folder.glob("lib/python3*/*-packages/antipodal")))
    return folder


def hand_compiled_on(package):
    """Give an installed package what numba compiled of the same sources, which would take a minute again."""
    for source in (REPO / "src" / "antipodal").rglob("*"):
        place = package / source.relative_to(REPO / "src" / "antipodal")
        if source.suffix == ".py":  # numba asks for the very same time
            os.utime(place, ns=(source.stat().st_atime_ns, source.stat().st_mtime_ns))
        elif source.suffix in (".nbc", ".nbi"):
            place.parent.mkdir(exist_ok=True)
            shutil.copyfile(source, place)


def command(installed, line):
    """A shell that knows the install space, and nothing of the source tree."""
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    kept = [f"{name}={os.environ[name]}" for name in CLEAN if name in os.environ]
    return ["env", "-i", *kept, f"PATH={path}", "bash", "-c", f"cd / && source {installed}/setup.bash && {line}"]


def said(installed, line):
    return subprocess.run(command(installed, line), check=True, capture_output=True, text=True, timeout=60).stdout


def test_the_package_is_found_in_it(installed):
    assert said(installed, "rospack find antipodal").strip() == str(installed / "share" / "antipodal")
    place = said(installed, "python3 -c 'import antipodal.planner as p; print(p.__file__)'")
    assert str(installed) in place and str(REPO / "src") not in place


def test_the_command_is_on_the_path_and_finds_models_and_grippers(installed):
    assert said(installed, "which antipodal").strip() == str(installed / "bin" / "antipodal")
    assert str(installed / "share" / "antipodal" / "models" / "default.pt") in said(installed, "antipodal doctor")


@pytest.mark.parametrize("launch", ["planner", "demo", "two_cameras"])
def test_every_launch_file_finds_its_nodes(installed, launch):
    nodes = said(installed, f"roslaunch --nodes antipodal {launch}.launch").split()
    assert any(node.endswith("planner") for node in nodes)
    for node in ("planner_node", "cell_node", "pick_client", "plan_bag", "example_executive"):
        assert os.access(installed / "lib" / "antipodal" / node, os.X_OK), node


def test_the_installed_planner_plans(installed):
    ros = Ros()
    try:
        # Without --wait, which waits for the run_id that roscore gives, and a bare master has none.
        line = f"export ROS_MASTER_URI={ros.uri} && roslaunch antipodal planner.launch device:=cpu respawn:=false"
        node = ros.start(command(installed, line))
        wait_for(lambda: ros.serves() or not node.runs(), "plan_grasp", COMPILE)
        assert node.runs(), node.output()
        assert Client(ros.serves()).ask(scene_request()).success
        assert ros.parameter("/planner/model") == str(installed / "share" / "antipodal" / "models" / "default.pt")
    finally:
        ros.close()


def test_cmake_warns_of_a_python_without_the_packages(tmp_path):
    bare = tmp_path / "python3"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n')
    bare.chmod(0o755)
    said = configured(bare)
    assert "CMake Warning" in said and "-DPYTHON_EXECUTABLE" in said and "`make setup`" in said
    assert f"{bare}, which the nodes will run with, lacks numpy, scipy, torch" in " ".join(said.split())
    assert configured(sys.executable) == ""


def configured(python):
    """What CMake says of a Python."""
    script = str(REPO / "scripts" / "python_packages.cmake")
    command = ["cmake", f"-DPYTHON_EXECUTABLE={python}", "-P", script]
    return subprocess.run(command, check=True, capture_output=True, text=True).stderr
