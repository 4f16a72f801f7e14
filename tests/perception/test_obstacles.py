"""What goes with a piece that is dropped."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from antipodal.perception.obstacles import _dropped_rims


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("reach", [0.6, 3.0, 9.5])
def test_rims_are_what_is_nearer_to_what_is_dropped(seed, reach):
    rng = np.random.default_rng(seed)
    kind = rng.choice(4, size=(40, 50), p=[0.5, 0.4, 0.05, 0.05])
    asked, dropped, others = (kind == k for k in (1, 2, 3))
    to_dropped, to_others = (distance_transform_edt(~cells) for cells in (dropped, others))
    expected = asked & (to_dropped <= reach) & (to_dropped < to_others)
    assert expected.any() == (reach > 1)
    np.testing.assert_array_equal(_dropped_rims(asked, dropped, others, reach), expected)


def test_without_anything_dropped_there_are_no_rims():
    everywhere, nowhere = np.ones((5, 6), bool), np.zeros((5, 6), bool)
    assert not _dropped_rims(everywhere, nowhere, nowhere, 4.0).any()
    assert _dropped_rims(everywhere, everywhere, nowhere, 0.0).all()
