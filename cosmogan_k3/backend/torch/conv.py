"""Convolutions on PyTorch, of maps with the channels last."""

from torch.nn import functional

from cosmogan_k3._typing import Tensor
from cosmogan_k3.backend.same_margin import same_margin


def convolve(
    x: Tensor, kernel: Tensor, bias: Tensor | None = None, strides: int = 1, zeros: bool = False
) -> Tensor:
    """Convolve maps with a kernel.

    Parameters
    ----------
    x : Tensor
        Maps, ``(n, rows, columns, inputs)``.
    kernel : Tensor
        Shape ``(size, size, inputs, outputs)``.
    bias : Tensor, optional
        Shape ``(outputs,)``.
    strides : int, default 1
        Step along both axes, in pixels.
    zeros : bool, default False
        Whether a margin of zeros is added so that no pixel is lost: Keras's padding "same".
        Otherwise the maps are used as they are: padding "valid".

    Returns
    -------
    Tensor
        Shape ``(n, …, …, outputs)``.

    Examples
    --------
    >>> import keras
    >>> from cosmogan_k3 import backend
    >>> x, kernel = keras.ops.ones((1, 4, 4, 1)), keras.ops.ones((3, 3, 1, 1))
    >>> float(backend.convolve(x, kernel)[0, 0, 0, 0])
    9.0
    >>> float(backend.convolve(x, kernel, zeros=True)[0, 0, 0, 0])
    4.0
    """
    # The permuted views have PyTorch's memory format channels_last, so that nothing is copied.
    x, weight = x.permute(0, 3, 1, 2), kernel.permute(3, 2, 0, 1).contiguous()
    before, after = same_margin(kernel.shape[0], strides) if zeros else (0, 0)
    if before != after:  # PyTorch's own margins are equally wide on both sides
        x, before = functional.pad(x, (before, after, before, after)), 0
    return functional.conv2d(x, weight, bias, strides, before).permute(0, 2, 3, 1)


def convolve_transposed(x: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Tensor:
    """Apply a transposed convolution with strides 2, which doubles the sides of a map.

    ::

        y[2 i + a − (k − 1)/2] = Σ_a x[i] K[a]    along each axis

    This is the adjoint of a convolution with strides 2 and (k − 1)/2 zeros on each side.

    Parameters
    ----------
    x : Tensor
        Maps, ``(n, rows, columns, inputs)``.
    kernel : Tensor
        Shape ``(k, k, inputs, outputs)``, with k odd.
    bias : Tensor, optional
        Shape ``(outputs,)``.

    Returns
    -------
    Tensor
        Shape ``(n, 2 rows, 2 columns, outputs)``.

    Examples
    --------
    >>> import keras
    >>> from cosmogan_k3 import backend
    >>> x, kernel = keras.ops.ones((1, 4, 4, 1)), keras.ops.ones((3, 3, 1, 1))
    >>> y = backend.convolve_transposed(x, kernel)
    >>> tuple(y.shape), float(y[0, 0, 0, 0]), float(y[0, 1, 1, 0])
    ((1, 8, 8, 1), 1.0, 4.0)
    """
    options = {"stride": 2, "padding": kernel.shape[0] // 2, "output_padding": 1}
    weight = kernel.permute(2, 3, 0, 1).contiguous()
    y = functional.conv_transpose2d(x.permute(0, 3, 1, 2), weight, bias, **options)
    return y.permute(0, 2, 3, 1)


def transposed_convolution_is_fast() -> bool:
    """Return whether a transposed convolution beats the same arithmetic as plain convolutions.

    The alternative is one convolution of the coarse map for each phase of the fine one.

    Returns
    -------
    bool

    Examples
    --------
    >>> from cosmogan_k3 import backend
    >>> isinstance(backend.transposed_convolution_is_fast(), bool)
    True
    """
    return True
