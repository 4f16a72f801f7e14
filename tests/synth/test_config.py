"""The shipped grippers and cameras load, name their sources, and are of sensible size."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from antipodal.camera import Camera
from antipodal.errors import InputError
from antipodal.grasp import Gripper, load_hand
from antipodal.synth.options import for_sensor, preset

CONFIG = Path(__file__).parents[2] / "config"
CAMERAS, HANDS = sorted((CONFIG / "cameras").glob("*.yaml")), sorted((CONFIG / "grippers").glob("*.yaml"))
GRIPPERS = [path for path in HANDS if isinstance(load_hand(path), Gripper)]


def test_five_of_each_are_shipped():
    assert len(CAMERAS) >= 5 and len(GRIPPERS) >= 5


@pytest.mark.parametrize("path", CAMERAS, ids=lambda p: p.stem)
def test_cameras(path):
    camera, options = Camera.load(path), for_sensor(preset("default"), path)
    assert yaml.safe_load(path.read_text())["source"]
    view = 2 * np.degrees(np.arctan(camera.width / 2 / camera.fx))
    assert 40 < view < 95
    assert abs(camera.cx - (camera.width - 1) / 2) < 5 and abs(camera.cy - (camera.height - 1) / 2) < 5
    assert 0.3 < options.cameras.radius[0] < options.cameras.radius[1] < 1.2
    assert 0 < options.noise.correlated_sd < 0.003


@pytest.mark.parametrize("path", GRIPPERS, ids=lambda p: p.stem)
def test_grippers(path):
    gripper = Gripper.load(path)
    assert gripper.name == path.stem and yaml.safe_load(path.read_text())["source"]
    assert 0.04 < gripper.max_width < 0.15 and gripper.pad_length <= gripper.jaw_length
    assert gripper.palm_size[1] > gripper.max_width


def test_unknown_noise_is_refused(tmp_path):
    (tmp_path / "c.yaml").write_text("fx: 1\nnoise: {snow: 1}\n")
    with pytest.raises(InputError, match=r"unknown option noise\.snow; possible: noise\.gamma_shape"):
        for_sensor(preset("default"), tmp_path / "c.yaml")


@pytest.mark.parametrize(
    "more, complaint",
    [
        ("noise: 3", "options noise must be a mapping, got 3"),
        ("noise: {correlation: 0}", "noise.correlation must be 1 to 1e.09, got 0"),
        ("noise: {edge_loss: 2}", "noise.edge_loss must be 0 to 1, got 2"),
        ("noise: {pixel_sd: .nan}", "noise.pixel_sd must be float, got nan"),
        ("radius: 0.5", r"radius must be values such as \[0.45, 0.95\], got 0.5"),
        ("radius: [0.4, far]", r"radius\[1\] must be float, got 'far'"),
    ],
)
def test_facts_of_another_kind_are_refused(tmp_path, more, complaint):
    (tmp_path / "c.yaml").write_text(f"fx: 1\n{more}\n")
    with pytest.raises(InputError, match=complaint):
        for_sensor(preset("default"), tmp_path / "c.yaml")
