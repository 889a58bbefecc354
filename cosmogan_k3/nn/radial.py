"""Functions of the wave number alone, tabulated at the whole wave numbers of a map and applied to maps of any side."""

import numpy as np
from keras import ops


def radial_size(pixels):
    """Length of a table for maps of ``pixels``: the corner of their Fourier plane, and one beyond to interpolate to.

    Example:
        >>> radial_size(16)
        13
    """
    return int(pixels / np.sqrt(2)) + 2


def multiply_modes(maps, table, pixels):
    """Multiply each Fourier mode by a table's value at its wave number, linear between whole ones.

    Args:
        maps: float tensor ``(n, N, N)``.
        table: float tensor ``(radial_size(pixels),)``, or one row a map, at wave numbers 0, 1, 2, … of a map of
            ``pixels``.
        pixels: int; on maps of another side the same value belongs to the same number of cycles a pixel.

    Returns:
        float32 tensor ``(n, N, N)``.

    Example:
        >>> import numpy as np
        >>> twice = multiply_modes(np.ones((1, 8, 8), "float32"), np.full(radial_size(16), 2.0, "float32"), 16)
        >>> float(twice[0, 0, 0])
        2.0
    """
    maps = ops.cast(maps, "float32")
    gain = _on_plane(table, pixels, ops.shape(maps)[1])
    real, imaginary = ops.fft2((maps, ops.zeros_like(maps)))
    product, _ = ops.ifft2((real * gain, imaginary * gain))
    return product


def _on_plane(table, pixels, side):
    """The table on the Fourier plane of a map of ``side`` pixels, ``(side, side)``, or each of its rows."""
    modes = ops.arange(side, dtype="float32")
    cycles = ops.minimum(modes, ops.cast(side, "float32") - modes) / ops.cast(side, "float32")
    wavenumber = pixels * ops.sqrt(ops.square(cycles)[:, None] + ops.square(cycles))
    below = ops.floor(wavenumber)
    share = wavenumber - below
    index = ops.cast(below, "int32")
    return (1 - share) * ops.take(table, index, axis=-1) + share * ops.take(
        table, index + 1, axis=-1
    )
