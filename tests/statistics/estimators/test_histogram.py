"""The histogram against a plain count."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmogan_k3.statistics import pixel_histogram


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), bins=st.integers(1, 20))
def test_the_histogram_counts_what_lies_inside(seed, bins):
    maps = np.random.default_rng(seed).normal(size=(3, 7, 7))
    edges = np.linspace(-1, 1, bins + 1)
    counts = pixel_histogram(maps, edges)
    np.testing.assert_array_equal(counts.sum(axis=1), ((maps >= -1) & (maps <= 1)).sum(axis=(1, 2)))


def test_bins_are_half_open_but_for_the_last():
    maps = np.array([[[0.0, 0.5], [1.0, 2.0]]])
    assert pixel_histogram(maps, [0, 1, 2]).tolist() == [[2, 2]]


def test_edges_that_do_not_increase_are_refused():
    with pytest.raises(ValueError, match="increasing"):
        pixel_histogram(np.zeros((3, 7, 7)), [0, 0])
