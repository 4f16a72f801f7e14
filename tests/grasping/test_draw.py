"""draw: what is painted where."""

import cv2
import numpy as np
import pytest
from scenes import box, render

from antipodal import transforms
from antipodal.camera import Camera
from antipodal.errors import InputError
from antipodal.grasp import Grasp, Gripper
from antipodal.grasping import draw
from antipodal.perception.scene import Scene, perceive

CAMERA = Camera(500.0, 500.0, 160.0, 120.0, 320, 240)
GRIPPER = Gripper()


def grasp_at(x, y, z, angle=0.0, width=0.06, quality=0.9):
    """A grasp straight down the camera's axis, closing axis at `angle` from +u."""
    T = transforms.compose(transforms.about_z(np.asarray(angle - np.pi / 2)), [x, y, z])
    u, v = CAMERA.project(T[:3, 3])
    return Grasp(T, width, quality, (u, v), angle, z)


def test_jaws_are_painted_where_the_camera_sees_them():
    image = draw.overlay(np.full((240, 320), 0.5, np.float32), CAMERA, [grasp_at(0, 0, 0.5)], GRIPPER)
    jaw = 500 * (0.06 / 2 + GRIPPER.jaw_thickness / 2) / 0.5  # px from the centre to the middle of a jaw
    for u in (160 - jaw, 160 + jaw):
        assert tuple(image[120, round(u)]) == draw.quality_colour(0.9)
    assert tuple(image[120, 10]) == tuple(draw.shade(np.full((1, 1), 0.5))[0, 0])


def test_closing_axis_follows_the_angle():
    image = draw.overlay(np.full((240, 320), 0.5, np.float32), CAMERA, [grasp_at(0, 0, 0.5, np.pi / 2)], GRIPPER)
    assert tuple(image[120 + 20, 160]) == draw.quality_colour(0.9)
    assert tuple(image[120, 160 + 20]) != draw.quality_colour(0.9)


def test_candidates_are_thinner_than_grasps():
    depth = np.full((240, 320), 0.5, np.float32)
    plain = draw.shade(depth)
    candidate = (draw.overlay(depth, CAMERA, [], GRIPPER, [grasp_at(0, 0, 0.5)]) != plain).any(-1).sum()
    grasp = (draw.overlay(depth, CAMERA, [grasp_at(0, 0, 0.5)], GRIPPER) != plain).any(-1).sum()
    assert 0 < candidate < grasp


def test_missing_depth_has_its_own_colour():
    depth = np.full((4, 4), 0.5, np.float32)
    depth[0, 0], depth[0, 1] = 0, np.nan
    image = draw.shade(depth)
    assert tuple(image[0, 0]) == tuple(image[0, 1]) == draw.MISSING != tuple(image[1, 1])
    assert (draw.shade(np.zeros((3, 3))) == draw.MISSING).all()


def test_a_grasp_behind_the_camera_or_far_outside_the_image_leaves_it_alone():
    depth = np.full((240, 320), 0.5, np.float32)
    outside = draw.overlay(depth, CAMERA, [], GRIPPER, [grasp_at(0, 0, -0.5), grasp_at(1e6, 0, 0.5)])
    assert (outside == draw.shade(depth)).all()


def test_quality_runs_from_red_to_green():
    red, green = draw.quality_colour(0.0), draw.quality_colour(1.0)
    assert red[0] > red[1] and green[1] > green[0]
    assert draw.quality_colour(2.0) == green


def test_refuses_an_image_of_another_size():
    with pytest.raises(InputError, match=r"\(240, 320\)"):
        draw.overlay(np.zeros((10, 10)), CAMERA, [], GRIPPER)


def test_png_round_trip_keeps_the_order_of_colours(tmp_path):
    image = np.zeros((5, 7, 3), np.uint8)
    image[..., 0] = 200
    draw.write_png(tmp_path / "deep" / "a.png", image)
    assert (cv2.imread(str(tmp_path / "deep" / "a.png"))[..., ::-1] == image).all()


def test_write_png_names_the_path_it_cannot_write(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file/a\.png"):
        draw.write_png(tmp_path / "file" / "a.png", np.zeros((2, 2, 3), np.uint8))


def test_what_stands_on_the_support_is_shaded_by_height_and_told_by_a_legend():
    depth, _ = render([box((-0.05, 0.0), (0.05, 0.05, 0.03)), box((0.05, 0.0), (0.05, 0.05, 0.09))], CAMERA)
    depth[:, -20:] = 0
    image = draw.overlay(depth, CAMERA, [], GRIPPER, scene=perceive(depth, CAMERA))
    low, high = (image[120, round(CAMERA.project(np.array([x, 0.0, 0.65]))[0])].astype(int) for x in (-0.05, 0.05))
    table = image[-5, 100].astype(int)
    assert low[2] > low[0] and (high > 1.2 * low).all()  # blue: graspable, and the higher one brighter
    assert np.ptp(table) < 20 and (image[100:, -10] == draw.MISSING).all()
    plain = draw.shade_kinds(perceive(depth, CAMERA), CAMERA).image
    changed = (image != plain).any(axis=2)
    assert changed[:80, :190].mean() > 0.5 and not changed[110:, 200:].any()  # the legend, in its corner


def test_without_a_support_what_may_be_grasped_is_blue():
    depth = np.full((240, 320), 0.5, np.float32)
    scene = Scene(depth, None, np.zeros(depth.shape, bool))
    scene.graspable[100:140, 100:140] = True
    image = draw.shade_kinds(scene, CAMERA).image
    assert np.ptp(image[10, 10]) == 0 and image[120, 120, 2] > image[120, 120, 0] + 20
