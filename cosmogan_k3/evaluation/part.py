"""Consecutive maps of a set, which can be measured in any process."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cosmogan_k3._typing import MapArray, Maps
from cosmogan_k3.maps.virtual import VirtualMaps


@dataclass(frozen=True)
class Part:
    """Consecutive maps of a set, in memory or on disk.

    Another process receives virtual maps as their table, and reads or computes them itself.

    Parameters
    ----------
    source : array, VirtualMaps or other array-like (m, N, N)
        Where the maps are read.
    start, stop : int
        First map in the source, and the one after the last.
    loaded : float32 array (stop − start, N, N), optional
        The maps, if they have been read already.

    Examples
    --------
    >>> part = Part(np.zeros((300, 2, 2), "float32"), 0, 300)
    >>> len(part), [len(block) for block in part.blocks(128)]
    (300, [128, 128, 44])
    """

    source: MapArray
    start: int
    stop: int
    loaded: Maps | None = None

    def __len__(self) -> int:
        return self.stop - self.start

    def __reduce__(self) -> tuple[type["Part"], tuple[MapArray, int, int]]:
        if isinstance(self.source, VirtualMaps):
            return Part, (self.source, self.start, self.stop)
        return Part, (self._read(0, len(self)), 0, len(self))

    def _read(self, first: int, last: int) -> Maps:
        if self.loaded is not None:
            return self.loaded[first:last]
        chosen = slice(self.start + first, min(self.start + last, self.stop))
        return np.asarray(self.source[chosen], dtype=np.float32)

    def blocks(self, size: int) -> Iterator[Maps]:
        """Iterate over the maps in blocks.

        Parameters
        ----------
        size : int
            Largest number of maps in a block.

        Yields
        ------
        float32 array (m, N, N)
        """
        for first in range(0, len(self), size):
            yield self._read(first, first + size)

    def read(self) -> Maps:
        """Return all maps as one float32 array."""
        return self._read(0, len(self))
