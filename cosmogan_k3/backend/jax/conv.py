"""Convolutions for JAX on a CPU, where XLA's own are slow on small maps, and their gradients on all."""

import functools

import jax
from jax import numpy as jnp

_SMALL_OUTPUT = 32
"""Side up to which products beat XLA's convolution."""

_FEW_ROWS = 8
"""Of the output: so few have a large share of rows that several of the kernel's rows meet."""


def xla_convolve(x, kernel, strides):
    return jax.lax.conv_general_dilated(
        x, kernel, (strides, strides), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def cpu_convolve(x, kernel, strides):
    """Convolution of ``(n, rows, columns, inputs)``, as it is, with a kernel ``(rows, columns, inputs, outputs)``."""
    small = min(_output_sides(x, kernel, strides)) <= _SMALL_OUTPUT
    return (_by_products if small else xla_convolve)(x, kernel, strides)


def _forward(x, kernel, strides):
    return cpu_convolve(x, kernel, strides), (x, kernel)


def _backward(strides, saved, cotangent):
    return jax.vjp(lambda x, kernel: _by_products(x, kernel, strides), *saved)[1](cotangent)


cpu_convolve.defvjp(_forward, _backward)


def _output_sides(x, kernel, strides):
    return [(x.shape[axis] - kernel.shape[axis - 1]) // strides + 1 for axis in (1, 2)]


def _by_products(x, kernel, strides):
    """The convolution as matrix products.

        y[r, c] = Σ_i (Σ_j x[s r + i, s c + j] K[i, j])

    What the columns j of the kernel meet is put side by side, one product makes of it what each row i adds, and the sum
    shifts these. Where that is less to read and write, the rows are put side by side, too.
    """
    height, width = _output_sides(x, kernel, strides)
    rows, columns, inputs, outputs = kernel.shape
    if height <= _FEW_ROWS or rows * columns * inputs <= columns * inputs + rows * outputs:
        x = _side_by_side(x, 1, rows, height, strides)
        kernel = kernel.transpose(1, 0, 2, 3).reshape(1, columns, rows * inputs, outputs)
        return _shifted_sum(_side_by_side(x, 2, columns, width, strides), kernel)
    # Rows of the map and of the kernel that differ by no multiple of the strides never meet.
    parts = [(x[:, start::strides], kernel[start::strides]) for start in range(strides)]
    parts = [(part[:, : height + len(taps) - 1], taps) for part, taps in parts]
    return sum(
        _shifted_sum(_side_by_side(part, 2, columns, width, strides), taps) for part, taps in parts
    )


def _side_by_side(x, axis, taps, size, strides):
    """What each of the taps along an axis meets, as channels."""
    stop = strides * (size - 1) + 1
    return jnp.concatenate(
        [jax.lax.slice_in_dim(x, i, i + stop, strides, axis) for i in range(taps)], axis=-1
    )


@jax.custom_vjp
def _shifted_sum(met, kernel):
    """From ``(n, height + rows − 1, width, columns · inputs)`` to ``(n, height, width, outputs)``."""
    rows, *_, outputs = kernel.shape
    height = met.shape[1] - rows + 1
    products = (met @ _matrix(kernel)).reshape(*met.shape[:3], rows, outputs)
    return sum(products[:, i : i + height, :, i] for i in range(rows))


def _shifted_sum_forward(met, kernel):
    return _shifted_sum(met, kernel), (met, kernel)


def _shifted_sum_backward(saved, cotangent):
    """One product for either; JAX's own gradient takes one for each row of the kernel."""
    met, kernel = saved
    rows, columns, inputs, outputs = kernel.shape
    shifted = [jnp.pad(cotangent, [(0, 0), (i, rows - 1 - i), (0, 0), (0, 0)]) for i in range(rows)]
    shifted = jnp.concatenate(shifted, axis=-1)
    by_kernel = met.reshape(-1, columns * inputs).T @ shifted.reshape(-1, rows * outputs)
    by_kernel = by_kernel.reshape(columns, inputs, rows, outputs).transpose(2, 0, 1, 3)
    return shifted @ _matrix(kernel).T, by_kernel


_shifted_sum.defvjp(_shifted_sum_forward, _shifted_sum_backward)


def _matrix(kernel):
    rows, columns, inputs, outputs = kernel.shape
    return kernel.transpose(1, 2, 0, 3).reshape(columns * inputs, rows * outputs)
