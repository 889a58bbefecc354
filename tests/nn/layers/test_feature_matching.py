"""Feature matching: whitening, what it sees that the spectrum does not, and conditions."""

import numpy as np
import pytest
from keras import ops

from cosmogan_k3.nn.layers import FeatureMatching, SpectralMatching
from cosmogan_k3.nn.layers.feature_matching import random_kernels
from tests.harness import check_layer

SIDE = 16
MOMENTS = 2 * (32 + 64 + 64 + 16)


@pytest.fixture(scope="module")
def gaussian():
    """Smooth Gaussian maps of unit variance."""
    white = np.random.default_rng(0).normal(size=(600, SIDE, SIDE, 1))
    smooth = sum(np.roll(white, (i, j), axis=(1, 2)) for i in range(2) for j in range(2)) / 2
    return smooth.astype("float32")


def adapted(maps, conditions=None, **options):
    layer = FeatureMatching(**{"weight": 1.0, "memory": 0.0, **options})
    layer.adapt(maps, conditions)
    return layer


def error(layer, maps, *conditions):
    """Σ ⟨u⟩² of maps: without memory, the loss of weight 1."""
    return float(layer(maps, *conditions))


def test_shape_and_weights(gaussian):
    weights = 3 * MOMENTS + MOMENTS**2 + 2 + 5 + 2  # the last are those of the planes
    check_layer(FeatureMatching(0.5), gaussian[:8], expected_shape=(), expected_weights=weights)


def test_moments_of_training_maps_have_mean_zero_and_at_most_unit_variance(gaussian):
    layer = adapted(gaussian)
    rows = np.concatenate(
        [
            ops.convert_to_numpy(layer.moments(gaussian[i : i + 100], None))
            for i in range(0, 600, 100)
        ]
    )
    u = (rows - rows.mean(axis=0)) @ ops.convert_to_numpy(layer.whitening)
    covariance = np.cov(u, rowvar=False)
    # The floor lowers the variance of directions that the maps hardly measure.
    assert covariance.diagonal().max() == pytest.approx(1, abs=0.01)
    assert np.abs(covariance - np.diag(covariance.diagonal())).max() < 0.01
    assert error(layer, gaussian) < 1e-4


def test_maps_with_equal_spectrum_differ(gaussian):
    """A sign-flipped lognormal field has the spectrum of the field, and another skewness."""
    skewed = np.expm1(0.5 * gaussian)
    skewed = ((skewed - skewed.mean()) / skewed.std()).astype("float32")
    train, same, flipped = skewed[:300], skewed[300:], -skewed[300:]
    features = adapted(train)
    assert error(features, flipped) > 20 * error(features, same)
    spectrum = SpectralMatching(1.0, memory=0.0)
    spectrum.adapt(train)
    # Only the mean, which is not exactly 0, changes.
    assert float(spectrum(flipped)) < 3 * float(spectrum(same))


def test_kernels_never_change():
    """Files hold no kernels: a model that was saved before must find the same features."""
    kernels = random_kernels()
    assert [bias.shape for _, bias in kernels] == [(32,), (64,), (64,), (16,)]
    np.testing.assert_allclose(
        [float(kernel.sum()) for kernel, _ in kernels],
        [-1.111387, -2.910513, -2.618220, -0.865772],
        rtol=1e-5,
    )


def test_conditional_moments_are_relative_to_the_expectation(gaussian, rng):
    theta = rng.uniform(-1.5, 1.5, size=(600, 1)).astype("float32")
    maps = gaussian * (1 + 0.2 * theta[:, :, None, None])
    layer = adapted(maps, theta, n_conditions=1)
    bright = theta[:, 0] > 0.5
    right = error(layer, maps[bright], theta[bright])
    assert error(layer, maps[bright], -theta[bright]) > 10 * right
