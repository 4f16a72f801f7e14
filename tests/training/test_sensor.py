"""Noise added while training is the noise that the generator would have made."""

import dataclasses

import numpy as np
import pytest
import torch
from learnable import Blocks

from antipodal.camera import Camera
from antipodal.errors import InputError
from antipodal.grasp import Gripper
from antipodal.synth.generate import generate
from antipodal.synth.images import noise
from antipodal.synth.images.cameras import CameraOptions
from antipodal.synth.images.noise import NoiseOptions, load_noise
from antipodal.synth.images.scene_view import crop, observe_scene
from antipodal.synth.objects.meshes import MeshOptions
from antipodal.synth.scene import build_scene
from antipodal.synth.table_grasps import TableGrasps, place
from antipodal.training.options import TrainOptions
from antipodal.training.processes import Group
from antipodal.training.samples import Samples, open_folders, split_by_object
from antipodal.training.sensor import Sensor, sightings
from antipodal.training.trainer import Trainer
from tests.synth_runs import SMALL, run, standing

CAMERA = Camera(fx=600.0, fy=600.0, cx=320.0, cy=240.0, width=640, height=480)
GRIPPER = Gripper(tip=0.004)
STILL = CameraOptions(focal_jitter=0.0, center_jitter=0.0, normal_error=0.0, offset=0.02)
GAMMA = dataclasses.replace(noise.NONE, gamma_shape=1e5)
CORRELATED = dataclasses.replace(noise.NONE, correlated_sd=0.004, reference=0.7)
LOSSY = dataclasses.replace(CORRELATED, speckle_loss=0.5)
ALL = dataclasses.replace(LOSSY, gamma_shape=1e5)


def seen_crops(options, views=120, grasps=4):
    """Crops (views * grasps, 1, 32, 32) of one object by the generator's noise, and how they were seen (N, 3)."""
    mesh = standing(2)
    scene, images, seen = build_scene(mesh.vertices, mesh.faces), [], []
    for seed in range(views):
        rng = np.random.default_rng(seed)
        tips = rng.uniform([-0.02, -0.02, 0.01], [0.02, 0.02, 0.03], (grasps, 3))
        grasp = TableGrasps(tips, rng.uniform(0, 3, grasps), np.full(grasps, 0.06))
        view = observe_scene(scene, GRIPPER, CAMERA, np.random.default_rng(seed), STILL, options)
        placed = place(grasp, view.T_view_scene, GRIPPER)
        images.append(crop(view, placed, GRIPPER))
        seen += [[z, GRIPPER.max_width, CAMERA.fx] for z in placed.center[:, 2]]
    return torch.from_numpy(np.concatenate(images))[:, None], np.array(seen)


@pytest.mark.parametrize("options", [GAMMA, CORRELATED, LOSSY, ALL], ids=["gamma", "correlated", "lossy", "all"])
def test_noise_made_while_training_is_as_strong_as_the_generators(options):
    clean, seen = seen_crops(noise.NONE)
    made, _ = seen_crops(options)
    sensor = Sensor(seen, options)
    added = sensor.disturb(clean, np.arange(len(clean)), sensor.draw(len(clean), [0]))
    ours, theirs = added - clean, made - clean
    low, middle, high = (torch.quantile(theirs[:, :, ::3, ::3], q) for q in (0.16, 0.5, 0.84))  # edges jump: no moments
    assert float(high - low) > 0.01  # openings
    for q, expected in ((0.16, low), (0.5, middle), (0.84, high)):
        found = torch.quantile(ours[:, :, ::3, ::3], q)
        assert float(found) == pytest.approx(float(expected), abs=0.16 * float(high - low))
    assert rough(ours) == pytest.approx(rough(theirs), rel=0.25, abs=0.1)


def test_correlated_noise_made_while_training_is_as_strong_as_it_says():
    seen = np.tile([[0.7, 0.085, 600.0]], (600, 1))
    for options in (CORRELATED, dataclasses.replace(CORRELATED, crop_correlation=4.0)):
        sensor = Sensor(seen, dataclasses.replace(options, reference=0.0))
        added = sensor.disturb(torch.zeros(600, 1, 32, 32), np.arange(600), sensor.draw(600, [0]))
        assert float(added.square().mean().sqrt()) * 0.085 == pytest.approx(0.004, rel=0.03)
    half = Sensor(seen, dataclasses.replace(CORRELATED, correlated_rate=0.5))
    added = half.disturb(torch.zeros(600, 1, 32, 32), np.arange(600), half.draw(600, [0]))
    assert 0.4 < float((added.flatten(1).abs().amax(dim=1) > 0).float().mean()) < 0.6


def rough(noise_):
    """Median step between neighbouring pixels against the median size."""
    return float((noise_[..., 1:] - noise_[..., :-1]).abs().median() / noise_.abs().median())


def test_no_noise_leaves_crops_as_they_are_and_the_same_seed_gives_the_same():
    clean, seen = seen_crops(noise.NONE, views=2)
    index = np.arange(len(clean))
    for options in (noise.NONE, ALL):
        sensor = Sensor(seen, options)
        one, two = (sensor.disturb(clean, index, sensor.draw(len(clean), [3])) for _ in range(2))
        assert torch.equal(one, two)
        assert torch.allclose(one, clean, atol=1e-6) == (options is noise.NONE)


def test_lost_pixels_take_the_deepest_of_the_nearest_in_their_row_and_column():
    crop_ = torch.zeros(1, 1, 32, 32)
    crop_[..., 16:] = 0.5
    sensor = Sensor(np.array([[0.7, 0.085, 600.0]]), dataclasses.replace(noise.NONE, speckle_loss=0.5))
    draws = sensor.draw(1, [0])
    draws.loss[:] = 1.0
    draws.loss[0, 4, 15] = 0.0
    filled = sensor.disturb(crop_, np.array([0]), draws)
    assert float(filled[0, 0, 4, 15]) == pytest.approx(0.5, abs=1e-5)
    filled[0, 0, 4, 15] = 0.0
    assert torch.allclose(filled, crop_, atol=1e-5)


def test_training_on_clean_shards_meets_noise(tmp_path):
    clean = run(options=dataclasses.replace(SMALL, noise=load_noise("none")))
    generate(tmp_path / "d", clean, MeshOptions(), workers=1)
    samples = open_folders([str(tmp_path / "d")])
    seen = sightings(samples)
    assert seen.shape == (len(samples), 3) and (seen[:, 0] > 0.3).all() and seen[0, 2] == np.float32(clean.camera.fx)
    whole = np.arange(len(samples))
    split = dataclasses.replace(split_of(samples), train=whole, validation=whole)
    losses = {}
    for name in ("none", "dexnet2"):
        options = TrainOptions(data=(str(tmp_path / "d"),), out=str(tmp_path / "m.pt"), batch=16, sensor=name)
        trainer = Trainer(options, Group(torch.device("cpu")), samples, split)
        losses[name] = trainer.predict(whole)[0]
        np.testing.assert_array_equal(losses[name], trainer.predict(whole)[0])
        trainer._step(whole[:16], samples.__getitems__(whole[:16]))
    assert np.abs(losses["none"] - losses["dexnet2"]).mean() > 1e-3


def split_of(samples):
    for seed in range(50):
        try:
            return split_by_object(samples, seed)
        except InputError:
            continue
    raise AssertionError("no seed splits the objects")


def test_what_cannot_be_disturbed_is_refused():
    with pytest.raises(InputError, match="the generator's samples only"):
        sightings(Samples([Blocks(50)]))
    with pytest.raises(InputError, match="unknown noise 'snow'; possible: none, real, dexnet2, or a camera: no"):
        load_noise("snow")


def test_a_cameras_file_names_its_noise(tmp_path):
    (tmp_path / "c.yaml").write_text("fx: 1\nnoise: {correlated_sd: 0.25}\n")
    assert load_noise(str(tmp_path / "c.yaml")) == NoiseOptions(correlated_sd=0.25)
