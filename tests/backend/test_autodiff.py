"""Gradients against closed forms.

Tolerance: a few roundings of float32, 6e-8 each.
"""

import keras
import numpy as np
import pytest
from keras import ops

from cosmogan_k3 import backend

W = np.array([0.5, -1.5, 2.0], "float32")
A = np.array([[1.0, 2.0, -1.0], [0.0, 3.0, 1.0]], "float32")
TOLERANCE = {"rtol": 1e-5}


def to_numpy(x):
    return ops.convert_to_numpy(ops.stop_gradient(x))


@pytest.fixture
def weights():
    return keras.Variable(W)


@pytest.fixture
def counter():
    return keras.Variable(np.zeros((), "float32"), trainable=False)


def test_value_and_grad_of_a_quadratic_form(weights, counter):
    """L = |A w|² has the gradient 2 Aᵀ A w; an assignment in the objective stays."""

    def objective():
        counter.assign(counter + 1)
        y = ops.matmul(A, ops.convert_to_tensor(weights))
        return ops.sum(y * y), (y, ops.max(y))

    (value, (y, largest)), (gradient,) = backend.value_and_grad(
        objective, [weights], [weights, counter]
    )
    np.testing.assert_allclose(to_numpy(value), np.sum((A @ W) ** 2), **TOLERANCE)
    np.testing.assert_allclose(to_numpy(y), A @ W, **TOLERANCE)
    np.testing.assert_allclose(to_numpy(largest), (A @ W).max(), **TOLERANCE)
    np.testing.assert_allclose(to_numpy(gradient), 2 * A.T @ A @ W, **TOLERANCE)
    assert float(counter) == 1
    np.testing.assert_array_equal(to_numpy(weights.value), W)


def test_value_and_grad_differentiates_only_with_respect_to_its_variables(weights):
    other = keras.Variable(np.float32(3.0))
    _, gradients = backend.value_and_grad(
        lambda: (ops.sum(weights * weights) * other, None), [other], [weights, other]
    )
    assert len(gradients) == 1
    np.testing.assert_allclose(to_numpy(gradients[0]), np.sum(W**2), **TOLERANCE)


def test_vjp_of_elementwise_products(weights, counter):
    """y = A w² (elementwise square) has vᵀ J = 2 w ∘ Aᵀ v."""

    def function():
        counter.assign(counter + 1)
        return ops.matmul(A, ops.square(ops.convert_to_tensor(weights)))

    output, product = backend.vjp(function, [weights], [weights, counter])
    cotangent = np.array([2.0, -0.5], "float32")
    np.testing.assert_allclose(to_numpy(output), A @ W**2, **TOLERANCE)
    (gradient,) = product(ops.convert_to_tensor(cotangent))
    np.testing.assert_allclose(to_numpy(gradient), 2 * W * (A.T @ cotangent), **TOLERANCE)
    assert float(counter) == 1


def test_value_and_input_gradient_of_a_cube():
    x = ops.convert_to_tensor(A)
    (value, doubled), gradient = backend.value_and_input_gradient(
        lambda x: (ops.sum(x**3), 2 * x), x, []
    )
    np.testing.assert_allclose(to_numpy(value), np.sum(A**3), **TOLERANCE)
    np.testing.assert_array_equal(to_numpy(ops.stop_gradient(doubled)), 2 * A)
    np.testing.assert_allclose(to_numpy(gradient), 3 * A**2, **TOLERANCE)


def test_the_input_gradient_can_be_differentiated_once_more():
    """f = Σ (w x)³ has the slope 3 w³ x²; the sum of its squares, 9 w⁶ Σ x⁴, has 54 w⁵ Σ x⁴."""
    w = keras.Variable(np.float32(1.5))

    def objective():
        weight = ops.convert_to_tensor(w)
        _, slope = backend.value_and_input_gradient(
            lambda x: (ops.sum((weight * x) ** 3), None), ops.convert_to_tensor(A), [w]
        )
        return ops.sum(slope**2), None

    (value, _), (gradient,) = backend.value_and_grad(objective, [w], [w])
    fourth = np.sum(A**4)
    np.testing.assert_allclose(to_numpy(value), 9 * 1.5**6 * fourth, **TOLERANCE)
    np.testing.assert_allclose(to_numpy(gradient), 54 * 1.5**5 * fourth, **TOLERANCE)


@pytest.mark.parametrize("nested", [False, True])
def test_value_and_input_gradient_drops_assignments(counter, weights, nested):
    """Alone and inside ``value_and_grad``; the function itself reads what it assigned."""
    seen = []

    def function(x):
        counter.assign(counter + 2)
        seen.append(ops.convert_to_tensor(counter))
        return ops.sum(x * x) * counter, None

    def objective():
        x = ops.convert_to_tensor(A)
        (value, _), slope = backend.value_and_input_gradient(function, x, [counter, weights])
        return value + ops.sum(slope) + 0 * ops.sum(ops.square(weights)), (value, slope)

    if nested:
        (_, (value, slope)), _ = backend.value_and_grad(objective, [weights], [weights, counter])
    else:
        value, slope = objective()[1]
    np.testing.assert_allclose(to_numpy(value), 2 * np.sum(A**2), **TOLERANCE)
    np.testing.assert_allclose(to_numpy(slope), 4 * A, **TOLERANCE)
    assert float(counter) == 0
    assert len(seen) == 1


@pytest.mark.parametrize(("sizes", "axis"), [([1, 1], 0), ([2, 1], 1), ([1, 1, 1], -1)])
def test_split_and_its_gradient(sizes, axis):
    """The gradient of Σ_k (k + 1) Σ part_k is k + 1 in each part."""
    x = ops.convert_to_tensor(A)
    parts = backend.split(x, sizes, axis)
    expected = np.split(A, np.cumsum(sizes)[:-1], axis)
    for part, reference in zip(parts, expected, strict=True):
        np.testing.assert_array_equal(to_numpy(part), reference)
    _, gradient = backend.value_and_input_gradient(
        lambda x: (
            sum((k + 1) * ops.sum(p) for k, p in enumerate(backend.split(x, sizes, axis))),
            None,
        ),
        x,
        [],
    )
    factors = [np.full_like(part, k + 1) for k, part in enumerate(expected)]
    np.testing.assert_array_equal(to_numpy(gradient), np.concatenate(factors, axis))
