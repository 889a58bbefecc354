"""The margin of convolutions whose output is as large as the input divided by the strides."""


def same_margin(kernel_size: int, strides: int) -> tuple[int, int]:
    """Return the width of the margin before and after a map, as in Keras's padding "same".

    Parameters
    ----------
    kernel_size : int
        Side of the kernel, in pixels.
    strides : int
        Step of the convolution, in pixels. The side of the map must be a multiple of it.

    Returns
    -------
    before, after : int
        Number of pixels.

    Examples
    --------
    >>> same_margin(5, 1), same_margin(5, 2)
    ((2, 2), (1, 2))
    """
    width = max(kernel_size - strides, 0)
    return width // 2, width - width // 2
