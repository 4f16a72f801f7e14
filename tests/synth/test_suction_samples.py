"""Samples for a suction cup: the same bytes whatever the workers, labels of known scenes, what the trainer takes."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from antipodal import transforms
from antipodal.errors import InputError
from antipodal.networks.suction_crops import suction_crop_definition
from antipodal.synth.generate import generate
from antipodal.synth.grasps.suction_candidates import SuctionCandidateOptions, sample_suction
from antipodal.synth.images.cameras import CameraOptions
from antipodal.synth.images.noise import NONE
from antipodal.synth.images.photo import photograph
from antipodal.synth.inspect import check, crop_sheet, figures, report
from antipodal.synth.labels.near_surface import surface_of
from antipodal.synth.labels.seal import STRETCH, stretches
from antipodal.synth.objects.meshes import MeshOptions
from antipodal.synth.scene import build_scene
from antipodal.synth.shards import SUCTION_FIELDS, ShardDataset, column
from antipodal.training.options import TrainOptions
from antipodal.training.samples import open_folders
from antipodal.training.trainer import check_crops
from tests.suction_shapes import CUP, ball, box
from tests.synth_runs import CAMERA, SMALL, digest, run

CUP_RUN = {"gripper": CUP, "options": SMALL}


def made_scene(mesh):
    return build_scene(mesh.vertices, mesh.faces)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("suction") / "out"
    return folder, generate(folder, run(**CUP_RUN), MeshOptions(), workers=1)


def test_bytes_do_not_depend_on_the_workers_and_depend_on_the_seed(made, tmp_path):
    generate(tmp_path / "two", run(**CUP_RUN), MeshOptions(), workers=2)
    assert digest(made[0]) == digest(tmp_path / "two")
    generate(tmp_path / "seed", run(seed=4, **CUP_RUN), MeshOptions(), workers=1)
    assert digest(made[0]) != digest(tmp_path / "seed")


def test_the_manifest_tells_the_cup_and_every_field_is_there(made):
    folder, manifest = made
    assert manifest["run"]["gripper"] == json.loads(json.dumps(CUP.to_dict()))
    assert manifest["samples"] == len(ShardDataset(folder)) == 200 and check(folder) == []
    assert set(SUCTION_FIELDS) <= set(manifest["fields"]) and "width" not in manifest["fields"]
    for name in manifest["fields"]:
        assert len(column(folder, name)) == 200


def test_what_it_stores_is_of_the_right_size(made):
    approach, center = column(made[0], "approach"), column(made[0], "center")
    np.testing.assert_allclose(np.linalg.norm(approach, axis=1), 1, atol=1e-5)
    assert ((approach * center).sum(axis=1) > 0).all()  # away from the camera
    labels, conditions = column(made[0], "labels"), column(made[0], "conditions")
    assert 0 <= labels.min() < 0.1 and 0.9 < labels.max() <= 1
    assert conditions[:, 0] == pytest.approx(CUP.radius / 0.05) and (np.abs(conditions[:, 2:]) <= 1 + 1e-6).all()
    assert ShardDataset(made[0]).crop == suction_crop_definition()


def test_a_label_is_consistent_with_its_parts(made):
    label, stretch, collision = (column(made[0], n) for n in ("labels", "stretch", "collision"))
    assert label[np.isfinite(stretch) & (stretch < 0.02) & ~collision].mean() > label[stretch > 0.2].mean() + 0.3
    assert (label <= column(made[0], "free") + 1e-6).all()


@pytest.mark.parametrize("mesh, held", [(box((0.1, 0.08, 0.03)), True), (ball(0.02), False)])
def test_a_box_is_held_in_its_middle_and_a_small_ball_nowhere(mesh, held, tmp_path):
    mesh.export(tmp_path / "one.stl")
    options = dataclasses.replace(SMALL, cameras=CameraOptions(polar=(0.0, 0.1)), noise=NONE)
    generate(tmp_path / "out", run(meshes=str(tmp_path), **{**CUP_RUN, "options": options}), MeshOptions(), workers=1)
    labels = column(tmp_path / "out", "labels")
    assert (labels.max() > 0.9) == held
    assert held or (labels == 0).all()


def test_heaps_are_made_of_several_objects(tmp_path):
    pytest.importorskip("mujoco", reason="clutter needs MuJoCo")
    piles = dataclasses.replace(SMALL.piles, objects=4, piles=2, settle_time=0.5)
    generate(tmp_path, run(**{**CUP_RUN, "options": dataclasses.replace(SMALL, piles=piles)}), MeshOptions(), workers=1)
    assert len(np.unique(column(tmp_path, "objects"))) > 2


def test_candidates_lie_on_what_the_photo_shows_and_a_share_seals():
    mesh = box((0.1, 0.08, 0.03))
    scene, rng = made_scene(mesh), np.random.default_rng(0)
    surface = surface_of(scene.vertices, scene.faces, scene.face_owner)
    photo = photograph(scene, CAMERA, rng, CameraOptions(), NONE, 0.05)
    options = SuctionCandidateOptions(observed=1.0, tilted=0.0)
    found = sample_suction(photo, surface, CUP, 60, rng, options)
    assert len(found.face) == 60
    T = transforms.invert(photo.T_cam_scene) @ found.T_cam_grasp
    away, sealing = _distance_to_box(T[:, :3, 3]), stretches(surface, T, CUP) <= STRETCH
    assert away.max() < CUP.radius / 3 and away[sealing].max() < 1e-4  # planes are rounded off at edges
    assert 0.4 < sealing.mean() < 1
    flat = -T[sealing][:, :3, 2]
    assert np.degrees(np.arccos(np.clip(flat.max(axis=1), -1, 1))).max() < 12


def _distance_to_box(points):
    """Of points (N, 3) from the surface of `box((0.1, 0.08, 0.03))`."""
    out = np.abs(points - [0, 0, 0.015]) - [0.05, 0.04, 0.015]
    return np.abs(np.where((out > 0).any(axis=1), np.linalg.norm(np.maximum(out, 0), axis=1), out.max(axis=1)))


def test_options_of_jaws_are_refused_for_a_cup(tmp_path):
    options = dataclasses.replace(SMALL, fit_opening=0.4)
    with pytest.raises(InputError, match="fit_opening is for parallel jaws; piab_b30 is a suction cup"):
        generate(tmp_path, run(**{**CUP_RUN, "options": options}), MeshOptions(), workers=1)


def test_inspect_takes_it(made, tmp_path):
    crop_sheet(made[0], tmp_path / "sheet.png", 2, 2)
    assert (tmp_path / "sheet.png").exists() and figures(made[0])["samples"] == 200
    assert any("stopped on the way" in line for line in report(made[0]))


def test_the_trainer_takes_it_and_no_mixture(made, tmp_path):
    samples = open_folders([str(made[0])])
    batch = samples.__getitems__([0, 5])
    assert batch["crops"].shape == (2, 1, 32, 32) and batch["conditions"].shape == (2, 4)
    assert samples.crop == suction_crop_definition() and bool(torch.isnan(batch["heights"]).all())
    generate(tmp_path / "jaws", run(), MeshOptions(), workers=1)
    with pytest.raises(InputError, match="different kinds"):
        open_folders([str(made[0]), str(tmp_path / "jaws")])
    options = TrainOptions(data=(str(made[0]),), out=str(tmp_path / "x.pt"), sensor="dexnet2")
    with pytest.raises(InputError, match="a suction cup's bring theirs"):
        check_crops(None, samples, options)
