"""Wasserstein-1 distances against SciPy's, and histograms against the values they hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cosmogan_k3.statistics import (
    pixel_histogram,
    wasserstein_1,
    wasserstein_from_histograms,
    wasserstein_rows,
)

values = st.lists(st.integers(-5, 5), min_size=1, max_size=30)


@settings(max_examples=100, deadline=None)
@given(real=values.filter(lambda v: len(set(v)) > 1), generated=values)
def test_the_distance_is_scipys_even_with_ties_and_unequal_numbers(real, generated):
    expected = stats.wasserstein_distance(real, generated) / np.std(real)
    assert wasserstein_1(real, generated) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(real=values.filter(lambda v: len(set(v)) > 1), generated=values)
def test_histograms_are_exact_for_values_at_the_centres(real, generated):
    edges = np.arange(-5.5, 6)
    counts = [np.histogram(v, edges)[0] for v in (real, generated)]
    assert wasserstein_from_histograms(*counts, edges) == pytest.approx(
        wasserstein_1(real, generated), abs=1e-12
    )


def test_uneven_bins_weigh_by_the_distance_of_their_centres(rng):
    edges = np.array([0.0, 1.0, 3.0, 7.0, 8.0])
    centres = (edges[1:] + edges[:-1]) / 2
    real, generated = rng.integers(1, 50, size=(2, 4))
    expected = stats.wasserstein_distance(centres, centres, real, generated)
    sigma = np.sqrt(np.cov(centres, fweights=real, ddof=0))
    assert wasserstein_from_histograms(real, generated, edges) == pytest.approx(
        expected / sigma, rel=1e-12
    )


def test_rows_are_columns_one_by_one(rng):
    real, generated = rng.normal(size=(50, 6)), rng.exponential(size=(73, 6))
    expected = [
        stats.wasserstein_distance(a, b) / a.std() for a, b in zip(real.T, generated.T, strict=True)
    ]
    np.testing.assert_allclose(wasserstein_rows(real, generated), expected, rtol=1e-12)


def test_normal_distributions_have_a_closed_form(rng):
    # W₁ of N(0,1) and N(μ,σ²) is ⟨|μ + (σ − 1) z|⟩. 250,000 values scatter by 0.003.
    real = rng.normal(size=250_000)
    z = stats.norm.ppf((np.arange(10**5) + 0.5) / 10**5)
    expected = np.abs(0.1 + 0.2 * z).mean()
    assert wasserstein_1(real, 0.1 + 1.2 * rng.normal(size=250_000)) == pytest.approx(
        expected, abs=0.009
    )


def test_binned_pixels_are_within_a_bin_of_the_exact_distance_and_maps_can_be_exchanged(rng):
    real, generated = rng.normal(size=(30, 16, 16)), rng.normal(0.3, 1.1, size=(20, 16, 16))
    edges = np.linspace(-6, 6, 241)
    counts = [pixel_histogram(maps, edges) for maps in (real, generated)]
    binned = wasserstein_from_histograms(counts[0].sum(axis=0), counts[1].sum(axis=0), edges)
    assert binned == pytest.approx(wasserstein_1(real, generated), abs=0.05 / real.std())
    pooled = np.concatenate(counts)
    choices = np.stack([rng.permutation(50) < 30 for _ in range(5)])
    permuted = wasserstein_from_histograms(choices @ pooled, ~choices @ pooled, edges)
    expected = [
        wasserstein_from_histograms(pooled[c].sum(axis=0), pooled[~c].sum(axis=0), edges)
        for c in choices
    ]
    np.testing.assert_allclose(permuted, expected, rtol=1e-12)
    assert permuted.max() < binned


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(0.01, 100), shift=st.floats(-10, 10))
def test_units_and_zero_point_do_not_matter(seed, scale, shift):
    real, generated = np.random.default_rng(seed).normal(size=(2, 40))
    moved = wasserstein_1(real * scale + shift, generated * scale + shift)
    assert moved == pytest.approx(wasserstein_1(real, generated), rel=1e-6)


def test_errors_name_the_cause():
    with pytest.raises(ValueError, match="must vary"):
        wasserstein_1([1.0, 1.0], [1.0])
    with pytest.raises(ValueError, match="two real rows and a generated one"):
        wasserstein_1([1.0, 2.0], [])
    with pytest.raises(ValueError, match="as many features"):
        wasserstein_rows(np.zeros((2, 3)), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="edges must increase"):
        wasserstein_from_histograms([1, 1], [1, 1], [0, 1])
    with pytest.raises(ValueError, match="must not be empty"):
        wasserstein_from_histograms([1, 1], [0, 0], [0, 1, 2])
    with pytest.raises(ValueError, match="fill two bins"):
        wasserstein_from_histograms([1, 0], [1, 1], [0, 1, 2])
