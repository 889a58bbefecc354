"""Maps that are read or computed when they are indexed."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from cosmogan_k3._typing import MapArray, Maps


class VirtualMaps(ABC):
    """A virtual float32 array of maps, computed or read from files when it is indexed.

    It supports ``len``, ``shape``, ``dtype``, ``np.asarray`` and indexing by an int, a slice or an
    integer array. It can be pickled: another process computes or reads the maps itself.
    """

    dtype: ClassVar[np.dtype[np.float32]] = np.dtype(np.float32)
    ndim: ClassVar[int] = 3

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int, int]:
        """The shape (n, N, N)."""

    @property
    @abstractmethod
    def origin(self) -> str:
        """Where the maps come from, in words."""

    def take(self, indices: Any, axis: int = 0) -> Self:
        """Select maps without reading them, as ``numpy.take`` along the first axis.

        Parameters
        ----------
        indices : slice, or int or bool array
        axis : int
            Must be 0.

        Returns
        -------
        VirtualMaps

        Raises
        ------
        ValueError
            Another axis.
        """
        if axis != 0:
            raise ValueError(f"Maps can be taken along axis 0 only. Received: axis={axis}")
        return self.selected(indices)

    @abstractmethod
    def selected(self, indices: Any) -> Self:
        """Return the maps of some indices; see ``take``."""

    @abstractmethod
    def name_of(self, index: int) -> str:
        """Return the name of a map, for messages.

        Parameters
        ----------
        index : int

        Returns
        -------
        str
        """

    @abstractmethod
    def __getitem__(self, key: Any) -> Maps: ...

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return self[:].astype(dtype or self.dtype, copy=False)


def take_maps(maps: MapArray, indices: ArrayLike | slice) -> MapArray:
    """Select maps by index; those of virtual arrays are not read.

    Parameters
    ----------
    maps : array or VirtualMaps, shape (n, N, N)
    indices : int array, shape (m,), or slice

    Returns
    -------
    array or VirtualMaps, shape (m, N, N)

    Examples
    --------
    >>> take_maps(np.zeros((4, 8, 8)), [3, 0]).shape
    (2, 8, 8)
    """
    selected: MapArray = maps.take(indices) if isinstance(maps, VirtualMaps) else maps[indices]
    return selected


def name_of_map(maps: MapArray, index: int) -> str:
    """Return the name of a map for messages: that of virtual maps, or its number.

    Parameters
    ----------
    maps : array or VirtualMaps, shape (n, N, N)
    index : int

    Returns
    -------
    str

    Examples
    --------
    >>> name_of_map(np.zeros((4, 8, 8)), 3)
    'Map 3'
    """
    return maps.name_of(index) if isinstance(maps, VirtualMaps) else f"Map {index}"


def origin_of_maps(maps: MapArray) -> str:
    """Return where maps come from, in words.

    Parameters
    ----------
    maps : array or VirtualMaps, shape (n, N, N)

    Returns
    -------
    str

    Examples
    --------
    >>> origin_of_maps(np.zeros((4, 8, 8)))
    'an array'
    """
    return maps.origin if isinstance(maps, VirtualMaps) else "an array"
