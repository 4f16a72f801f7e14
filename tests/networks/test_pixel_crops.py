"""Dex-Net's pixel crops equal an independent warp, have the warp's symmetries, and feed its networks in the planner."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scenes import CAMERA, box, render
from scipy.ndimage import map_coordinates

from antipodal import networks
from antipodal.dexnet.__main__ import main
from antipodal.errors import ModelError
from antipodal.networks.pixel_crops import pixel_crops, shrink
from antipodal.planner import GraspPlanner, PlannerOptions

DATA = Path(__file__).parents[1] / "data"


def smooth(height=90, width=120, seed=0):
    """A smooth depth image, so that ways of interpolating differ little."""
    rng = np.random.default_rng(seed)
    v, u = np.mgrid[:height, :width]
    waves = [np.sin(rng.uniform(0.02, 0.15) * u + rng.uniform(0.02, 0.15) * v + rng.uniform(0, 6)) for _ in range(5)]
    return (0.7 + 0.01 * sum(waves)).astype(np.float32)


def cut(image, px, angle, size=32, factor=1.0):
    shrunk = shrink(torch.from_numpy(image), factor)
    px, angle = torch.tensor([px], dtype=torch.float32), torch.tensor([angle], dtype=torch.float32)
    return pixel_crops(shrunk, px, angle, size, factor)[0, 0].numpy()


@pytest.mark.parametrize("angle", [-1.2, 0.0, 0.5, math.pi / 2])
@pytest.mark.parametrize("size", [32, 41])
def test_a_crop_is_what_scipy_interpolates_where_the_turned_pixels_lie(angle, size):
    image, (u, v) = smooth(), (61.3, 44.8)
    offset = np.arange(size) - (size - 1) / 2
    right = np.array([math.cos(angle), math.sin(angle)])
    down = np.array([-right[1], right[0]])
    x, y = np.array([u, v])[:, None, None] + right[:, None, None] * offset + down[:, None, None] * offset[:, None]
    expected = map_coordinates(image, [y, x], order=1, mode="nearest")
    np.testing.assert_allclose(cut(image, (u, v), angle, size), expected, atol=1e-5)


@pytest.mark.parametrize("angle", [-0.7, 0.0, 0.4])
def test_a_crop_is_what_opencv_warps(angle):
    cv2 = pytest.importorskip("cv2")
    image, (u, v) = smooth(), (60.0, 44.0)
    M = cv2.getRotationMatrix2D((u, v), math.degrees(angle), 1.0)  # the closing axis comes to lie along the rows
    M[:, 2] += np.array([15.5, 15.5]) - (u, v)
    expected = cv2.warpAffine(image, M, (32, 32), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    np.testing.assert_allclose(cut(image, (u, v), angle), expected, atol=2e-4)  # its weights are 32nds of a pixel


def test_an_image_shrinks_as_pillow_shrinks_it():
    Image = pytest.importorskip("PIL.Image")
    image = smooth() + np.random.default_rng(1).normal(0, 0.01, (90, 120)).astype(np.float32)
    expected = np.asarray(Image.fromarray(image).resize((40, 30), Image.BILINEAR))
    np.testing.assert_allclose(shrink(torch.from_numpy(image), 1 / 3).numpy(), expected, atol=1e-5)


def test_a_shrunk_crop_shows_the_same_window():
    image = smooth(300, 300)
    window = cut(image, (151.0, 140.0), 0.3, size=96)
    expected = window.reshape(32, 3, 32, 3).mean((1, 3))
    np.testing.assert_allclose(cut(image, (151.0, 140.0), 0.3, size=32, factor=1 / 3), expected, atol=2e-3)


@pytest.mark.parametrize("factor", [1.0, 0.5])
def test_the_symmetries_of_a_grasp_are_those_of_its_crop(factor):
    image, px, angle = smooth(), (61.0, 44.5), 0.3
    crop = cut(image, px, angle, factor=factor)
    np.testing.assert_allclose(cut(image, px, angle + math.pi, factor=factor), crop[::-1, ::-1], atol=1e-5)
    mirrored = cut(image[:, ::-1].copy(), (119 - px[0], px[1]), math.pi - angle, factor=factor)
    np.testing.assert_allclose(mirrored, crop[::-1], atol=1e-5)  # the closing axis is mirrored with the image
    turned = cut(np.rot90(image, -1).copy(), (89 - px[1], px[0]), angle + math.pi / 2, factor=factor)
    np.testing.assert_allclose(turned, crop, atol=1e-5)


def test_an_image_that_moves_by_whole_pixels_with_the_grasp_gives_the_same_crop():
    image = smooth()
    moved = np.roll(image, (4, -6), axis=(0, 1))
    np.testing.assert_allclose(cut(moved, (55.2, 48.7), 0.8), cut(image, (61.2, 44.7), 0.8), atol=1e-5)


def test_missing_pixels_are_filled_before_the_image_shrinks():
    image = smooth()
    holed = image.copy()
    holed[40:44, 60:63] = 0
    crop = cut(holed, (61.0, 44.0), 0.2, factor=1 / 3)
    assert crop.min() > 0.6
    np.testing.assert_allclose(crop, cut(image, (61.0, 44.0), 0.2, factor=1 / 3), atol=0.02)


def test_the_closing_axis_is_horizontal():
    angle = 0.6
    depth, _ = render([box((0, 0), (0.2, 0.03, 0.04), yaw=math.pi / 2 - angle)])  # seen from above yaw runs backwards
    crop = cut(depth, (159.5, 119.5), angle)
    np.testing.assert_allclose(crop, np.broadcast_to(crop[16], crop.shape), atol=0.03)
    assert np.ptp(crop[16]) > 0.03 and np.ptp(crop[:, 16]) < 0.01  # edges along the row, none down the column


@pytest.mark.parametrize("layout", ["2.0", "4.0"])
def test_dexnets_weights_plan_and_every_quality_is_the_networks_own(layout, tmp_path):
    assert main(["weights", str(DATA / f"gqcnn_{layout}"), str(tmp_path / "m.pt")]) == 0
    network, meta = networks.load(tmp_path / "m.pt", "cpu")
    planner = GraspPlanner.load(tmp_path / "m.pt", device="cpu", options=PlannerOptions(balance=1e9, oblique=0.0))
    depth, mask = render([box((0.03, 0.02), (0.10, 0.03, 0.04), 0.4)])
    plan = planner.plan(depth, CAMERA, mask)
    assert len(plan) > 1 and np.ptp([g.quality for g in plan]) > 1e-4
    size, factor = meta["crop"]["size"], meta["crop"]["size"] / meta["crop"]["window"]
    for grasp in plan:
        crop = cut(depth, grasp.center_px, grasp.angle, size, factor)
        with torch.no_grad():
            quality = network.quality(torch.from_numpy(crop)[None, None], torch.tensor([[grasp.depth]]).float())
        assert float(quality) == pytest.approx(grasp.quality, abs=1e-3)


def test_a_pixel_model_that_does_not_tell_its_window_is_refused(tmp_path):
    networks.save(tmp_path / "m.pt", networks.GraspNetwork(), {"crop": {"input": networks.PIXEL_CROP, "size": 32}})
    with pytest.raises(ModelError, match="a model on pixel crops must tell their size and window"):
        GraspPlanner.load(tmp_path / "m.pt", device="cpu")
