"""Dex-Net's own samples: a stored crop is what planning cuts out of the whole image, and a network learns from it."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from antipodal import networks, train
from antipodal.camera import Camera
from antipodal.errors import InputError
from antipodal.grasp import Gripper
from antipodal.grasping.view_grasps import ViewGrasps
from antipodal.networks.pixel_crops import PixelCrops
from antipodal.networks.score import PixelScore
from antipodal.perception.view import look_along
from antipodal.planner import GraspPlanner, PlannerOptions
from antipodal.planning.cem import CEMOptions
from antipodal.synth.generate import generate
from antipodal.synth.images import noise
from antipodal.synth.images.cameras import CameraOptions, sample_camera
from antipodal.synth.images.scene_view import observe_scene, on_camera, pixel_crop, render_scene
from antipodal.synth.objects.meshes import MeshOptions
from antipodal.synth.options import GenerateOptions, preset
from antipodal.synth.scene import build_scene
from antipodal.synth.shards import ShardDataset, column
from antipodal.synth.table_grasps import TableGrasps, place
from antipodal.training.options import TrainOptions
from antipodal.training.processes import Group
from antipodal.training.samples import open_folders
from tests.synth_runs import SMALL, run, standing

CAMERA = Camera(fx=525.0, fy=525.0, cx=319.5, cy=239.5, width=639, height=480)  # sides that a third divides
GRIPPER = Gripper(max_width=0.05, tip=0.004)
STILL = CameraOptions(radius=(0.65, 0.75), focal_jitter=0.0, center_jitter=0.0, normal_error=0.0, offset=0.02)
PIXELS = PixelCrops()
CAMERAS = replace(SMALL.cameras, radius=(0.65, 0.75))
FEW = PlannerOptions(approach="camera", candidates=5, depths=1, cem=CEMOptions(samples=10, iterations=1))
OPTIONS = replace(SMALL, pixel_window=96, cameras=CAMERAS, noise=noise.NONE)


def seen(pixels, seed=5):
    """A view of a scene with grasps, and the inputs that the generator makes of them."""
    mesh, rng = standing(2), np.random.default_rng(1)
    scene = build_scene(mesh.vertices, mesh.faces)
    around = (GRIPPER, CAMERA, np.random.default_rng(seed), STILL, noise.NONE)
    view = observe_scene(scene, *around, pixels=pixels)
    tips = rng.uniform([-0.03, -0.03, 0], [0.03, 0.03, 0.04], (20, 3))
    placed = place(TableGrasps(tips, rng.uniform(0, 3, 20), np.full(20, 0.04)), view.T_view_scene, GRIPPER)
    return scene, placed, pixel_crop(view, placed, pixels)


@pytest.mark.parametrize("pixels", [PIXELS, PixelCrops(96, 96)])
def test_a_stored_crop_is_what_planning_cuts_out_of_the_whole_image(pixels):
    scene, placed, (crops, depths) = seen(pixels)
    camera, T_cam_table = sample_camera(np.random.default_rng(5), CAMERA, STILL)
    image, T_cam_view = render_scene(scene, T_cam_table, camera), look_along(-T_cam_table[:3, 2])
    got = []
    score = PixelScore(lambda *inputs: got.extend(inputs) or torch.zeros(20), pixels).of_image(image, camera)
    view = SimpleNamespace(T_cam_view=T_cam_view, depth=torch.zeros(1))  # all that such a score asks of a view
    score(view, ViewGrasps(*(torch.from_numpy(np.ascontiguousarray(a)) for a in placed)))
    np.testing.assert_allclose(depths, got[1].numpy(), atol=1e-6)
    # The window begins at another pixel than the image, so that shrinking averages other neighbours at edges.
    difference = np.abs(crops - got[0][:, 0].numpy())
    assert np.median(difference) < 1e-4 and np.mean(difference > 0.005) < (0.03 if pixels.size < 96 else 1e-3)


def test_the_depth_is_the_grasps_own_in_the_camera_and_lies_within_the_crops():
    scene, _, (crops, depths) = seen(PIXELS)
    assert depths.shape == (20, 1) and crops.shape == (20, 32, 32)
    assert (depths > 0.6).all() and (depths < 0.8).all()
    assert (crops.min((1, 2)) < depths[:, 0] + scene.height).all() and (crops.max((1, 2)) > depths[:, 0]).all()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Folders of one run with metric crops and with pixel crops."""
    folders = [tmp_path_factory.mktemp("run") / name for name in ("metric", "pixels")]
    for folder, options in zip(folders, (replace(OPTIONS, pixel_window=0), OPTIONS)):
        generate(folder, run("procedural:12", 720, options=options), MeshOptions(), workers=1)
    return folders


def test_samples_read_as_metres(made):
    batch = ShardDataset(made[1]).__getitems__([0, 5, 7])
    assert batch["crops"].shape == (3, 1, 32, 32) and batch["conditions"].shape == (3, 1)
    assert 0.4 < float(batch["crops"].min()) and float(batch["crops"].max()) < 1.2
    np.testing.assert_array_equal(batch["conditions"].numpy(), column(made[1], "conditions")[[0, 5, 7]])


def options(made, tmp_path, **changes):
    few = {"samples": 96, "batch": 32, "evaluate_every": 96, "device": "cpu", "split_seed": 15}
    return TrainOptions(data=(str(made[1]),), out=str(tmp_path / "m.pt"), **{**few, "arch": "gqcnn4", **changes})


def test_a_published_network_is_trained_on_them_and_plans(made, tmp_path):
    chosen = options(made, tmp_path)
    with Group(torch.device("cpu")) as group:
        train.train(chosen, group)
    network, meta = networks.load(chosen.out, "cpu")
    assert meta["crop"] == PixelCrops().definition
    batch = open_folders(chosen.data).__getitems__(np.arange(100))
    assert float(network.body.image_mean) == pytest.approx(float(batch["crops"].mean()), abs=0.1)
    assert float(network.body.pose_mean) == pytest.approx(float(batch["conditions"].mean()), abs=0.1)
    planner = GraspPlanner.load(chosen.out, GRIPPER, "cpu", FEW)
    mesh = standing(2)
    _, T_cam_table = sample_camera(np.random.default_rng(5), CAMERA, STILL)
    image = render_scene(build_scene(mesh.vertices, mesh.faces), T_cam_table, CAMERA)
    assert len(planner.plan(image, CAMERA)) > 0


@pytest.mark.parametrize(
    "changes, message",
    [({"arch": "patch"}, "gqcnn2"), ({"arch": "dense"}, "gqcnn2"), ({"sensor": "dexnet2"}, "sensor")],
)
def test_what_does_not_take_pixel_crops_is_refused(made, tmp_path, changes, message):
    with Group(torch.device("cpu")) as group, pytest.raises(InputError, match=message):
        train.train(options(made, tmp_path, **changes), group)


def test_crops_of_two_kinds_are_not_mixed(made):
    with pytest.raises(InputError, match="different kinds"):
        open_folders([str(f) for f in made])


@pytest.mark.parametrize("pixels, camera_pixels", [(PIXELS, 12), (PixelCrops(96, 96), 4)])
def test_noise_is_correlated_over_four_pixels_of_the_crop(pixels, camera_pixels):
    assert on_camera(noise.DEXNET2, GRIPPER, 0.001, pixels).correlation == pytest.approx(camera_pixels)


@pytest.mark.parametrize("wrong", [{"pixel_window": -1}, {"pixel_size": 0}])
def test_impossible_crops_are_refused(wrong):
    with pytest.raises(InputError, match="pixel crops cannot"):
        GenerateOptions(**wrong)


def test_depths_that_cannot_be_stored_are_refused():
    with pytest.raises(InputError, match=r"1\.8 m away at most, got 2\.5 m"):
        replace(preset("dexnet2"), cameras=CameraOptions(radius=(0.5, 2.5)))
