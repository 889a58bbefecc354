"""Convolutions for JAX on a CPU, where XLA's own are slow on small maps and their gradients on all.

docs/development/performance.md has the measurements.
"""

import functools
from collections.abc import Sequence

import jax
from jax import numpy as jnp

from cosmogan_k3._typing import Tensor

# Largest side of an output for which matrix products are faster than XLA's convolution.
_SMALL_OUTPUT = 32

# An output of at most this many rows shares most of its input rows between the kernel's rows.
_FEW_ROWS = 8


def xla_convolve(x: Tensor, kernel: Tensor, strides: int) -> Tensor:
    """Convolve with XLA's own convolution, without a margin.

    Parameters
    ----------
    x : Tensor
        Maps, ``(n, rows, columns, inputs)``.
    kernel : Tensor
        Shape ``(rows, columns, inputs, outputs)``.
    strides : int
        Step along both axes, in pixels.

    Returns
    -------
    Tensor
        Shape ``(n, …, …, outputs)``.
    """
    return jax.lax.conv_general_dilated(
        x, kernel, (strides, strides), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def cpu_convolve(x: Tensor, kernel: Tensor, strides: int) -> Tensor:
    """Convolve as ``xla_convolve`` does, by the way that is faster on a CPU.

    Small outputs, and the gradients of all, are computed by matrix products.

    Parameters
    ----------
    x : Tensor
        Maps, ``(n, rows, columns, inputs)``.
    kernel : Tensor
        Shape ``(rows, columns, inputs, outputs)``.
    strides : int
        Step along both axes, in pixels.

    Returns
    -------
    Tensor
        Shape ``(n, …, …, outputs)``.
    """
    small = min(_output_sides(x, kernel, strides)) <= _SMALL_OUTPUT
    return (_by_products if small else xla_convolve)(x, kernel, strides)


def _forward(x: Tensor, kernel: Tensor, strides: int) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    return cpu_convolve(x, kernel, strides), (x, kernel)


def _backward(strides: int, saved: tuple[Tensor, Tensor], cotangent: Tensor) -> Tensor:
    return jax.vjp(lambda x, kernel: _by_products(x, kernel, strides), *saved)[1](cotangent)


cpu_convolve.defvjp(_forward, _backward)


def _output_sides(x: Tensor, kernel: Tensor, strides: int) -> list[int]:
    return [(x.shape[axis] - kernel.shape[axis - 1]) // strides + 1 for axis in (1, 2)]


def _by_products(x: Tensor, kernel: Tensor, strides: int) -> Tensor:
    """Compute the convolution as matrix products.

    ::

        y[r, c] = Σ_i (Σ_j x[s r + i, s c + j] K[i, j])

    The pixels under the columns j of the kernel are concatenated as channels. One product gives
    the term of each row i, and the terms are shifted and added. Where it needs less memory
    traffic, the pixels under the rows are concatenated, too.
    """
    height, width = _output_sides(x, kernel, strides)
    rows, columns, inputs, outputs = kernel.shape
    if height <= _FEW_ROWS or rows * columns * inputs <= columns * inputs + rows * outputs:
        x = _concatenate_shifts(x, 1, rows, height, strides)
        kernel = kernel.transpose(1, 0, 2, 3).reshape(1, columns, rows * inputs, outputs)
        return _shifted_sum(_concatenate_shifts(x, 2, columns, width, strides), kernel)
    # A row of the map meets only the rows of the kernel at the same position modulo the strides.
    parts = [(x[:, start::strides], kernel[start::strides]) for start in range(strides)]
    parts = [(part[:, : height + len(taps) - 1], taps) for part, taps in parts]
    return sum(
        _shifted_sum(_concatenate_shifts(part, 2, columns, width, strides), taps)
        for part, taps in parts
    )


def _concatenate_shifts(x: Tensor, axis: int, taps: int, size: int, strides: int) -> Tensor:
    """Concatenate, as channels, the ``size`` pixels that each tap along an axis meets."""
    stop = strides * (size - 1) + 1
    return jnp.concatenate(
        [jax.lax.slice_in_dim(x, i, i + stop, strides, axis) for i in range(taps)], axis=-1
    )


@jax.custom_vjp
def _shifted_sum(x: Tensor, kernel: Tensor) -> Tensor:
    """Return ``(n, height, width, outputs)`` of the concatenated shifts of a map.

    x is ``(n, height + rows − 1, width, columns · inputs)``.
    """
    rows, *_, outputs = kernel.shape
    height = x.shape[1] - rows + 1
    products = (x @ _as_matrix(kernel)).reshape(*x.shape[:3], rows, outputs)
    return sum(products[:, i : i + height, :, i] for i in range(rows))


def _shifted_sum_forward(x: Tensor, kernel: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    return _shifted_sum(x, kernel), (x, kernel)


def _shifted_sum_backward(saved: Sequence[Tensor], cotangent: Tensor) -> tuple[Tensor, Tensor]:
    """Take one product for each gradient; JAX would take one for each row of the kernel."""
    x, kernel = saved
    rows, columns, inputs, outputs = kernel.shape
    shifted = [jnp.pad(cotangent, [(0, 0), (i, rows - 1 - i), (0, 0), (0, 0)]) for i in range(rows)]
    joined = jnp.concatenate(shifted, axis=-1)
    by_kernel = x.reshape(-1, columns * inputs).T @ joined.reshape(-1, rows * outputs)
    by_kernel = by_kernel.reshape(columns, inputs, rows, outputs).transpose(2, 0, 1, 3)
    return joined @ _as_matrix(kernel).T, by_kernel


_shifted_sum.defvjp(_shifted_sum_forward, _shifted_sum_backward)


def _as_matrix(kernel: Tensor) -> Tensor:
    rows, columns, inputs, outputs = kernel.shape
    return kernel.transpose(1, 2, 0, 3).reshape(columns * inputs, rows * outputs)
