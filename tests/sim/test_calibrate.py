"""Picks of all qualities are executed, a stopped run goes on, and what was fitted is in the file and on the card."""

import json
import shutil

import numpy as np
import pytest

from antipodal import networks, resources
from antipodal.errors import InputError, run_command
from antipodal.grasp import Grasp
from antipodal.networks.pick_calibration import PickCalibration
from antipodal.sim import calibrate
from antipodal.sim.spread_picks import evenly_by_quality
from antipodal.training.report import card

FEW = ["--objects", "procedural:6", "--singles", "3", "--single-picks", "4", "--heaps", "0"]


def grasp(quality):
    return Grasp(np.eye(4), 0.05, quality, (0.0, 0.0), 0.0, 0.5)


def test_choices_are_the_best_and_others_all_over_the_scale():
    grasps = [grasp(q) for q in np.linspace(0.99, 0.01, 100)]
    picked = evenly_by_quality(grasps, 6, np.random.default_rng(0))
    assert picked[0] == 0 and len(set(picked)) == 6
    parts = sorted(int(grasps[i].quality * 5) for i in picked[1:])
    assert parts == [0, 1, 2, 3, 4]
    assert sorted(evenly_by_quality(grasps[:3], 6, np.random.default_rng(0))) == [0, 1, 2]


def test_objects_are_judged_by_that_were_not_fitted_on():
    names = [f"thing{i}" for i in range(30)]
    fitted, kept = calibrate.halves(names)
    assert len(kept) == 10 and not set(fitted) & set(kept) and sorted(fitted + kept) == sorted(names)
    with pytest.raises(InputError, match="2 objects are too few"):
        calibrate.halves(names[:2])


def test_the_command_fits_writes_and_measures(tmp_path, capsys):
    for suffix in (".pt", ".md", ".png"):
        shutil.copy(resources.find("models/default.pt").with_suffix(suffix), tmp_path / f"a{suffix}")
    fit = [str(tmp_path / "a.pt"), *FEW, "--logs", str(tmp_path / "logs"), "--json", str(tmp_path / "a.json")]
    assert run_command(calibrate.main, [*fit, "--out", str(tmp_path / "b.pt")]) == 0
    assert "log loss of" in capsys.readouterr().out
    told = json.loads((tmp_path / "a.json").read_text())
    _, meta = networks.load(tmp_path / "b.pt", "cpu")
    by = PickCalibration.of_model(meta)
    better = told["kept_losses"][1] < told["kept_losses"][0]
    assert (by != PickCalibration()) == better and by.scale == told["calibration"]["scale"]
    written = (tmp_path / "b.md").read_text()
    assert written.startswith(card(tmp_path / "b.pt", meta)) and "Calibrated against picks" in written
    below = (tmp_path / "a.md").read_text().split("\n## Data and model in one command")[1:]
    assert written.split("\n## Data and model in one command")[1:] == below

    logs = {p.name: p.read_text() for p in (tmp_path / "logs").iterdir()}
    assert run_command(calibrate.main, [*fit, "--out", str(tmp_path / "c.pt")]) == 0  # nothing is executed again
    assert logs == {p.name: p.read_text() for p in (tmp_path / "logs").iterdir()}
    again = PickCalibration.of_model(networks.load(tmp_path / "c.pt", "cpu")[1])
    assert again == by
