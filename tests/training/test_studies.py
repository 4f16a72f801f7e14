"""The benchmarks' own arithmetic, and the table over cameras and grippers at its smallest."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import runs  # noqa: E402
import sampling  # noqa: E402


def test_samples_to_a_loss_are_interpolated_or_never():
    curve = np.array([[10, 0.8], [20, 0.6], [30, 0.7], [40, 0.5]])
    assert sampling.samples_to(curve, 0.7) == pytest.approx(15)
    assert sampling.samples_to(curve, 0.55) == pytest.approx(37.5)
    assert sampling.samples_to(curve, 0.9) == 10 and sampling.samples_to(curve, 0.4) == np.inf


def test_a_curve_needs_as_many_samples_as_itself_and_one_twice_as_fast_half():
    curve = np.array([[10, 0.8], [20, 0.6], [40, 0.5]])
    assert sampling.ratio(curve, curve) == 1.0
    assert sampling.ratio(curve, curve * [0.5, 1]) == pytest.approx(0.5)
    assert sampling.ratio(curve, curve + np.array([0, 0.01])) == np.inf


def test_a_mean_has_students_interval():
    mean, low, high = runs.mean_interval([1.0, 2.0, 3.0])
    assert (
        mean == 2.0
        and high - mean == pytest.approx(4.3027 / np.sqrt(3), rel=1e-4)
        and mean - low == pytest.approx(high - mean)
    )
    assert np.isnan(runs.mean_interval([1.0])[1]) and runs.mean_interval([1.0])[0] == 1.0


def test_a_study_of_other_settings_is_not_mixed_in(tmp_path):
    runs.remember(tmp_path / "setup.json", {"samples": 1})
    runs.remember(tmp_path / "setup.json", {"samples": 1})
    with pytest.raises(SystemExit, match="give another --out"):
        runs.remember(tmp_path / "setup.json", {"samples": 2})


def test_the_table_of_cameras_and_grippers_is_made_and_goes_on(tmp_path):
    command = [sys.executable, str(ROOT / "benchmarks/anywhere.py"), "--objects", "procedural:3", "-n", "1"]
    command += ["--cameras", *(str(ROOT / f"config/cameras/{c}.yaml") for c in ("phoxi_s", "primesense"))]
    command += ["--grippers", str(ROOT / "config/grippers/yumi.yaml"), "--openings", "0.14", "--out", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    tables, logs = [], []
    for _ in range(2):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        tables.append(done.stdout)
        logs.append({p.name: p.read_text() for p in tmp_path.glob("*.jsonl")})
    assert tables[0] == tables[1] and logs[0] == logs[1] and len(logs[0]) == 4
    assert tables[0].splitlines()[0].startswith("| held / picks (no grasp) | phoxi_s | primesense | all [95 %] |")
    cells = json.loads((tmp_path / "anywhere.json").read_text())["cells"]
    assert {c["picks"] for row in cells.values() for c in row.values()} == {1} and "2F-85 at 140 mm" in cells
    noise = [json.loads(text.splitlines()[0])["options"]["noise"]["baseline"] for text in logs[0].values()]
    assert sorted(noise) == [0.075, 0.075, 0.17, 0.17]  # each camera's own
