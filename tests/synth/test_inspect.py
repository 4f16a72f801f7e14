"""The report of a run says what its arrays say, and finds what is damaged."""

import json
from dataclasses import replace

import numpy as np
import pytest

from antipodal.errors import run_command
from antipodal.synth import inspect
from antipodal.synth.generate import generate
from antipodal.synth.objects.meshes import MeshOptions
from antipodal.synth.shards import column
from tests.synth_runs import SMALL, run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inspect") / "out"
    generate(folder, run(samples=400), MeshOptions(), workers=1)
    return folder


def test_the_report_counts_what_is_there(folder, capsys):
    assert inspect.main([str(folder)]) == 0
    text, labels = capsys.readouterr().out, column(folder, "labels")
    assert "400 of 400 samples, complete, seed 3" in text and "all checksums agree" in text
    assert f"label above 0.5: {np.mean(labels > 0.5):.1%}" in text
    for i in np.unique(column(folder, "objects")):
        assert f"{np.mean(labels[column(folder, 'objects') == i]):.2f}" in text
    assert (folder / "crop_sheet.png").read_bytes()[:4] == b"\x89PNG"


def test_pixel_crops_are_drawn(tmp_path):
    generate(tmp_path / "out", run(samples=72, options=replace(SMALL, pixel_window=96)), MeshOptions(), workers=1)
    assert inspect.main([str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "crop_sheet.png").read_bytes()[:4] == b"\x89PNG"


def test_the_html_report_holds_it_all(folder, tmp_path):
    assert inspect.main([str(folder), "--report", str(tmp_path / "data.html")]) == 0
    text, labels = (tmp_path / "data.html").read_text(), column(folder, "labels")
    assert f"<b>{np.mean(labels > 0.5):.1%}</b>" in text and "all agree" in text
    assert text.count("<svg") == 3 and "://" not in text
    pictures = 1 + len(np.unique(column(folder, "objects")))  # the sheet, and a crop of each mesh
    assert text.count("data:image/jpeg") == pictures


def test_as_json_it_says_the_same(folder, capsys):
    assert inspect.main([str(folder), "--json", "-"]) == 0
    told, labels = json.loads(capsys.readouterr().out), column(folder, "labels")
    assert (told["samples"], told["wanted"], told["complete"], told["damaged"]) == (400, 400, True, [])
    assert told["mean_label"] == pytest.approx(labels.mean()) and sum(told["histogram"]) == 400
    assert sum(mesh["samples"] for mesh in told["meshes"].values()) == 400


def test_bars_are_as_long_as_their_counts():
    lines = inspect.histogram(np.array([0.05] * 10 + [0.95] * 20), width=40)
    assert lines[1].count("#") == 20 and lines[10].count("#") == 40 and lines[5].count("#") == 0


def test_damage_makes_the_command_fail(folder, capsys):
    file = folder / "shards" / "000000" / "friction.npy"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(bytes(data))
    assert run_command(inspect.main, [str(folder)]) == 2
    assert "damaged" in capsys.readouterr().out


def test_a_folder_that_is_no_run_is_refused(tmp_path, capsys):
    assert run_command(inspect.main, [str(tmp_path)]) == 2
    assert "manifest.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    "manifest, complaint",
    [
        ("[]", "is not of antipodal generate: it has no run, meshes, complete"),
        ('{"run": 3, "meshes": [], "complete": true}', "it has no run"),
        ('{"run": {}, "meshes": [], "complete": true}', "it has no run.samples, run.seed, run.gripper"),
        ('{"run": {"samples": 1, "seed": 0, "gripper": {}}, "meshes": [], "complete": true}', "no finished shard"),
        ("[" * 100_000, "nested too deep"),
    ],
)
def test_a_manifest_of_something_else_is_refused(tmp_path, capsys, manifest, complaint):
    (tmp_path / "manifest.json").write_text(manifest)
    assert run_command(inspect.main, [str(tmp_path)]) == 2
    assert complaint in capsys.readouterr().err
