"""The first reading of a set of maps: its fingerprint, its range, and the maps that are kept."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cosmogan_k3._typing import IntArray, MapArray, Maps, Mask
from cosmogan_k3.evaluation.part import Part
from cosmogan_k3.maps import MapSet
from cosmogan_k3.maps.inspection import Inspection, inspect
from cosmogan_k3.maps.virtual import VirtualMaps

# A set on disk of at most so many pixels (0.5 GB) is loaded, so that it is read only once.
MEMORY_PIXELS = 2**27


@dataclass(frozen=True)
class Scan:
    """A set of maps after its first reading.

    Parameters
    ----------
    kappa : array, VirtualMaps or other array-like (n, N, N)
        Convergence.
    inspection : Inspection
        Fingerprint, range of the pixels and warnings, as ``MapSet.inspect`` returns them.
    loaded : float32 array (n, N, N), optional
        All maps, if they are in memory.
    kept : int array (k,)
        Indices of the maps that are kept if the set is not in memory, increasing.
    kept_maps : float32 array (k, N, N), optional
        These maps.

    Examples
    --------
    >>> maps = MapSet(np.zeros((3, 2, 2), "float32"), pixel_arcmin=1.0)
    >>> scanned = scan(maps, keep=np.arange(2))
    >>> scanned.first(2).shape, [len(part) for part in scanned.parts(2)]
    ((2, 2, 2), [2, 1])
    """

    kappa: MapArray
    inspection: Inspection
    loaded: Maps | None
    kept: IntArray
    kept_maps: Maps | None

    def __len__(self) -> int:
        return len(self.kappa)

    def take(self, indices: IntArray) -> Maps:
        """Return maps that were kept.

        Parameters
        ----------
        indices : int array (m,)
            Of maps in ``kept``.

        Returns
        -------
        float32 array (m, N, N)
        """
        if self.loaded is not None:
            return np.asarray(self.loaded[indices], dtype=np.float32)
        assert self.kept_maps is not None
        return self.kept_maps[np.searchsorted(self.kept, indices)]

    def first(self, count: int) -> Maps:
        """Return the first maps, all of which were kept.

        Parameters
        ----------
        count : int
            How many maps, if there are so many.

        Returns
        -------
        float32 array (m, N, N)
        """
        return self.take(np.arange(min(count, len(self))))

    def extent(self, indices: IntArray | slice = slice(None)) -> tuple[float, float]:
        """Return the smallest and the largest observed pixel.

        Parameters
        ----------
        indices : int array or slice, default all
            Of which maps.

        Returns
        -------
        lowest, highest : float
        """
        pixels = self.inspection.pixels
        return float(pixels.lowest[indices].min()), float(pixels.highest[indices].max())

    def parts(self, size: int) -> list[Part]:
        """Divide the set into parts that can be measured anywhere.

        Parameters
        ----------
        size : int
            Largest number of maps in a part.

        Returns
        -------
        list of Part
        """
        starts = range(0, len(self), size)
        return [self._part(start, min(start + size, len(self))) for start in starts]

    def first_part(self, count: int) -> Part:
        """Return the first maps, all of which were kept, as a part.

        Parameters
        ----------
        count : int
            How many maps, if there are so many.

        Returns
        -------
        Part
        """
        return self._part(0, min(count, len(self)), self.first(count))

    def _part(self, start: int, stop: int, loaded: Maps | None = None) -> Part:
        if loaded is None and self.loaded is not None:
            loaded = np.asarray(self.loaded[start:stop], dtype=np.float32)
        if isinstance(self.kappa, VirtualMaps):
            return Part(self.kappa.take(slice(start, stop)), 0, stop - start, loaded)
        return Part(self.kappa, start, stop, loaded)


def scan(maps: MapSet, *, keep: IntArray, mask: Mask | None = None, measured: bool = True) -> Scan:
    """Read a set of maps once, a block at a time.

    A set on disk of at most ``MEMORY_PIXELS`` pixels stays in memory, and measuring it needs no
    second reading. A larger set is read a second time when it is measured; of this first reading
    only the maps of ``keep`` stay in memory.

    Parameters
    ----------
    maps : MapSet
        Any number of maps.
    keep : int array (k,)
        Indices of the maps that ``Scan.take`` can return, increasing.
    mask : bool array (N, N), optional
        True where observed; other pixels, NaN included, are never read.
    measured : bool, default True
        Whether the set will be measured. If not, only the maps of ``keep`` stay in memory.

    Returns
    -------
    Scan

    Raises
    ------
    InputError
        An observed pixel that is not finite, or too large for convergence.

    Examples
    --------
    >>> maps = MapSet(np.arange(8, dtype="float32").reshape(2, 2, 2), pixel_arcmin=1.0)
    >>> scanned = scan(maps, keep=np.arange(1))
    >>> scanned.extent(), scanned.inspection.fingerprint == maps.fingerprint()
    ((0.0, 7.0), True)
    """
    loaded, kept_maps = _memory_for(maps, keep, measured)
    inspection = inspect(
        _stored(maps, loaded, keep, kept_maps),
        shape=maps.kappa.shape,
        pixel_arcmin=maps.pixel_arcmin,
        name_of=maps.name_of,
        mask=mask,
    )
    return Scan(
        kappa=maps.kappa,
        inspection=inspection,
        loaded=loaded,
        kept=keep,
        kept_maps=kept_maps,
    )


def _memory_for(maps: MapSet, keep: IntArray, measured: bool) -> tuple[Maps | None, Maps | None]:
    """Return arrays for the whole set, or else for the maps to keep; never copy an array."""
    if isinstance(maps.kappa, np.ndarray):
        return maps.kappa, None
    if measured and len(maps) * maps.pixels**2 <= MEMORY_PIXELS:
        return np.empty(maps.kappa.shape, np.float32), None
    return None, np.empty((len(keep), *maps.kappa.shape[1:]), np.float32)


def _stored(
    maps: MapSet, loaded: Maps | None, keep: IntArray, kept_maps: Maps | None
) -> Iterator[Maps]:
    """Yield the blocks of a set, each copied to where it stays in memory."""
    start = 0
    for block in maps.blocks():
        if kept_maps is not None:
            first, last = np.searchsorted(keep, [start, start + len(block)])
            kept_maps[first:last] = block[keep[first:last] - start]
        elif loaded is not maps.kappa:
            assert loaded is not None
            loaded[start : start + len(block)] = block
        start += len(block)
        yield block
