"""Peak and minima counts against a plain loop and the density of peaks of Gaussian fields."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate

from cosmogan_k3.statistics import minima_counts, peak_counts
from tests.statistics.gaussian_maps import gaussian_maps


def peak_heights(map_, mask, periodic):
    """Values of the peaks of one map, by the definition."""
    n = len(map_)
    heights = []
    for i, j in np.ndindex(n, n):
        around = [(i + a, j + b) for a in (-1, 0, 1) for b in (-1, 0, 1) if (a, b) != (0, 0)]
        if not periodic and not all(0 <= a < n and 0 <= b < n for a, b in around):
            continue
        around = [(a % n, b % n) for a, b in around]
        observed = mask[i, j] and all(mask[p] for p in around)
        if observed and all(map_[i, j] > map_[p] for p in around):
            heights.append(map_[i, j])
    return heights


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    levels=st.integers(2, 40),
    periodic=st.booleans(),
    masked=st.booleans(),
)
def test_against_a_plain_loop_even_with_ties(seed, levels, periodic, masked):
    rng = np.random.default_rng(seed)
    maps = rng.integers(0, levels, size=(3, 11, 11)).astype(np.float32)
    mask = rng.uniform(size=(11, 11)) > 0.05 if masked else np.ones((11, 11), bool)
    edges = np.linspace(0, levels - 1, 6)  # heights lie on edges, and on the last one
    options = {"mask": mask if masked else None, "periodic": periodic}
    peaks = peak_counts(maps, edges, **options)
    minima = minima_counts(maps, edges, **options)
    assert peaks.dtype == minima.dtype == np.int64
    for map_, counts, low_counts in zip(maps, peaks, minima, strict=True):
        np.testing.assert_array_equal(
            counts, np.histogram(peak_heights(map_, mask, periodic), edges)[0]
        )
        lows = -np.array(peak_heights(-map_, mask, periodic))
        np.testing.assert_array_equal(low_counts, np.histogram(lows, edges)[0])


def bond_efstathiou(edges, gamma, theta):
    """Peaks per area of a Gaussian field in bins of height in σ0.

        n(ν) dν = exp(−ν²/2) G(γ, γν) dν / ((2π)^{3/2} θ*²)

    G is the mean of (x² + exp(−x²) − 1) over a normal distribution of mean γν and variance 1 − γ²,
    for x > 0. Here it is integrated rather than copied in closed form.

    Source: Bond & Efstathiou 1987, appendix 1.
    """

    def density(height):
        def weighted(x):
            return (x * x + np.exp(-x * x) - 1) * np.exp(
                -((x - gamma * height) ** 2) / (2 * (1 - gamma**2))
            )

        mean = integrate.quad(weighted, 0, 12)[0] / np.sqrt(2 * np.pi * (1 - gamma**2))
        return np.exp(-(height**2) / 2) * mean / ((2 * np.pi) ** 1.5 * theta**2)

    return np.array([integrate.quad(density, *pair)[0] for pair in itertools.pairwise(edges)])


def test_gaussian_fields_have_the_density_of_peaks_of_bond_and_efstathiou(rng):
    # P ∝ exp(−k²θ²): σ1² = σ0²/θ², σ2² = 2σ0²/θ⁴, hence γ = σ1²/(σ0 σ2) = 1/√2 and
    # θ* = √2 σ1/σ2 = θ. At θ = 6 pixels a peak spans many pixels. 300 maps hold some 8,000 peaks in
    # the bins below: each scatters by 1 to 2 %, and 3 % is allowed.
    scale, n, pixels = 6, 300, 256
    maps = gaussian_maps(rng, n, pixels, scale)
    edges = np.array([0.0, 0.75, 1.25, 1.75, 2.5])
    expected = bond_efstathiou(edges, 1 / np.sqrt(2), scale) * pixels**2
    np.testing.assert_allclose(peak_counts(maps, edges).mean(axis=0), expected, rtol=0.03)
    np.testing.assert_allclose(
        minima_counts(maps, -edges[::-1]).mean(axis=0)[::-1], expected, rtol=0.03
    )
    total = peak_counts(maps, [-9, 9]).mean()
    assert total == pytest.approx(pixels**2 / (4 * np.pi * np.sqrt(3) * scale**2), rel=0.01)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    turns=st.integers(0, 3),
    shift=st.tuples(st.integers(0, 19), st.integers(0, 19)),
)
def test_turned_mirrored_and_shifted_maps_are_the_same(seed, turns, shift):
    maps = np.random.default_rng(seed).normal(size=(2, 20, 20))
    edges = np.linspace(-1, 3, 9)
    other = np.rot90(maps, turns, axes=(1, 2))[:, ::-1]
    for count in (peak_counts, minima_counts):
        np.testing.assert_array_equal(
            count(maps, edges), count(np.roll(other, shift, axis=(1, 2)), edges)
        )
        np.testing.assert_array_equal(
            count(maps, edges, periodic=False), count(other, edges, periodic=False)
        )


@pytest.mark.parametrize("dtype", [np.float32, np.uint8, ">f4", np.float16])
def test_peaks_do_not_depend_on_the_type_of_the_maps(rng, dtype):
    maps = rng.integers(0, 99, size=(2, 16, 16))
    edges = [0, 50, 99]
    expected = peak_counts(maps, edges)
    np.testing.assert_array_equal(peak_counts(maps.astype(dtype), edges), expected)


def test_a_pixel_beside_a_nan_is_no_peak():
    spoilt = np.zeros((1, 8, 8))
    spoilt[0, 2, 2], spoilt[0, 2, 3], spoilt[0, 6, 6] = 1, np.nan, 1
    assert peak_counts(spoilt, [0.5, 1.5]).tolist() == [[1]]


MASK_MESSAGE = r"mask must be a bool array \(8, 8\), True where observed. Received"


@pytest.mark.parametrize("count", [peak_counts, minima_counts])
@pytest.mark.parametrize(
    ("shape", "edges", "mask", "message"),
    [
        ((1, 8, 8), [1, 0], None, r"increasing numbers. Received"),
        ((8, 8), [0, 1], None, "non-empty array"),
        ((1, 2, 2), [0, 1], None, r"at least 3 pixels a side. Received: 2"),
        ((1, 8, 8), [0, 1], np.ones((8, 8)), MASK_MESSAGE),
        ((1, 8, 8), [0, 1], np.ones((7, 7), bool), MASK_MESSAGE),
        ((1, 8, 8), [0, 1], [[True]], MASK_MESSAGE),
    ],
)
def test_errors_name_the_cause(count, shape, edges, mask, message):
    with pytest.raises(ValueError, match=message):
        count(np.zeros(shape), edges, mask=mask)
