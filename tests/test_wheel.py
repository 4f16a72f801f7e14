"""The wheel plans by itself: models and config inside, nothing left in the source tree."""

import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from conftest import REPO
from scenes import CAMERA, box, render


def build_wheel(folder):
    pytest.importorskip("wheel")
    before = set(REPO.iterdir()) | set((REPO / "src").iterdir())
    command = [sys.executable, "-m", "pip", "wheel", str(REPO), "--no-deps", "--no-build-isolation", "-q", "-w", folder]
    subprocess.run([str(c) for c in command], check=True, timeout=300)
    assert set(REPO.iterdir()) | set((REPO / "src").iterdir()) == before
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the wheel's content, and nothing of the source tree."""
    folder = tmp_path_factory.mktemp("wheel")
    zipfile.ZipFile(build_wheel(folder)).extractall(folder / "site")
    return folder / "site"


def run(installed, *arguments, cwd):
    env = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=600)


def test_it_holds_every_model_gripper_and_camera(installed):
    for kind in ("models/*.pt", "config/grippers/*.yaml", "config/cameras/*.yaml", "config/generate/*.yaml"):
        names = {p.relative_to(REPO) for p in REPO.glob(kind)}
        assert names and names == {p.relative_to(installed / "antipodal") for p in (installed / "antipodal").glob(kind)}


def test_its_resources_are_its_own(installed, tmp_path):
    code = "from antipodal import resources; print(resources.find('models/default.pt'))"
    done = run(installed, "-c", code, cwd=tmp_path)
    assert done.stdout.strip() == str(installed / "antipodal" / "models" / "default.pt"), done.stderr


@pytest.mark.slow
def test_it_plans_from_another_directory(installed, tmp_path):
    """A minute: the kernels are compiled anew beside the installed sources."""
    np.save(tmp_path / "depth.npy", render([box((0.03, 0.02), (0.10, 0.03, 0.04), 0.4)])[0])
    (tmp_path / "camera.json").write_text(json.dumps(CAMERA.to_dict()))
    done = run(installed, "-m", "antipodal.plan", "depth.npy", "--camera", "camera.json", cwd=tmp_path)
    assert done.returncode == 0 and json.loads(done.stdout)["grasps"], done.stderr
