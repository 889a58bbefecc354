"""Quantile mapping: distributions with known quantiles, monotonicity, identity in training."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cosmogan_k3.nn.layers import QuantileMapping
from tests.harness import check_layer


def mapped(layer, maps, **kwargs):
    return keras.ops.convert_to_numpy(layer(maps, **kwargs))


def fitted(training, generated):
    layer = QuantileMapping()
    layer.adapt(training)
    layer.fit(generated)
    return layer


def test_a_new_mapping_and_one_in_training_are_the_identity(rng):
    maps = rng.normal(size=(3, 16, 16, 1)).astype("float32")
    layer = QuantileMapping()
    np.testing.assert_array_equal(
        check_layer(layer, maps, expected_shape=maps.shape, expected_weights=4 * 281), maps
    )
    layer.adapt(maps + 1)
    layer.fit(maps)
    np.testing.assert_allclose(mapped(layer, maps), maps + 1, atol=1e-5)  # float32
    np.testing.assert_array_equal(mapped(layer, maps, training=True), maps)
    layer.reset()
    np.testing.assert_array_equal(mapped(layer, maps), maps)


def test_other_maps_get_the_distribution_of_the_training_maps(rng):
    """Gaussian pixels become lognormal, with the noise of 4e5 pixels."""
    layer = fitted(np.exp(0.5 * rng.normal(size=400_000)), rng.normal(size=400_000))
    result = mapped(layer, rng.normal(size=400_000).astype("float32"))
    distance = stats.kstest(result, stats.lognorm(s=0.5).cdf).statistic
    # The factor 2: the noise of three samples, not of one.
    assert distance < 2 * stats.kstwobign.isf(0.01) / np.sqrt(400_000)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(0.1, 3.0), size=st.integers(1, 300))
def test_the_mapping_is_monotone(seed, scale, size):
    rng = np.random.default_rng(seed)
    layer = fitted(rng.exponential(size=size), scale * rng.normal(size=size))
    pixels = np.linspace(-10, 10, 1001).astype("float32")
    assert np.diff(mapped(layer, pixels)).min() >= -2e-6  # float32 errors of numbers up to 10


def test_pixels_beyond_the_outermost_quantiles_get_the_outermost_shift(rng):
    training = rng.normal(size=2000)
    layer = fitted(training + 0.25, training)
    far = np.array([-50.0, 50.0], "float32")
    np.testing.assert_allclose(mapped(layer, far), far + 0.25, atol=1e-5)


@pytest.mark.parametrize("blank", ["training", "generated"])
def test_blank_maps_give_finite_pixels(rng, blank):
    maps = {"training": rng.normal(size=500), "generated": rng.normal(size=500)}
    maps[blank] = np.zeros(500)
    assert np.isfinite(mapped(fitted(**maps), rng.normal(size=100).astype("float32"))).all()
