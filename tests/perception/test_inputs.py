import numpy as np
import pytest

from antipodal.camera import Camera
from antipodal.errors import InputError
from antipodal.perception.inputs import check_depth, check_mask, check_region

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
        (np.full((6, 8), "x"), "boolean or numbers"),
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
