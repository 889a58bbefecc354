"""Moments and their second derivatives, which a penalty on the slope of a network needs."""

import keras
import numpy as np
import pytest

from cosmogan_k3 import backend
from cosmogan_k3.nn.layers import BatchNormalization, VirtualBatchNorm
from cosmogan_k3.nn.moments import moments
from cosmogan_k3.nn.penalties import squared_slope


def test_moments_are_those_of_numpy(rng):
    x = rng.normal(30.0, 0.1, size=(4, 5, 3)).astype("float32")
    for found, of in zip(
        moments(keras.ops.convert_to_tensor(x), [0, 1]), (np.mean, np.var), strict=True
    ):
        # Errors of float32 sums, a few times 6e-8; that of the mean enters squared.
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(found),
            of(x.astype("float64"), axis=(0, 1), keepdims=True),
            rtol=1e-5,
        )


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize(
    "norm",
    [
        BatchNormalization,
        lambda: VirtualBatchNorm(3, mode="batch"),
        lambda: VirtualBatchNorm(3, mode="example"),
    ],
    ids=["batch", "virtual", "example"],
)
def test_a_penalty_does_not_depend_on_the_bias_before_a_normalization(
    rng, monkeypatch, norm, fused
):
    """A normalization removes the bias, so the penalty's derivative with respect to it is zero.

    Tolerance 1e-5 of the kernel's derivative: float32 sums over a few thousand products.
    """
    if not fused:
        monkeypatch.setattr(backend, "fused_normalization_is_fast", lambda: False)
    keras.utils.set_random_seed(3)
    linear = keras.layers.Conv2D(4, 5, strides=2, padding="same")
    parts = [
        linear,
        norm(),
        keras.layers.Activation("tanh"),
        keras.layers.Flatten(),
        keras.layers.Dense(1),
    ]
    discriminator = keras.Sequential([keras.Input((8, 8, 1)), *parts])
    maps = keras.ops.convert_to_tensor(rng.normal(size=(8, 8, 8, 1)).astype("float32"))
    _, (kernel, bias) = backend.value_and_grad(
        lambda: (keras.ops.mean(squared_slope(discriminator, maps)), None),
        linear.trainable_variables,
        discriminator.variables,
    )
    kernel, bias = (
        np.abs(keras.ops.convert_to_numpy(gradient)).max() for gradient in (kernel, bias)
    )
    assert bias < 1e-5 * kernel
