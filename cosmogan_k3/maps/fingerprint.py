"""The SHA-256 that identifies a set of maps."""

import hashlib

import numpy as np

from cosmogan_k3._typing import Maps


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
