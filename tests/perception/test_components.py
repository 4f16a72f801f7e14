import cv2
import numpy as np
import pytest

from antipodal.perception.components import connected_components


def masks():
    rng = np.random.default_rng(0)
    yield from (rng.random((37, 53)) < share for share in (0.0, 0.2, 0.5, 0.8, 1.0))
    yield cv2.GaussianBlur(rng.random((120, 160)), (9, 9), 2) > 0.5  # blobs
    yield rng.random((1, 9)) < 0.5
    yield rng.random((9, 1)) < 0.5


@pytest.mark.parametrize("mask", masks())
@pytest.mark.parametrize("diagonal", [False, True])
def test_components_are_opencvs(mask, diagonal):
    ours = connected_components(mask, diagonal)
    count, labels, stats, middles = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=8 if diagonal else 4
    )
    assert ours.count == count - 1
    painted = ours.paint(np.arange(ours.count, dtype=np.int32) + 1)
    theirs = np.zeros(count, int)  # of each of OpenCV's labels, ours
    theirs[labels[mask]] = painted[mask]
    np.testing.assert_array_equal(theirs[labels], painted)
    order = theirs[1:] - 1
    np.testing.assert_array_equal(ours.areas()[order], stats[1:, cv2.CC_STAT_AREA])
    np.testing.assert_array_equal(ours.sizes()[order], stats[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]])
    np.testing.assert_allclose(ours.middles()[order], middles[1:])


def test_pixels_shared_with_a_mask_are_counted():
    mask = np.zeros((20, 20), bool)
    mask[2:5, 2:5] = mask[10:15, 8:12] = True
    other = np.zeros_like(mask)
    other[14, 11] = other[2, 5] = True
    assert connected_components(mask, True).shared(other).tolist() == [0, 1]
