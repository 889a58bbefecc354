"""Gaussian smoothing against its closed forms, with and without a mask."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmogan_k3.errors import InputError
from cosmogan_k3.statistics import power_spectrum, smoothed_moments
from cosmogan_k3.statistics.fourier import gaussian_window
from cosmogan_k3.survey import smooth


def test_the_power_spectrum_is_multiplied_by_the_square_of_the_window(rng):
    """A plane wave has one ℓ, so that no bin is averaged over."""
    pixels, pixel, sigma = 48, 3.0, 5.0
    for row, column in ((0, 4), (3, 0), (5, 7)):
        y, x = np.indices((pixels, pixels)) * 2 * np.pi / pixels
        wave = np.cos(row * y + column * x)[None]
        ell = 360 / (pixels * pixel / 60) * np.hypot(row, column)
        smoothed = smooth(wave, pixel_arcmin=pixel, sigma_arcmin=sigma)
        expected = np.exp(-((ell * np.deg2rad(sigma / 60)) ** 2))
        assert (smoothed**2).sum() / (wave**2).sum() == pytest.approx(expected, rel=1e-10)
    noise = rng.normal(size=(200, pixels, pixels))
    ell, before = power_spectrum(noise, pixel_arcmin=pixel)
    after = power_spectrum(
        smooth(noise, pixel_arcmin=pixel, sigma_arcmin=sigma), pixel_arcmin=pixel
    )
    ratio = after[1].mean(axis=0) / before.mean(axis=0)
    expected = np.exp(-((ell * np.deg2rad(sigma / 60)) ** 2))
    # Within a bin of one wave number the window changes by less than 15 % around its middle.
    np.testing.assert_allclose(ratio[:8], expected[:8], rtol=0.15)


def test_the_scale_is_the_standard_deviation_and_not_the_full_width():
    point = np.zeros((1, 65, 65))
    point[0, 32, 32] = 1
    kernel = smooth(point, pixel_arcmin=1.0, sigma_arcmin=4.0)[0]
    half = kernel[32, 32] / 2
    width = 2 * np.interp(-half, -kernel[32, 32:50], np.arange(18))
    assert width == pytest.approx(2.355 * 4, rel=0.01)  # linear between pixels
    x = np.arange(65) - 32
    assert (kernel * x**2).sum() == pytest.approx(16, rel=1e-3)


def test_the_statistics_smooth_alike(rng):
    maps = rng.normal(size=(3, 32, 32))
    moments = smoothed_moments(maps, pixel_arcmin=2.0, scales_arcmin=[3.0])[:, 0, 1]
    smoothed = smooth(maps, pixel_arcmin=2.0, sigma_arcmin=3.0)
    np.testing.assert_allclose(smoothed.var(axis=(1, 2)), moments, rtol=1e-12)


def test_under_a_mask_only_observed_pixels_are_averaged(rng):
    """Against the sum over pixels, written out."""
    mask = rng.random((12, 12)) < 0.7
    maps = rng.normal(size=(2, 12, 12))
    smoothed = smooth(np.where(mask, maps, np.nan), pixel_arcmin=1.0, sigma_arcmin=1.5, mask=mask)
    kernel = np.fft.irfft2(gaussian_window(12, 1.5), s=(12, 12))
    for row, column in np.argwhere(mask)[::7]:
        weight = np.where(mask, np.roll(kernel, (row, column), (0, 1)), 0)
        expected = (weight * maps).sum(axis=(1, 2)) / weight.sum()
        np.testing.assert_allclose(smoothed[:, row, column], expected, rtol=1e-10)
    assert np.isnan(smoothed[:, ~mask]).all()


@settings(max_examples=30, deadline=None)
@given(
    pixels=st.integers(4, 24),
    sigma=st.floats(0.05, 6),
    observed=st.floats(0.02, 1),
    seed=st.integers(0, 99),
)
def test_a_constant_stays_constant_under_any_mask(pixels, sigma, observed, seed):
    mask = np.random.default_rng(seed).random((pixels, pixels)) < observed
    mask[0, 0] = True
    smoothed = smooth(
        np.full((1, pixels, pixels), 0.3), pixel_arcmin=1, sigma_arcmin=sigma, mask=mask
    )
    # The weight of a lone pixel is 1/2πσ² = 0.004 at the least, and rounding is divided by it.
    np.testing.assert_allclose(smoothed[0][mask], 0.3, rtol=1e-11)


def test_precision_and_errors():
    maps = np.zeros((1, 8, 8), "float32")
    assert smooth(maps, pixel_arcmin=1.0, sigma_arcmin=1.0).dtype == np.float32
    for change, name in (
        ({"sigma_arcmin": 0}, "sigma_arcmin"),
        ({"pixel_arcmin": -1}, "pixel_arcmin"),
    ):
        with pytest.raises(InputError, match=name):
            smooth(maps, **({"pixel_arcmin": 1.0, "sigma_arcmin": 1.0} | change))
    with pytest.raises(ValueError, match="mask must be a bool array"):
        smooth(maps, pixel_arcmin=1.0, sigma_arcmin=1.0, mask=np.ones((4, 4), bool))
