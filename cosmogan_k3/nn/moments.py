"""Mean and variance over a batch, wherever its rows are."""

from keras import ops

from cosmogan_k3 import backend


def moments(x, axes):
    """Mean and variance, μ = ⟨x⟩ and σ² = ⟨(x − μ)²⟩, whose derivatives of every order are right.

    Not ``keras.ops.moments``: TensorFlow's holds μ constant inside σ². That leaves the first derivative as it is, since
    ⟨x − μ⟩ = 0, and makes the second wrong, which is what a penalty on the slope of a normalised network needs; and
    torch's takes ⟨x²⟩ − μ², which cancels.

    Args:
        x: float tensor of any shape.
        axes: list of int, the axes that the statistics run along.

    Returns:
        Mean and variance with those axes of length 1.

    Example:
        >>> mean, variance = moments(ops.convert_to_tensor([[1.0, 3.0]]), axes=[1])
        >>> float(mean[0, 0]), float(variance[0, 0])
        (2.0, 1.0)
    """
    mean = ops.mean(x, axes, keepdims=True)
    return mean, ops.mean(ops.square(x - mean), axes, keepdims=True)


def batch_moments(x, axes):
    """Mean and variance of the whole batch, of which ``x`` holds this device's rows.

        μ = ⟨μ_d⟩,     σ² = ⟨σ²_d + (μ_d − μ)²⟩

    over the devices d, whose shares are equally large.

    Args:
        x: float tensor of any shape.
        axes: list of int, the axes that the statistics run along; the first of them is that of the examples, 0.

    Returns:
        Mean and variance with those axes of length 1.

    Example:
        >>> mean, variance = batch_moments(ops.convert_to_tensor([[1.0], [3.0]]), axes=[0])
        >>> float(mean[0, 0]), float(variance[0, 0])
        (2.0, 1.0)
    """
    mean, variance = moments(x, axes)
    if backend.replica_count() == 1:
        return mean, variance
    means, variances = ops.unstack(backend.gather(ops.stack([mean, variance], axis=1)), axis=1)
    mean = ops.mean(means, axis=0, keepdims=True)
    return mean, ops.mean(variances + ops.square(means - mean), axis=0, keepdims=True)
