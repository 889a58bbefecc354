"""Masks and checks of the input, for the spectrum and the histogram of partly observed maps."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import fft

from cosmogan_k3.statistics import pixel_histogram, power_spectrum
from cosmogan_k3.statistics._maps import checked_edges, finite_maps

EDGES = np.linspace(-3, 3, 7)
MASKED = [
    lambda maps, mask: power_spectrum(maps, pixel_arcmin=1.0, mask=mask)[1],
    lambda maps, mask: pixel_histogram(maps, EDGES, mask=mask),
]


def holes(pixels, radius, count, seed=0):
    """A mask with ``count`` discs cut out of it, as around bright stars."""
    y, x = np.mgrid[:pixels, :pixels]
    centres = np.random.default_rng(seed).uniform(0, pixels, size=(count, 2))
    return np.all([np.hypot(y - row, x - column) > radius for row, column in centres], axis=0)


@pytest.mark.parametrize(
    "mask",
    [holes(64, 6, 10), holes(64, 20, 2), np.random.default_rng(1).random((64, 64)) < 0.3],
    ids=["small holes", "large holes", "single pixels"],
)
def test_white_noise_keeps_its_spectrum_under_any_mask(rng, mask):
    # The expectation is exact up to the subtracted mean, 1 part in f N². 200 maps of 64² have some
    # 2,000 independent modes each: the mean of P is known to 1/√(200 · 2000 · f) < 0.3 %.
    maps = rng.normal(0, 0.3, size=(200, 64, 64)) + 5
    _, power = power_spectrum(maps, pixel_arcmin=2.0, mask=mask, ell_edges=[400, 5000])
    assert power.mean() == pytest.approx(0.09 * np.deg2rad(2 / 60) ** 2, rel=0.01)


def test_a_red_spectrum_under_a_mask_is_the_convolved_one(rng):
    # P ∝ k⁻² on an integer grid, 3 % masked. Expected, by FFT:
    # Σ_k' |FFT W|²(k − k') P(k') / (f N⁴). 300 maps with at least 80 modes per bin leave 1 % of
    # noise. The sum ignores that the mean is subtracted; beyond the fourth mode this is negligible.
    n, edges = 64, np.array([4.5, 8.5, 16.5, 31.5])
    radius = np.hypot(*np.meshgrid(fft.fftfreq(n) * n, fft.fftfreq(n) * n))
    radius[0, 0] = np.inf
    maps = fft.ifft2(fft.fft2(rng.normal(size=(300, n, n))) / radius).real
    mask = holes(n, 3, 5)
    assert 0.95 < mask.mean() < 0.98
    window = fft.ifft2(np.abs(fft.fft2(mask)) ** 2)
    convolved = fft.fft2(window * fft.ifft2(radius**-2.0)).real / mask.sum()
    expected = [convolved[(radius > lo) & (radius <= hi)].mean() for lo, hi in pairwise(edges)]
    options = {"pixel_arcmin": 1.0, "ell_edges": edges * 360 * 60 / n}
    whole = power_spectrum(maps, **options)[1].mean(axis=0)
    masked = power_spectrum(maps, **options, mask=mask)[1].mean(axis=0)
    np.testing.assert_allclose(masked / np.deg2rad(1 / 60) ** 2, expected, rtol=0.015)
    # Against the same maps unmasked the sample variance drops out, and what remains is the mixing.
    np.testing.assert_allclose(masked, whole, rtol=0.05)


@pytest.mark.parametrize("statistic", MASKED)
def test_a_full_mask_changes_nothing(rng, statistic):
    maps = rng.normal(size=(3, 16, 16))
    full = np.ones((16, 16), bool)
    np.testing.assert_allclose(statistic(maps, full), statistic(maps, None), rtol=1e-10)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), hidden=st.sampled_from([np.nan, np.inf, -np.inf, 1e30]))
def test_what_lies_under_the_mask_is_never_read(seed, hidden):
    rng = np.random.default_rng(seed)
    maps, mask = rng.normal(size=(3, 12, 12)).astype(np.float32), rng.random((12, 12)) < 0.7
    mask[0, 0] = True
    spoilt = np.where(mask, maps, np.float32(hidden))
    for statistic in MASKED:
        np.testing.assert_array_equal(statistic(spoilt, mask), statistic(maps, mask))


def test_the_histogram_counts_observed_pixels_only(rng):
    maps, mask = rng.normal(size=(5, 20, 20)), holes(20, 3, 3)
    counts = pixel_histogram(maps, EDGES, mask=mask)
    expected = [
        [np.sum((m[mask] >= lo) & (m[mask] < hi)) for lo, hi in pairwise(EDGES)] for m in maps
    ]
    np.testing.assert_array_equal(counts, expected)
    assert counts.dtype == np.int64


@pytest.mark.parametrize("statistic", MASKED)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_map_that_is_not_finite_is_named(statistic, value):
    maps = np.zeros((400, 32, 32), np.float32)
    maps[321, 5, 7] = value
    mask = np.ones((32, 32), bool)
    for used in (None, mask):
        with pytest.raises(ValueError, match=r"in map 321$"):
            statistic(maps, used)
    mask[5, 7] = False
    assert np.isfinite(statistic(maps, mask)).all()


@pytest.mark.parametrize("statistic", MASKED)
@pytest.mark.parametrize(
    ("maps", "mask", "message"),
    [
        (np.zeros((2, 8, 8)), np.ones((8, 8)), "bool array"),
        (np.zeros((2, 8, 8)), np.ones((7, 7), bool), "bool array"),
        (np.zeros((2, 8, 8)), np.ones((2, 8, 8), bool), "bool array"),
        (np.zeros((2, 8, 8)), np.zeros((8, 8), bool), "leave pixels"),
        (np.zeros((8, 8)), None, "non-empty array"),
    ],
)
def test_wrong_masks_and_maps_are_refused(statistic, maps, mask, message):
    with pytest.raises(ValueError, match=message):
        statistic(maps, mask)


@pytest.mark.parametrize("edges", [[1.0], [1.0, 1.0], [0.0, np.nan], [[0.0, 1.0]]])
def test_wrong_edges_are_refused(edges):
    with pytest.raises(ValueError, match=r"two increasing numbers. Received"):
        checked_edges(edges)


@pytest.mark.parametrize(
    "maps", [np.zeros((4, 4)), np.zeros((1, 4, 5)), np.zeros((0, 4, 4)), [[[1.0]]]]
)
def test_arrays_that_are_no_maps_are_refused(maps):
    with pytest.raises(ValueError, match=r"non-empty array \(n, N, N\). Received"):
        list(finite_maps(maps))


def test_infinite_pixels_are_refused():
    maps = np.stack([np.zeros((4, 4)), np.full((4, 4), np.inf)])
    with pytest.raises(ValueError, match="Received: NaN or infinity in map 1"):
        list(finite_maps(maps))
