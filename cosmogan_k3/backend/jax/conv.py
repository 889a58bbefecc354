"""Convolutions on JAX: XLA's own, or matrix products where XLA is slow."""

import jax
from jax import numpy as jnp

from cosmogan_k3._typing import Tensor
from cosmogan_k3.backend.jax.cpu_convolution import cpu_convolve, xla_convolve
from cosmogan_k3.backend.same_margin import same_margin


def convolve(
    x: Tensor, kernel: Tensor, bias: Tensor | None = None, strides: int = 1, zeros: bool = False
) -> Tensor:
    """Convolve maps with a kernel; on a CPU, matrix products replace XLA's slow convolutions."""
    if zeros:
        margin = same_margin(kernel.shape[0], strides)
        x = jnp.pad(x, [(0, 0), margin, margin, (0, 0)])
    y = (cpu_convolve if jax.default_backend() == "cpu" else xla_convolve)(x, kernel, strides)
    return y if bias is None else y + bias


def convolve_transposed(x: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Tensor:
    """Apply a transposed convolution with strides 2, as a convolution of the dilated map."""
    margins = [(size // 2, size // 2 + 1) for size in kernel.shape[:2]]
    y = jax.lax.conv_general_dilated(
        x,
        kernel[::-1, ::-1],
        (1, 1),
        margins,
        lhs_dilation=(2, 2),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    return y if bias is None else y + bias


def transposed_convolution_is_fast() -> bool:
    """Return False on a CPU, where XLA's gradients of dilated convolutions are slow."""
    return jax.default_backend() != "cpu"
