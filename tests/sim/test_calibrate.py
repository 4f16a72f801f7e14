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
from antipodal.sim.cell import SLEEP
from antipodal.sim.spread_picks import evenly_by_quality
from antipodal.sim.trials import TrialOptions
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


def outcomes(options, scenes, count, log):
    """In place of the cell: `count` picks a scene, which hold with log odds BETTER above their scores'."""
    rng = np.random.default_rng([scenes, len(options.only)])
    quality = rng.uniform(0.02, 0.98, (scenes, count))
    held = rng.random((scenes, count)) < 1 / (1 + np.exp(-(np.log(quality / (1 - quality)) + BETTER)))
    kinds = np.where(held, "held", "missed")
    return [
        {"scene": i, "quality": float(quality[i, k]), "best": k == 0, "kind": str(kinds[i, k])}
        for i in range(scenes)
        for k in range(count)
    ]


BETTER = 2.0
FIT = ["--objects", "procedural:6", "--singles", "240", "--heaps", "60", "--single-picks", "4", "--heap-picks", "4"]


@pytest.fixture
def model(tmp_path):
    """A copy of the shipped model with its card and curves."""
    for suffix in (".pt", ".md", ".png"):
        shutil.copy(resources.find("models/default.pt").with_suffix(suffix), tmp_path / f"a{suffix}")
    return tmp_path / "a.pt"


def test_what_helps_other_objects_is_in_the_file_and_on_the_card(model, monkeypatch, capsys):
    monkeypatch.setattr(calibrate, "spread_picks", outcomes)
    out = model.with_name("b.pt")
    fit = [str(model), *FIT, "--logs", str(model.parent / "logs")]
    assert run_command(calibrate.main, [*fit, "--out", str(out), "--json", str(model.with_name("a.json"))]) == 0
    assert "log loss of 400 kept picks" in capsys.readouterr().out
    told = json.loads(model.with_name("a.json").read_text())
    _, meta = networks.load(out, "cpu")
    by = PickCalibration.of_model(meta, "robotiq_2f85")
    assert by.scale == pytest.approx(1.0, abs=0.2) and by.shift == pytest.approx(BETTER, abs=0.3)
    assert told["calibration"] == by.numbers() and told["grasps"] == 800
    written, before = out.with_suffix(".md").read_text(), model.with_suffix(".md").read_text()
    below = before.split("\n## Data and model in one command")[1]
    assert (
        written.startswith(card(out, meta))
        and "Calibrated against picks of robotiq_2f85" in written
        and written.endswith(below)
    )
    assert out.with_suffix(".png").read_bytes() == model.with_suffix(".png").read_bytes()
    measured = calibrate.errors_of({"single": outcomes(TrialOptions("", ("x",)), 2000, 4, None)}, by)
    assert set(measured) == {"single", "first grasps"} and measured["first grasps"]["grasps"] == 2000
    assert measured["single"]["error_after"][0] < 0.05 < 0.2 < measured["single"]["error_before"][0]
    assert "| first grasps | 2000 |" in calibrate.error_table(measured)


def test_what_harms_the_first_grasps_is_not_written(model, monkeypatch, capsys):
    def hard_scenes(options, scenes, count, log):
        picks = outcomes(options, scenes, count, log)
        return [{**p, "quality": 0.1, "kind": "missed"} if p["best"] else p for p in picks]

    monkeypatch.setattr(calibrate, "spread_picks", hard_scenes)
    out = model.with_name("b.pt")
    assert run_command(calibrate.main, [str(model), *FIT, "--logs", str(model.parent), "--out", str(out)]) == 1
    assert "b.pt was not written" in capsys.readouterr().out and not out.exists()


def test_every_kind_of_scene_is_picked_and_counted_apart(tmp_path, monkeypatch):
    asked = []

    def noted(options, scenes, count, log):
        asked.append((options.scene, options.clutter, scenes, count))
        return [{"scene": scene} for scene in range(scenes)]

    monkeypatch.setattr(calibrate, "spread_picks", noted)
    scenes = calibrate.Scenes(singles=7, heaps=5, flats=4, single_picks=2, heap_picks=9)
    picks = calibrate.execute(TrialOptions("procedural:6"), scenes, tmp_path, "fitted")
    assert asked == [("table", (1, 1), 7, 2), ("table", (5, 8), 5, 9), ("flat", (5, 8), 4, 9)]
    assert [p["scene"] for p in calibrate.every(picks)] == list(range(16))
    part = scenes.part()
    assert (part.singles, part.heaps, part.flats) == (3, 2, 2)
    rest = scenes.without(part)
    assert (rest.singles, rest.heaps, rest.flats, rest.heap_picks) == (4, 3, 2, 9)


def test_a_refused_measurement_leaves_no_log(tmp_path):
    judge = ["default", "--objects", str(tmp_path / "missing"), "--logs", str(tmp_path / "logs")]
    assert run_command(calibrate.main, judge) == 2
    assert not list(tmp_path.rglob("*.jsonl"))


NEEDS_SLEEP = pytest.mark.skipif(not SLEEP, reason="MuJoCo before 3.4: some of the scenes have no pick by a cup")
CUP = pytest.param(["suction", "--gripper", "schmalz_fsga20"], marks=NEEDS_SLEEP)


@pytest.mark.parametrize("hand", [["default"], CUP], ids=["jaws", "cup"])
def test_picks_in_the_cell_are_executed_once_and_measured(hand, tmp_path, capsys):
    judge = [*hand, *FEW, "--logs", str(tmp_path / "logs")]
    assert run_command(calibrate.main, judge) == 0
    told = capsys.readouterr().out
    assert "| single |" in told and "| first grasps |" in told
    log = tmp_path / "logs" / "judged-single.jsonl"
    rows = [json.loads(line) for line in log.read_text().splitlines()[1:]]
    assert [r["scene"] for r in rows] == [0, 1, 2] and all(1 <= len(r["picks"]) <= 4 for r in rows)
    assert all(p["best"] == (k == 0) for r in rows for k, p in enumerate(r["picks"]))
    before = log.read_text()
    assert run_command(calibrate.main, judge) == 0
    assert capsys.readouterr().out == told and log.read_text() == before
