"""Cameras, sensor noise, and that a training crop is what planning's own modules would have made."""

import dataclasses

import numpy as np
import pytest
import torch
import trimesh

from antipodal import transforms
from antipodal.camera import Camera
from antipodal.grasp import Gripper
from antipodal.grasping.view_grasps import ViewGrasps
from antipodal.networks import crops
from antipodal.perception.view import look_along, rectify
from antipodal.perception.view_numba import rectify_numba
from antipodal.synth.grasps.from_planner import propose
from antipodal.synth.images import noise
from antipodal.synth.images.cameras import CameraOptions, sample_approach, sample_camera
from antipodal.synth.images.scene_view import SceneViewOptions, crop, observe_scene, on_camera, render_scene
from antipodal.synth.scene import build_scene
from antipodal.synth.table_grasps import PlacedGrasps, TableGrasps, on_table, place
from tests.synth_runs import standing

CAMERA = Camera(fx=600.0, fy=600.0, cx=320.0, cy=240.0, width=640, height=480)
GRIPPER = Gripper(tip=0.004)
STILL = CameraOptions(focal_jitter=0.0, center_jitter=0.0, normal_error=0.0, offset=0.02)


@pytest.mark.parametrize("seed", range(5))
def test_cameras_look_down_at_the_table_from_within_their_ranges(seed):
    rng = np.random.default_rng(seed)
    options = CameraOptions(radius=(0.6, 0.8), polar=(0.1, 0.4))
    camera, T_cam_table = sample_camera(rng, CAMERA, options)
    T_table_cam = transforms.invert(T_cam_table)
    np.testing.assert_allclose(T_cam_table[:3, :3] @ T_cam_table[:3, :3].T, np.eye(3), atol=1e-12)
    axis, at = T_table_cam[:3, 2], T_table_cam[:3, 3]
    assert 0.1 <= np.arccos(-axis[2]) <= 0.4
    target = at - axis * at[2] / axis[2]  # where the camera's axis meets the table
    assert np.abs(target[:2]).max() <= options.offset and 0.6 <= np.linalg.norm(at - target) <= 0.8
    assert abs(camera.fx / CAMERA.fx - 1) <= options.focal_jitter
    approach = sample_approach(rng, T_cam_table, options)
    assert np.arccos(min(1.0, -approach @ T_cam_table[:3, 2])) < 5 * options.normal_error


def test_a_crop_is_what_planning_makes_of_the_whole_image():
    """One view by the generator's windows and kernels, and by views.rectify and crops of the full image."""
    mesh = standing(2)
    scene = build_scene(mesh.vertices, mesh.faces)
    rng = np.random.default_rng(1)
    view = observe_scene(scene, GRIPPER, CAMERA, np.random.default_rng(5), STILL, noise.NONE)
    grasps = TableGrasps(
        rng.uniform([-0.03, -0.03, 0], [0.03, 0.03, 0.04], (20, 3)), rng.uniform(0, 3, 20), np.full(20, 0.06)
    )
    placed = place(grasps, view.T_view_scene, GRIPPER)
    ours = crop(view, placed, GRIPPER)

    camera, T_cam_table = sample_camera(np.random.default_rng(5), CAMERA, STILL)
    depth = torch.from_numpy(render_scene(scene, T_cam_table, camera))
    T_cam_view = look_along(-T_cam_table[:3, 2])
    np.testing.assert_allclose(transforms.invert(T_cam_view) @ T_cam_table, view.T_view_scene, atol=1e-12)
    H, W = view.depth.shape
    bounds = (*view.origin, view.origin[0] + (W - 1) * view.cell, view.origin[1] + (H - 1) * view.cell)
    rectified, _ = rectify(depth, camera, T_cam_view, bounds, view.cell)
    batch = ViewGrasps(*(torch.tensor(a, dtype=torch.float32) for a in placed))
    surface = crops.surface_crops(rectified, view.origin, view.cell, batch, GRIPPER)
    twin = crops.normalise(surface, batch.center[:, 2], GRIPPER)[:, 0].numpy()
    assert (
        np.mean(np.abs(ours - twin) < 1e-4) > 0.995
    )  # windows end where the full image has a little more to fill from


def test_grasps_come_back_from_a_view():
    rng = np.random.default_rng(0)
    _, T_cam_table = sample_camera(rng, CAMERA, STILL)
    T_view_scene = transforms.invert(look_along(-T_cam_table[:3, 2])) @ T_cam_table
    grasps = TableGrasps(rng.normal(size=(50, 3)), rng.uniform(-3, 3, 50), rng.uniform(0.01, 0.08, 50))
    placed = place(grasps, T_view_scene, GRIPPER)
    assert isinstance(placed, PlacedGrasps) and (np.abs(placed.angle) <= np.pi / 2).all()
    back = on_table(placed, T_view_scene, GRIPPER)
    np.testing.assert_allclose(back.tips, grasps.tips, atol=1e-12)
    np.testing.assert_allclose(np.sin(back.angle - grasps.angle), 0, atol=1e-9)
    above = transforms.apply(T_view_scene, np.array([[0, 0, 0.0]]))[0, 2] - placed.center[:, 2]
    np.testing.assert_allclose(above, grasps.tips[:, 2] + GRIPPER.tip, atol=1e-12)  # the origin is `tip` above the tips


def flat(z=0.7, shape=(120, 160)):
    return np.full(shape, z, dtype=np.float32)


def test_no_noise_is_none_and_missing_stays_missing():
    depth = flat()
    depth[3:9, 5:30] = 0
    np.testing.assert_array_equal(noise.add_noise(np.random.default_rng(0), depth, CAMERA, noise.NONE), depth)
    assert not noise.add_noise(np.random.default_rng(0), depth, CAMERA, noise.NoiseOptions())[3:9, 5:30].any()


@pytest.mark.parametrize("spacing", [1.0, 2.5, 4.0, 12.0])
def test_correlated_noise_is_as_strong_as_it_says_everywhere(spacing):
    options = dataclasses.replace(noise.NONE, correlated_sd=0.005, correlation=spacing)
    images = [noise.add_noise(np.random.default_rng(i), flat(), CAMERA, options) for i in range(400)]
    rms = np.sqrt(np.mean((np.stack(images).astype(float) - 0.7) ** 2, axis=0))
    assert rms.mean() == pytest.approx(0.005, rel=0.01)
    assert rms[8:24, 8:24].min() > 0.0042 and rms[8:24, 8:24].max() < 0.0058  # at the nodes and between them


def test_dexnet_noise_has_its_published_strength_and_correlation():
    images = np.stack([noise.add_noise(np.random.default_rng(i), flat(), CAMERA, noise.DEXNET2) for i in range(240)])
    error = images - 0.7
    assert images.mean(axis=(1, 2)).std() == pytest.approx(0.7 / np.sqrt(1000), rel=0.2)  # one gamma factor an image
    within = error - error.mean(axis=(1, 2), keepdims=True)
    noisy = within.std(axis=(1, 2)) > 1e-4
    assert 0.4 < noisy.mean() < 0.6  # half of the images
    at_nodes = within[noisy][:, ::12, ::12]
    assert at_nodes.std() == pytest.approx(0.005, rel=0.05)
    assert np.corrcoef(within[noisy][:, ::4, :-1].ravel(), within[noisy][:, ::4, 1:].ravel())[0, 1] > 0.9
    assert abs(np.corrcoef(at_nodes[:, :, :-2].ravel(), at_nodes[:, :, 2:].ravel())[0, 1]) < 0.05


def test_dexnet_noise_is_correlated_over_pixels_of_the_crop():
    """Four of 32, whatever the camera and its distance."""
    for gripper, pitch in ((GRIPPER, 0.001), (Gripper(max_width=0.05), 0.0004)):
        options = on_camera(noise.DEXNET2, gripper, pitch)
        assert options.correlation * pitch * 32 / (crops.EXTENT * gripper.max_width) == pytest.approx(4.0)
    assert on_camera(noise.NoiseOptions(), GRIPPER, 0.001) == noise.NoiseOptions()


def test_errors_grow_with_depth_squared_and_disparity_is_quantised():
    options = noise.NoiseOptions(gamma_shape=np.inf, disparity_step=0.0, speckle_loss=0.0)
    near, far = (noise.add_noise(np.random.default_rng(1), flat(z), CAMERA, options) - z for z in (0.7, 1.4))
    assert far.std() / near.std() == pytest.approx(4, rel=0.05)
    options = noise.NoiseOptions(disparity_step=0.002)
    depth = noise.add_noise(np.random.default_rng(1), flat(), CAMERA, options).astype(float)
    steps = 1 / (0.002 * depth[depth > 0])
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-3)
    assert len(np.unique(np.rint(steps))) > 2


def test_pixels_go_missing_at_edges_at_grazing_angles_and_in_the_shadow():
    depth = flat()
    depth[40:80, 60:100] = 0.6
    options = noise.NoiseOptions(edge_loss=1.0, speckle_loss=0.0, baseline=0.0)
    lost = noise.add_noise(np.random.default_rng(0), depth, CAMERA, options) == 0
    assert lost[40:80, [59, 60, 99, 100]].all() and not lost[45:75, 65:95].any() and not lost[:38].any()
    slope = np.broadcast_to(0.7 + 0.006 * np.arange(30), (50, 30)).astype(np.float32)  # 6 mm a pixel: 77 degrees
    assert (noise.add_noise(np.random.default_rng(0), slope, CAMERA, options) == 0).mean() > 0.9

    options = noise.NoiseOptions(edge_loss=0.0, speckle_loss=0.0, baseline=0.05)
    shadow = noise.add_noise(np.random.default_rng(0), depth, CAMERA, options) == 0
    width = CAMERA.fx * 0.05 * (1 / 0.6 - 1 / 0.7)  # pixels by which the block moves against the table
    columns = np.flatnonzero(shadow[60])
    assert len(columns) == pytest.approx(width, abs=1.5) and columns.max() == 59  # left of the block
    assert not shadow[:40].any() and not shadow[80:].any()


def test_the_view_reaches_a_crop_beyond_the_object():
    mesh = standing(1)
    scene = build_scene(mesh.vertices, mesh.faces)
    view = observe_scene(scene, GRIPPER, CAMERA, np.random.default_rng(2), STILL, noise.NONE, SceneViewOptions())
    xy = transforms.apply(view.T_view_scene, mesh.vertices)[:, :2]
    margin = crops.EXTENT / 2 * GRIPPER.max_width
    last = np.array(view.origin) + np.array(view.depth.shape[::-1]) * view.cell
    assert (xy.min(axis=0) - view.origin > margin).all() and (last - xy.max(axis=0) > margin).all()
    bounds = (*view.origin, *(last - view.cell))
    assert rectify_numba(view.image, view.camera, view.T_cam_view, bounds, view.cell)[1].mean() > 0.9


def test_planning_s_own_sampler_proposes_grasps_across_the_object():
    """On a bar whose sides lie 30 mm apart, proposals cross it; their positions come back to the table's frame."""
    bar = trimesh.creation.box([0.12, 0.03, 0.03])
    bar.apply_translation([0, 0, 0.015])
    scene = build_scene(bar.vertices, bar.faces)
    view = observe_scene(scene, GRIPPER, CAMERA, np.random.default_rng(3), STILL, noise.NONE)
    grasps = propose(view, GRIPPER, 60, np.random.default_rng(0))
    assert len(grasps) == 60
    across = np.abs(np.sin(grasps.angle)) > 0.85
    assert across.mean() > 0.7
    assert np.abs(grasps.tips[across, 1]).max() < 0.012 and np.abs(grasps.tips[:, 0]).max() < 0.07
    assert np.median(grasps.width[across]) == pytest.approx(0.031, abs=0.005)


def test_what_goes_missing_at_edges_is_what_a_plain_loop_says():
    rng = np.random.default_rng(0)
    depth = (0.6 + 0.004 * rng.random((23, 31)) + 0.05 * (rng.random((23, 31)) < 0.1)).astype(np.float32)
    depth[rng.random(depth.shape) < 0.05] = 0
    chance, missing = rng.random(depth.shape, dtype=np.float32), depth <= 0
    expected = missing.copy()
    padded = np.pad(depth, 1, mode="edge")
    for v, u in np.ndindex(depth.shape):
        around = [padded[v + 1 + i, u + 1 + j] for i, j in ((0, 1), (1, 0), (0, -1), (-1, 0))]
        step = max(abs(a - depth[v, u]) for a in around)
        edge = step > 0.008 or step * 500.0 > 2.0 * depth[v, u]
        expected[v, u] |= chance[v, u] < (0.5 if edge else 0.1)
    noise._drop_pixels(depth, 500.0, chance, 0.008, 0.5, 2.0, 0.1, missing)
    np.testing.assert_array_equal(missing, expected)
    assert 0.1 < missing.mean() < 0.6
