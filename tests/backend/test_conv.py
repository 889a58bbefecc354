"""Convolutions against loops in NumPy, and their derivatives against those of Keras's convolution.

Tolerance of the loops: sums of at most 100 products in float32.
"""

import keras
import numpy as np
import pytest

from cosmogan_k3 import backend
from cosmogan_k3.backend.same_margin import same_margin

TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}


def to_numpy(x):
    return keras.ops.convert_to_numpy(keras.ops.stop_gradient(x))


def convolution_by_loop(x, kernel, bias, strides):
    """y[r, c] = Σ_ij x[s r + i, s c + j] K[i, j] + b, for maps with their margins."""
    size = kernel.shape[0]
    rows, columns = ((side - size) // strides + 1 for side in x.shape[1:3])
    y = np.zeros((len(x), rows, columns, kernel.shape[-1]))
    for r, c in np.ndindex(rows, columns):
        window = x[:, strides * r :, strides * c :][:, :size, :size]
        y[:, r, c] = np.einsum("nijk,ijko->no", window, kernel)
    return y + bias


def transposed_convolution_by_loop(x, kernel, bias):
    """y[2 i + a − (k − 1)/2] = Σ_a x[i] K[a], on the pixels 0 … 2 n − 1."""
    size, reach = kernel.shape[0], kernel.shape[0] // 2
    n, rows, columns, _ = x.shape
    y = np.zeros((n, 2 * rows + size, 2 * columns + size, kernel.shape[-1]))
    for i, j in np.ndindex(rows, columns):
        y[:, 2 * i :, 2 * j :][:, :size, :size] += np.einsum("nk,abko->nabo", x[:, i, j], kernel)
    return y[:, reach : reach + 2 * rows, reach : reach + 2 * columns] + bias


def inputs(rng, *shapes):
    return [rng.normal(size=shape).astype("float32") for shape in shapes]


@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("zeros", [True, False])
@pytest.mark.parametrize(("size", "strides"), [(1, 1), (1, 2), (3, 1), (3, 2), (5, 1), (5, 2)])
def test_convolve_is_the_loop(rng, size, strides, zeros, biased):
    x, kernel, bias = inputs(rng, (2, 8, 10, 3), (size, size, 3, 4), (4,))
    margin = same_margin(size, strides) if zeros else (0, 0)
    padded = np.pad(x, [(0, 0), margin, margin, (0, 0)])
    expected = convolution_by_loop(padded, kernel, bias if biased else 0, strides)
    tensors = [keras.ops.convert_to_tensor(a) for a in (x, kernel, bias)]
    y = backend.convolve(*tensors[: 3 if biased else 2], strides=strides, zeros=zeros)
    np.testing.assert_allclose(to_numpy(y), expected, **TOLERANCE)


@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("size", [3, 5])
def test_convolve_transposed_is_the_loop(rng, size, biased):
    x, kernel, bias = inputs(rng, (2, 4, 5, 3), (size, size, 3, 2), (2,))
    expected = transposed_convolution_by_loop(x, kernel, bias if biased else 0)
    tensors = [keras.ops.convert_to_tensor(a) for a in (x, kernel, bias)]
    y = backend.convolve_transposed(*tensors[: 3 if biased else 2])
    np.testing.assert_allclose(to_numpy(y), expected, **TOLERANCE)


@pytest.mark.parametrize("size", [3, 5])
def test_convolve_transposed_is_the_adjoint_of_a_convolution(rng, size):
    """⟨T x, y⟩ = ⟨x, C y⟩, with C of strides 2 and (k − 1)/2 zeros on each side."""
    x, kernel, y = inputs(rng, (2, 4, 5, 3), (size, size, 3, 2), (2, 8, 10, 2))
    reach = size // 2
    padded = np.pad(y, [(0, 0), (reach, reach), (reach, reach), (0, 0)])
    convolved = convolution_by_loop(padded, kernel.transpose(0, 1, 3, 2), 0, 2)
    transposed = backend.convolve_transposed(*map(keras.ops.convert_to_tensor, (x, kernel)))
    left, right = np.sum(to_numpy(transposed) * y), np.sum(convolved[:, :4, :5] * x)
    assert left == pytest.approx(right, rel=1e-4)


# Outputs of 3, 19 and 34 pixels: JAX has an implementation for each.
@pytest.mark.parametrize("side", [9, 41, 71])
def test_convolutions_agree_with_keras_up_to_second_derivatives(rng, side):
    x = keras.ops.convert_to_tensor(rng.normal(size=(2, side, side, 3)).astype("float32") / side)
    kernel = keras.Variable(rng.normal(size=(5, 5, 3, 4)).astype("float32"))

    def measured(convolve):
        def penalty():
            weights = keras.ops.convert_to_tensor(kernel)
            (value, _), slope = backend.value_and_input_gradient(
                lambda x: (keras.ops.sum(convolve(x, weights, None, 2) ** 3), None), x, [kernel]
            )
            return value + keras.ops.sum(slope**2), slope

        (value, slope), (by_kernel,) = backend.value_and_grad(penalty, [kernel], [kernel])
        tensors = convolve(x, keras.ops.convert_to_tensor(kernel), None, 2), value, slope, by_kernel
        return [to_numpy(t) for t in tensors]

    literal = measured(
        lambda x, kernel, _, strides: keras.ops.conv(x, kernel, strides, "valid", "channels_last")
    )
    for ours, reference in zip(measured(backend.convolve), literal, strict=True):
        # Sums of up to 10^4 products in single precision.
        np.testing.assert_allclose(ours, reference, rtol=1e-3, atol=1e-4 * np.abs(reference).max())
