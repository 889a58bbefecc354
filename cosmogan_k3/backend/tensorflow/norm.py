"""Batch normalisation on TensorFlow, plain and virtual, along all axes but the last, in TensorFlow's own kernel."""

import tensorflow as tf

from cosmogan_k3.backend.joint_moments import joint_moments


def batch_normalization(x, scale, shift, epsilon):
    """Normalise x ``(n, …, channels)`` by its own statistics; return y, mean and variance."""
    if x.dtype == tf.float64:  # the kernel has no such
        return _by_arithmetic(x, scale, shift, epsilon)
    y, mean, variance, _ = _measured(_column(x), scale, shift, epsilon)
    return tf.reshape(y, tf.shape(x)), mean, variance


def virtual_batch_normalization(x, scale, shift, size, epsilon):
    """Normalise the reference, the first ``size`` rows, by its own statistics, and the others by those of all rows.

    Takes x ``(n, …, channels)``; returns y, and mean and variance of all rows. Either part is measured once, and only x
    is kept for the gradient; the equations are those of ``torch_virtual_norm``.
    """
    if x.dtype == tf.float64:
        return _composed(x, scale, shift, size, epsilon)

    @tf.custom_gradient
    def normalize(x, scale, shift):
        reference, others = _parts(x, size)
        y_reference, *own, reserved = _measured(reference, scale, shift, epsilon)
        _, *of_others, _ = _measured(others, scale, shift, epsilon)
        joint = joint_moments(_count(reference) / _count(x), *own, *of_others)
        y = tf.concat([y_reference, _normalized(others, scale, shift, *joint, epsilon)], 1)

        def gradient(g, *_):
            return _gradient(g, x, scale, shift, size, epsilon, reserved, joint)

        return (tf.reshape(y, tf.shape(x)), *joint), gradient

    return normalize(x, scale, shift)


def _gradient(g, x, scale, shift, size, epsilon, reserved, joint):
    """Of x, γ and β; itself differentiable, as TensorFlow can what is composed."""

    @tf.custom_gradient
    def first(g, x, scale, shift):
        reference, others = _parts(x, size)
        g_reference, g_others = _parts(g, size)
        of_reference, products, sums = _kernel_gradient(
            g_reference, reference, scale, reserved, epsilon, True
        )
        statistics = (*joint, reserved[2])
        of_others, other_products, other_sums = _kernel_gradient(
            g_others, others, scale, statistics, epsilon, False
        )
        # The statistics of all rows are the reference's too.
        mean, inverse, count = joint[0], tf.math.rsqrt(joint[1] + epsilon), _count(x)
        slope = -scale * inverse**2 * other_products / count
        offset = -scale * inverse * other_sums / count - slope * mean
        of_x = tf.concat([of_reference, of_others], 1) + _linear(x, slope, offset, epsilon)
        return (tf.reshape(of_x, tf.shape(x)), products + other_products, sums + other_sums), second

    def second(*cotangents):
        with tf.GradientTape() as outer:
            outer.watch([g, x, scale, shift])
            with tf.GradientTape() as inner:
                inner.watch([x, scale, shift])
                y, *_ = _composed(x, scale, shift, size, epsilon)
            gradients = inner.gradient(y, [x, scale, shift], output_gradients=g)
        return outer.gradient(
            gradients, [g, x, scale, shift], cotangents, tf.UnconnectedGradients.ZERO
        )

    return first(g, x, scale, shift)


def _composed(x, scale, shift, size, epsilon):
    """The same in TensorFlow's arithmetic."""
    own, *_ = _by_arithmetic(x[:size], scale, shift, epsilon)
    y, *joint = _by_arithmetic(x, scale, shift, epsilon)
    return tf.concat([own, y[size:]], 0), *joint


def _by_arithmetic(x, scale, shift, epsilon):
    """The statistics are not those of ``tf.nn.moments``, wrong in the second derivative: see ``layers/moments.py``."""
    axes = range(x.shape.rank - 1)
    mean, variance = tf.reduce_mean(x, axes), tf.math.reduce_variance(x, axes)
    return tf.nn.batch_normalization(x, mean, variance, shift, scale, epsilon), mean, variance


def _parts(x, size):
    """The reference and the others, a slice of the same memory each, as maps of one column: the kernel takes maps."""
    return [_column(part) for part in (x[:size], x[size:])]


def _column(x):
    return tf.reshape(x, (1, -1, 1, x.shape[-1]))


def _count(x):
    """Values of a channel, in the type of the kernel's statistics."""
    return tf.cast(tf.size(x) // x.shape[-1], tf.float32)


def _measured(maps, scale, shift, epsilon):
    """Maps normalised by their own mean and variance, these, and what the gradient reads."""
    y, mean, variance, *reserved = tf.raw_ops.FusedBatchNormV3(
        x=maps, scale=scale, offset=shift, mean=[], variance=[], epsilon=epsilon, is_training=True
    )
    count = _count(maps)
    return (
        y,
        mean,
        variance * ((count - 1) / count),
        reserved,
    )  # the kernel's is an estimate for the population


def _normalized(maps, scale, shift, mean, variance, epsilon):
    """Maps normalised by the statistics given."""
    return tf.raw_ops.FusedBatchNormV3(
        x=maps,
        scale=scale,
        offset=shift,
        mean=mean,
        variance=variance,
        epsilon=epsilon,
        is_training=False,
    )[0]


def _linear(x, slope, offset, epsilon):
    """``slope`` · x + ``offset`` for each channel, in one pass."""
    return _normalized(
        _column(x), slope, offset, tf.zeros_like(slope), tf.ones_like(slope) - epsilon, epsilon
    )


def _kernel_gradient(g, maps, scale, reserved, epsilon, own):
    """Of maps, γ and β, where the maps were normalised by their ``own`` statistics or by others."""
    spaces = {f"reserve_space_{i}": value for i, value in enumerate(reserved, 1)}
    return tf.raw_ops.FusedBatchNormGradV3(
        y_backprop=g, x=maps, scale=scale, epsilon=epsilon, is_training=own, **spaces
    )[:3]
