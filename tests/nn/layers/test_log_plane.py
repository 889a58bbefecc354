"""Logarithmic plane and lognormal output: skewness against lognormal samples."""

import numpy as np
from keras import ops
from scipy import stats

from cosmogan_k3.nn.layers import LognormalOutput, LogPlane
from cosmogan_k3.nn.lognormal_skew import skew_from_moments
from tests.harness import check_layer


def lognormal(rng, sigma, size):
    maps = rng.lognormal(0.0, sigma, size=size)
    return ((maps - maps.mean()) / maps.std()).astype("float32")


def test_shape_weights_and_files(rng):
    check_layer(
        LogPlane(), rng.normal(size=(2, 8, 8, 1)), expected_shape=(2, 8, 8, 1), expected_weights=2
    )


def test_the_skew_parameter_is_that_of_the_lognormal(rng):
    """a = √(exp σ² − 1) for unit variance; 10⁶ samples give the skewness to 2 %."""
    for sigma in (0.1, 0.3, 0.5):
        expected = np.sqrt(np.expm1(sigma**2))
        assert abs(skew_from_moments(lognormal(rng, sigma, 1_000_000)) / expected - 1) < 0.05
    assert abs(skew_from_moments(rng.normal(size=100_000))) < 0.01
    assert skew_from_moments(-lognormal(rng, 0.3, 100_000)) < -0.2
    assert skew_from_moments(np.ones(10)) == 0


def test_the_adapted_plane_of_a_lognormal_is_gaussian(rng):
    maps = lognormal(rng, 0.4, (40, 32, 32, 1))
    layer = LogPlane()
    layer.adapt(maps)
    plane = ops.convert_to_numpy(layer(maps))
    assert abs(plane.std() - 1) < 1e-3
    # The floor of 0.05 changes the faint end: a skewness of 1.3 becomes less than 0.1.
    assert stats.skew(maps.ravel()) > 1
    assert abs(stats.skew(plane.ravel())) < 0.1


def test_pixels_below_the_minimum_are_finite(rng):
    layer = LogPlane()
    layer.adapt(lognormal(rng, 0.4, (4, 16, 16, 1)))
    assert np.isfinite(ops.convert_to_numpy(layer(np.full((1, 4, 4, 1), -100.0, "float32")))).all()


def test_the_exponent_of_the_output_is_limited():
    y = ops.convert_to_numpy(LognormalOutput(0.5)(np.array([7.9, 100.0], "float32")))
    np.testing.assert_allclose(y, np.expm1([3.95, 4.0]) / 0.5, rtol=1e-5)


def test_the_output_starts_with_the_skewness_of_the_maps(rng):
    layer = LognormalOutput()
    layer.adapt(lognormal(rng, 0.4, (100, 32, 32, 1)))
    assert abs(float(layer.skew) / np.sqrt(np.expm1(0.16)) - 1) < 0.05
