"""Two models on the same kept-out samples and scenes: a model equals itself, swapping the two swaps the signs."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from antipodal import compare, networks
from antipodal.camera import Camera
from antipodal.errors import InputError, run_command
from antipodal.grasp import Gripper
from antipodal.suction_cup import SuctionCup
from antipodal.synth.generate import generate
from antipodal.synth.objects.meshes import MeshOptions
from antipodal.synth.options import GenerateOptions
from antipodal.synth.run import Run
from antipodal.training.samples import open_folders, split_by_object

CAMERA = Camera(fx=400.0, fy=400.0, cx=320.0, cy=240.0, width=640, height=480)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two folders of samples, for two grippers."""
    root = tmp_path_factory.mktemp("data")
    options = GenerateOptions(grasps=12, views=2, shard_poses=3)
    for seed, width in enumerate((0.085, 0.05)):
        run = Run("procedural:30", (), Gripper(max_width=width), CAMERA, options, 1500, seed)
        generate(root / str(seed), run, MeshOptions(), workers=1)
    return [str(root / "0"), str(root / "1")]


def save(path, data, seed):
    """A model of random weights, as training on `data` would have left it."""
    torch.manual_seed(seed)
    meta = {"options": {"data": data, "split_seed": 0}, "data": {"digest": open_folders(data).digest()}}
    networks.save(path, networks.GraspNetwork(), meta)
    return path


def test_a_model_beside_itself_differs_in_nothing_and_a_stopped_run_goes_on(data, tmp_path):
    first = save(tmp_path / "first.pt", data, 0)
    again = save(tmp_path / "again.pt", data, 0)
    told = compare.compare(first, again, tmp_path / "out", scenes=3, workers=1)
    assert told.startswith("## Against the general model\n| objects kept out | first.pt | again.pt | difference |")
    assert told.count("0.0000 [0.0000, 0.0000]") == 2 and "same 3 scenes" in told and "| +0 |" in told
    assert "Only first.pt held in 0 of the scenes, only again.pt in 0" in told
    logs = {p: p.read_text() for p in (tmp_path / "out").glob("*.jsonl")}
    assert sorted(len(text.splitlines()) - 1 for text in logs.values()) == [1, 1, 2, 2]  # two folders, two models
    widths = {json.loads(text.splitlines()[0])["options"]["gripper"]["max_width"] for text in logs.values()}
    assert widths == {0.085, 0.05}
    assert compare.compare(first, again, tmp_path / "out", scenes=3, workers=1) == told
    assert {p: p.read_text() for p in logs} == logs


def test_swapping_two_models_swaps_their_figures_and_signs(data, tmp_path):
    models = [save(tmp_path / f"{seed}.pt", data, seed) for seed in range(2)]
    samples = open_folders(data)
    test = split_by_object(samples, 0).test
    rows, swapped = compare.on_samples(models, samples, test), compare.on_samples(models[::-1], samples, test)
    assert sorted(rows) == ["AP", "AUC"]
    for name, (first, second, (value, low, high)) in rows.items():
        assert first[1] <= first[0] <= first[2] and first[0] != second[0] and low <= value <= high
        assert value == pytest.approx(first[0] - second[0])
        assert swapped[name][:2] == [second, first]
        np.testing.assert_allclose(swapped[name][2], [-value, -high, -low])


def test_one_object_has_no_interval_and_no_scene_no_share(data, tmp_path):
    models = [save(tmp_path / f"{seed}.pt", data, seed) for seed in range(2)]
    samples = open_folders(data)
    one = np.flatnonzero(samples.objects == samples.objects[0])
    rows = compare.on_samples(models, samples, one)
    assert all(value[1:] == [None, None] for values in rows.values() for value in values)
    told = compare.section("a", "b", rows, compare.Held())
    assert told.count("one object: no interval") == 6 and "picks" not in told and "%" not in told.split("Intervals")[0]
    compare.write_comparison_page(tmp_path / "r.html", "a", "b", rows, compare.Held())
    assert "one object: no interval" in (tmp_path / "r.html").read_text()


def test_picks_are_counted_by_scene():
    first, second = {0: True, 1: True, 2: False, 3: False, 4: True}, {0: True, 1: False, 2: True, 3: False, 9: True}
    assert compare.count(first, second) == compare.Held(4, 1, 1, 1)
    assert compare.count(first, second) + compare.count(first, first) == compare.Held(9, 4, 1, 1)


def test_trials_take_only_objects_that_were_kept_out():
    run = Run("meshes", (), Gripper(), CAMERA, GenerateOptions(), 1, 0).to_dict()
    options = compare.trial_options({"run": run, "meshes": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}, {"b", "x"})
    assert options.only == ("b",) and options.gripper == Gripper() and options.camera == CAMERA
    low, high = run["options"]["cameras"]["radius"]
    assert low < options.height < high and options.noise == GenerateOptions().noise


def test_models_of_unknown_or_changed_data_are_refused(data, tmp_path):
    networks.save(tmp_path / "bare.pt", networks.GraspNetwork(), {})
    with pytest.raises(InputError, match=r"bare\.pt was not trained here: its data are needed"):
        compare.compare(tmp_path / "bare.pt", tmp_path / "bare.pt", tmp_path, 1, 1)
    meta = {"options": {"data": data, "split_seed": 0}, "data": {"digest": "0"}}
    networks.save(tmp_path / "old.pt", networks.GraspNetwork(), meta)
    with pytest.raises(InputError, match=r"the data that .*old\.pt was trained on have changed"):
        compare.compare(tmp_path / "old.pt", tmp_path / "old.pt", tmp_path, 1, 1)


def test_the_command_line_says_what_is_wrong(tmp_path, capsys):
    assert run_command(compare.main, [str(tmp_path / "none.pt"), "--out", str(tmp_path)]) == 2
    assert "no model file" in capsys.readouterr().err


def test_the_html_report_states_the_figures(tmp_path):
    rows = {"AP": [[0.9, 0.8, 0.95], [0.85, 0.8, 0.9], [0.05, -0.01, 0.1]]}
    compare.write_comparison_page(tmp_path / "r.html", "mine.pt", "other.pt", rows, compare.Held(60, 50, 4, 2))
    text = (tmp_path / "r.html").read_text()
    assert "90.0 %" in text and "0.9000 [0.8000, 0.9500]" in text and "0.0500 [-0.0100, 0.1000]" in text
    assert "only mine.pt" in text and "width:83.33%" in text and "://" not in text


def test_the_html_report_shows_the_picks_of_both_models(data, tmp_path, capsys):
    models = [save(tmp_path / f"{name}.pt", data, seed) for seed, name in enumerate(("mine", "other"))]
    page = tmp_path / "r.html"
    arguments = [str(models[0]), "--against", str(models[1]), "--out", str(tmp_path / "out"), "--scenes", "4"]
    assert run_command(compare.main, [*arguments, "--report", str(page)]) == 0
    text = page.read_text()
    for title in (
        "Outcomes",
        "Objects",
        "Calibration and latency",
        "Time of a plan: mine.pt",
        "Time of a plan: other.pt",
    ):
        assert title in text
    picked = {name for log in (tmp_path / "out").glob("*.json") for name in json.loads(log.read_text())["objects"]}
    assert picked and all(name in text for name in picked) and "://" not in text


def test_models_of_the_same_file_name_are_told_apart(data, tmp_path, capsys):
    folders = [tmp_path / name for name in ("mine", "other")]
    for folder in folders:
        folder.mkdir()
    models = [str(save(folder / "model.pt", data, seed)) for seed, folder in enumerate(folders)]
    arguments = [models[0], "--against", models[1], "--out", str(tmp_path / "out"), "--scenes", "2"]
    assert run_command(compare.main, [*arguments, "--report", str(tmp_path / "r.html")]) == 0
    text = (tmp_path / "r.html").read_text()
    for model in models:
        assert f"Time of a plan: {model}" in text and f"<h2>{model}</h2>" in text and f"only {model}" in text
    assert f"| objects kept out | {models[0]} | {models[1]} |" in capsys.readouterr().out
    card = text.partition("<h2>Card</h2>")[2]
    assert card.count(f"<td>{models[0]} and {models[1]}</td>") == 2  # one card a folder of data
    assert compare.names_apart(Path("a.pt"), Path("a.pt")) == ("a.pt", "a.pt again")


@pytest.mark.parametrize("scale, units", [(1.0, "m"), (0.001, "mm"), (0.0254, "in")])
def test_trials_take_the_mesh_files_in_the_datas_units(data, scale, units):
    manifest = json.loads((Path(data[0]) / "manifest.json").read_text())
    manifest["mesh_options"]["scale"] = scale
    assert compare.trial_options(manifest, set()).units == units


def test_a_scale_that_is_no_unit_is_refused():
    with pytest.raises(InputError, match=r"scaled by 0\.5, which is no unit"):
        compare.units_of(0.5)


def test_models_of_a_cup_are_compared_elsewhere():
    run = {"gripper": SuctionCup.load("piab_b30").to_dict(), "meshes": "procedural:5", "options": {}}
    with pytest.raises(InputError, match=r"piab_b30 is a suction cup: compare its models by antipodal\.sim\.evaluate"):
        compare.trial_options({"run": run, "meshes": []}, set())
