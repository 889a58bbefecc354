"""The fast search of bins and the periodic padding against those of NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmogan_k3.statistics.binning import Bins, periodic_padding

VALUES = st.floats(-1e6, 1e6, allow_nan=False)


@settings(max_examples=200, deadline=None)
@given(
    edges=st.lists(VALUES, min_size=2, max_size=20, unique=True),
    values=st.lists(VALUES, min_size=1, max_size=30),
)
def test_the_index_is_searchsorted_for_any_edges(edges, values):
    # The edges themselves and their neighbours in floating point are where a table could go wrong.
    edges = np.sort(np.array(edges))
    values = np.concatenate(
        [values, edges, np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf), [-1e300, 1e300]]
    )
    np.testing.assert_array_equal(
        Bins(edges).index(values), np.searchsorted(edges, values, side="right")
    )


@settings(max_examples=100, deadline=None)
@given(low=st.floats(-1, 1), step=st.floats(1e-6, 10), bins=st.integers(1, 200))
def test_the_index_is_searchsorted_for_equal_bins(low, step, bins):
    edges = low + step * np.arange(bins + 1)
    values = np.concatenate([edges, np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf)])
    table = Bins(edges)
    assert not table._searched, "equal bins are the case that the table is for"
    np.testing.assert_array_equal(table.index(values), np.searchsorted(edges, values, side="right"))


def test_sums_are_a_weighted_histogram(rng):
    values, weights = rng.normal(size=(2, 500))
    edges = np.linspace(-1, 1, 8)
    bins = Bins(edges)
    expected = np.histogram(values, edges, weights=weights)[0]
    np.testing.assert_allclose(bins.sums(bins.index(values), weights)[1:-1], expected, atol=1e-12)


def test_maps_are_continued_periodically(rng):
    maps = rng.normal(size=(2, 5, 5))
    np.testing.assert_array_equal(
        periodic_padding(maps, 2), np.pad(maps, ((0, 0), (2, 2), (2, 2)), mode="wrap")
    )


def test_infinite_edges_are_refused():
    with pytest.raises(ValueError, match=r"must be finite. Received"):
        Bins(np.array([-np.inf, 0.0, 1.0]))
