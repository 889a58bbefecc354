"""Batch normalization of the last axis in TensorFlow's fused kernel, plain and virtual."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from cosmogan_k3._typing import Tensor
from cosmogan_k3.backend.joint_moments import joint_moments


def batch_normalization(
    x: Tensor, scale: Tensor, shift: Tensor, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalize each channel by its own statistics.

    Parameters
    ----------
    x : Tensor
        Shape ``(n, …, channels)``.
    scale, shift : Tensor
        γ and β, ``(channels,)``.
    epsilon : float
        Added to the variance.

    Returns
    -------
    y, mean, variance : Tensor
        The normalized ``x``, and the statistics of each channel.

    Examples
    --------
    >>> x = tf.constant([[1.0], [3.0]])
    >>> _, mean, variance = batch_normalization(x, tf.ones(1), tf.zeros(1), 1e-9)
    >>> float(mean[0]), float(variance[0])
    (2.0, 1.0)
    """
    if x.dtype == tf.float64:  # the kernel does not take it
        return _by_arithmetic(x, scale, shift, epsilon)
    y, mean, variance, _ = _normalize_by_own(_as_column(x), scale, shift, epsilon)
    return tf.reshape(y, tf.shape(x)), mean, variance


def virtual_batch_normalization(
    x: Tensor, scale: Tensor, shift: Tensor, size: int, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalize the reference by its own statistics, and the other rows by those of all rows.

    The statistics of each part are computed once, and only x is kept for the gradient. The
    equations are in ``backend/torch/virtual_batch_norm.py``.

    Parameters
    ----------
    x : Tensor
        Shape ``(n, …, channels)``.
    scale, shift : Tensor
        γ and β, ``(channels,)``.
    size : int
        Number of rows of the reference, which come first.
    epsilon : float
        Added to the variance.

    Returns
    -------
    y, mean, variance : Tensor
        The normalized ``x``, and the statistics of all rows.

    Examples
    --------
    >>> x = tf.constant([[0.0], [2.0], [4.0], [6.0]])
    >>> _, mean, variance = virtual_batch_normalization(x, tf.ones(1), tf.zeros(1), 2, 1e-9)
    >>> float(mean[0]), float(variance[0])
    (3.0, 5.0)
    """
    if x.dtype == tf.float64:
        return _composed(x, scale, shift, size, epsilon)

    @tf.custom_gradient
    def normalize(x: Tensor, scale: Tensor, shift: Tensor) -> Any:
        reference, others = _split_columns(x, size)
        y_reference, *own, reserved = _normalize_by_own(reference, scale, shift, epsilon)
        _, *of_others, _ = _normalize_by_own(others, scale, shift, epsilon)
        joint = joint_moments(_count(reference) / _count(x), *own, *of_others)
        y = tf.concat([y_reference, _normalize_by(others, scale, shift, *joint, epsilon)], 1)

        def gradient(g: Tensor, *_: Tensor) -> Any:
            return _gradient(
                *(g, x, scale, shift), size=size, epsilon=epsilon, reserved=reserved, joint=joint
            )

        return (tf.reshape(y, tf.shape(x)), *joint), gradient

    return normalize(x, scale, shift)


def _gradient(
    g: Tensor,
    x: Tensor,
    scale: Tensor,
    shift: Tensor,
    *,
    size: int,
    epsilon: float,
    reserved: list[Tensor],
    joint: tuple[Tensor, Tensor],
) -> Any:
    """Return the gradients of x, γ and β; their own gradient is that of ``_composed``."""
    second = _second_derivative(g, x, scale, shift, size, epsilon)

    @tf.custom_gradient
    def first(g: Tensor, x: Tensor, scale: Tensor, shift: Tensor) -> Any:
        reference, others = _split_columns(x, size)
        g_reference, g_others = _split_columns(g, size)
        of_reference, by_scale, by_shift = _kernel_gradient(
            g_reference, reference, scale, reserved, epsilon, True
        )
        of_others, others_by_scale, others_by_shift = _kernel_gradient(
            g_others, others, scale, [*joint, reserved[2]], epsilon, False
        )
        # The reference contributes to the statistics of all rows, too.
        mean, inverse, count = joint[0], tf.math.rsqrt(joint[1] + epsilon), _count(x)
        slope = -scale * inverse**2 * others_by_scale / count
        offset = -scale * inverse * others_by_shift / count - slope * mean
        by_x = tf.concat([of_reference, of_others], 1) + _linear(x, slope, offset, epsilon)
        gradients = (
            tf.reshape(by_x, tf.shape(x)),
            by_scale + others_by_scale,
            by_shift + others_by_shift,
        )
        return gradients, second

    return first(g, x, scale, shift)


def _second_derivative(
    g: Tensor, x: Tensor, scale: Tensor, shift: Tensor, size: int, epsilon: float
) -> Callable[..., list[Tensor]]:
    """Return the vector-Jacobian product of the gradients of x, γ and β."""

    def second(*cotangents: Tensor) -> list[Tensor]:
        with tf.GradientTape() as outer:
            outer.watch([g, x, scale, shift])
            with tf.GradientTape() as inner:
                inner.watch([x, scale, shift])
                y, *_ = _composed(x, scale, shift, size, epsilon)
            gradients = inner.gradient(y, [x, scale, shift], output_gradients=g)
        return outer.gradient(
            gradients, [g, x, scale, shift], cotangents, tf.UnconnectedGradients.ZERO
        )

    return second


def _composed(
    x: Tensor, scale: Tensor, shift: Tensor, size: int, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the result of ``virtual_batch_normalization`` by arithmetic."""
    own, *_ = _by_arithmetic(x[:size], scale, shift, epsilon)
    y, mean, variance = _by_arithmetic(x, scale, shift, epsilon)
    return tf.concat([own, y[size:]], 0), mean, variance


def _by_arithmetic(
    x: Tensor, scale: Tensor, shift: Tensor, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the result of ``batch_normalization`` by arithmetic.

    The second derivative of ``tf.nn.moments`` is wrong (``nn/moments.py``): it is not used here.
    """
    axes = range(x.shape.rank - 1)
    mean, variance = tf.reduce_mean(x, axes), tf.math.reduce_variance(x, axes)
    return tf.nn.batch_normalization(x, mean, variance, shift, scale, epsilon), mean, variance


def _split_columns(x: Tensor, size: int) -> list[Tensor]:
    """Return the reference and the other rows, each a slice of the same memory."""
    return [_as_column(part) for part in (x[:size], x[size:])]


def _as_column(x: Tensor) -> Tensor:
    """Return x as one map of one column, because the kernel takes maps."""
    return tf.reshape(x, (1, -1, 1, x.shape[-1]))


def _count(x: Tensor) -> Tensor:
    """Return the number of values of a channel, in the type of the kernel's statistics."""
    return tf.cast(tf.size(x) // x.shape[-1], tf.float32)


def _normalize_by_own(
    maps: Tensor, scale: Tensor, shift: Tensor, epsilon: float
) -> tuple[Tensor, Tensor, Tensor, list[Tensor]]:
    """Return normalized maps, their mean and variance, and what the gradient reads."""
    y, mean, variance, *reserved = tf.raw_ops.FusedBatchNormV3(
        x=maps, scale=scale, offset=shift, mean=[], variance=[], epsilon=epsilon, is_training=True
    )
    count = _count(maps)
    # The kernel returns the unbiased estimate of the population's variance.
    return y, mean, variance * ((count - 1) / count), reserved


def _normalize_by(
    maps: Tensor, scale: Tensor, shift: Tensor, mean: Tensor, variance: Tensor, epsilon: float
) -> Tensor:
    """Return maps normalized by given statistics."""
    return tf.raw_ops.FusedBatchNormV3(
        x=maps,
        scale=scale,
        offset=shift,
        mean=mean,
        variance=variance,
        epsilon=epsilon,
        is_training=False,
    )[0]


def _linear(x: Tensor, slope: Tensor, offset: Tensor, epsilon: float) -> Tensor:
    """Return ``slope`` · x + ``offset`` for each channel, in one pass."""
    mean, variance = tf.zeros_like(slope), tf.ones_like(slope) - epsilon
    return _normalize_by(_as_column(x), slope, offset, mean, variance, epsilon)


def _kernel_gradient(
    g: Tensor, maps: Tensor, scale: Tensor, reserved: list[Tensor], epsilon: float, own: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients of maps, γ and β; ``own``: maps were normalized by own statistics."""
    spaces = {f"reserve_space_{i}": value for i, value in enumerate(reserved, 1)}
    return tf.raw_ops.FusedBatchNormGradV3(
        y_backprop=g, x=maps, scale=scale, epsilon=epsilon, is_training=own, **spaces
    )[:3]
