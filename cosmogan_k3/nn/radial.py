"""Multiplication of Fourier modes by a tabulated function of the wave number."""

import numpy as np
from keras import ops

from cosmogan_k3._typing import Tensor


def radial_size(pixels: int) -> int:
    """Length of a table of values at whole wave numbers.

    It reaches the corner of the Fourier plane, and one knot beyond for the interpolation.

    Parameters
    ----------
    pixels : int
        Side of the map that the table belongs to.

    Returns
    -------
    int
        Number of knots: wave numbers 0, 1, 2, ….

    Examples
    --------
    >>> radial_size(16)
    13
    """
    return int(pixels / np.sqrt(2)) + 2


def multiply_modes(maps: Tensor, table: Tensor, pixels: int) -> Tensor:
    """Multiply each Fourier mode by the value of a table at its wave number.

    The table is interpolated linearly.

    Parameters
    ----------
    maps : Tensor
        Maps of any side N, shape ``(n, N, N)``.
    table : Tensor
        Values at wave numbers 0, 1, 2, … of a map of ``pixels``, shape ``(radial_size(pixels),)``,
        or one row per map, shape ``(n, radial_size(pixels))``.
    pixels : int
        Side of the map that the table belongs to. Maps of another side get the same value at the
        same number of cycles per pixel.

    Returns
    -------
    Tensor
        Maps of type float32, shape ``(n, N, N)``.

    Examples
    --------
    >>> table = np.full(radial_size(16), 2.0, "float32")
    >>> twice = multiply_modes(np.ones((1, 8, 8), "float32"), table, 16)
    >>> float(twice[0, 0, 0])
    2.0
    """
    maps = ops.cast(maps, "float32")
    gain = _on_plane(table, pixels, ops.shape(maps)[1])
    real, imaginary = ops.fft2((maps, ops.zeros_like(maps)))
    product, _ = ops.ifft2((real * gain, imaginary * gain))
    return product


def _on_plane(table: Tensor, pixels: int, side: int | Tensor) -> Tensor:
    """Interpolate each row of a table on the Fourier plane ``(side, side)`` of a map.

    It does not use ``statistics.fourier.wavenumbers``: inside a compiled TensorFlow function, the
    side is a tensor whose value NumPy cannot know.
    """
    modes = ops.arange(side, dtype="float32")
    cycles = ops.minimum(modes, ops.cast(side, "float32") - modes) / ops.cast(side, "float32")
    wavenumber = pixels * ops.sqrt(ops.square(cycles)[:, None] + ops.square(cycles))
    below = ops.floor(wavenumber)
    share = wavenumber - below
    index = ops.cast(below, "int32")
    low, high = ops.take(table, index, axis=-1), ops.take(table, index + 1, axis=-1)
    return (1 - share) * low + share * high
