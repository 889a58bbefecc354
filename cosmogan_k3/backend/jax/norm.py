"""Batch normalization on JAX, in plain arithmetic, which XLA fuses."""

from jax import lax
from jax import numpy as jnp

from cosmogan_k3._typing import Tensor
from cosmogan_k3.backend.joint_moments import joint_moments


def batch_normalize(
    x: Tensor, scale: Tensor, shift: Tensor, axis: int, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalize each channel by its own statistics, in plain arithmetic."""
    x = jnp.moveaxis(x, axis, -1)
    mean, variance = _moments(x)
    y = _normalize(x, scale, shift, mean, variance, epsilon)
    return jnp.moveaxis(y, -1, axis), lax.stop_gradient(mean), lax.stop_gradient(variance)


def virtual_batch_normalize(
    x: Tensor, scale: Tensor, shift: Tensor, size: int, axis: int, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalize the reference and the other examples, in plain arithmetic."""
    x = jnp.moveaxis(x, axis, -1)
    reference, others = x[:size], x[size:]
    own = _moments(reference)
    mean, variance = joint_moments(size / len(x), *own, *_moments(others))
    parts = (
        _normalize(reference, scale, shift, *own, epsilon),
        _normalize(others, scale, shift, mean, variance, epsilon),
    )
    y = jnp.moveaxis(jnp.concatenate(parts), -1, axis)
    return y, lax.stop_gradient(mean), lax.stop_gradient(variance)


def fused_normalization_is_fast() -> bool:
    """Return False: XLA fuses the arithmetic of the layers as well."""
    return False


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    axes = tuple(range(x.ndim - 1))
    return x.mean(axes), x.var(axes)


def _normalize(
    x: Tensor, scale: Tensor, shift: Tensor, mean: Tensor, variance: Tensor, epsilon: float
) -> Tensor:
    return (x - mean) * (scale * lax.rsqrt(variance + epsilon)) + shift
