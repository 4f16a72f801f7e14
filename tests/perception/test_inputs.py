from dataclasses import replace

import numpy as np
import pytest

from antipodal.camera import Camera
from antipodal.errors import InputError
from antipodal.perception.hints import SceneHints
from antipodal.perception.inputs import check_depth, check_mask, check_region, check_seed, within_hints

CAMERA = Camera(50.0, 50.0, 4.0, 3.0, 8, 6)
GOOD = np.full((6, 8), 0.7, np.float32)


@pytest.mark.parametrize(
    "depth, complaint",
    [
        ([[0.7]], "numpy array"),
        (np.zeros((0, 0), np.float32), "shape"),
        (np.full((6, 8, 3), 0.7, np.float32), "shape"),
        (np.full((6, 8), 700, np.uint16), "divide millimetres"),
        (np.full((6, 8), 700, np.float32), "millimetres"),
        (np.full((6, 8), 0.7, complex), "floats in metres"),
        (np.full((8, 6), 0.7, np.float32), "6 x 8 pixels but the camera's image is 8 x 6"),
        (np.zeros((6, 8), np.float32), "no valid pixel"),
        (np.full((6, 8), np.nan, np.float32), "no valid pixel"),
        (np.full((6, 8), -np.inf, np.float32), "no valid pixel"),
    ],
)
def test_impossible_depth_is_refused_with_the_reason(depth, complaint):
    with pytest.raises(InputError, match=complaint):
        check_depth(depth, CAMERA)


def test_missing_values_of_every_kind_become_zero():
    depth = GOOD.astype(np.float64)
    depth[0, :5] = [np.nan, np.inf, -np.inf, -1, 0]
    clean = check_depth(depth, CAMERA)
    assert clean.dtype == np.float32
    assert np.all(clean[0, :5] == 0) and np.all(clean[1:] == np.float32(0.7))


@pytest.mark.parametrize(
    "mask, complaint",
    [
        (np.ones((8, 6), bool), r"shape \(6, 8\), got \(8, 6\)"),
        (np.zeros((6, 8), bool), "empty"),
        (np.full((6, 8), "x"), "boolean or whole numbers"),
        (np.where(GOOD > 0, np.nan, 1.0), "NaN at 48 pixels"),
        (np.arange(48).reshape(6, 8) - 1, "negative values at 1 pixels"),
        (np.full((6, 8), 0.97), "fractions at 48 pixels"),
        (np.ones((6, 8, 3), bool), r"got \(6, 8, 3\)"),
    ],
)
def test_impossible_mask_is_refused_with_the_reason(mask, complaint):
    with pytest.raises(InputError, match=complaint):
        check_mask(mask, GOOD)


def test_mask_over_missing_depth_is_refused():
    depth, mask = GOOD.copy(), np.zeros((6, 8), np.uint8)
    depth[2:4], mask[2:4] = 0, 255
    with pytest.raises(InputError, match="missing at all 16 pixels"):
        check_mask(mask, depth)
    mask[4, 4] = 1
    assert check_mask(mask, depth).sum() == 17


@pytest.mark.parametrize("kind", [bool, np.uint8, np.int8, np.uint16, np.int64, np.float32])
@pytest.mark.parametrize("value", [1, 100])
def test_masks_of_every_kind_mean_the_same(kind, value):
    mask = np.zeros((6, 8), bool)
    mask[2:4, 3:5] = True
    for given in (mask, mask[..., None]):
        np.testing.assert_array_equal(check_mask((given * value).astype(kind), GOOD), mask)


@pytest.mark.parametrize("code", [10.5, 65.535, 65535.0, 1e10, 1e38, np.inf])
@pytest.mark.parametrize("share", [0.3, 0.8])
def test_codes_for_no_return_are_missing_whatever_their_number(code, share):
    depth = GOOD.copy()
    depth[np.random.default_rng(0).random((6, 8)) < share] = code
    np.testing.assert_array_equal(check_depth(depth, CAMERA), np.where(depth == GOOD, GOOD, 0))


def test_what_lies_outside_the_depths_asked_for_is_missing():
    depth = np.linspace(0.1, 4.8, 48, dtype=np.float32).reshape(6, 8)
    kept, inside = within_hints(depth, CAMERA, SceneHints(nearest=0.3, farthest=2.0))
    np.testing.assert_array_equal(kept, np.where((depth >= 0.3) & (depth <= 2), depth, 0))
    assert inside is None
    with pytest.raises(InputError, match="no depth lies between 5 and 6 m"):
        within_hints(depth, CAMERA, SceneHints(nearest=5.0, farthest=6.0))


def test_a_workspace_holds_the_points_in_its_box():
    _, inside = within_hints(GOOD, CAMERA, SceneHints(workspace=(-0.015, -1, 0.5, 0.03, 0.001, 1.0)))
    points = CAMERA.deproject(np.stack(np.meshgrid(np.arange(8), np.arange(6)), -1), GOOD)
    expected = (points[..., 0] >= -0.015) & (points[..., 0] <= 0.03) & (points[..., 1] <= 0.001)
    np.testing.assert_array_equal(inside, expected)
    assert 0 < inside.sum() < 48


@pytest.mark.parametrize(
    "given, complaint",
    [
        ({"up": (0, 0, 0)}, "up has no direction"),
        ({"up": (0, 1)}, "up must be 3 finite numbers"),
        ({"up": (0, np.nan, 1)}, "up must be 3 finite numbers"),
        ({"table": (0, 0, 1, 0)}, "passes through the camera"),
        ({"table": (0, 0, 0, 1)}, "table has no direction"),
        ({"nearest": 2.0, "farthest": 1.0}, "0 <= nearest < farthest, got 2 and 1"),
        ({"workspace": (0, 0, 0, 1, 1, -1)}, "x0 < x1"),
        ({"nearest": "a"}, "nearest must be a depth in metres, got 'a'"),
        ({"farthest": None}, "farthest must be a depth in metres, got None"),
        ({"T_workspace_cam": np.eye(3)}, r"T_workspace_cam must be a rigid transform \(4, 4\)"),
        ({"T_workspace_cam": np.full((4, 4), np.nan)}, r"T_workspace_cam must be a rigid transform \(4, 4\)"),
    ],
)
def test_impossible_hints_are_refused(given, complaint):
    with pytest.raises(InputError, match=complaint):
        SceneHints(**given)


@pytest.mark.parametrize("scale", [2.0, -3.0])
def test_a_given_plane_has_its_normal_away_from_the_camera(scale):
    normal, offset = SceneHints(table=np.array([0, 0.6, 0.8, 0.7]) * scale).plane()
    np.testing.assert_allclose([*normal, offset], [0, 0.6, 0.8, 0.7], atol=1e-12)


def test_two_masks_of_the_robot_are_refused():
    robot = np.zeros((6, 8), bool)
    assert SceneHints().seen_from(np.eye(4), robot).robot is robot is SceneHints(robot=robot).seen_from(np.eye(4)).robot
    with pytest.raises(InputError, match="both have a mask of the robot"):
        SceneHints(robot=robot).seen_from(np.eye(4), robot)


def test_what_is_masked_out_of_an_array_is_missing():
    out = np.arange(48).reshape(6, 8) % 3 == 0
    depth = check_depth(np.ma.array(GOOD, mask=out), CAMERA)
    np.testing.assert_array_equal(depth, np.where(out, 0, GOOD))
    np.testing.assert_array_equal(check_mask(np.ma.array(np.ones((6, 8)), mask=out), GOOD), ~out)
    np.testing.assert_array_equal(check_region(np.ma.array(np.ones((6, 8), bool), mask=out), GOOD), ~out)


def test_a_camera_is_needed():
    with pytest.raises(InputError, match="camera must be a Camera, got None"):
        check_depth(GOOD, None)


@pytest.mark.parametrize("name", ["fx", "fy", "cx", "cy"])
@pytest.mark.parametrize("value", [1e300, -1e300, 1e30, -1e7, 1e7, 1e-6, 1e-30, 1e-300])
def test_extreme_intrinsics_are_refused(name, value):
    if name in ("cx", "cy") and abs(value) < 1:  # the corner of the image
        return
    with pytest.raises(InputError, match=r"focal length|principal point"):
        check_depth(GOOD, replace(CAMERA, **{name: value}))


@pytest.mark.parametrize("seed", [-1, 2**63, 2**70, 0.0, 1.5, "0", None, True])
def test_impossible_seed_is_refused(seed):
    with pytest.raises(InputError, match="seed must be a whole number from 0 to"):
        check_seed(seed)


def test_a_region_is_a_window_of_the_image():
    assert check_region(None, GOOD) is None
    window = check_region((1, 2, 3, 2), GOOD)
    assert window.sum() == 6 and window[2:4, 1:4].all()
    assert check_region((0, 0, 8, 6), GOOD).all()
    np.testing.assert_array_equal(check_region(window, GOOD), window)


@pytest.mark.parametrize("region", [np.ones((8, 6), bool), np.ones((6, 8))])
def test_a_region_of_pixels_must_fit_the_image(region):
    with pytest.raises(InputError, match=r"bool of shape \(6, 8\), got"):
        check_region(region, GOOD)


@pytest.mark.parametrize("region", [(6, 0, 3, 1), (0, 6, 1, 1), (1, 1, 0, 0), (0, 0, 9, 6), (-1, 0, 3, 3)])
def test_a_region_outside_the_image_is_refused(region):
    with pytest.raises(InputError, match="does not lie in the image, 8 x 6"):
        check_region(region, GOOD)
