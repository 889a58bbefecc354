"""Arrays in files, of which no file stays open between two readings."""

import contextlib
import functools
import math
import mmap
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cosmogan_k3._typing import MapArray

_KEPT = 16  # files whose inflated contents stay in memory


class StoredArray(Protocol):
    """An array in a file."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its values, as they are read."""

    def opened(self) -> AbstractContextManager[MapArray]:
        """Open the file, and return something to index with integers and slices."""


Buffer = Callable[[], AbstractContextManager[Any]]


@contextlib.contextmanager
def mapped(path: Path) -> Iterator[mmap.mmap]:
    """Map a file into memory.

    Parameters
    ----------
    path : Path

    Yields
    ------
    mmap.mmap
        Closed with the last array that views it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     _ = Path(file.name).write_bytes(b"maps")
    ...     with mapped(Path(file.name)) as buffer:
    ...         bytes(buffer[:2])
    b'ma'
    """
    with path.open("rb") as file:
        yield mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


@dataclass(frozen=True)
class Coding:
    """How the integers of a FITS image become values: value = zero + scale × integer.

    Parameters
    ----------
    scale, zero : float
        ``BSCALE`` and ``BZERO``.
    blank : int, optional
        The integer that marks pixels without a value, ``BLANK``; they are read as NaN.
    dtype : numpy.dtype
        Type of the values.

    Examples
    --------
    >>> Coding(0.5, 1.0, -1, np.dtype("f8")).decode(np.array([2, -1], "i2")).tolist()
    [2.0, nan]
    """

    scale: float
    zero: float
    blank: int | None
    dtype: np.dtype[Any]

    def decode(self, stored: NDArray[Any]) -> NDArray[Any]:
        """Return the values of stored integers or floats.

        Parameters
        ----------
        stored : array

        Returns
        -------
        array of ``dtype``
        """
        if self.dtype.kind in "iu":
            zero = np.uint64(int(self.zero) % 2**64)
            return (stored.astype(np.uint64) + zero).astype(self.dtype)  # modulo 2⁶⁴: exact
        values = stored * np.float64(self.scale) + self.zero
        return values if self.blank is None else np.where(stored == self.blank, np.nan, values)


@dataclass(frozen=True)
class _Decoded:
    """A view of stored numbers that are decoded when they are indexed."""

    stored: NDArray[Any]
    coding: Coding

    @property
    def shape(self) -> tuple[int, ...]:
        return self.stored.shape

    @property
    def ndim(self) -> int:
        return self.stored.ndim

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.coding.dtype

    def __len__(self) -> int:
        return len(self.stored)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        return self.coding.decode(self.stored[key])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[...], dtype)


@dataclass(frozen=True)
class RawArray:
    """Numbers that lie in a file one after another.

    Parameters
    ----------
    buffer : callable
        Opens the bytes of the file.
    offset : int
        Of the first number, in bytes.
    shape : tuple of int
    stored : numpy.dtype
        Type of the numbers in the file.
    order : {"C", "F"}, default "C"
        Whether the last or the first index varies fastest.
    coding : Coding, optional
        How numbers become values.

    Examples
    --------
    >>> import functools, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "two.bin"
    ...     _ = path.write_bytes(b"head" + np.array([1, 2], ">f4").tobytes())
    ...     array = RawArray(functools.partial(mapped, path), 4, (2,), np.dtype(">f4"))
    ...     with array.opened() as values:
    ...         float(values[1])
    2.0
    """

    buffer: Buffer
    offset: int
    shape: tuple[int, ...]
    stored: np.dtype[Any]
    order: Any = "C"
    coding: Coding | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the values."""
        return self.coding.dtype if self.coding else self.stored

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return math.prod(self.shape) * self.stored.itemsize

    @contextlib.contextmanager
    def opened(self) -> Iterator[MapArray]:
        """Open the file, and yield a view of the values."""
        with self.buffer() as buffer:
            yield self.view(buffer)

    def view(self, buffer: Any) -> MapArray:
        """Return a view of the values in the bytes of the file.

        Parameters
        ----------
        buffer : bytes-like

        Returns
        -------
        array_like
        """
        stored = np.ndarray(self.shape, self.stored, buffer, self.offset, order=self.order)
        return _Decoded(stored, self.coding) if self.coding else stored


@dataclass(frozen=True)
class _Stacked:
    """A view of arrays of one shape as one array with one more axis."""

    arrays: tuple[MapArray, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.arrays), *self.arrays[0].shape)

    @property
    def ndim(self) -> int:
        return self.arrays[0].ndim + 1

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.result_type(*{array.dtype for array in self.arrays})

    def __len__(self) -> int:
        return len(self.arrays)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        if isinstance(key, tuple) and isinstance(key[0], (int, np.integer)):
            return np.asarray(self.arrays[key[0]][key[1:]])
        return np.asarray(self)[key]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.stack([np.asarray(array, dtype) for array in self.arrays])


@dataclass(frozen=True)
class StackedArray:
    """Arrays of one shape in a file, as one array.

    Parameters
    ----------
    arrays : tuple of RawArray
        At least one; all in the same file.

    Examples
    --------
    >>> import contextlib
    >>> def two(buffer=b"ab"):
    ...     return contextlib.nullcontext(buffer)
    >>> parts = tuple(RawArray(two, i, (1,), np.dtype("u1")) for i in range(2))
    >>> StackedArray(parts).shape
    (2, 1)
    """

    arrays: tuple[RawArray, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape (n, …)."""
        return (len(self.arrays), *self.arrays[0].shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the values."""
        return np.result_type(*{array.dtype for array in self.arrays})

    @contextlib.contextmanager
    def opened(self) -> Iterator[MapArray]:
        """Open the file once, and yield a view of all arrays."""
        with self.arrays[0].buffer() as buffer:
            yield _Stacked(tuple(array.view(buffer) for array in self.arrays))


@dataclass(frozen=True)
class InflatedArray:
    """A compressed array, which is read whole; it stays in memory for the next reading.

    Parameters
    ----------
    shape : tuple of int
    dtype : numpy.dtype
    load : callable
        Returns the array.
    arguments : tuple
        Of ``load``, hashable: the file, its version and what distinguishes the array in it.

    Examples
    --------
    >>> with InflatedArray((2,), np.dtype("f8"), np.zeros, (2,)).opened() as values:
    ...     values.tolist()
    [0.0, 0.0]
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    load: Callable[..., NDArray[Any]]
    arguments: tuple[Any, ...]

    @contextlib.contextmanager
    def opened(self) -> Iterator[MapArray]:
        """Yield the array."""
        yield inflated(self.load, *self.arguments)


@functools.lru_cache(maxsize=_KEPT)
def inflated(load: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a function returns, from memory if it was called with the same arguments.

    Parameters
    ----------
    load : callable
    *arguments : hashable

    Returns
    -------
    Any

    Examples
    --------
    >>> inflated(int, "3")
    3
    """
    return load(*arguments)
