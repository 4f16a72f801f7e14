"""Training: it learns, goes on after a kill to the same weights, and many processes do what one does."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from learnable import Blocks
from ros_process import free_port

from antipodal import networks, train
from antipodal.errors import InputError, run_command
from antipodal.files import only_writer
from antipodal.training import augment
from antipodal.training.options import TrainOptions
from antipodal.training.processes import Group
from antipodal.training.samplers import ImportanceOptions, ImportanceSampler, UniformSampler, make_sampler
from antipodal.training.samples import Samples, open_folders, split_by_object
from antipodal.training.trainer import Trainer, learning_rate

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")


def toy():
    return Samples([Blocks(600), Blocks(400, objects=30, seed=1, name="more")])


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The toy as two folders of shards."""
    root = tmp_path_factory.mktemp("toy")
    return tuple(d.write(root / str(i)) for i, d in enumerate(toy().datasets))


@pytest.fixture
def options(folders, tmp_path):
    out = str(tmp_path / "m.pt")
    return train.TrainOptions(data=folders, out=out, batch=64, epochs=3, evaluate_every=320, device="cpu", lr=2e-3)


def make_trainer(options):
    data = open_folders(options.data)
    return Trainer(options, Group(CPU), data, split_by_object(data, options.split_seed))


def same(a, b):
    return all(torch.equal(a[k], b[k]) for k in a)


def test_training_learns_calibrates_and_writes_model_card_and_curves(options, tmp_path):
    options = replace(options, data=(Blocks(2000).write(tmp_path / "data"),))
    meta = train.train(replace(options, epochs=6, evaluate_every=3200, log=str(tmp_path / "log")), Group(CPU), "make")
    measured = meta["metrics"]
    assert measured["auc"] > 0.93 and measured["ap"] > 0.9 and measured["accuracy"] > 0.8
    assert measured["ece_after"] < 0.1
    network, read = networks.load(options.out, "cpu")
    assert float(network.temperature) == pytest.approx(measured["temperature"])
    assert len(network.examples[0]) == train.EXAMPLES
    assert read["data"]["digest"] == open_folders(options.data).digest() and read["command"] == "make"
    assert read["trained_for"] == [{"gripper": "toy"}]
    card = (tmp_path / "m.md").read_text()
    assert f"| auc | {measured['auc']:.4f} |" in card and "\n    make\n" in card
    parts = {
        part: re.search(f"- objects of the {part} part: (.*)", card).group(1).split(", ") for part in read["objects"]
    }
    assert parts == read["objects"] and [len(n) for n in parts.values()] == list(read["data"]["objects"].values())
    assert not set(parts["test"]) & {*parts["train"], *parts["validation"]}
    assert (tmp_path / "m.png").read_bytes()[:4] == b"\x89PNG"
    assert list((tmp_path / "log").iterdir())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data", "log", "m.md", "m.png", "m.pt"]


def test_the_same_seed_gives_the_same_weights_and_another_does_not(options):
    runs = []
    for seed in (0, 0, 1):
        trainer = make_trainer(replace(options, epochs=1, seed=seed))
        trainer.fit()
        runs.append(trainer.weights())
    assert same(runs[0], runs[1]) and not same(runs[0], runs[2])


def test_progress_moves_at_every_step(options):
    trainer, taken = make_trainer(replace(options, epochs=1)), []
    trainer.fit(advance=taken.append)
    assert taken == [step * options.batch for step in range(1, trainer.progress.step + 1)]
    assert len(taken) > len(trainer.history)


def test_reading_ahead_in_other_processes_changes_nothing(options):
    runs = [make_trainer(replace(options, epochs=1, workers=workers)) for workers in (0, 1)]
    for trainer in runs:
        trainer.fit()
    assert runs[0].history == runs[1].history and same(runs[0].weights(), runs[1].weights())


@pytest.mark.parametrize("sampler, killed_at", [("uniform", 14), ("importance", 33)])
def test_a_killed_run_goes_on_to_the_same_result(options, sampler, killed_at, monkeypatch):
    options = replace(options, sampler=sampler, epochs=3.5)
    whole = make_trainer(options)
    whole.fit()
    Path(options.checkpoint()).unlink()

    killed = make_trainer(options)
    step = Trainer._step

    def dying(self, *arguments):
        if self.progress.step == killed_at:
            raise KeyboardInterrupt
        step(self, *arguments)

    monkeypatch.setattr(Trainer, "_step", dying)
    with pytest.raises(KeyboardInterrupt):
        killed.fit()
    monkeypatch.undo()
    resumed = make_trainer(options)
    assert resumed.resume() and 0 < resumed.progress.step <= killed_at
    resumed.fit()
    assert resumed.history == whole.history
    assert same(resumed.weights(), whole.weights())


def arguments_of(options):
    """Those of the command that trains by `options` for 60 steps, with a checkpoint after every tenth."""
    run = ["--data", *options.data, "--out", options.out, "--device", "cpu", "--batch", str(options.batch)]
    return [*run, "--samples", "3840", "--evaluate-every", "640", "--sampler", "importance"]


KILLED = """
import os, signal, sys
from antipodal import train
from antipodal.training.trainer import Trainer

step = Trainer._step
def dying(self, *arguments):
    if self.progress.step == 33:
        os.kill(os.getpid(), signal.SIGKILL)
    step(self, *arguments)
Trainer._step = dying
train.main(sys.argv[1:])
"""


def test_a_process_killed_by_sigkill_goes_on_to_bit_identical_weights(options, capsys):
    def finish():
        assert train.main(arguments_of(options)) == 0
        return capsys.readouterr().err, networks.load(options.out, "cpu")

    before = torch.get_num_threads()
    torch.set_num_threads(1)  # as in the process that is killed
    _, (whole, meta) = finish()
    Path(options.out).unlink()
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    killed = subprocess.run([sys.executable, "-c", KILLED, *arguments_of(options)], env=environment, timeout=300)
    assert killed.returncode == -signal.SIGKILL
    assert Path(options.checkpoint()).exists() and not Path(options.out).exists()

    told, (resumed, again) = finish()
    torch.set_num_threads(before)
    assert "going on at step 30 of 60" in told  # from a checkpoint that the killed process had written
    assert again["history"] == meta["history"] and again["metrics"] == meta["metrics"]
    assert same(resumed.state_dict(), whole.state_dict())


def test_a_finished_run_stays_until_its_options_or_data_change(options, monkeypatch):
    options = replace(options, epochs=0.5)
    first, written = train.train(options, Group(CPU)), Path(options.out).read_bytes()
    monkeypatch.setattr(Trainer, "fit", lambda *_: pytest.fail("trained again"))
    again = train.train(options, Group(CPU))
    assert again["metrics"] == first["metrics"] and again["history"] == first["history"]
    assert Path(options.out).read_bytes() == written
    for other in (replace(options, seed=1), replace(options, resume="never"), replace(options, data=options.data[:1])):
        with pytest.raises(pytest.fail.Exception, match="trained again"):
            train.train(other, Group(CPU))


def test_a_run_goes_on_with_the_threads_that_it_began_with(options):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        make_trainer(options).save_checkpoint()
        torch.set_num_threads(1)
        assert make_trainer(options).resume() and torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_checkpoint_of_another_run_is_refused(options):
    make_trainer(options).save_checkpoint()
    with pytest.raises(InputError, match=r"a run with other batch, lr; remove it or use --resume never"):
        make_trainer(replace(options, lr=1.0, batch=32)).resume()


def test_training_stops_early_and_keeps_the_best(options):
    trainer = make_trainer(replace(options, epochs=50, patience=2, lr=0.1, evaluate_every=64))
    trainer.fit()
    assert trainer.progress.step < trainer.steps and trainer.progress.stale == 2
    losses = [entry["validation_loss"] for entry in trainer.history]
    assert min(losses) == losses[-3]
    assert trainer._validate()[0] == pytest.approx(min(losses), rel=1e-6)


def test_the_sample_budget_overrides_epochs(options):
    assert make_trainer(replace(options, samples=6400)).steps == 100


def test_objects_are_never_in_two_parts_and_stay_when_data_are_added():
    small, large = Samples([Blocks(500)]), toy()
    where = {}
    for data in (small, large):
        split = split_by_object(data, seed=3)
        parts = [set(data.names[data.objects[i]]) for i in (split.train, split.validation, split.test)]
        assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
        assert sum(len(i) for i in (split.train, split.validation, split.test)) == len(data)
        for part, names in enumerate(parts):
            assert all(where.setdefault(n, part) == part for n in names)


def test_an_object_that_two_folders_share_is_one_object():
    data = Samples([Blocks(300, objects=7), Blocks(300, objects=7, seed=1)])
    assert len(data.names) == 7
    assert data.objects[0] == np.flatnonzero(data.names == f"blocks{Blocks(300, objects=7).objects[0]}")[0]


def test_too_few_objects_are_an_error():
    with pytest.raises(InputError, match=r"1 objects are too few to split by object.*procedural:400"):
        split_by_object(Samples([Blocks(10, objects=1)]), seed=0)


def test_several_folders_read_as_one():
    data = toy()
    index = [999, 3, 600, 599, 3]
    batch = data.__getitems__(index)
    parts = [Blocks(600), Blocks(400, objects=30, seed=1)]
    for row, i in enumerate(index):
        part, j = (parts[0], i) if i < 600 else (parts[1], i - 600)
        single = part.__getitems__([j])
        assert torch.equal(batch["crops"][row], single["crops"][0])
        assert batch["labels"][row] == single["labels"][0]


def test_variations_are_the_four_symmetries():
    crops = torch.rand(64, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    drawn = augment.draw_variations(64, noise=0.0, seed=0)
    varied = augment.vary(crops, drawn)
    for crop, result, (along, across) in zip(crops[:, 0], varied[:, 0], drawn.flips):
        dims = [d for d, flip in ((1, along), (0, across)) if flip]
        assert torch.equal(result, crop.flip(dims))
    assert len({tuple(f.tolist()) for f in drawn.flips}) == 4


def test_noise_is_smooth_bounded_and_as_strong_as_asked():
    crops = torch.full((400, 1, 32, 32), 0.0)
    noise = augment.vary(crops, augment.draw_variations(400, noise=0.05, seed=1))
    assert 0.01 < float(noise.std()) < 0.05
    rough = (noise[..., 1:] - noise[..., :-1]).std()
    assert float(rough) < 0.5 * float(noise.std())
    assert float(augment.vary(crops + 1, augment.draw_variations(400, 0.05, 1)).max()) <= 1.0


def test_learning_rate_rises_and_falls():
    rates = [learning_rate(s, 200, 1.0) for s in range(200)]
    assert int(np.argmax(rates)) in (9, 10) and max(rates) == 1.0 and rates[-1] < 0.02
    assert all(b <= a for a, b in zip(rates[10:], rates[11:]))


def test_uniform_order_is_a_permutation_that_changes_with_the_epoch():
    sampler = UniformSampler(100, seed=1)
    assert sorted(sampler.order(0)) == list(range(100))
    assert not np.array_equal(sampler.order(0), sampler.order(1))
    assert np.array_equal(sampler.order(1), UniformSampler(100, seed=1).order(1))


def test_importance_draws_the_hard_drops_the_easy_and_lets_some_back():
    sampler = ImportanceSampler(1000, 0, ImportanceOptions(warm_up=1, floor=0.0, back=0.5))
    assert sorted(sampler.order(0)) == list(range(1000))
    sampler.record(np.arange(1000), np.linspace(0.1, 1.0, 1000, dtype=np.float32))
    drawn = sampler.order(1)
    assert len(drawn) == 900 and drawn.min() >= 100  # the easiest tenth is out
    assert np.mean(drawn > 550) > 0.55  # and the rest is drawn by loss
    sampler.order(2)
    out = ~sampler.active
    assert out[:100].sum() == 50 and out[100:190].all() and out.sum() == 50 + 90  # half came back, a tenth left


def test_importance_by_default_is_three_uniform_epochs_then_a_tenth_out_and_a_hundredth_back():
    sampler = make_sampler("importance", 10_000, 0)
    losses = np.random.default_rng(0).exponential(size=10_000).astype(np.float32)
    for epoch in range(3):
        assert sorted(sampler.order(epoch)) == list(range(10_000))
        sampler.record(np.arange(10_000), losses)
    drawn = np.bincount(sampler.order(3), minlength=10_000)
    easiest = np.argsort(losses, kind="stable")[:1000]
    assert drawn.sum() == 9000 and drawn[easiest].sum() == 0 and set(np.flatnonzero(~sampler.active)) == set(easiest)
    assert np.corrcoef(drawn, np.where(sampler.active, losses, 0))[0, 1] > 0.6  # nothing is drawn uniformly
    sampler.order(4)
    assert sampler.active[easiest].sum() == 10 and (~sampler.active).sum() == 990 + 900


def test_importance_never_drops_every_sample():
    sampler = make_sampler("importance", 3, 0)
    for epoch in range(40):
        assert len(sampler.order(epoch)) >= 1
        sampler.record(np.arange(3), np.ones(3, np.float32))


def test_corrected_weights_make_the_expected_loss_the_uniform_one():
    options = ImportanceOptions(warm_up=0, drop=0.0, corrected=True)
    sampler = ImportanceSampler(20_000, 0, options)
    losses = np.random.default_rng(0).exponential(size=20_000).astype(np.float32)
    sampler.record(np.arange(20_000), losses)
    drawn = sampler.order(1)
    weighted = np.mean(losses[drawn] * sampler.weights(drawn))
    assert weighted == pytest.approx(losses.mean(), rel=0.02)
    assert losses[drawn].mean() > 1.5 * losses.mean()


def test_bad_options_are_refused(options):
    with pytest.raises(InputError, match="unknown sampler 'x'; possible: uniform, importance"):
        make_sampler("x", 1, 0)
    with pytest.raises(InputError, match="unknown arch 'vgg'; possible: patch"):
        replace(options, arch="vgg")
    with pytest.raises(InputError, match="batch, lr must be positive"):
        replace(options, batch=0, lr=-1.0)
    with pytest.raises(InputError, match="fewer than a batch of 4096"):
        make_trainer(replace(options, batch=4096))


def test_the_command_line_says_what_is_wrong(tmp_path, capsys):
    assert run_command(train.main, ["--data", str(tmp_path), "--device", "tpu"]) == 2
    assert "unknown device 'tpu'" in capsys.readouterr().err
    parsed = train.parse(["--data", "a", "b", "--precision", "bfloat16", "--evaluate-every", "7"])
    assert parsed.data == ("a", "b") and parsed.precision == "bfloat16" and parsed.evaluate_every == 7


def launch(options, *flags):
    """Train with two processes, told of each other as torchrun does; the network and meta of the model written."""
    out = options.out.replace("m.pt", "two.pt")
    run = [sys.executable, "-m", "antipodal.train", "--data", *options.data, "--out", out, "--batch", "64"]
    run += ["--lr", "2e-3", "--evaluate-every", "640", "--device", "cpu", *flags]
    told = {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
    told["MASTER_PORT"], pipes = str(free_port()), {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    both = [subprocess.Popen(run, env={**os.environ, **told, "RANK": str(rank)}, **pipes) for rank in range(2)]
    said = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert re.search(r"auc 0\.\d+", said[0][0])
    return networks.load(out, "cpu")


def test_published_networks_standardise_their_inputs(options):
    """By means and deviations of the training samples, which the model file keeps."""
    trainer = make_trainer(replace(options, arch="gqcnn2_pool"))
    body, examples = trainer.network.body, trainer._examples(trainer_split(trainer))
    standardised = (examples["crops"] - body.image_mean) / body.image_std
    assert abs(float(standardised.mean())) < 1e-4 and float(standardised.std()) == pytest.approx(1, abs=1e-3)
    pose = (examples["conditions"][:, :1] - body.pose_mean) / body.pose_std
    assert abs(float(pose.mean())) < 1e-4 and float(pose.std()) == pytest.approx(1, abs=1e-3)
    assert "body.image_mean" in trainer.network.state_dict()


def trainer_split(trainer):
    return split_by_object(trainer.samples, trainer.options.split_seed)


@pytest.mark.parametrize(
    "wrong",
    [
        dict(samples=-5),
        dict(lr=float("nan")),
        dict(noise=-1.0),
        dict(seed=-1),
        dict(workers=-1),
        dict(out="mine.ckpt"),
        dict(epochs=float("inf")),
    ],
)
def test_options_that_no_run_can_have_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        TrainOptions(**wrong)


@pytest.mark.parametrize("content", [{"rubbish": 1}, {"options": {}}, {"options": None}])
def test_a_checkpoint_of_something_else_is_named(options, content):
    trainer = make_trainer(options)
    networks.save_plain(options.checkpoint(), content)
    with pytest.raises(InputError, match="--resume never"):
        trainer.resume()


def test_two_trainers_do_not_write_one_model(options):
    with only_writer(Path(options.out)), pytest.raises(InputError, match="another process is writing"):
        train.train(options, Group(torch.device("cpu")))


def test_the_temperature_is_kept_only_where_it_serves_other_objects():
    rng = np.random.default_rng(0)
    logits, objects = rng.normal(scale=3, size=4000), np.arange(4000) % 40
    labels = (rng.random(4000) < 1 / (1 + np.exp(-logits / 2))).astype(float)
    assert train.fit_where_it_helps(logits, labels, objects) == pytest.approx(2, rel=0.15)
    confused = np.where(objects % 2, (rng.random(4000) < 1 / (1 + np.exp(-3 * logits))), labels).astype(float)
    few = np.arange(4000) % 2  # one object wants a temperature above 1, the other one below
    assert train.fit_where_it_helps(logits, confused, few) == 1.0


@pytest.mark.parametrize("sampler", ["uniform", pytest.param("importance", marks=pytest.mark.slow)])
def test_two_processes_have_the_loss_curve_of_one(options, sampler):
    one = make_trainer(replace(options, epochs=3.5, sampler=sampler, evaluate_every=640))
    one.fit()
    two, meta = launch(options, "--epochs", "3.5", "--sampler", sampler)
    assert meta["processes"] == 2 and len(one.history) > 3
    curve1, curve2 = (
        [[h["train_loss"], h["validation_loss"]] for h in history] for history in (one.history, meta["history"])
    )
    np.testing.assert_allclose(curve2, curve1, rtol=0.01)
    for a, b in zip(one.network.parameters(), two.parameters()):
        torch.testing.assert_close(a, b, rtol=0.1, atol=0.01)


@pytest.mark.slow  # that the weights meet is asked in test_processes
def test_local_averaging_learns_too(options):
    _, meta = launch(options, "--epochs", "4", "--average", "local", "--average-every", "4")
    assert meta["history"][-1]["validation_loss"] < 0.9 * meta["history"][0]["validation_loss"]


def test_a_dense_network_needs_the_grasps_heights(options):
    with pytest.raises(InputError, match="heights"):
        make_trainer(replace(options, arch="dense")).fit()


def test_the_html_report_states_the_measures(options, tmp_path):
    meta = train.train(replace(options, report=str(tmp_path / "r.html"), samples=1000), Group(CPU))
    text = (tmp_path / "r.html").read_text()
    assert f"<td class=n>{meta['metrics']['auc']:.4f}</td>" in text and "Limits" in text
    assert text.count("<svg") == 5 and "://" not in text
    assert "<h4>Limits</h4>" in text and "## Limits" not in text
