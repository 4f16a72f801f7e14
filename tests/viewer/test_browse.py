"""Training samples and picks are shown as their files say."""

import json
from dataclasses import replace

import numpy as np
import pytest

from antipodal.errors import InputError
from antipodal.networks.crops import EXTENT
from antipodal.sim import evaluate
from antipodal.synth.generate import generate
from antipodal.synth.objects.meshes import MeshOptions
from antipodal.synth.shards import column
from antipodal.viewer.dataset import DatasetPage, LabelledSamples
from antipodal.viewer.evaluation import FAILED, Evaluation, EvaluationPage
from tests.synth_runs import SMALL, run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "out"
    generate(folder, run(samples=400), MeshOptions(), workers=1)
    return folder


@pytest.fixture(scope="module")
def trials(tmp_path_factory):
    out = tmp_path_factory.mktemp("trials") / "out.json"
    evaluate.main(["--objects", "procedural:4", "-n", "4", "--policies", "centroid,random", "--json", str(out)])
    return out


@pytest.fixture
def server():
    pytest.importorskip("viser", reason="needs viser: pip install 'antipodal[viewer]'")
    from antipodal.viewer.server import make_server

    made = make_server(0, "x")
    yield made
    made.stop()


def test_kinds_of_samples_are_apart_and_complete(folder):
    data, labels = LabelledSamples(folder), column(folder, "labels")
    kinds = [set(data.chosen(kind)) for kind in ("holds", "fails")]
    assert not kinds[0] & kinds[1] and len(data.chosen("all")) == len(labels)
    assert set(data.chosen("hits on the way down")) == set(np.flatnonzero(column(folder, "collision")))
    assert (labels[data.chosen("holds")] > 0.5).all()


def test_the_surface_is_the_crop_in_metres(folder):
    data, index = LabelledSamples(folder), int(LabelledSamples(folder).chosen("holds")[0])
    surface, crop = data.surface(index), data.crop(index)
    assert len(surface) == (np.abs(crop) < 0.99).sum()
    half = EXTENT * data.gripper.max_width / 2
    assert np.abs(surface[:, :2]).max() <= half and surface[:, 2].min() == pytest.approx(
        crop[np.abs(crop) < 0.99].min() * data.gripper.max_width, abs=1e-6
    )
    middle = surface[(np.abs(surface[:, :2]) < 0.01).all(axis=1)]  # what holds lies between the jaws
    assert middle[:, 2].min() < surface[:, 2].max()


def test_the_page_of_samples_states_their_labels(server, folder):
    page = DatasetPage(server, folder)
    assert page.worker.wait()
    page.shown.value = "holds"
    page.slider.value = 3
    assert page.worker.wait()
    index = page.data.chosen("holds")[3]
    assert f"sample {index}," in page.head.content
    assert f"{column(folder, 'labels')[index]:.3f}" in page.crop.content
    page.worker.end()


def test_picks_are_those_of_the_log(server, trials):
    results, summary = Evaluation(trials), json.loads(trials.read_text())
    failures = sum(n for p in summary["policies"].values() for kind, n in p["outcomes"].items() if kind != "held")
    assert len(results.chosen(FAILED, "all")) == failures > 0
    assert all(results.image(pick).shape[0] > 8 for pick in results.chosen(FAILED, "all"))  # each has its picture
    assert {p.policy for p in results.chosen(FAILED, "random")} <= {"random"}
    page = EvaluationPage(server, trials)
    assert page.worker.wait()
    assert f"1 of {failures}" in page.head.content and "data:image/png" in page.picture.content
    page.worker.end()


def test_crops_without_a_scale_are_refused(tmp_path):
    generate(tmp_path / "o", run(samples=72, options=replace(SMALL, pixel_window=96)), MeshOptions(), workers=1)
    with pytest.raises(InputError, match="no scale in metres"):
        LabelledSamples(tmp_path / "o")


def test_other_files_are_refused(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(InputError, match="no summary"):
        Evaluation(tmp_path / "a.json")
    (tmp_path / "b.json").write_text('{"policies": {}}')
    with pytest.raises(InputError, match="not beside"):
        Evaluation(tmp_path / "b.json")
    for line in ("[1]", "{", "[" * 100_000):
        (tmp_path / "b.jsonl").write_text(f'{{"options": {{}}}}\n{line}\n')
        with pytest.raises(InputError, match=r"cannot read .*b\.jsonl"):
            Evaluation(tmp_path / "b.json")
    with pytest.raises(InputError):
        LabelledSamples(tmp_path)
