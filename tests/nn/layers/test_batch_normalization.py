"""Batch normalization: against Keras on one device, against NumPy on two simulated devices.

Tolerance 1e-5: float32 moments of a few hundred numbers, summed in another order.
"""

import keras
import numpy as np
import pytest

from cosmogan_k3 import backend
from cosmogan_k3.nn.layers import BatchNormalization
from cosmogan_k3.nn.moments import batch_moments
from tests.harness import check_layer


@pytest.fixture
def maps(rng):
    return rng.normal(2.0, 3.0, size=(8, 6, 6, 2)).astype("float32")


def test_one_device_agrees_with_keras(maps):
    ours, theirs = BatchNormalization(momentum=0.9), keras.layers.BatchNormalization(momentum=0.9)
    for training in (True, False):
        expected, found = (
            keras.ops.convert_to_numpy(layer(maps, training=training)) for layer in (theirs, ours)
        )
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
    check_layer(
        BatchNormalization(), maps, expected_shape=maps.shape, expected_weights=8, training=True
    )


@pytest.fixture
def two_devices(monkeypatch, maps):
    """Simulate the first of two devices; return the rows of both."""
    other = np.random.default_rng(1).normal(-1.0, 2.0, size=maps.shape).astype("float32")
    sent = np.stack([other.mean((0, 1, 2)), other.var((0, 1, 2))]).reshape(1, 2, 1, 1, 2)
    monkeypatch.setattr(backend, "replica_count", lambda: 2)
    monkeypatch.setattr(backend, "gather", lambda x: keras.ops.concatenate([x, sent]))
    return np.concatenate([maps, other])


def test_moments_include_the_rows_of_all_devices(maps, two_devices):
    for found, expected in zip(
        batch_moments(keras.ops.convert_to_tensor(maps), [0, 1, 2]),
        (two_devices.mean((0, 1, 2)), two_devices.var((0, 1, 2))),
        strict=True,
    ):
        assert tuple(found.shape) == (1, 1, 1, 2)
        np.testing.assert_allclose(keras.ops.convert_to_numpy(found).ravel(), expected, rtol=1e-5)


def test_two_devices_normalize_with_the_moments_of_all_rows(maps, two_devices):
    layer = BatchNormalization(momentum=0.9, epsilon=1e-5)
    layer.build(maps.shape)
    layer.gamma.assign([2.0, 3.0])
    layer.beta.assign([0.5, 0.0])
    y = keras.ops.convert_to_numpy(layer(maps, training=True))
    mean, variance = two_devices.mean((0, 1, 2)), two_devices.var((0, 1, 2))
    expected = [2.0, 3.0] * (maps - mean) / np.sqrt(variance + 1e-5) + [0.5, 0.0]
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer.moving_mean), 0.1 * mean, rtol=1e-5)
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(layer.moving_variance), 0.9 + 0.1 * variance, rtol=1e-5
    )
