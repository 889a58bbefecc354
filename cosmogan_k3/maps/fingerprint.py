"""The SHA-256 that identifies a set of maps."""

import hashlib
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from cosmogan_k3._typing import Maps, Mask
from cosmogan_k3.errors import InputError


class Fingerprint:
    """SHA-256 of shape, pixel size and pixels of maps that arrive in blocks.

    Parameters
    ----------
    shape : tuple of int
        (n, N, N), shape of the whole set.
    pixel_arcmin : float
        Side of a pixel in arcmin.

    Examples
    --------
    >>> fingerprint = Fingerprint((2, 1, 1), pixel_arcmin=1.0)
    >>> fingerprint.update(np.zeros((2, 1, 1), "float32"))
    >>> fingerprint.hexdigest()[:8]
    'a79592e3'
    """

    def __init__(self, shape: tuple[int, ...], pixel_arcmin: float) -> None:
        shape = tuple(int(size) for size in shape)
        self._digest = hashlib.sha256(repr((shape, float(pixel_arcmin))).encode())

    def update(self, block: Maps) -> None:
        """Add the next maps.

        Parameters
        ----------
        block : float32 array (m, N, N)
            Convergence.
        """
        self._digest.update(np.ascontiguousarray(block).data)

    def hexdigest(self) -> str:
        """Return the SHA-256 of the maps so far, 64 hexadecimal digits."""
        return self._digest.hexdigest()


def observed_blocks(
    blocks: Iterable[Maps], mask: Mask | None, name_of: Callable[[int], str]
) -> Iterator[Maps]:
    """Yield blocks of maps with unobserved pixels set to zero; other pixels must be finite.

    Parameters
    ----------
    blocks : iterable of float32 arrays (m, N, N)
        Convergence.
    mask : bool array (N, N) or None
        True where observed.
    name_of : function
        Returns the name of the map with an index, for messages.

    Yields
    ------
    float32 array (m, N, N)

    Raises
    ------
    InputError
        An observed pixel that is not finite.

    Examples
    --------
    >>> maps = np.array([[[1.0, np.nan]]], "float32")
    >>> [block.tolist() for block in observed_blocks([maps], np.array([True, False]), str)]
    [[[[1.0, 0.0]]]]
    """
    start = 0
    for block in blocks:
        if mask is not None:
            block = np.where(mask, block, np.float32(0))
        finite = np.isfinite(block).all(axis=(1, 2))
        if not finite.all():
            raise InputError(
                f"{name_of(start + int(np.argmin(finite)))} has pixels that are NaN or infinite; "
                "mask these pixels, fill them, or leave the map out"
            )
        start += len(block)
        yield block
