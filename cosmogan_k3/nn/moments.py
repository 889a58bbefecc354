"""Mean and variance over a batch, on one device or several."""

from keras import ops

from cosmogan_k3 import backend
from cosmogan_k3._typing import Tensor


def moments(x: Tensor, axes: list[int]) -> tuple[Tensor, Tensor]:
    """Compute mean and variance with correct derivatives of every order.

    The moments are::

        μ = ⟨x⟩,     σ² = ⟨(x − μ)²⟩

    ``keras.ops.moments`` is not used. TensorFlow's holds μ constant inside σ². This does not change
    the first derivative, since ⟨x − μ⟩ = 0, but makes the second derivative wrong. A penalty on the
    slope of a normalized network needs the second. PyTorch's computes ⟨x²⟩ − μ², which suffers from
    cancellation.

    Parameters
    ----------
    x : Tensor
        Float tensor of any shape.
    axes : list of int
        Axes to average over.

    Returns
    -------
    mean, variance : Tensor
        μ and σ², with the averaged axes of length 1.

    Examples
    --------
    >>> mean, variance = moments(ops.convert_to_tensor([[1.0, 3.0]]), axes=[1])
    >>> float(mean[0, 0]), float(variance[0, 0])
    (2.0, 1.0)
    """
    mean = ops.mean(x, axes, keepdims=True)
    return mean, ops.mean(ops.square(x - mean), axes, keepdims=True)


def batch_moments(x: Tensor, axes: list[int]) -> tuple[Tensor, Tensor]:
    """Compute mean and variance of the whole batch from the rows of this device.

    The moments, over devices d with equal numbers of rows, are::

        μ = ⟨μ_d⟩,     σ² = ⟨σ²_d + (μ_d − μ)²⟩

    Parameters
    ----------
    x : Tensor
        Rows of this device, a float tensor of any shape.
    axes : list of int
        Axes to average over. The first must be 0, the batch axis.

    Returns
    -------
    mean, variance : Tensor
        μ and σ², with the averaged axes of length 1.

    Examples
    --------
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
