"""Batch normalization against NumPy, and its gradient against the closed form.

Tolerance: statistics of 160 values in float32. The gradients of the virtual normalization are
compared with those of plain arithmetic in tests/nn/layers/test_virtual_batch_norm.py.
"""

import keras
import numpy as np
import pytest
from keras import ops

from cosmogan_k3 import backend

EPSILON = 1e-3
SHAPE = (10, 4, 4, 3)
SCALE, SHIFT = np.array([1.0, -0.5, 2.0], "float32"), np.array([0.0, 1.0, -3.0], "float32")
TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}


def to_numpy(x):
    return ops.convert_to_numpy(ops.stop_gradient(x))


def normalized(x, sample):
    """x by the statistics of a sample, along all axes but the last."""
    mean, variance = sample.mean((0, 1, 2)), sample.var((0, 1, 2))
    return SCALE * (x - mean) / np.sqrt(variance + EPSILON) + SHIFT


@pytest.fixture
def x(rng):
    return rng.normal([1.0, 0.0, -5.0], [1.0, 0.1, 2.0], size=SHAPE).astype("float32")


def moved(x, axis):
    return ops.convert_to_tensor(np.moveaxis(x, -1, axis).copy())


@pytest.mark.parametrize("axis", [-1, 1])
def test_batch_normalize_is_the_formula(x, axis):
    scale, shift = map(ops.convert_to_tensor, (SCALE, SHIFT))
    y, mean, variance = backend.batch_normalize(moved(x, axis), scale, shift, axis, EPSILON)
    np.testing.assert_allclose(np.moveaxis(to_numpy(y), axis, -1), normalized(x, x), **TOLERANCE)
    np.testing.assert_allclose(to_numpy(mean), x.mean((0, 1, 2)), **TOLERANCE)
    np.testing.assert_allclose(to_numpy(variance), x.var((0, 1, 2)), **TOLERANCE)


@pytest.mark.parametrize("axis", [-1, 1])
@pytest.mark.parametrize("size", [1, 4, 9])
def test_virtual_batch_normalize_is_the_formula(x, axis, size):
    scale, shift = map(ops.convert_to_tensor, (SCALE, SHIFT))
    y, mean, variance = backend.virtual_batch_normalize(
        moved(x, axis), scale, shift, size, axis, EPSILON
    )
    expected = np.concatenate([normalized(x[:size], x[:size]), normalized(x[size:], x)])
    np.testing.assert_allclose(np.moveaxis(to_numpy(y), axis, -1), expected, **TOLERANCE)
    np.testing.assert_allclose(to_numpy(mean), x.mean((0, 1, 2)), **TOLERANCE)
    np.testing.assert_allclose(to_numpy(variance), x.var((0, 1, 2)), **TOLERANCE)


def test_the_gradient_of_batch_normalize_is_the_closed_form(x, rng):
    """∂L/∂x = γ/σ [g − ⟨g⟩ − x̂ ⟨g x̂⟩], ∂L/∂γ = Σ g x̂, ∂L/∂β = Σ g, for L = Σ g y."""
    g = rng.normal(size=SHAPE).astype("float32")
    variables = [keras.Variable(value) for value in (x, SCALE, SHIFT)]

    def objective():
        values = map(ops.convert_to_tensor, variables)
        y, *_ = backend.batch_normalize(*values, -1, EPSILON)
        return ops.sum(y * ops.convert_to_tensor(g)), None

    _, found = backend.value_and_grad(objective, variables, variables)
    axes = (0, 1, 2)
    sigma = np.sqrt(x.var(axes) + EPSILON)
    hat = (x - x.mean(axes)) / sigma
    by_x = SCALE / sigma * (g - g.mean(axes) - hat * (g * hat).mean(axes))
    for ours, expected in zip(found, (by_x, (g * hat).sum(axes), g.sum(axes)), strict=True):
        np.testing.assert_allclose(
            to_numpy(ours), expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max()
        )


@pytest.mark.parametrize("virtual", [False, True])
def test_statistics_have_no_gradient(x, virtual):
    scale, shift = map(ops.convert_to_tensor, (SCALE, SHIFT))

    def statistics_and_sum(x):
        size = [4] if virtual else []
        function = backend.virtual_batch_normalize if virtual else backend.batch_normalize
        _, mean, variance = function(x, scale, shift, *size, -1, EPSILON)
        return ops.sum(x) + ops.sum(mean) + ops.sum(variance), None

    _, gradient = backend.value_and_input_gradient(statistics_and_sum, ops.convert_to_tensor(x), [])
    np.testing.assert_array_equal(to_numpy(gradient), np.ones(SHAPE))
