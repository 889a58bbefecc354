"""Batch normalization on TensorFlow, plain and virtual."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from cosmogan_k3._typing import Tensor
from cosmogan_k3.backend.tensorflow.fused_batch_norm import (
    batch_normalization,
    virtual_batch_normalization,
)


def batch_normalize(
    x: Tensor, scale: Tensor, shift: Tensor, axis: int, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalize each channel by its own statistics, in TensorFlow's kernel."""
    return _along_last(batch_normalization, x, axis, scale, shift, epsilon)


def virtual_batch_normalize(
    x: Tensor, scale: Tensor, shift: Tensor, size: int, axis: int, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalize the reference and the other examples, in TensorFlow's kernel."""
    return _along_last(virtual_batch_normalization, x, axis, scale, shift, size, epsilon)


def fused_normalization_is_fast() -> bool:
    """Return True."""
    return True


def _along_last(
    normalization: Callable[..., Any], x: Tensor, axis: int, *arguments: Any
) -> tuple[Tensor, Tensor, Tensor]:
    """Apply a normalization of the last axis to another axis."""
    y, mean, variance = normalization(tf.experimental.numpy.moveaxis(x, axis, -1), *arguments)
    y = tf.experimental.numpy.moveaxis(y, -1, axis)
    return y, tf.stop_gradient(mean), tf.stop_gradient(variance)
