"""The margin of convolutions that keep maps as large as they are, or divide their sides."""


def same_margin(kernel_size, strides):
    """Pixels before and after a map whose sides are a multiple of ``strides``, as Keras's padding 'same' has them.

    Example:
        >>> same_margin(5, 1), same_margin(5, 2)
        ((2, 2), (1, 2))
    """
    width = max(kernel_size - strides, 0)
    return width // 2, width - width // 2
