"""Runs: the same bytes whatever the workers and interruptions, honest manifests, clear refusals; and their reader."""

import dataclasses
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh

from antipodal.errors import InputError, run_command
from antipodal.files import only_writer, read_json, remove_leftovers
from antipodal.grasp import Gripper
from antipodal.synth import generate as command
from antipodal.synth import shards
from antipodal.synth.generate import generate
from antipodal.synth.grippers import write_gripper
from antipodal.synth.objects.meshes import MeshOptions
from antipodal.synth.objects.piles import PileOptions
from antipodal.synth.options import preset
from antipodal.synth.run import Run, missing_shards
from antipodal.synth.shards import ShardDataset, column, damaged, shard_folders
from antipodal.training.samples import open_folders
from tests.synth_runs import CAMERA, SMALL, digest, run

WORLD = {**os.environ, "PYTHONPATH": str(Path(command.__file__).parents[2])}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "out"
    return folder, generate(folder, run(), MeshOptions(), workers=1)


def test_bytes_do_not_depend_on_the_workers(made, tmp_path):
    generate(tmp_path / "two", run(), MeshOptions(), workers=2)
    assert digest(made[0]) == digest(tmp_path / "two")
    generate(tmp_path / "seed", run(seed=4), MeshOptions(), workers=1)
    assert digest(made[0]) != digest(tmp_path / "seed")


def test_a_run_resumes_where_it_was_stopped(made, tmp_path):
    for stop in (made[0], tmp_path / "again"):
        if stop != made[0]:
            generate(stop, run(), MeshOptions(), workers=1)
    again = tmp_path / "again"
    for p in (again / "shards" / "000001").iterdir():
        p.unlink()
    (again / "shards" / "000001").rmdir()
    manifest = read_json(again / "manifest.json")
    (again / "manifest.json").write_text(json.dumps({**manifest, "complete": False}))
    assert missing_shards(again, run()) == [1]
    generate(again, run(), MeshOptions(), workers=1)
    assert digest(again) == digest(made[0])
    assert read_json(again / "manifest.json") == read_json(made[0] / "manifest.json")


def test_the_manifest_counts_and_every_field_is_there(made):
    folder, manifest = made
    assert manifest["samples"] == len(ShardDataset(folder)) == 200
    assert manifest["complete"] and manifest["run"]["seed"] == 3
    for name in shards.FIELDS:
        assert len(column(folder, name)) == 200
    which, labels = column(folder, "objects"), column(folder, "labels")
    for i, mesh in enumerate(manifest["meshes"]):
        assert mesh["samples"] == np.sum(which == i)
        if mesh["samples"]:
            assert mesh["positive"] == pytest.approx(labels[which == i].mean(), abs=1e-3)
    assert [damaged(s) for s in shard_folders(folder)] == [[], [], []]


def test_views_of_a_grasp_share_its_label_and_not_its_crop(made):
    crops, labels = column(made[0], "crops"), column(made[0], "labels")
    scene, view, grasp = (column(made[0], n) for n in ("scene", "view", "grasp"))
    first, second = (np.flatnonzero((scene[:72] == 0) & (view[:72] == v)) for v in (0, 1))
    np.testing.assert_array_equal(grasp[first], grasp[second])
    np.testing.assert_array_equal(labels[first], labels[second])
    assert not np.array_equal(crops[first], crops[second])


def test_batches_hold_what_the_arrays_hold(made):
    data = ShardDataset(made[0])
    index = np.random.default_rng(0).permutation(200)
    batch = data.__getitems__(index)
    assert batch["crops"].shape == (200, 1, 32, 32) and batch["crops"].dtype == torch.float32
    stored = column(made[0], "crops")[index].astype(np.float64) * 2 / 65535 - 1
    np.testing.assert_allclose(batch["crops"][:, 0].numpy(), stored, atol=1e-6)
    np.testing.assert_array_equal(batch["labels"].numpy(), data.labels[index])
    np.testing.assert_array_equal(batch["objects"].numpy(), data.objects[index])
    np.testing.assert_array_equal(batch["conditions"].numpy(), column(made[0], "conditions")[index])
    np.testing.assert_allclose(0.085 * batch["heights"].numpy(), column(made[0], "height")[index], rtol=1e-6)
    assert (batch["labels"] >= 0).all() and (batch["labels"] <= 1).all()
    again = pickle.loads(pickle.dumps(data))[7]
    np.testing.assert_array_equal(again["crops"].numpy(), data[7]["crops"].numpy())
    with pytest.raises(IndexError):
        data.__getitems__([200])


def test_a_grasps_height_is_how_far_below_it_the_table_appears(made):
    deepest = 0.085 * (np.quantile(column(made[0], "crops"), 0.9, axis=(1, 2)) * 2 / 65535 - 1)
    height = column(made[0], "height")
    assert (height >= 0).all()
    assert np.quantile(np.abs(deepest - height), 0.8) < 0.004  # noise, and a view that leans by a degree or so


def test_shards_from_before_heights_were_kept_are_read_without(made, tmp_path):
    shutil.copytree(made[0], tmp_path / "old")
    manifest = read_json(tmp_path / "old" / "manifest.json")
    del manifest["fields"]["height"]
    (tmp_path / "old" / "manifest.json").write_text(json.dumps(manifest))
    batch = ShardDataset(tmp_path / "old").__getitems__([0, 1])
    assert torch.isnan(batch["heights"]).all() and torch.isfinite(batch["crops"]).all()


def test_quantised_crops_come_back():
    crops = np.random.default_rng(0).uniform(-1, 1, (3, 32, 32)).astype(np.float32)
    np.testing.assert_allclose(shards.quantise(crops) * (2 / 65535) - 1, crops, atol=2e-5)
    np.testing.assert_array_equal(shards.quantise(np.array([-1.0, 1.0], np.float32)), [0, 65535])


def test_another_runs_folder_is_refused_and_says_what_differs(made):
    with pytest.raises(InputError, match="seed is 3 there, 9 here"):
        generate(made[0], run(seed=9), MeshOptions())
    with pytest.raises(InputError, match="options is"):
        generate(made[0], run(options=dataclasses.replace(SMALL, grasps=13)), MeshOptions())


def test_a_run_begun_before_an_option_existed_goes_on_with_its_default(made, tmp_path):
    manifest = read_json(made[0] / "manifest.json")
    del manifest["run"]["options"]["piles"]
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    assert generate(tmp_path, run(), MeshOptions()) == manifest
    clutter = dataclasses.replace(SMALL, piles=PileOptions(objects=3))
    with pytest.raises(InputError, match="options is"):
        generate(tmp_path, run(options=clutter), MeshOptions())


def test_folders_that_cannot_be_used_are_refused(tmp_path, monkeypatch):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("")
    with pytest.raises(InputError, match="not empty"):
        generate(tmp_path / "full", run(), MeshOptions())
    with pytest.raises(InputError, match="cannot make"):
        generate(tmp_path / "full" / "thesis.tex" / "out", run(), MeshOptions())
    monkeypatch.setattr(command.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 1000})())
    with pytest.raises(InputError, match="GB are free"):
        generate(tmp_path / "small", run(), MeshOptions(), workers=1)


def test_a_disk_that_fills_up_leaves_no_half_shard(tmp_path, monkeypatch):
    def full(file, array, **options):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(InputError, match="No space left"):
        shards.write_shard(tmp_path, 0, {"labels": np.zeros(3, np.float32)})
    assert not list((tmp_path / "shards").iterdir())


def test_bad_meshes_are_listed_with_the_reason_and_excluded_ones_kept_out(tmp_path):
    folder = tmp_path / "meshes"
    folder.mkdir()
    for name in ("a", "b"):
        trimesh.creation.box([0.03, 0.04, 0.05]).export(folder / f"{name}.stl")
    (folder / "broken.stl").write_bytes(b"solid nothing")
    (folder / "huge.obj").write_text("v 0 0 0\nv 9 0 0\nv 0 9 0\nv 0 0 9\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n")
    manifest = generate(tmp_path / "out", run(str(folder), 30, exclude=("b.stl",)), MeshOptions(), workers=1)
    status = {m["name"]: m["status"] for m in manifest["meshes"]}
    assert status["a.stl"] == "used" and status["b.stl"] == "excluded"
    assert "broken.stl" in status["broken.stl"] and "is the scale" in status["huge.obj"]
    assert set(column(tmp_path / "out", "objects")) == {0}
    with pytest.raises(InputError, match=r"e\.g\. c\.stl"):
        generate(tmp_path / "no", run(str(folder), 30, exclude=("c.stl",)), MeshOptions())


def test_damage_is_found(made, tmp_path):
    shards.write_shard(tmp_path, 0, {"labels": np.zeros(9, np.float32), "angle": np.ones(9, np.float32)})
    file = tmp_path / "shards" / "000000" / "angle.npy"
    file.write_bytes(file.read_bytes()[:-1] + b"\1")
    assert damaged(tmp_path / "shards" / "000000") == ["angle"]


def test_a_folder_without_a_run_is_no_dataset(tmp_path):
    with pytest.raises(InputError, match=r"manifest\.json"):
        ShardDataset(tmp_path)


def test_the_command_survives_being_killed_and_resumes(tmp_path):
    """Kill -9 in mid-run, then the same command: the bytes are those of a run that nothing happened to."""
    write_gripper(Gripper(name="test"), tmp_path / "g.yaml", "test")
    (tmp_path / "c.yaml").write_text("fx: 400\nfy: 400\ncx: 320\ncy: 240\nwidth: 640\nheight: 480\n")
    words = [
        "--meshes",
        "procedural:4",
        "--gripper",
        "g.yaml",
        "--camera",
        "c.yaml",
        "--samples",
        "20000",
        "--workers",
        "1",
    ]
    source = str(Path(command.__file__).parents[2])
    start = [sys.executable, "-m", "antipodal.synth.generate", *words, "--out"]
    world = dict(cwd=str(tmp_path), env={**os.environ, "PYTHONPATH": source}, stderr=subprocess.PIPE)
    process = subprocess.Popen([*start, "killed"], start_new_session=True, **world)
    deadline = time.time() + 60
    while not (tmp_path / "killed/shards/000000/shard.json").exists() and time.time() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not read_json(tmp_path / "killed" / "manifest.json")["complete"]
    done = subprocess.run([*start, "killed"], **world)
    assert done.returncode == 0, done.stderr
    same = Run("procedural:4", [], Gripper(name="test"), CAMERA, preset("default"), 20000, 0)
    generate(tmp_path / "whole", same, MeshOptions(), workers=1)
    assert read_json(tmp_path / "whole" / "manifest.json")["run"] == read_json(tmp_path / "killed/manifest.json")["run"]
    assert digest(tmp_path / "killed") == digest(tmp_path / "whole")
    assert len(ShardDataset(tmp_path / "killed")) == 20000


def test_the_command_refuses_in_words(tmp_path, capsys):
    words = ["--meshes", "nowhere", "--gripper", "g.yaml", "--camera", "c.yaml", "--samples", "10", "--out", "x"]
    assert run_command(command.main, words) == 2
    assert "g.yaml" in capsys.readouterr().err


def test_presets():
    assert preset("dexnet2").cameras.radius == (0.65, 0.75)
    with pytest.raises(InputError, match="default, dexnet2"):
        preset("dexnet3")


def boxes(folder, *names):
    folder.mkdir(exist_ok=True)
    for i, name in enumerate(names):
        trimesh.creation.box((0.03 + 0.005 * i, 0.04, 0.06)).export(folder / name)
    return str(folder)


def test_one_object_in_several_files_is_used_once(tmp_path):
    source = boxes(tmp_path / "meshes", "a.obj", "b.obj")
    trimesh.creation.box((0.03, 0.04, 0.06)).export(tmp_path / "meshes" / "a_again.stl")
    trimesh.creation.box((0.06, 0.08, 0.12)).export(tmp_path / "meshes" / "large.ply")  # the same shape, twice the size
    manifest = generate(tmp_path / "out", run(meshes=source), MeshOptions(), workers=1)
    status = {m["name"]: m["status"] for m in manifest["meshes"]}
    assert status == {"a.obj": "used", "a_again.stl": "the same object as a.obj", "b.obj": "used", "large.ply": "used"}
    samples = open_folders([str(tmp_path / "out")])
    assert list(samples.names) == ["a.obj", "b.obj"]  # one shape is one object of the split
    assert len(np.unique(samples.objects)) == 2


@pytest.mark.parametrize(
    "change, word", [("changed", "1 changed, e.g. b.stl"), ("removed", "1 removed"), ("added", "1 added")]
)
def test_meshes_that_change_during_a_run_are_refused(tmp_path, change, word):
    source, out = boxes(tmp_path / "meshes", "a.stl", "b.stl"), tmp_path / "out"
    generate(out, run(meshes=source), MeshOptions(), workers=1)
    manifest = read_json(out / "manifest.json")
    (out / "manifest.json").write_text(json.dumps({**manifest, "complete": False}))
    if change == "removed":
        (tmp_path / "meshes" / "b.stl").unlink()
    else:
        trimesh.creation.icosphere(radius=0.02).export(
            tmp_path / "meshes" / {"changed": "b.stl", "added": "c.stl"}[change]
        )
    with pytest.raises(InputError, match=word):
        generate(out, run(meshes=source), MeshOptions(), workers=1)


def test_other_units_are_another_run(made):
    with pytest.raises(InputError, match=r"scale is 1\.0 there, 0\.001 here"):
        generate(made[0], run(), MeshOptions(scale=0.001), workers=1)


def test_a_folder_has_one_writer(tmp_path):
    with only_writer(tmp_path):
        held = "import sys; from pathlib import Path; from antipodal.files import only_writer\n"
        held += "with only_writer(Path(sys.argv[1])): print('in')"
        ran = subprocess.run([sys.executable, "-c", held, str(tmp_path)], capture_output=True, text=True, env=WORLD)
        assert "another process is writing" in ran.stderr and ran.stdout == ""
    ran = subprocess.run([sys.executable, "-c", held, str(tmp_path)], capture_output=True, text=True, env=WORLD)
    assert ran.stdout == "in\n"


POOL = """
import os, time
from antipodal.synth.workers import worker_pool
with worker_pool(1) as pool:
    print(pool.submit(os.getpid).result(), flush=True)
    pool.submit(time.sleep, 60)
    time.sleep(60)
"""


def test_workers_end_with_the_process_that_started_them(tmp_path):
    """Which may be killed alone, as the system does when memory runs out."""
    process = subprocess.Popen([sys.executable, "-c", POOL], stdout=subprocess.PIPE, text=True, env=WORLD)
    worker = int(process.stdout.readline())
    process.kill()
    process.wait()
    deadline = time.time() + 20
    while Path(f"/proc/{worker}/stat").exists() and time.time() < deadline:
        if Path(f"/proc/{worker}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
            break
        time.sleep(0.05)
    assert time.time() < deadline


SIGNALLED = """
import os, signal, threading, time
from antipodal.synth.workers import worker_pool
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()  # takes signals that the main thread masks
os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), signal.SIGINT) or time.sleep(0.2))
try:
    with worker_pool(1) as pool:
        pool.submit(time.sleep, 60)
        time.sleep(60)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_a_signal_while_a_worker_starts_is_not_lost():
    ran = subprocess.run([sys.executable, "-c", SIGNALLED], capture_output=True, text=True, env=WORLD, timeout=40)
    assert (ran.stdout, ran.stderr, ran.returncode) == ("interrupted\n", "", 0)


def test_leftovers_of_killed_writers_are_removed(tmp_path):
    for name in (".labels.npy.123.0a1b2c3d.tmp", ".000001.123.0a1b2c3d.tmp/crops.npy", "mine.tmp", ".mine.tmp"):
        (tmp_path / "deep" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "deep" / name).write_text("")
    remove_leftovers(tmp_path)
    assert sorted(p.name for p in (tmp_path / "deep").iterdir()) == [".mine.tmp", "mine.tmp"]


def interrupted(folder, ready, number):
    """Code and last line of a generator that gets a signal as soon as `ready()`."""
    write_gripper(Gripper(name="test"), folder / "g.yaml", "test")
    (folder / "c.yaml").write_text("fx: 400\nfy: 400\ncx: 320\ncy: 240\nwidth: 640\nheight: 480\n")
    words = "--meshes procedural:4 --gripper g.yaml --camera c.yaml --samples 900000 --workers 1 --out out".split()
    with open(folder / "errors", "w") as errors:
        start = [sys.executable, "-m", "antipodal.synth.generate", *words]
        process = subprocess.Popen(start, cwd=str(folder), env=WORLD, stderr=errors)
        try:
            deadline = time.time() + 120
            while not ready(process) and time.time() < deadline:
                time.sleep(0.01)
            process.send_signal(number)
            return process.wait(60), (folder / "errors").read_text().replace("\r", "\n").strip().splitlines()
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_interrupted_at_work_says_how_to_go_on(tmp_path, number):
    code, lines = interrupted(tmp_path, lambda process: (tmp_path / "out" / "manifest.json").exists(), number)
    assert code == 130 and lines[-1] == "interrupted: the same command goes on with the run"
    assert "Traceback" not in " ".join(lines)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="looks into /proc")
def test_a_command_interrupted_while_it_loads_ends_too(tmp_path):
    loading = lambda process: "libtorch" in Path(f"/proc/{process.pid}/maps").read_text()  # noqa: E731
    code, lines = interrupted(tmp_path, loading, signal.SIGINT)
    assert code == 130 and lines == ["interrupted: the same command goes on with the run"]


def options_of(*words):
    base = [
        "--meshes",
        "procedural:2",
        "--gripper",
        "yumi",
        "--camera",
        "realsense_d435",
        "--samples",
        "10",
        "--out",
        "x",
    ]
    return command._generate_options(command._parser().parse_args([*base, *words]))


def test_every_option_is_reached_by_a_file_and_by_name(tmp_path):
    (tmp_path / "mine.yaml").write_text("cameras: {polar: [0, 0.2], offset: 0.01}\ngrasps: 7\n")
    options = options_of("--options", str(tmp_path / "mine.yaml"), "--set", "grasps=8", "--clutter", "3")
    assert options.cameras.polar == (0.0, 0.2) and options.cameras.offset == 0.01
    assert options.grasps == 8 and options.piles.objects == 3  # the command line counts more than the file
    assert options.cameras.radius == (0.4, 0.95) and options.noise.baseline == 0.05  # of the camera's file


@pytest.mark.parametrize(
    "words, complaint",
    [
        (["--set", "cameras.poler=[0,1]"], r"did you mean cameras\.polar"),
        (["--set", "polar=[0,1]"], "unknown option polar"),
        (["--set", "grasps=many"], "grasps must be int"),
        (["--options", "nothing.yaml"], r"no option file .*nothing\.yaml"),
    ],
)
def test_options_that_do_not_exist_are_refused(words, complaint):
    with pytest.raises(InputError, match=complaint):
        options_of(*words)


def test_options_that_came_with_the_package_are_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    by_name, by_path = options_of("--options", "suction"), options_of("--options", "config/generate/suction.yaml")
    assert by_name == by_path != options_of()
    with pytest.raises(InputError, match=r"no option file .*mine.*came by name: leaning, suction"):
        options_of("--options", "mine")
