"""Sums over the cells of a plan."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from antipodal.perception.cells import medians

HEIGHTS = st.floats(-10, 10, width=32)


@given(st.lists(st.tuples(st.integers(-2, 6), HEIGHTS), max_size=30), st.integers(0, 8))
def test_medians_are_those_of_each_group(pairs, count):
    group, values = np.array([g for g, _ in pairs], int), np.array([v for _, v in pairs])
    expected = [np.median(values[group == k]) if (group == k).any() else np.nan for k in range(count)]
    np.testing.assert_array_equal(medians(values, group, count), expected)
