"""Moments of smoothed maps against closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, stats

from cosmogan_k3.statistics import smoothed_moments
from tests.statistics.gaussian_maps import gaussian_maps


def test_lognormal_pixels_have_their_closed_forms(rng):
    # κ = e^{s g}: with 10⁷ independent pixels and s = 0.4, the skewness is known to about 0.2 % and
    # the kurtosis to 1 %.
    s, w = 0.4, np.exp(0.16)
    maps = np.exp(s * rng.normal(size=(40, 512, 512)))
    mean, variance, skewness, kurtosis = smoothed_moments(
        maps, pixel_arcmin=1.0, scales_arcmin=[0]
    )[:, 0].mean(axis=0)
    assert mean == pytest.approx(np.sqrt(w), rel=1e-3)
    assert variance == pytest.approx((w - 1) * w, rel=5e-3)
    assert skewness == pytest.approx((w + 2) * np.sqrt(w - 1), rel=1e-2)
    assert kurtosis == pytest.approx(w**4 + 2 * w**3 + 3 * w**2 - 6, rel=4e-2)


def test_a_smoothed_point_has_the_moments_of_the_kernel():
    # ∫W^p = (2πθ²)^{1−p}/p for the Gaussian kernel. At θ of 3 pixels, sums over pixels equal the
    # integrals to 1e-10.
    n, theta, pixel = 64, 3.0, 0.5
    maps = np.zeros((1, n, n))
    maps[0, 60, 5] = 7.0  # the kernel reaches across the border
    raw = [7.0**p * (2 * np.pi * theta**2) ** (1 - p) / p / n**2 for p in (1, 2, 3, 4)]
    m = raw[0]
    variance = raw[1] - m**2
    third = raw[2] - 3 * m * raw[1] + 2 * m**3
    fourth = raw[3] - 4 * m * raw[2] + 6 * m**2 * raw[1] - 3 * m**4
    expected = [m, variance, third / variance**1.5, fourth / variance**2 - 3]
    moments = smoothed_moments(maps, pixel_arcmin=pixel, scales_arcmin=[theta * pixel])
    np.testing.assert_allclose(moments[0, 0], expected, rtol=1e-8)


def test_smoothing_a_gaussian_field_divides_its_variance(rng):
    # P ∝ exp(−k²θ²) becomes exp(−k²(θ² + s²)): variance θ²/(θ² + s²), no skewness, no kurtosis.
    # 100 maps of 256² hold 5,000 patches of 4π·10 pixels at the larger scale: 2 % in the variance.
    maps = gaussian_maps(rng, 100, 256, 4.0)
    mean, variance, skewness, kurtosis = (
        smoothed_moments(maps, pixel_arcmin=2.0, scales_arcmin=[0, 6.0, 16.0]).mean(0).T
    )
    np.testing.assert_allclose(variance, [1, 16 / 25, 16 / 80], rtol=0.05)
    np.testing.assert_allclose(mean, mean[0], atol=1e-15)
    np.testing.assert_allclose(skewness, 0, atol=0.05)
    np.testing.assert_allclose(kurtosis, 0, atol=0.15)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(8, 21),
    offset=st.floats(-2, 2),
    factor=st.floats(0.1, 3),
    shift=st.integers(0, 20),
)
def test_against_scipy_and_under_a_change_of_units(seed, n, offset, factor, shift):
    maps = np.random.default_rng(seed).exponential(size=(2, n, n))
    moments = smoothed_moments(maps, pixel_arcmin=0.5, scales_arcmin=[1.0, 0.0])
    for map_, (smoothed, plain) in zip(maps, moments, strict=True):
        # SciPy samples the kernel at pixels, to 1e-8 the same thing at θ of 2 pixels.
        for row, values in (
            (smoothed, ndimage.gaussian_filter(map_, 2, mode="wrap", truncate=8)),
            (plain, map_),
        ):
            expected = [
                values.mean(),
                values.var(),
                stats.skew(values, axis=None),
                stats.kurtosis(values, axis=None),
            ]
            np.testing.assert_allclose(row, expected, rtol=1e-5, atol=1e-6)
    other = np.roll(np.rot90(offset + factor * maps, axes=(1, 2)), shift, axis=2)
    changed = smoothed_moments(other, pixel_arcmin=0.5, scales_arcmin=[1.0, 0.0])
    expected = moments * [factor, factor**2, 1, 1] + [offset, 0, 0, 0]
    np.testing.assert_allclose(changed, expected, rtol=1e-6, atol=1e-7)


def test_a_constant_map_has_no_shape():
    maps = np.full((1, 8, 8), 0.25)
    moments = smoothed_moments(maps, pixel_arcmin=1.0, scales_arcmin=[0, 1])
    np.testing.assert_array_equal(moments, [[[0.25, 0, np.nan, np.nan]] * 2])


SCALES_MESSAGE = r"scales_arcmin must be a list of scales, 0 or larger. Received"


@pytest.mark.parametrize(
    ("shape", "pixel_arcmin", "scales", "message"),
    [
        ((1, 8, 8), -1, [1], r"pixel_arcmin must be positive. Received: -1"),
        ((1, 8, 8), 1, [], SCALES_MESSAGE),
        ((1, 8, 8), 1, [-1.0], SCALES_MESSAGE),
        ((1, 8, 8), 1, 2.0, SCALES_MESSAGE),
        ((1, 8, 8), 1, [np.nan], SCALES_MESSAGE),
        ((8, 8), 1, [1], "non-empty array"),
    ],
)
def test_errors_name_the_cause(shape, pixel_arcmin, scales, message):
    maps = np.full(shape, 0.25)
    with pytest.raises(ValueError, match=message):
        smoothed_moments(maps, pixel_arcmin=pixel_arcmin, scales_arcmin=scales)
