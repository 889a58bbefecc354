"""The Kolmogorov-Smirnov tests of pixels against SciPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cosmogan_k3.statistics import ks_histogram_counts, ks_pixels
from cosmogan_k3.statistics.two_sample import kolmogorov_smirnov


@settings(max_examples=60, deadline=None)
@given(
    a=st.lists(st.integers(0, 6), min_size=1, max_size=30),
    b=st.lists(st.integers(0, 6), min_size=1, max_size=30),
)
def test_the_distance_is_scipys_even_with_ties(a, b):
    maps = (np.array(values, float)[:, None, None] for values in (a, b))
    ours = ks_pixels(*maps, permutations=0).distance
    assert ours == pytest.approx(stats.ks_2samp(a, b, method="asymp").statistic, abs=1e-12)


def test_the_distance_of_many_pixels_is_scipys_to_its_quantiles(rng):
    a, b = rng.normal(size=(300, 32, 32)), rng.normal(0.02, 1.01, size=(400, 32, 32))
    exact = stats.ks_2samp(a.ravel(), b.ravel()).statistic
    # Between neighbouring quantiles of 65,536 lies 1.5e-5 of either distribution.
    assert ks_pixels(a, b, permutations=0).distance == pytest.approx(exact, abs=4e-5)


def test_large_maps_lend_the_distance_fewer_levels(rng, monkeypatch):
    monkeypatch.setattr(kolmogorov_smirnov, "_LEVEL_PIXELS", 2**16)  # 64 of these maps
    a, b = rng.normal(size=(100, 32, 32)), rng.normal(0.02, 1.01, size=(100, 32, 32))
    exact = stats.ks_2samp(a.ravel(), b.ravel()).statistic
    # Neighbours among 131,072 pixels enclose up to ln(n)/n = 1e-4 of a distribution, and each level
    # is one of two.
    assert ks_pixels(a, b, permutations=0).distance == pytest.approx(exact, abs=2e-4)


def correlated_maps(rng, n):
    """Maps whose pixels share a common offset: far from independent."""
    return rng.normal(size=(n, 8, 8)) * 0.3 + rng.normal(size=(n, 1, 1))


def test_the_p_value_is_uniform_although_pixels_are_correlated(rng):
    values = [
        ks_pixels(
            correlated_maps(rng, 12), correlated_maps(rng, 12), permutations=99, seed=i
        ).pvalue
        for i in range(200)
    ]
    assert stats.kstest(values, "uniform").pvalue > 0.01
    naive = [
        stats.ks_2samp(correlated_maps(rng, 12).ravel(), correlated_maps(rng, 12).ravel()).pvalue
        for _ in range(50)
    ]
    assert np.mean(np.array(naive) < 0.01) > 0.8, (
        "the usual formula should fail here, or this test shows nothing"
    )


def test_the_p_value_finds_a_real_difference(rng):
    result = ks_pixels(correlated_maps(rng, 60), 1.5 + correlated_maps(rng, 60), permutations=199)
    assert result.pvalue == pytest.approx(1 / 200)
    assert np.isnan(
        ks_pixels(correlated_maps(rng, 5), correlated_maps(rng, 5), permutations=0).pvalue
    )
    with pytest.raises(ValueError, match="Both sets need maps"):
        ks_pixels(np.zeros((0, 4, 4)), np.zeros((1, 4, 4)))


def test_the_published_test_sees_nothing_in_a_reversed_histogram(rng):
    real = rng.exponential(size=(50, 16, 16))
    reversed_ = real.max() + real.min() - real
    assert ks_histogram_counts(real, reversed_).pvalue > 0.99
    assert ks_pixels(real, reversed_, permutations=99).pvalue == 0.01


def test_masked_ks_is_that_of_the_observed_pixels(rng):
    real, generated = rng.normal(size=(2, 30, 12, 12))
    mask = rng.random((12, 12)) < 0.7
    expected = stats.ks_2samp(real[:, mask].ravel(), generated[:, mask].ravel()).statistic
    real[:, ~mask], generated[:, ~mask] = np.nan, 9.0
    assert ks_pixels(real, generated, mask=mask, permutations=0).distance == pytest.approx(
        expected, abs=1e-12
    )
    with pytest.raises(ValueError, match="NaN or infinity in map 0"):
        ks_pixels(real, generated, permutations=0)
