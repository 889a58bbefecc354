"""Periodic padding of maps."""

from keras import ops

from cosmogan_k3 import backend
from cosmogan_k3._typing import Tensor


def pad_periodic(x: Tensor, before: int, after: int) -> Tensor:
    """Pad maps along both axes as if they covered a torus.

    Parameters
    ----------
    x : Tensor
        Maps, shape ``(n, rows, columns, channels)``.
    before, after : int
        Pixels added in front of each axis and at its end.

    Returns
    -------
    Tensor
        Maps, shape ``(n, before + rows + after, before + columns + after, channels)``.

    Raises
    ------
    ValueError
        If a side is smaller than the padding.

    Examples
    --------
    >>> x = ops.reshape(ops.arange(9), (1, 3, 3, 1))
    >>> ops.convert_to_numpy(pad_periodic(x, 1, 0))[0, :, :, 0].tolist()
    [[8, 6, 7, 8], [2, 0, 1, 2], [5, 3, 4, 5], [8, 6, 7, 8]]
    """
    for axis in (1, 2):
        side = x.shape[axis]
        if side is not None and side < max(before, after):
            raise ValueError(
                f"A map of {side} pixels cannot be padded periodically by "
                f"{max(before, after)} pixels."
            )
        if side is not None and side >= before + after:
            x = _join_parts(x, before, after, axis)
        else:
            x = _join_slices(x, before, after, axis)
    return x


def _join_parts(x: Tensor, before: int, after: int, axis: int) -> Tensor:
    """Pad one axis whose parts at the two ends do not overlap.

    The map is split into parts that make up the whole. The gradient of a slice would instead be a
    whole map of zeros around the slice.
    """
    first, middle, last = backend.split(x, [after, x.shape[axis] - before - after, before], axis)
    return ops.concatenate([last, first, middle, last, first], axis)


def _join_slices(x: Tensor, before: int, after: int, axis: int) -> Tensor:
    """Pad one axis of unknown or small size."""
    last = x[:, -before:] if axis == 1 else x[:, :, -before:]
    first = x[:, :after] if axis == 1 else x[:, :, :after]
    parts = [part for part, width in ((last, before), (x, 1), (first, after)) if width]
    return ops.concatenate(parts, axis)
