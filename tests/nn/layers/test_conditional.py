"""Conditional layers: measurements on maps against the model that the maps were made with."""

import keras
import numpy as np
import pytest

from cosmogan_k3.nn.layers import (
    ConditionalField,
    ConditionalOutput,
    ExpectedAmplitude,
    FiLM,
    GaussianField,
    LognormalOutput,
    SpectralMatching,
)
from cosmogan_k3.nn.quadratic_regression import linear_regression, log_regression, predict
from tests.harness import check_layer

to_numpy = keras.ops.convert_to_numpy


def white(rng, *shape):
    return rng.standard_normal(shape, dtype="float32")


def two(rng, count=2):
    return rng.uniform(-1.5, 1.5, size=(count, 2)).astype("float32")


def gain(wavenumber, theta):
    """A power law with one parameter for the amplitude and one for the slope; ln T is linear."""
    return np.exp(0.4 * theta[:, 0, None, None]) * (1 + wavenumber) ** (
        -1 - 0.2 * theta[:, 1, None, None]
    )


def gaussian_maps(rng, theta, side=16):
    modes = np.hypot(*np.meshgrid(*[np.fft.fftfreq(side) * side] * 2))
    noise = rng.normal(size=(len(theta), side, side))
    return np.fft.ifft2(np.fft.fft2(noise) * gain(modes, theta)).real.astype("float32")[..., None]


def test_film_starts_as_the_identity_and_is_linear_in_the_conditions(rng):
    x, theta = white(rng, 2, 8, 8, 3), two(rng)
    output = check_layer(layer := FiLM(), [x, theta], expected_shape=x.shape, expected_weights=12)
    np.testing.assert_array_equal(output, x)
    scale, shift = rng.normal(size=(2, 2, 3)).astype("float32")
    layer.set_weights([scale, shift])
    expected = x * (1 + theta @ scale)[:, None, None] + (theta @ shift)[:, None, None]
    np.testing.assert_allclose(to_numpy(layer([x, theta])), expected, rtol=1e-5, atol=1e-5)


def test_conditional_layers_equal_the_plain_ones_before_adapt(rng):
    x, theta = white(rng, 2, 16, 16, 1), two(rng)
    # The field adds five terms of two parameters, at 24 knots and for the mean. The output adds one
    # slope per parameter.
    pairs = (
        (ConditionalField(16), GaussianField(16), 25 + 5 * 24 + 5),
        (ConditionalOutput(0.5), LognormalOutput(0.5), 3),
    )
    for conditional, plain, weights in pairs:
        output = check_layer(
            conditional, [x, theta], expected_shape=x.shape, expected_weights=weights
        )
        np.testing.assert_allclose(output, to_numpy(plain(x)), rtol=1e-5, atol=1e-5)


def test_the_field_has_the_spectrum_of_each_cosmology(rng):
    """ln P is linear in θ, so only noise is left, also at θ of no training map."""
    theta = two(rng, 3000)
    layer = ConditionalField(16)
    layer.adapt(gaussian_maps(rng, theta), theta)
    for point in ([-1.0, 1.0], [0.0, 0.0], [1.2, -1.0]):
        rows = np.tile(np.array(point, "float32"), (3000, 1))
        field = to_numpy(layer([white(rng, 3000, 16, 16, 1), rows]))[..., 0]
        power = (np.abs(np.fft.fft2(field)) ** 2).mean(axis=0) / 16**2
        for mode in [(1, 0), (2, 1), (5, 4), (7, 7)]:
            i, j = mode
            found = np.mean([power[i, j], power[j, i], power[-i, j], power[-j, i]])
            expected = gain(np.hypot(*mode), rows[:1]).item() ** 2
            # Two sets of 3,000 maps: error 2 %; at the edge of the range of θ twice that.
            assert found == pytest.approx(expected, rel=0.12), (point, mode)


def test_the_skew_follows_the_skewness(rng):
    theta = two(rng, 800)
    skew = (0.4 + 0.1 * theta[:, :1] - 0.05 * theta[:, 1:])[..., None, None]
    maps = np.expm1(skew * white(rng, 800, 32, 32, 1)) / skew
    layer = ConditionalOutput()
    layer.adapt(maps, theta)
    base, slopes = (to_numpy(w) for w in layer.weights)
    assert base == pytest.approx(0.4, abs=0.02)
    np.testing.assert_allclose(slopes, [0.1, -0.05], atol=0.02)


@pytest.mark.parametrize("inverse", [False, True])
def test_the_expected_amplitude_is_that_of_the_maps(rng, inverse):
    theta = two(rng, 2000)
    maps = gaussian_maps(rng, theta)
    layer = ExpectedAmplitude(inverse)
    layer.adapt(maps, theta)
    check_layer(layer, [maps[:2], theta[:2]], expected_shape=maps[:2].shape, expected_weights=5)
    points = np.array([[-1.0, 0.0], [1.0, 0.0]], "float32")
    faint, bright = to_numpy(layer([np.ones((2, 4, 4, 1), "float32"), points]))[:, 0, 0, 0]
    # 0.4 · 2 in the logarithm.
    assert np.log(bright / faint) == pytest.approx(-0.8 if inverse else 0.8, abs=0.05)


def test_matching_compares_each_map_with_its_own_cosmology(rng):
    """Bright maps with their own parameters have no error, with those of faint maps they have."""
    theta = two(rng, 2000)
    maps = gaussian_maps(rng, theta)
    matching = SpectralMatching(1.0, n_conditions=2)
    matching.adapt(maps, theta)
    bright = theta[:, 0] > 0.5
    found = to_numpy(matching._mean(matching.moments(maps[bright], theta[bright])))
    assert np.abs(found).max() < 0.2
    assert to_numpy(matching._mean(matching.moments(maps[bright], -theta[bright])))[2:].min() > 0.5
    *_, ratios, shift = matching.shortfall([(1.3 * maps, theta)])
    np.testing.assert_allclose(ratios, 1 / 1.69, rtol=1e-3)
    assert abs(shift) < 1e-3


def test_the_lag_compares_maps_of_equal_conditions(rng):
    """The averaged maps equal every fourth map, so that there is no lag."""
    theta = two(rng, 400)
    maps = gaussian_maps(rng, theta)
    matching = SpectralMatching(1.0, n_conditions=2)
    matching.adapt(maps, theta)
    found, few = matching.moments(maps, theta), matching.moments(maps[::4], theta[::4])
    matching.update(found, few)
    assert np.abs(to_numpy(matching.lag)).max() < 1e-5
    # Every fourth map has the moments of the set, up to the noise of 100 maps.
    assert np.abs(to_numpy(matching._mean(few))).max() < 0.5
    averaged = matching.moments(1.1 * maps[::4], theta[::4])
    matching.update(found, averaged)
    expected = to_numpy(matching._mean(averaged)) - to_numpy(matching._mean(few))
    # Step 1: the memory of the lag is limited to 2/11.
    np.testing.assert_allclose(to_numpy(matching.lag), 9 / 11 * expected, rtol=1e-3, atol=1e-4)


def test_regressions_recover_the_coefficients(rng):
    theta = rng.uniform(-1.5, 1.5, size=(20_000, 2))
    trend = rng.normal(scale=0.3, size=(6, 3))
    values = np.exp(predict(trend, theta)) * rng.chisquare(4, size=(20_000, 3)) / 4
    # χ² with four degrees of freedom has a relative scatter of 0.7.
    np.testing.assert_allclose(log_regression(theta, values), trend, atol=0.05)
    np.testing.assert_allclose(linear_regression(theta, predict(trend, theta)), trend, atol=1e-5)


def test_few_cosmologies_are_interpolated_and_zero_powers_are_finite():
    theta = np.repeat([[-1.0], [1.0]], 50, axis=0)
    values = np.repeat([[1.0], [4.0]], 50, axis=0)
    np.testing.assert_allclose(
        np.exp(predict(log_regression(theta, values), theta)), values, rtol=1e-4
    )
    assert np.isfinite(log_regression(theta, np.zeros((100, 1)))).all()
