"""Batch normalization on PyTorch, plain and virtual."""

from cosmogan_k3._typing import Tensor
from cosmogan_k3.backend.private_api import torch_native_batch_norm
from cosmogan_k3.backend.torch.virtual_batch_norm import VirtualBatchNormalization


def batch_normalize(
    x: Tensor, scale: Tensor, shift: Tensor, axis: int, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalize each channel by its mean and variance over all other axes.

    ::

        y = γ (x − μ) / √(σ² + ε) + β

    Parameters
    ----------
    x : Tensor
        Shape ``(n, …, channels)``, or with the channels on another axis.
    scale, shift : Tensor
        γ and β, ``(channels,)``.
    axis : int
        The axis of the channels.
    epsilon : float
        ε.

    Returns
    -------
    y : Tensor
        Shape of ``x``.
    mean, variance : Tensor
        μ and σ², ``(channels,)``, without gradient.

    Examples
    --------
    >>> import keras
    >>> from cosmogan_k3 import backend
    >>> x = keras.ops.convert_to_tensor([[1.0], [3.0]])
    >>> one, zero = keras.ops.ones(1), keras.ops.zeros(1)
    >>> y, mean, variance = backend.batch_normalize(x, one, zero, axis=-1, epsilon=1e-9)
    >>> float(y[0, 0]), float(mean[0]), round(float(variance[0]), 4)
    (-1.0, 2.0, 1.0)
    """
    # Eager arithmetic would pass over the features a dozen times, forward and backward, in place
    # of three times.
    x = x.movedim(axis, 1)
    y, mean, inverse = torch_native_batch_norm(x, scale, shift, None, None, True, 0.0, epsilon)
    return y.movedim(1, axis), mean.detach(), (inverse.detach() ** -2 - epsilon).clamp(min=0)


def virtual_batch_normalize(
    x: Tensor, scale: Tensor, shift: Tensor, size: int, axis: int, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalize as ``VirtualBatchNorm`` in mode "batch" does.

    The first ``size`` rows, the reference, are normalized by their own statistics; the other rows
    by the statistics of all rows.

    Parameters
    ----------
    x : Tensor
        Shape ``(n, …, channels)``, or with the channels on another axis.
    scale, shift : Tensor
        γ and β, ``(channels,)``.
    size : int
        Number of rows of the reference.
    axis : int
        The axis of the channels.
    epsilon : float
        Added to the variance.

    Returns
    -------
    y : Tensor
        Shape of ``x``.
    mean, variance : Tensor
        Statistics of all rows, ``(channels,)``, without gradient.

    Examples
    --------
    >>> import keras
    >>> from cosmogan_k3 import backend
    >>> x = keras.ops.convert_to_tensor([[0.0], [2.0], [4.0], [6.0]])
    >>> one, zero = keras.ops.ones(1), keras.ops.zeros(1)
    >>> y, mean, variance = backend.virtual_batch_normalize(x, one, zero, 2, -1, 1e-9)
    >>> [round(float(value), 3) for value in (y[0, 0], y[3, 0], mean[0], variance[0])]
    [-1.0, 1.342, 3.0, 5.0]
    """
    y, mean, variance = VirtualBatchNormalization.apply(
        x.movedim(axis, 1), scale, shift, size, epsilon
    )
    return y.movedim(1, axis), mean, variance


def fused_normalization_is_fast() -> bool:
    """Return whether the two functions above beat the same arithmetic in Keras operations.

    Returns
    -------
    bool

    Examples
    --------
    >>> from cosmogan_k3 import backend
    >>> isinstance(backend.fused_normalization_is_fast(), bool)
    True
    """
    return True
