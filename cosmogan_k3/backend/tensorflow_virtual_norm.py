"""Virtual batch normalisation on TensorFlow: each part of a batch is measured once, and of both only x is kept."""

import tensorflow as tf

from cosmogan_k3.backend.joint_moments import joint_moments


def virtual_batch_normalization(x, scale, shift, size, epsilon):
    """Normalise the reference, the first ``size`` rows, by its own statistics, and the others by those of all rows.

    Takes x ``(n, …, channels)``; returns y, and mean and variance of all rows. The equations are those of
    ``torch_virtual_norm``.
    """
    if x.dtype == tf.float64:  # the kernel has no such
        return _composed(x, scale, shift, size, epsilon)

    @tf.custom_gradient
    def normalize(x, scale, shift):
        reference, others = _parts(x, size)
        y_reference, mean, variance, *reserved = _measured(reference, scale, shift, epsilon)
        _, other_mean, other_variance, *_ = _measured(others, scale, shift, epsilon)
        count, rows = (tf.cast(tf.size(part) // part.shape[-1], mean.dtype) for part in (reference, x))
        # The kernel's variances are estimates for the population.
        variance, other_variance = variance * (1 - 1 / count), other_variance * (1 - 1 / (rows - count))
        joint = joint_moments(count / rows, mean, variance, other_mean, other_variance)
        y = tf.concat([y_reference, _normalized(others, scale, shift, *joint, epsilon)], 1)

        def gradient(g, *_):
            return _gradient(g, x, scale, shift, size, epsilon, reserved, joint, rows)

        return (tf.reshape(y, tf.shape(x)), *joint), gradient

    return normalize(x, scale, shift)


def _gradient(g, x, scale, shift, size, epsilon, reserved, joint, rows):
    """Of x, γ and β; itself differentiable, as TensorFlow can what is composed."""

    @tf.custom_gradient
    def first(g, x, scale, shift):
        reference, others = _parts(x, size)
        g_reference, g_others = _parts(g, size)
        of_reference, products, sums = _kernel_gradient(g_reference, reference, scale, reserved, epsilon, True)
        statistics = (*joint, reserved[2])
        of_others, other_products, other_sums = _kernel_gradient(g_others, others, scale, statistics, epsilon, False)
        # The statistics of all rows are the reference's too.
        mean, inverse = joint[0], tf.math.rsqrt(joint[1] + epsilon)
        slope = -scale * inverse**2 * other_products / rows
        offset = -scale * inverse * other_sums / rows - slope * mean
        of_x = tf.concat([of_reference, of_others], 1) + _linear(x, slope, offset, epsilon)
        return (tf.reshape(of_x, tf.shape(x)), products + other_products, sums + other_sums), second

    def second(*cotangents):
        with tf.GradientTape() as outer:
            outer.watch([g, x, scale, shift])
            with tf.GradientTape() as inner:
                inner.watch([x, scale, shift])
                y, *_ = _composed(x, scale, shift, size, epsilon)
            gradients = inner.gradient(y, [x, scale, shift], output_gradients=g)
        return outer.gradient(gradients, [g, x, scale, shift], cotangents, tf.UnconnectedGradients.ZERO)

    return first(g, x, scale, shift)


def _composed(x, scale, shift, size, epsilon):
    """The same in TensorFlow's arithmetic."""
    own, joint = _moments(x[:size]), _moments(x)
    parts = [(x[:size], own), (x[size:], joint)]
    y = [tf.nn.batch_normalization(part, *moments, shift, scale, epsilon) for part, moments in parts]
    return tf.concat(y, 0), *joint


def _moments(x):
    """Not ``tf.nn.moments``: wrong in the second derivative, see ``layers/moments.py``."""
    axes = range(x.shape.rank - 1)
    return tf.reduce_mean(x, axes), tf.math.reduce_variance(x, axes)


def _parts(x, size):
    """The reference and the others, a slice of the same memory each, as maps of one column: the kernel takes maps."""
    return [_column(part) for part in (x[:size], x[size:])]


def _column(x):
    return tf.reshape(x, (1, -1, 1, x.shape[-1]))


def _measured(maps, scale, shift, epsilon):
    """Maps normalised by their own statistics, these, and what the gradient reads."""
    return tf.raw_ops.FusedBatchNormV3(
        x=maps, scale=scale, offset=shift, mean=[], variance=[], epsilon=epsilon, is_training=True
    )


def _normalized(maps, scale, shift, mean, variance, epsilon):
    """Maps normalised by the statistics given."""
    return tf.raw_ops.FusedBatchNormV3(
        x=maps, scale=scale, offset=shift, mean=mean, variance=variance, epsilon=epsilon, is_training=False
    )[0]


def _linear(x, slope, offset, epsilon):
    """``slope`` · x + ``offset`` for each channel, in one pass."""
    return _normalized(_column(x), slope, offset, tf.zeros_like(slope), tf.ones_like(slope) - epsilon, epsilon)


def _kernel_gradient(g, maps, scale, reserved, epsilon, own):
    """Of maps, γ and β, where the maps were normalised by their ``own`` statistics or by others."""
    spaces = {f"reserve_space_{i}": value for i, value in enumerate(reserved, 1)}
    return tf.raw_ops.FusedBatchNormGradV3(
        y_backprop=g, x=maps, scale=scale, epsilon=epsilon, is_training=own, **spaces
    )[:3]
